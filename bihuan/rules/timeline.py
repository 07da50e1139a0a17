"""A calendar's open time as columns: sorted UTC intervals, each with the working time reached when it ends.

Instants and spans are whole microseconds, instants counted from 1970-01-01T00:00Z. The columns of interval *i* are
``opens[i]``; ``reached[i]``, the working time from the first interval to the end of this one; and ``shift[i]``, the
instant minus the working time at any moment inside it. One bisection then answers either question: working time at
an instant is ``min(at - shift, reached)``, and the first instant at which it reaches a goal is ``goal + shift``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bihuan.clock import as_utc
from bihuan.policy.calendar import WorkCalendar

FIRST_YEAR = 1900
LAST_YEAR = 2200
"""Instants outside these years are refused: a far one is a slip of the pen, and every search has to end somewhere."""

Instants = NDArray[np.int64]
Spans = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)
_MINUTE = 60_000_000
_DAY = 24 * 60 * _MINUTE
_LONG_AGO = -(2**62)


def microseconds(span: timedelta) -> int:
    """The span in whole microseconds."""
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def to_microseconds(at: datetime) -> int:
    """The instant in whole microseconds since 1970-01-01T00:00Z.

    Raises:
        UsageError: ``at`` has no zone.
    """
    try:
        return microseconds(at - _EPOCH)
    except TypeError:
        return microseconds(as_utc(at) - _EPOCH)


def to_instant(at: int) -> datetime:
    """The aware UTC instant of that many microseconds since 1970-01-01T00:00Z."""
    seconds, rest = divmod(at, 1_000_000)
    return _EPOCH + timedelta(0, seconds, rest)


class Timeline:
    """The open time of whole years, immutable.

    A first interval without length, long before all others, spares every search the case of an instant before the
    first opening.
    """

    __slots__ = ("_lists", "begins_at", "ends_at", "first_year", "last_year", "opens", "reached", "shift", "total")

    def __init__(self, first_year: int, last_year: int, opens: Instants, closes: Instants) -> None:
        """Take intervals that are sorted and apart, all those of the local years named."""
        reached = np.cumsum(closes - opens)
        self.first_year, self.last_year = first_year, last_year
        # A local year begins and ends within a day of the UTC one: between these two instants nothing is missing.
        self.begins_at = to_microseconds(datetime(first_year, 1, 2, tzinfo=UTC))
        self.ends_at = to_microseconds(datetime(last_year, 12, 31, tzinfo=UTC))
        self.opens = np.concatenate(([_LONG_AGO], opens))
        self.reached = np.concatenate(([0], reached))
        self.shift = np.concatenate(([_LONG_AGO], closes - reached))
        self.total = int(self.reached[-1])
        # A bisection walks a list twice as fast as an array.
        self._lists: tuple[list[int], ...] = (self.opens.tolist(), self.reached.tolist(), self.shift.tolist())

    def worked(self, at: int) -> int:
        """Working time from the first opening up to the instant."""
        opens, reached, shift = self._lists
        frame = bisect_right(opens, at) - 1
        return min(at - shift[frame], reached[frame])

    def when(self, goal: int) -> int:
        """The first instant at which the working time reaches ``goal``, more than 0 and at most ``total``."""
        _, reached, shift = self._lists
        return goal + shift[bisect_left(reached, goal)]

    def between(self, first: int, last: int) -> list[tuple[int, int]]:
        """The open intervals from the first instant to the last, cut at both."""
        opens, reached, shift = self._lists
        frames = range(bisect_right(opens, first) - 1, bisect_left(opens, last))
        cut = [(max(opens[frame], first), min(reached[frame] + shift[frame], last)) for frame in frames]
        return [(begins, ends) for begins, ends in cut if begins < ends]

    def worked_many(self, at: Instants) -> Spans:
        """``worked`` of each instant."""
        frame = np.searchsorted(self.opens, at, side="right") - 1
        return np.minimum(at - self.shift[frame], self.reached[frame])

    def when_many(self, goals: Spans) -> Instants:
        """``when`` of each goal."""
        return goals + self.shift[np.searchsorted(self.reached, goals)]


@lru_cache(maxsize=128)
def lay_out(calendar: WorkCalendar, first_year: int, last_year: int) -> Timeline:
    """The open time of those years, both included.

    An edge of a frame is the instant at which a clock on the wall first shows it; one that no clock shows, because
    the zone left that hour out, moves forward by what was left out. A frame that so loses its whole length is gone,
    frames that come to touch or overlap are one. A day that the zone left out has no frames.
    """
    frames = np.array(list(_open_frames(calendar, first_year, last_year)), dtype=np.int64).reshape(-1, 2)
    frames = frames[frames[:, 1] > frames[:, 0]]
    opens, closes = frames[np.argsort(frames[:, 0], kind="stable")].T
    latest = np.maximum.accumulate(closes)
    is_first = opens > np.concatenate(([_LONG_AGO], latest))[:-1]
    is_last = latest < np.concatenate((opens, [-_LONG_AGO]))[1:]
    return Timeline(first_year, last_year, opens[is_first], latest[is_last])


def _open_frames(calendar: WorkCalendar, first_year: int, last_year: int) -> Iterator[tuple[int, int]]:
    """Each frame's first and last instant, day by day."""
    day = date(first_year, 1, 1)
    dawn = _instant(calendar, day, 0)
    while day.year <= last_year:
        dusk = _instant(calendar, day + _ONE_DAY, 0)
        for frame in calendar.frames_on(day) if dusk > dawn else ():
            if dusk - dawn == _DAY:  # no change of offset: nothing to look up
                yield dawn + frame.opens * _MINUTE, dawn + frame.closes * _MINUTE
            else:
                yield _instant(calendar, day, frame.opens), _instant(calendar, day, frame.closes)
        day, dawn = day + _ONE_DAY, dusk


def _instant(calendar: WorkCalendar, day: date, minute: int) -> int:
    local = datetime(day.year, day.month, day.day, tzinfo=calendar.zone) + timedelta(minutes=minute)
    return to_microseconds(local)
