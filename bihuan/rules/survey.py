"""When an invitation goes out, is due, is repeated and expires.

An invitation is due with its milestone. It goes out when the policy says, moved to an earlier moment of the contact
window 联系时段 where that would be outside it: a person is asked too early rather than at night or too late.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.policy.survey import Asking
from bihuan.rules.wall_time import next_day, open_from, window_at, window_before

SWEEP_ROOM = timedelta(minutes=15)
"""What goes out at the end of the window goes out so long before it closes: the sweep that sends it has to come."""


class Window(NamedTuple):
    """The times of day between which a person is written to, on the clock of their zone."""

    begins: str
    ends: str
    zone: ZoneInfo


class Times(NamedTuple):
    """The instants of one invitation, UTC."""

    send_at: datetime
    due_at: datetime
    expires_at: datetime


def times(asking: Asking, started_at: datetime, due_at: datetime, window: Window) -> Times:
    """The instants of an invitation.

    Args:
        asking: How it is sent.
        started_at: When what it asks about was handled, or happened.
        due_at: Of its milestone; not before ``started_at``.
        window: Of the person.
    """
    send_at = in_window(started_at, min(started_at + asking.send, due_at), due_at, window)
    return Times(send_at, due_at, max(send_at + asking.expires, due_at))


def in_window(earliest: datetime, wish: datetime, latest: datetime, window: Window) -> datetime:
    """The instant for what is wished at ``wish``: earlier where the window is closed then, later where it has to be.

    In the window wherever it is open at any instant from ``earliest`` to ``latest``, else at ``earliest``; a later
    wish never gives an earlier instant.
    """
    _, closes = found = window_before(wish, *window)
    last = closes - min(SWEEP_ROOM, (closes - found[0]) / 2)
    if wish <= last:
        return wish
    if last >= earliest:
        return last
    opening = open_from(closes, *window)
    return opening if opening <= latest else earliest


def opens_at(at: datetime, window: Window) -> datetime:
    """``at`` where the person may be written to then, else when that is next."""
    return at if window_at(at, *window) else open_from(at, *window)


def held_until(
    due_at: datetime | None, window: Window, at: datetime, written_at: datetime | None = None
) -> datetime | None:
    """Until when a letter to a complainant waits for the window; None where it goes now.

    One whose deadline ends before the window opens goes at once; one that is late already waits all the same.

    Args:
        due_at: Of its deadline, if it has one.
        window: Of the person.
        at: Now.
        written_at: When the person was last written to: on the same day it waits for the next one. None: never.
    """
    is_second = written_at is not None and is_same_day(written_at, at, window.zone)
    opening = opens_next_day(at, window) if is_second else opens_at(at, window)
    may_wait = due_at is None or opening <= due_at or at > due_at
    return opening if opening > at and may_wait else None


def opens_next_day(at: datetime, window: Window) -> datetime:
    """When the person may be written to on the next day of their own."""
    return open_from(next_day(at, window.zone), *window)


def is_same_day(one: datetime, other: datetime, zone: ZoneInfo) -> bool:
    """Whether both fall on one local day."""
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def reminder_at(asking: Asking, reminders: int, contacted_at: datetime, window: Window) -> datetime | None:
    """When whoever has not answered is reminded next; None where that has been often enough.

    Args:
        asking: How it is sent.
        reminders: Those there were.
        contacted_at: When the letter before went out.
        window: Of the person.
    """
    if asking.reminder is None or reminders >= asking.reminder.at_most:
        return None
    return opens_at(contacted_at + asking.reminder.after, window)
