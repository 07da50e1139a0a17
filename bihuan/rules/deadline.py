"""Deadlines as a projection of the log, and what is to be decided when one comes due.

``derive`` reads a log and a policy and gives every deadline that follows; ``next_step`` and ``decide`` read one
deadline's facts. A deadline's steps are its warnings in order and then its breach; a step is reached once its instant
lies in the past (at the due instant itself it can still be met) and only while the deadline was still running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from bihuan.clock import as_utc
from bihuan.policy.models import DeadlinePolicy, MilestonePolicy
from bihuan.rules.business_time import BusinessClock, due_elapsed
from bihuan.rules.complaint import LogLine, rounds, terms_in_force
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
    warn_at: tuple[datetime, ...]
    met_at: datetime | None
    cancelled_at: datetime | None

    @property
    def ended_at(self) -> datetime | None:
        """When it stopped running, for whichever reason."""
        return self.met_at or self.cancelled_at

    @property
    def state(self) -> DeadlineState:
        """What the whole log says of it."""
        if self.met_at:
            return DeadlineState.ENDED
        return DeadlineState.CANCELLED if self.cancelled_at else DeadlineState.RUNNING


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
        overtakes unmet is cancelled at the reopening. Instants the source promised replace the policy's target.
    """
    cut = rounds(log)
    severity, promised = _terms(log)
    found: list[DerivedDeadline] = []
    for number, lines in enumerate(cut, start=1):
        overtaken_at = cut[number][0].occurred_at if number < len(cut) else None
        for name, milestone in policy.milestones.items():
            if promised is not None and name not in promised:
                continue
            promise = (promised or {}).get(name) if number == 1 else None
            deadline = _in_round(name, milestone, number, lines, _Terms(severity, promise, overtaken_at, policy), clock)
            if deadline:
                found.append(deadline)
    return found


@dataclass(frozen=True, slots=True)
class _Terms:
    severity: Severity
    promise: datetime | None
    overtaken_at: datetime | None
    policy: DeadlinePolicy


def _terms(log: Sequence[LogLine]) -> tuple[Severity, dict[str, datetime | None] | None]:
    """The severity and the promised instants in force: the last that any event states."""
    stated = terms_in_force(log)
    severity, promised = Severity(stated.get("severity", Severity.GENERAL)), stated.get("deadlines")
    if promised is None:
        return severity, None
    return severity, {name: as_utc(datetime.fromisoformat(at)) if at else None for name, at in promised.items()}


def _in_round(
    name: str, milestone: MilestonePolicy, number: int, lines: list[LogLine], terms: _Terms, clock: BusinessClock
) -> DerivedDeadline | None:
    start = next((at for at, line in enumerate(lines) if line.kind in milestone.starts), None)
    if start is None:
        return None
    started_at = lines[start].occurred_at
    due = _due(started_at, milestone, terms, clock)
    if due is None:
        return None
    mode, target_seconds, due_at, warn_at = due
    met_at = next((line.occurred_at for line in lines[start + 1 :] if line.kind in milestone.ends), None)
    return DerivedDeadline(
        name, number, mode, target_seconds, started_at, due_at, warn_at, met_at, None if met_at else terms.overtaken_at
    )


def _due(
    started_at: datetime, milestone: MilestonePolicy, terms: _Terms, clock: BusinessClock
) -> tuple[Mode, float | None, datetime, tuple[datetime, ...]] | None:
    """Mode, target, due instant and warnings: promised ones count every hour, the policy's run on its clock."""
    if terms.promise:
        span = terms.promise - started_at
        warnings = tuple(started_at + span * share for share in terms.policy.warn) if span > timedelta(0) else ()
        return Mode.CALENDAR, None, terms.promise, warnings
    target = milestone.target(terms.severity)
    if target is None:
        return None
    reach = clock.due if target.mode is Mode.BUSINESS else due_elapsed
    due_at = reach(started_at, timedelta(seconds=target.seconds))
    warnings = tuple(reach(started_at, timedelta(seconds=target.seconds * share)) for share in terms.policy.warn)
    return target.mode, target.seconds, due_at, tuple(at for at in warnings if at < due_at)


def next_step(warn_at: Sequence[datetime], due_at: datetime, step: int, ended_at: datetime | None) -> datetime | None:
    """The instant of the first undecided step that falls while the deadline ran; None when there is none."""
    if step > len(warn_at):
        return None
    instant = warn_at[step] if step < len(warn_at) else due_at
    return instant if ended_at is None or ended_at > instant else None


def decide(
    warn_at: Sequence[datetime], due_at: datetime, step: int, ended_at: datetime | None, at: datetime
) -> Decision | None:
    """What ``at`` finds undecided: the last step reached, which stands for those missed before it.

    Returns:
        None where no undecided step lies before ``at``.
    """
    number, instant, following = step, due_at, next_step(warn_at, due_at, step, ended_at)
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
