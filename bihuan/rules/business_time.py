"""Business time 工作时间: when a target is due, and how much working time lies between two instants.

Due is the first instant at which the worked time reaches the target, so a target met exactly at closing is due at
closing. Time is real seconds, also across a change to daylight saving. A pause stops the clock; where pauses overlap
each other or closed hours they cost nothing twice. Instants are aware on the way in and UTC on the way out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bihuan.errors import UsageError
from bihuan.policy.calendar import WorkCalendar, parse_calendar
from bihuan.policy.frame import DAYS
from bihuan.rules.timeline import (
    FIRST_YEAR,
    LAST_YEAR,
    Instants,
    Spans,
    Timeline,
    lay_out,
    microseconds,
    to_instant,
    to_microseconds,
)

Pauses = Sequence[tuple[datetime, datetime]]
"""Stretches in which the clock stands still, half open, in any order."""

_SLICE = 1 << 16
_EARLIEST = to_microseconds(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
_LATEST = to_microseconds(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))


class BusinessClock:
    """Counts the open time of one calendar.

    Years are laid out as they are asked for and shared by all clocks of equal calendars, so a clock costs nothing to
    make. Safe to use from several threads.
    """

    __slots__ = ("_timeline", "calendar")

    def __init__(self, calendar: WorkCalendar) -> None:
        """Count on ``calendar``."""
        self.calendar = calendar
        self._timeline: Timeline | None = None

    def due(self, start: datetime, target: timedelta, pauses: Pauses = ()) -> datetime:
        """The first instant at which ``target`` has been worked since ``start``, pauses not counted.

        A pause counts where it begins strictly before the deadline that holds up to then.

        Raises:
            UsageError: ``target`` is not more than zero, an instant has no zone or lies outside 1900 to 2200, a pause
                is reversed, or the calendar never holds that much working time.
        """
        begins, goal = to_microseconds(start), microseconds(target)
        if goal <= 0:
            raise _too_short()
        breaks = list(_breaks(pauses, begins)) if pauses else []
        timeline = self._covering(begins, breaks[-1][1] if breaks else begins)
        goal += timeline.worked(begins)
        for pause, resume in breaks:
            paused_at = timeline.worked(pause)
            if paused_at >= goal:  # due before this pause begins, or just as it does
                break
            goal += timeline.worked(resume) - paused_at
        return to_instant(self._holding(timeline, goal).when(goal))

    def elapsed(self, start: datetime, end: datetime, pauses: Pauses = ()) -> timedelta:
        """Working time from ``start`` to ``end``, pauses not counted; negative, as much the other way, if reversed.

        Raises:
            UsageError: An instant has no zone or lies outside 1900 to 2200, or a pause is reversed.
        """
        begins, ends = to_microseconds(start), to_microseconds(end)
        if ends < begins:
            return -self.elapsed(end, start, pauses)
        timeline = self._covering(begins, ends)
        worked = timeline.worked(ends) - timeline.worked(begins)
        for pause, resume in _breaks(pauses, begins):
            worked -= timeline.worked(min(resume, ends)) - timeline.worked(min(pause, ends))
        return timedelta(microseconds=worked)

    def open_frames(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The open stretches from ``start`` to ``end``, cut at both, in order; frames that touch are one.

        Raises:
            UsageError: An instant has no zone or lies outside 1900 to 2200.
        """
        begins, ends = to_microseconds(start), to_microseconds(end)
        stretches = self._covering(begins, ends).between(begins, ends) if begins < ends else []
        return [(to_instant(opens), to_instant(closes)) for opens, closes in stretches]

    def due_many(self, starts: Instants, targets: Spans) -> Instants:
        """``due`` of each start and target, without pauses.

        Args:
            starts: Microseconds since 1970-01-01T00:00Z, shape (n,), in any order.
            targets: Microseconds, shape (n,), each more than 0.

        Returns:
            Microseconds since 1970-01-01T00:00Z, shape (n,).

        Raises:
            UsageError: As ``due`` for any of them.
        """
        if not starts.size:
            return starts
        if targets.min() <= 0:
            raise _too_short()
        if targets.max() > _LATEST - _EARLIEST:
            raise _too_long()
        timeline = self._covering(int(starts.min()), int(starts.max()))
        goals = _on_all_cores(lambda start, target: timeline.worked_many(start) + target, starts, targets)
        return _on_all_cores(self._holding(timeline, int(goals.max())).when_many, goals)

    def elapsed_many(self, starts: Instants, ends: Instants) -> Spans:
        """``elapsed`` of each start and end, without pauses.

        Args:
            starts: Microseconds since 1970-01-01T00:00Z, shape (n,), in any order.
            ends: The same, shape (n,).

        Returns:
            Microseconds, shape (n,), negative where an end lies before its start.

        Raises:
            UsageError: An instant lies outside 1900 to 2200.
        """
        if not starts.size:
            return starts
        timeline = self._covering(int(min(starts.min(), ends.min())), int(max(starts.max(), ends.max())))
        return _on_all_cores(lambda start, end: timeline.worked_many(end) - timeline.worked_many(start), starts, ends)

    def _covering(self, first: int, last: int) -> Timeline:
        """A timeline that lacks nothing between the two instants."""
        timeline = self._timeline
        if timeline and timeline.begins_at <= first and last < timeline.ends_at:
            return timeline
        first_year, last_year = _year(first) - 1, _year(last) + 1
        if timeline:
            first_year, last_year = min(first_year, timeline.first_year), max(last_year, timeline.last_year)
        return self._keep(first_year, last_year)

    def _holding(self, timeline: Timeline, goal: int) -> Timeline:
        """``timeline``, or one that goes on from it until it holds ``goal`` of working time."""
        while goal > timeline.total:
            if timeline.last_year > LAST_YEAR:
                raise _too_long()
            years = timeline.last_year + 1 - timeline.first_year
            timeline = self._keep(timeline.first_year, min(timeline.last_year + years, LAST_YEAR + 1))
        return timeline

    def _keep(self, first_year: int, last_year: int) -> Timeline:
        self._timeline = lay_out(self.calendar, first_year, last_year)
        return self._timeline


def _year(at: int) -> int:
    if not _EARLIEST <= at < _LATEST:
        raise UsageError(f"an instant lies outside the years {FIRST_YEAR} to {LAST_YEAR}", cure="correct its year")
    return to_instant(at).year


def _too_short() -> UsageError:
    return UsageError("a target must be more than zero", cure="give the time that may be used")


def _too_long() -> UsageError:
    return UsageError(
        f"the calendar holds too little working time for the target, up to the year {LAST_YEAR}",
        cure="give the calendar more frames, or a shorter target",
    )


def _breaks(pauses: Pauses, since: int) -> Iterator[tuple[int, int]]:
    """The pauses in order and without overlap, from ``since`` on."""
    for pause, resume in sorted((to_microseconds(pause), to_microseconds(resume)) for pause, resume in pauses):
        if resume < pause:
            raise UsageError("a pause ends before it begins", cure="give its two instants in order")
        if resume > since:
            yield max(pause, since), resume
            since = resume


def _on_all_cores(count: Callable[..., NDArray[np.int64]], *columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """``count`` of the columns, in slices side by side: numpy's searches let go of the interpreter."""
    slices = -(-columns[0].size // _SLICE)
    if slices == 1:
        return count(*columns)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(count, *(np.array_split(column, slices) for column in columns))))


every_hour = BusinessClock(parse_calendar({"timezone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in DAYS}}))
"""The clock of mode ``calendar``: business time of a calendar that never closes."""

due_elapsed = every_hour.due
