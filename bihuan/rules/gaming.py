"""What the log of one complaint says that may be a sign of gaming: clocks stopped late, handling that did not hold.

Nothing here accuses anybody: these are the facts that are counted, and the instants by which people find them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from bihuan.policy.deadline import PauseBudget
from bihuan.rules.business_time import BusinessClock, every_hour
from bihuan.rules.complaint import LogLine, counting, rounds
from bihuan.rules.pause import Pause, pauses, within_budget
from bihuan.rules.terms import HANDS_OVER
from schemas.complaint import EventKind
from schemas.deadline import Mode

ClockOf = Callable[[str], BusinessClock]
"""The business clock of a calendar version."""

NO_BUDGET = PauseBudget()
HANDLES = (EventKind.HANDLED, EventKind.CLOSED)
NAMES = (EventKind.REGISTERED, *HANDS_OVER)
"""The events that may name whoever is in charge."""


class Held(Protocol):
    """A deadline with a target, as it is stored."""

    round: int
    mode: Mode
    target_seconds: float
    started_at: datetime
    met_at: datetime | None
    cancelled_at: datetime | None
    calendar_version: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A pause that stopped a running clock, and the share of the target that was used by then, 0 up to below 1."""

    began_at: datetime
    used_ratio: float


@dataclass(frozen=True, slots=True)
class Handling:
    """A round that was handled. ``reopened_at`` is None where it held."""

    handled_at: datetime
    reopened_at: datetime | None


class Charge(NamedTuple):
    """Codes of the department and the handler in charge; None where there is none."""

    department: str | None
    handler: str | None


def stops(
    log: Sequence[LogLine], held: Sequence[Held], clock_of: ClockOf, budget: PauseBudget = NO_BUDGET
) -> list[Stop]:
    """The pauses that stopped a running clock, in order, each once.

    Args:
        log: The complaint's events, in any order.
        held: Its deadlines whose clock pauses. A pause that stopped several counts by the one that was furthest on.
        clock_of: The clock that business deadlines run on.
        budget: How much waiting stops a clock; what goes beyond stopped nothing.

    Returns:
        None for a pause that began before the clock did, after the deadline was due, met or cancelled, or that lay in
        closed hours as a whole: it moved nothing.
    """
    found = []
    for number, whole in enumerate(rounds(log), start=1):
        waits = within_budget(pauses(counting(whole)), budget)
        running = [deadline for deadline in held if deadline.round == number]
        for place, wait in enumerate(waits):
            used = [_used(deadline, wait, waits[:place], clock_of) for deadline in running]
            if ratios := [ratio for ratio in used if ratio is not None]:
                found.append(Stop(wait.began_at, max(ratios)))
    return found


def _used(deadline: Held, wait: Pause, earlier: Sequence[Pause], clock_of: ClockOf) -> float | None:
    """The share of the target worked when the pause began; None where it did not stop this clock."""
    over_at = deadline.met_at or deadline.cancelled_at
    if wait.began_at < deadline.started_at or (over_at and over_at <= wait.began_at):
        return None
    clock = clock_of(deadline.calendar_version) if deadline.mode is Mode.BUSINESS else every_hour
    goes_on_at = min(filter(None, (wait.ended_at, over_at)), default=None)
    if goes_on_at and not clock.elapsed(wait.began_at, goes_on_at):
        return None
    breaks = [(pause.began_at, pause.ended_at) for pause in earlier if pause.ended_at]
    used = clock.elapsed(deadline.started_at, wait.began_at, breaks) / timedelta(seconds=deadline.target_seconds)
    return used if used < 1 else None


def handlings(log: Sequence[LogLine]) -> list[Handling]:
    """The rounds of a log that were handled or closed, in order; one that was withdrawn or merged before is none."""
    cut = rounds(log)
    again = [*(later[0].occurred_at for later in cut[1:]), None]
    handled = [
        next((line.occurred_at for line in counting(whole) if line.kind in HANDLES), None) for whole in cut
    ]  # fmt: skip
    return [Handling(at, reopened_at) for at, reopened_at in zip(handled, again, strict=True) if at]


def in_charge(log: Sequence[LogLine], at: datetime, today: Charge, department_of: Mapping[str, str]) -> Charge:
    """Who was in charge at ``at``: whoever is today, unless the log says that it was handed over since.

    Args:
        log: The complaint's events, in any order.
        at: The instant asked for.
        today: Who is in charge now.
        department_of: The department of each member of staff, by codes; whoever it does not know is nobody.
    """
    said = sorted((line for line in log if line.kind in NAMES and _says_who(line)), key=_when)
    if not any(line.occurred_at > at and line.kind in HANDS_OVER for line in said):
        return today
    charge = Charge(None, None)
    for line in said:
        if line.occurred_at <= at or line.kind is EventKind.REGISTERED:
            charge = _after(line, charge, department_of)
    return charge


def _when(line: LogLine) -> tuple[bool, datetime, datetime, str]:
    return line.kind is not EventKind.REGISTERED, line.occurred_at, line.recorded_at, line.kind


def _says_who(line: LogLine) -> bool:
    return bool(line.data.get("handler") or line.data.get("department"))


def _after(line: LogLine, charge: Charge, department_of: Mapping[str, str]) -> Charge:
    department, handler = line.data.get("department"), line.data.get("handler")
    if line.kind is EventKind.DEPARTMENT_CHANGED:
        return Charge(department, None)
    if handler and handler in department_of:
        return Charge(department or department_of[handler], handler)
    return Charge(department or charge.department, charge.handler)
