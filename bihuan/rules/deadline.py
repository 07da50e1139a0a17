"""Deadlines as a projection of the log, and what is to be decided when one comes due.

``derive`` reads a log and the book of the policy and gives every deadline that follows; ``next_step`` and ``decide``
read one deadline's facts. A deadline's steps are its warnings in order and then its breach; a step is reached once its
instant lies in the past (at the due instant itself it can still be met) and only while the deadline was still running.
While a complaint waits for someone else nobody knows when it will be due, so nothing that lies beyond is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine
from bihuan.rules.due import Due
from bihuan.rules.track import NOTHING_SETTLED, Key, Track, tracks
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import Notice

SHARED = ""
"""Whose clock it is where the complaint went to another department before it was due or met: no single one's."""


@dataclass(frozen=True, slots=True)
class DerivedDeadline:
    """One deadline as the log and the policy give it."""

    milestone: str
    round: int
    leg: int
    """0: the promise to the complainant; from 1 on the clock of each department that got the complaint later."""
    department: str | None
    """Code of the department it is measured by; None where the log names none, ``SHARED`` where it is no single one."""
    recorded_at: datetime
    """When the event that started it was recorded."""
    started_at: datetime
    due: Due
    met_at: datetime | None
    cancelled_at: datetime | None

    @property
    def key(self) -> Key:
        """What tells it from the complaint's others."""
        return self.milestone, self.round, self.leg

    @property
    def due_at(self) -> datetime:
        """Where it is paused: when it would have been due without that pause."""
        return self.due.due_at

    @property
    def warn_at(self) -> tuple[datetime, ...]:
        """The instants of its warnings; where it is paused, those that came before."""
        return self.due.warn_at

    @property
    def mode(self) -> Mode:
        """The clock it runs on."""
        return self.due.mode

    @property
    def target_seconds(self) -> float | None:
        """Working seconds it may take; None where the source promised the instant."""
        return self.due.target_seconds

    @property
    def ended_at(self) -> datetime | None:
        """When it stopped running, for whichever reason."""
        return self.met_at or self.cancelled_at

    @property
    def is_paused(self) -> bool:
        """A wait that lasts leaves its due instant open."""
        return self.due.is_paused and not self.ended_at

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


def derive(
    log: Sequence[LogLine], book: PolicyBook, settled: Mapping[Key, datetime] = NOTHING_SETTLED
) -> list[DerivedDeadline]:
    """Every deadline that follows from a complaint's log.

    Args:
        log: Its events in any order, one ``registered`` among them.
        book: The editions of the policy: which event starts a milestone, which ends it, and how long it may take.
        settled: When deadlines were due while they ran here: no edition reaches them after that, whatever is known now.

    Returns:
        One a milestone and round, in the policy's order, followed by one for each department that got the complaint
        later where the milestone gives it a clock of its own. What a reopening overtakes unmet is cancelled then, what
        is open at a withdrawal or a merge likewise, what changed terms take the target from likewise. Instants the
        source promised replace the policy's target, and no pause moves them.
    """
    return [derived for track in tracks(log, book, settled) if (derived := _derived(track))]


def _derived(track: Track) -> DerivedDeadline | None:
    *_, last = track.counts
    due = last.due or last.given_up
    if due is None:
        return None
    course, cancelled_at, met_at = track.course, track.cancelled_at, track.course.met_at
    if last.due is None:  # changed terms took its target away while it was open
        met_at, cancelled_at = None, last.at
    return DerivedDeadline(
        course.milestone, track.round, track.leg, _measured_by(track, due, met_at), track.recorded_at,
        course.started_at, due, met_at, cancelled_at,
    )  # fmt: skip


def _measured_by(track: Track, due: Due, met_at: datetime | None) -> str | None:
    """The department, unless another one got the complaint before it was due or met."""
    handed_over_at, department = track.transferred_at, track.course.department
    is_whole = track.leg == 0
    if is_whole and handed_over_at and (due.is_paused or handed_over_at < min(filter(None, (met_at, due.due_at)))):
        return SHARED
    return department


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
