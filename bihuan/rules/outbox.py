"""The rules of the sending ledger: a message's identity, and when a failed sending is tried again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

MAX_ATTEMPTS = 6
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)


def message_key(subject: str, duty: str, recipient: str, channel: str, slot: str, rung: int = 0) -> str:
    """The identity of a message: the database lets each exist once.

    Args:
        subject: Kind and id of what it is about, ``complaint:17``.
        duty: The milestone, or what else is owed.
        recipient: ``staff:3`` and the like.
        channel: The way it goes.
        slot: Which occasion of this duty, see ``slot``.
        rung: Step of the ladder, 0 below it.
    """
    return f"{subject}|{duty}|{rung}|{recipient}|{channel}|{slot}"


def slot(round_: int, leg: int, due_at: datetime, what: str) -> str:
    """The occasion of a deadline's notice: a moved due instant makes a new one."""
    return f"{occasion_of(round_, leg, due_at)} {what}"


def occasion_of(round_: int, leg: int, due_at: datetime) -> str:
    """What the slots of one due instant have in common."""
    return f"{round_}.{leg}@{due_at.isoformat()}"


def occasion(key: str) -> tuple[datetime, int | None]:
    """The due instant a deadline's notice spoke of, and the number of the warning; None for the breach."""
    when, what, *number = key.rpartition("@")[2].split(" ")
    return datetime.fromisoformat(when), int(number[0]) if what == "warning" else None


def repeat_of(key: str) -> int:
    """Which repeat of its ladder a message belongs to; 0 before any."""
    _, is_repeat, number = key.rpartition(" repeat ")
    return int(number) if is_repeat else 0


def retry_wait(attempts: int, dice: random.Random) -> timedelta | None:
    """How long to wait after the ``attempts``-th failure: doubling, capped, spread by up to a quarter.

    Returns:
        None once no further attempt is worth making.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    doubled: timedelta = _FIRST_WAIT * 2 ** (attempts - 1)
    return min(doubled, _LONGEST_WAIT) * dice.uniform(1.0, 1.25)
