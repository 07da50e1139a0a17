"""The book of the policy: every edition of the deadlines and the calendars that this installation has used, in order.

An edition of the deadlines counts for what starts from its effective instant on; it reaches what is open only where it
was applied to that. A calendar says what the days are: its newest edition counts for everything still open.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from bihuan.policy.calendar import CalendarPolicy, WorkCalendar
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.scope import Facts
from schemas.complaint import EventKind

EVER = datetime.min.replace(tzinfo=UTC)
"""Since when the first edition counts."""


@dataclass(frozen=True, slots=True)
class DeadlineEdition:
    """One edition of the deadlines."""

    policy: DeadlinePolicy
    recorded_at: datetime = EVER
    effective_at: datetime = EVER
    applied_at: datetime | None = None
    """When it was applied to what was open; None: it never was."""


@dataclass(frozen=True, slots=True)
class CalendarEdition:
    """One edition of the calendars."""

    calendars: CalendarPolicy
    recorded_at: datetime = EVER

    def calendar(self, facts: Facts) -> WorkCalendar:
        """The calendar that counts for a complaint of these facts."""
        return self.calendars[self.calendars.name_for(facts)]


class PolicyBook:
    """The editions in the order in which they were recorded; never empty."""

    def __init__(self, deadlines: Sequence[DeadlineEdition], calendars: Sequence[CalendarEdition]) -> None:
        """Take the editions; one that was replaced before its effective instant never counts."""
        self._recorded = tuple(deadlines), tuple(calendars)
        first, *later = deadlines
        self.deadlines = tuple(_never_replaced([replace(first, effective_at=EVER), *later]))
        self.calendars = tuple(calendars)
        self._effective = [edition.effective_at for edition in self.deadlines]
        self._calendar_since = [EVER, *(edition.recorded_at for edition in self.calendars[1:])]
        applied = [edition.applied_at for edition in deadlines if edition.applied_at]
        recorded = [*(one.recorded_at for one in deadlines), *(one.recorded_at for one in calendars)]
        self._changes = sorted([*applied, *recorded])
        self._as_of: dict[int, PolicyBook] = {}

    @classmethod
    def of(cls, deadline: DeadlinePolicy, calendars: CalendarPolicy) -> PolicyBook:
        """A book of one edition that has always counted."""
        return cls([DeadlineEdition(deadline)], [CalendarEdition(calendars)])

    @cached_property
    def milestones(self) -> tuple[str, ...]:
        """Every milestone of any edition, in the order of the newest that has it."""
        return tuple(dict.fromkeys(name for edition in reversed(self.deadlines) for name in edition.policy.milestones))

    @cached_property
    def followed(self) -> frozenset[str]:
        """The milestones of any edition that start with the handling: what a survey may follow up."""
        return frozenset(
            name for edition in self.deadlines for name, one in edition.policy.milestones.items()
            if EventKind.HANDLED in one.starts
        )  # fmt: skip

    @cached_property
    def later_applications(self) -> tuple[tuple[datetime, DeadlineEdition], ...]:
        """When editions were applied to what was open, in order."""
        applied = [(edition.applied_at, edition) for edition in self.deadlines if edition.applied_at]
        return tuple(sorted(applied, key=lambda one: one[0]))

    @cached_property
    def later_calendars(self) -> tuple[tuple[datetime, CalendarEdition], ...]:
        """When calendars were replaced, in order."""
        return tuple((edition.recorded_at, edition) for edition in self.calendars[1:])

    def deadline_at(self, at: datetime) -> DeadlineEdition:
        """The edition that sets what starts at that instant."""
        return self.deadlines[bisect_right(self._effective, at) - 1]

    def calendar_at(self, at: datetime) -> CalendarEdition:
        """The calendars as they were known at that instant."""
        return self.calendars[bisect_right(self._calendar_since, at) - 1]

    @property
    def newest(self) -> tuple[DeadlineEdition, CalendarEdition]:
        """The editions recorded last."""
        deadlines, calendars = self._recorded
        return deadlines[-1], calendars[-1]

    @cached_property
    def turns(self) -> tuple[datetime, ...]:
        """The instants at which what was open was derived again."""
        return tuple(sorted(at for at, _ in (*self.later_applications, *self.later_calendars)))

    def as_of(self, at: datetime) -> PolicyBook:
        """The book as it stood then: what was recorded or applied later is not in it."""
        place = bisect_right(self._changes, at)
        if place not in self._as_of:
            self._as_of[place] = self._known_at(at)
        return self._as_of[place]

    def _known_at(self, at: datetime) -> PolicyBook:
        deadlines, calendars = self._recorded
        known = [_as_of(edition, at) for edition in deadlines if edition.recorded_at <= at] or [
            _as_of(deadlines[0], at)
        ]
        dated = [edition for edition in calendars if edition.recorded_at <= at] or [calendars[0]]
        is_whole = len(dated) == len(calendars) and known == list(deadlines)
        return self if is_whole else PolicyBook(known, dated)

    def calendar_of(self, version: str) -> tuple[str, WorkCalendar] | None:
        """Name and calendar of that version, the newest edition first; None where no edition has it."""
        for edition in reversed(self.calendars):
            for name, calendar in edition.calendars.items():
                if calendar.version == version:
                    return name, calendar
        return None


def _as_of(edition: DeadlineEdition, at: datetime) -> DeadlineEdition:
    is_ahead = edition.applied_at is not None and edition.applied_at > at
    return replace(edition, applied_at=None) if is_ahead else edition


def _never_replaced(editions: Sequence[DeadlineEdition]) -> Iterator[DeadlineEdition]:
    """Those that no later one replaced before they became effective."""
    for place, edition in enumerate(editions):
        if all(edition.effective_at <= later.recorded_at for later in editions[place + 1 :]):
            yield edition
