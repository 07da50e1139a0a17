"""Deadlines as a projection of the log, and what is to be decided when one comes due.

``derive`` reads a log and a policy and gives every deadline that follows; ``next_step`` and ``decide`` read one
deadline's facts. A deadline's steps are its warnings in order and then its breach; a step is reached once its instant
lies in the past (at the due instant itself it can still be met) and only while the deadline was still running. While
a complaint waits for someone else nobody knows when it will be due, so nothing that lies beyond is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from bihuan.clock import as_utc
from bihuan.policy.models import DeadlinePolicy, MilestonePolicy
from bihuan.rules.business_time import BusinessClock, due_elapsed
from bihuan.rules.complaint import DROPS, LogLine, counting, rounds, severity_in_force, terms_in_force
from bihuan.rules.pause import Pause, pauses
from schemas.complaint import Severity
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import Notice


@dataclass(frozen=True, slots=True)
class DerivedDeadline:
    """One deadline as the log and the policy give it."""

    milestone: str
    round: int
    mode: Mode
    target_seconds: float | None
    started_at: datetime
    due_at: datetime
    """Where it is paused: when it would have been due without that pause."""
    warn_at: tuple[datetime, ...]
    """Where it is paused: those that came before."""
    met_at: datetime | None
    cancelled_at: datetime | None
    is_paused: bool = False

    @property
    def ended_at(self) -> datetime | None:
        """When it stopped running, for whichever reason."""
        return self.met_at or self.cancelled_at

    @property
    def state(self) -> DeadlineState:
        """What the whole log says of it."""
        if self.met_at:
            return DeadlineState.ENDED
        if self.cancelled_at:
            return DeadlineState.CANCELLED
        return DeadlineState.PAUSED if self.is_paused else DeadlineState.RUNNING

    @property
    def certain_due_at(self) -> datetime | None:
        """The due instant as far as it can be decided: None while paused."""
        return None if self.is_paused else self.due_at


class Decision(NamedTuple):
    """What reaching a step means."""

    notice: Notice
    instant: datetime
    """The instant of the step."""
    step: int
    """Steps decided from now on: passed ones are not made up for."""
    next_at: datetime | None
    has_ended: bool
    """The matter ended before this was decided: nobody needs telling."""


def derive(log: Sequence[LogLine], policy: DeadlinePolicy, clock: BusinessClock) -> list[DerivedDeadline]:
    """Every deadline that follows from a complaint's log.

    Args:
        log: Its events in any order, one ``registered`` among them.
        policy: The matrix: which event starts a milestone, which ends it, and how long it may take.
        clock: Business time of the calendar that applies.

    Returns:
        One a milestone and round, in the policy's order. A milestone that its round starts and a later round
        overtakes unmet is cancelled at the reopening; one open at a withdrawal or a merge is cancelled then. Instants
        the source promised replace the policy's target, and no pause moves them.
    """
    cut = rounds(log)
    severity, promised = _terms(log)
    found: list[DerivedDeadline] = []
    for number, whole in enumerate(cut, start=1):
        lines = counting(whole)
        dropped_at = lines[-1].occurred_at if lines and lines[-1].kind in DROPS else None
        overtaken_at = cut[number][0].occurred_at if number < len(cut) else None
        waits = pauses(lines)
        for name, milestone in policy.milestones.items():
            if promised is not None and name not in promised:
                continue
            promise = (promised or {}).get(name) if number == 1 else None
            terms = _Terms(severity, promise, dropped_at or overtaken_at, waits, policy)
            if deadline := _in_round(name, milestone, number, lines, terms, clock):
                found.append(deadline)
    return found


@dataclass(frozen=True, slots=True)
class _Terms:
    severity: Severity
    promise: datetime | None
    cancelled_at: datetime | None
    waits: list[Pause]
    policy: DeadlinePolicy


def _terms(log: Sequence[LogLine]) -> tuple[Severity, dict[str, datetime | None] | None]:
    """The severity and the promised instants in force: the last that any event states."""
    stated = terms_in_force(log)
    severity, promised = severity_in_force(log), stated.get("deadlines")
    if promised is None:
        return severity, None
    return severity, {name: as_utc(datetime.fromisoformat(at)) if at else None for name, at in promised.items()}


def _in_round(
    name: str, milestone: MilestonePolicy, number: int, lines: Sequence[LogLine], terms: _Terms, clock: BusinessClock
) -> DerivedDeadline | None:
    start = next((at for at, line in enumerate(lines) if line.kind in milestone.starts), None)
    if start is None:
        return None
    started_at = lines[start].occurred_at
    met_at = next((line.occurred_at for line in lines[start + 1 :] if line.kind in milestone.ends), None)
    due = _due(started_at, met_at, milestone, terms, clock)
    if due is None:
        return None
    cancelled_at = None if met_at else terms.cancelled_at
    is_paused = due.is_paused and not (met_at or cancelled_at)
    return DerivedDeadline(
        name, number, due.mode, due.target_seconds, started_at, due.due_at, due.warn_at, met_at, cancelled_at, is_paused
    )


class _Due(NamedTuple):
    mode: Mode
    target_seconds: float | None
    due_at: datetime
    warn_at: tuple[datetime, ...]
    is_paused: bool = False


def _due(
    started_at: datetime, met_at: datetime | None, milestone: MilestonePolicy, terms: _Terms, clock: BusinessClock
) -> _Due | None:
    """When it is due: promised instants count every hour, the policy's target runs on its clock but for the pauses."""
    if terms.promise:
        span = terms.promise - started_at
        warnings = tuple(started_at + span * share for share in terms.policy.warn) if span > timedelta(0) else ()
        return _Due(Mode.CALENDAR, None, terms.promise, warnings)
    target = milestone.target(terms.severity)
    if target is None:
        return None
    reach = clock.due if target.mode is Mode.BUSINESS else due_elapsed
    over, paused_at = _breaks(terms.waits if milestone.pauses else (), met_at)
    due_at, *shares = (
        reach(started_at, timedelta(seconds=target.seconds * share), over) for share in (1, *terms.policy.warn)
    )
    is_paused = paused_at is not None and paused_at < due_at
    last = paused_at if is_paused and paused_at else due_at
    certain = tuple(at for at in shares if at < due_at and at <= last)
    return _Due(target.mode, target.seconds, due_at, certain, is_paused)


