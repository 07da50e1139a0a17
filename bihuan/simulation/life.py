"""What becomes of a simulated complaint: who does what and when, to its end. Mostly in time; late or twice at times."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from bihuan.rules.negative import PHONE
from bihuan.simulation.arrival import ZONE, Way
from bihuan.simulation.catalogue import DONE, HABITS, LIMITS, PLANS, WAITED_FOR
from schemas.complaint import EventIn, EventKind, Severity

SCRIPTED = "script:"
"""Start of the key of every scripted event; work in a log that lacks it was done by somebody."""
_OPENS, _SHIFT = timedelta(hours=8, minutes=30), timedelta(hours=12)
"""General complaints are worked on in this shift, every day; urgent and major ones around the clock."""
_FAR = 1.8
_SPREAD = 0.6
_REOPENED, _NEGATIVE, _WAITS = 0.06, 0.07, 0.08
_TOLD_LATE, _FOLLOWED_UP_LATE = 0.03, 0.04
_MOMENT, _MINUTE, _HOUR = timedelta(seconds=20), timedelta(minutes=1), timedelta(hours=1)
"""Nothing happens less than a moment after what came before: the product needs some to assign."""


class Tempo(NamedTuple):
    """How people work on the complaints of one way."""

    haste: float
    """Their usual times are divided by it: in the live part an hour passes in minutes."""
    response_late: float
    handling_late: float
    """Shares of the complaints in which that step takes longer than its limit."""


_TEMPO = {
    Way.PAST: Tempo(1, 0.04, 0.04),
    Way.LIVE: Tempo(12, 0.2, 0.04),
    Way.UNANSWERED: Tempo(12, 1, 0),
    Way.UNHANDLED: Tempo(1, 0, 1),
}


@dataclass(frozen=True, slots=True)
class Course:
    """What decides how a complaint's life goes."""

    way: Way
    registered_at: datetime
    severity: Severity
    department: str
    handler: str
    """Staff code."""
    actor: str
    """The same person's name."""
    is_far: bool


def write_life(chance: random.Random, course: Course) -> tuple[EventIn, ...]:
    """Every event after registration, in order, from the first assignment to closing.

    A live complaint's script has no assignment: the product assigns it.
    """
    life = _Life(chance, course)
    _take_up(life)
    handled_at = _solve(life, course.registered_at)
    if life.happens(_REOPENED):
        handled_at = _solve(life, life.add(EventKind.REOPENED, life.usual(6 * _HOUR)))
    _follow_up(life, handled_at)
    if life.happens(_NEGATIVE):
        _win_back(life)
    life.add(EventKind.CLOSED, life.usual(_HOUR))
    return tuple(life.events)


class _Life:
    """A log being written; ``at`` is where the pen stands."""

    def __init__(self, chance: random.Random, course: Course) -> None:
        self.chance = chance
        self.course = course
        self.tempo = _TEMPO[course.way]
        self.limits = LIMITS[course.severity]
        self.habit = HABITS[course.severity]
        self.at = course.registered_at
        self.events: list[EventIn] = []
        self._has_shifts = course.way is Way.PAST and course.severity is Severity.GENERAL

    def happens(self, ratio: float) -> bool:
        """Whether something comes true that does so in this share of all lives."""
        return self.chance.random() < ratio

    def between(self, low: float, high: float, unit: timedelta) -> timedelta:
        """Any span from ``low`` to ``high`` units."""
        return self.chance.uniform(low, high) * unit

    def usual(self, median: timedelta) -> timedelta:
        """A span as people take it: around ``median`` with a long tail, shorter where they are in haste."""
        return median * (self.chance.lognormvariate(0, _SPREAD) / self.tempo.haste)

    def add(self, kind: EventKind, wait: timedelta, *, since: datetime | None = None, **data: str) -> datetime:
        """Write the next event ``wait`` after ``since``, or after the one before, once somebody is on duty."""
        reached = max((since or self.at) + wait, self.at + _MOMENT).replace(microsecond=0)
        self.at = self._on_duty(reached) if self._has_shifts else reached
        self.events.append(EventIn(kind=kind, occurred_at=self.at, actor=self.course.actor,
                                   key=f"{SCRIPTED}{len(self.events)}", data=data))  # fmt: skip
        return self.at

    def _on_duty(self, at: datetime) -> datetime:
        """``at``, or some minutes into the next shift."""
        local = at.astimezone(ZONE)
        opening = datetime.combine(local.date(), time(), ZONE) + _OPENS
        if opening <= local <= opening + _SHIFT:
            return at
        opening += timedelta(days=local > opening)
        return (opening + self.between(0, 40, _MINUTE)).astimezone(at.tzinfo).replace(microsecond=0)


def _take_up(life: _Life) -> None:
    course = life.course
    if course.way is not Way.LIVE:
        life.add(EventKind.ASSIGNED, life.usual(life.habit.assigned),
                 department=course.department, handler=course.handler)  # fmt: skip
    if life.happens(life.tempo.response_late):
        life.add(EventKind.RESPONDED, life.between(1.2, 1.8, life.limits.responded), since=course.registered_at)
    else:
        life.add(EventKind.RESPONDED, life.usual(life.habit.responded))


def _solve(life: _Life, since: datetime) -> datetime:
    """Handle it and tell the result; the instant of handling."""
    is_planted = life.course.way in {Way.UNANSWERED, Way.UNHANDLED}  # a wait would move what they are to miss
    if not is_planted and life.happens(_WAITS):
        life.add(EventKind.WAITING, life.usual(_HOUR), reason=life.chance.choice(WAITED_FOR))
        life.add(EventKind.RESUMED, life.usual(5 * _HOUR))
    if life.happens(life.tempo.handling_late):
        handled_at = life.add(EventKind.HANDLED, life.between(1.01, 1.5, life.limits.handled), since=since)
    else:
        handled_at = life.add(EventKind.HANDLED, life.usual(life.habit.handled) * (_FAR if life.course.is_far else 1))
    is_late = life.happens(_TOLD_LATE)
    life.add(EventKind.RESULT_TOLD, life.between(25, 40, _HOUR) if is_late else life.usual(2 * _HOUR))
    return handled_at


def _follow_up(life: _Life, handled_at: datetime) -> None:
    is_late = life.happens(_FOLLOWED_UP_LATE)
    wait = life.between(73, 90, _HOUR) if is_late else life.between(22, 56, _HOUR) / life.tempo.haste
    life.add(EventKind.FOLLOWED_UP, wait, since=handled_at)


def _win_back(life: _Life) -> None:
    """A negative answer, taken on by the team, and the complainant told what was done."""
    life.add(EventKind.ANSWERED_NEGATIVE, life.usual(2 * _HOUR))
    said = life.at.minute % len(PLANS)
    life.add(EventKind.NEGATIVE_TAKEN_ON, life.usual(9 * _HOUR), plan=PLANS[said])
    life.add(EventKind.NEGATIVE_TOLD, life.usual(30 * _HOUR), result=DONE[said], way=PHONE)
