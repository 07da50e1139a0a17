"""Climbing a ladder 升级: which rung is told next, whom it reaches, and when the one after it comes.

One rung at a time: however late a sweep is, the next rung waits from when the one before was told. So an outage never
ends in a burst, and nobody above is told before those below had their time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.policy.escalation import LadderPolicy, RungPolicy, weekday_numbers
from bihuan.rules.business_time import BusinessClock, every_hour
from bihuan.rules.roster import Found, address_of, parts_of
from bihuan.rules.wall_time import open_from
from schemas.complaint import EventKind
from schemas.deadline import Mode

Resolve = Callable[[str, Sequence[str]], Found]
"""Whom a target reaches, by certain channels."""
IS_NO_WORK = frozenset({EventKind.REGISTERED, EventKind.AMENDED, EventKind.AUTOMATIC_REPLY,
                        EventKind.ANSWERED_NEGATIVE})  # fmt: skip
"""News that do not show that somebody works on the matter."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a ladder: the round of it, from 0, and the rung, from 1; rung 0 is before the first."""

    cycle: int
    rung: int


@dataclass(frozen=True, slots=True)
class Climb:
    """What telling the next rung comes to.

    Attributes:
        place: The rung that is told; where nobody can be reached on any rung left, the last one.
        told: Recipients with their channel; empty where everybody was told in this cycle already, or nobody is found.
        passed: Of each target that reached nobody: ``RUNG TARGET REASON``.
        is_unheard: Nobody can be reached on any rung left, so whoever hears of what nobody can be told must be.
        is_held: Nobody was reached up to ``place``, and the rung above it waits until its hours open.
    """

    place: Place
    told: tuple[tuple[str, str], ...]
    passed: tuple[str, ...] = ()
    is_unheard: bool = False
    is_held: bool = False


def next_place(ladder: LadderPolicy, at: Place) -> Place | None:
    """The place after ``at``: the rung above, else the rung a repeat starts from; None at the very end."""
    if at.rung < len(ladder.rungs):
        return Place(at.cycle, at.rung + 1)
    if ladder.repeat and at.cycle < ladder.repeat.at_most:
        return Place(at.cycle + 1, ladder.repeat.start)
    return None


def climb(ladder: LadderPolicy, start: Place, told_before: Container[tuple[str, str]], resolve: Resolve,
          is_open: Callable[[RungPolicy], bool]) -> Climb:  # fmt: skip
    """Tell the rung at ``start``, or where it reaches nobody the next one that does: at once, or when its hours open.

    Nobody is told twice by one way in a cycle: a rung that names only people told before is told to no one, and its
    silence counts all the same.

    Args:
        ladder: The one in force when the escalation started.
        start: The place that is to be told.
        told_before: Recipients and channels of lower rungs in this cycle.
        resolve: Whom a target reaches now.
        is_open: Whether a rung may be told now; the one at ``start`` may.
    """
    passed: list[str] = []
    for number in range(start.rung, len(ladder.rungs) + 1):
        rung = ladder.rungs[number - 1]
        if number > start.rung and not is_open(rung):
            return Climb(Place(start.cycle, number - 1), (), tuple(passed), is_held=True)
        found, unreached = _reached(number, rung, resolve)
        passed += unreached
        if found:
            told = tuple(one for one in found if one not in told_before)
            return Climb(Place(start.cycle, number), told, tuple(passed))
    return Climb(Place(start.cycle, len(ladder.rungs)), (), tuple(passed), is_unheard=True)


def _reached(number: int, rung: RungPolicy, resolve: Resolve) -> tuple[list[tuple[str, str]], list[str]]:
    """Recipients of a rung without repeats, and the targets that reached nobody."""
    answers = {target: resolve(target, rung.channels) for target in rung.tell}
    found = dict.fromkeys(one for answer in answers.values() for one in answer.recipients)
    return list(found), [f"{number} {target} {answer.reason}" for target, answer in answers.items() if answer.reason]


def written(told: Sequence[tuple[str, str]]) -> list[str]:
    """Recipients with their channels as a step keeps them."""
    return [address_of(recipient, channel) for recipient, channel in told]


def read(told: Sequence[str]) -> set[tuple[str, str]]:
    """What ``written`` wrote."""
    return set(map(parts_of, told))


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks of one complaint: its working calendar, in whose zone rungs have their hours."""

    business: BusinessClock

    @property
    def zone(self) -> ZoneInfo:
        """Where rungs have their hours."""
        return self.business.calendar.zone

    def after(self, at: datetime, span: timedelta, mode: Mode) -> datetime:
        """The instant at which so much time has passed on that clock."""
        return (self.business if mode is Mode.BUSINESS else every_hour).due(at, span)

    def next_at(self, ladder: LadderPolicy, told: Place, at: datetime) -> datetime | None:
        """When the place after ``told`` comes, if ``told`` was told at ``at``; None where none is left."""
        following = next_place(ladder, told)
        if following is None:
            return None
        rung = ladder.rungs[following.rung - 1]
        if following.cycle > told.cycle and ladder.repeat:
            comes = self.after(at, ladder.repeat.every, ladder.repeat.clock)
        else:
            comes = self.after(at, rung.wait or timedelta(minutes=1), rung.clock)
        return self.opening(rung, comes)

    def opening(self, rung: RungPolicy, at: datetime) -> datetime:
        """``at``, or when the rung's hours and weekdays next allow it."""
        if not (rung.hours or rung.weekdays):
            return at
        begins, ends = rung.hours or ("00:00", "00:00")
        return open_from(at, begins, ends, self.zone, weekday_numbers(rung.weekdays))

    def holds_until(self, ladder: LadderPolicy, since: datetime) -> datetime | None:
        """How long an acknowledgement lasts from ``since`` on; None where the ladder cannot be stopped."""
        how = ladder.acknowledgement
        return self.after(since, how.holds, how.clock) if how else None