def _breaks(waits: Sequence[Pause], met_at: datetime | None) -> tuple[list[tuple[datetime, datetime]], datetime | None]:
    """The pauses that are over, and since when one lasts; what is met while waiting was paused until then."""
    ends = [(wait.began_at, min(filter(None, (wait.ended_at, met_at)), default=None)) for wait in waits]
    over = [(began_at, ended_at) for began_at, ended_at in ends if ended_at and began_at <= ended_at]
    return over, next((began_at for began_at, ended_at in ends if ended_at is None), None)


def next_step(
    warn_at: Sequence[datetime], due_at: datetime | None, step: int, ended_at: datetime | None
) -> datetime | None:
    """The instant of the first undecided step that falls while the deadline ran; None when there is none.

    ``due_at`` is None while a pause lasts.
    """
    if step > len(warn_at):
        return None
    instant = warn_at[step] if step < len(warn_at) else due_at
    return instant if instant and (ended_at is None or ended_at > instant) else None


def decide(
    warn_at: Sequence[datetime], due_at: datetime | None, step: int, ended_at: datetime | None, at: datetime
) -> Decision | None:
    """What ``at`` finds undecided: the last step reached, which stands for those missed before it.

    Returns:
        None where no undecided step lies before ``at``.
    """
    number, instant, following = step, at, next_step(warn_at, due_at, step, ended_at)
    while following is not None and following < at:
        number, instant = number + 1, following
        following = next_step(warn_at, due_at, number, ended_at)
    if number == step:
        return None
    return Decision(
        notice=Notice.BREACH if number > len(warn_at) else Notice.WARNING,
        instant=instant,
        step=number,
        next_at=following,
        has_ended=ended_at is not None and ended_at <= at,
    )
