"""How a due instant came about, counted once more with the functions that set it, and what became of each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bihuan.policy.calendar import WorkCalendar
from bihuan.rules.business_time import BusinessClock, every_hour
from bihuan.rules.pause import Pause
from schemas.deadline import Mode

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """A deadline as it is held. Without a target the source promised the instant itself."""

    mode: Mode
    target: timedelta | None
    started_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class CountedFrame:
    """One open stretch between start and due, and how much of it the target used; a pause may leave nothing."""

    opens_at: datetime
    closes_at: datetime
    used_seconds: float


class DayKind(StrEnum):
    """Why a day's frames are not those of its weekday."""

    HOLIDAY = "holiday"
    MAKEUP = "makeup"
    OWN_FRAMES = "own_frames"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """One such day; ``name`` is that of the holiday, empty where it has none."""

    day: date
    kind: DayKind
    name: str


@dataclass(frozen=True, slots=True)
class CountedPause:
    """One pause and how much later it made the deadline; nothing where it fell into closed hours or still lasts."""

    began_at: datetime
    ended_at: datetime | None
    reason: str
    moved_seconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The count from start to due."""

    counted_due_at: datetime | None
    """Where the count leads; None where there is nothing to count, because the source promised the instant."""
    is_confirmed: bool
    """The count leads to the instant that is held. It need not once the log, the policy or the calendar changed."""
    frames: tuple[CountedFrame, ...] = ()
    days: tuple[SpecialDay, ...] = ()
    years: dict[int, bool] | None = None
    """Years the count touched, and whether their official notice is taken in; None on the clock of every hour."""
    pauses: tuple[CountedPause, ...] = ()


class Fate(StrEnum):
    """What became of a warning or a breach."""

    TOLD = "told"
    ENDED_BEFORE = "ended_before"
    OVERTAKEN = "overtaken"
    STANDS_STILL = "stands_still"
    AHEAD = "ahead"
    UNDECIDED = "undecided"


def explain(
    promise: Promise, calendar: WorkCalendar, pauses: Sequence[Pause], not_before: datetime | None = None
) -> Explanation:
    """Count a deadline once more: each frame, each pause, each day that is not like its weekday.

    Args:
        promise: The deadline as it is held.
        calendar: The one it was counted on.
        pauses: Those that stop its clock.
        not_before: When policy or calendar were changed under it: that made nothing due any earlier.
    """
    if promise.target is None:
        return Explanation(None, is_confirmed=True)
    is_business = promise.mode is Mode.BUSINESS
    clock = BusinessClock(calendar) if is_business else every_hour
    counted = tuple(_counted_pauses(promise, clock, pauses))
    breaks = _breaks(pauses)
    due_at = clock.due(promise.started_at, promise.target, breaks)
    return Explanation(
        due_at,
        max(filter(None, (due_at, not_before))) == promise.due_at,
        tuple(_counted_frames(clock, promise.started_at, due_at, breaks)),
        tuple(special_days(calendar, *_local_days(calendar, promise.started_at, due_at))) if is_business else (),
        _years(calendar, promise.started_at, due_at) if is_business else None,
        counted,
    )


def _breaks(pauses: Sequence[Pause]) -> list[tuple[datetime, datetime]]:
    return [(pause.began_at, pause.ended_at) for pause in pauses if pause.ended_at]


def _counted_frames(
    clock: BusinessClock, start: datetime, due_at: datetime, breaks: Sequence[tuple[datetime, datetime]]
) -> Iterator[CountedFrame]:
    for opens_at, closes_at in clock.open_frames(start, due_at):
        yield CountedFrame(opens_at, closes_at, clock.elapsed(opens_at, closes_at, breaks).total_seconds())


def _counted_pauses(promise: Promise, clock: BusinessClock, pauses: Sequence[Pause]) -> Iterator[CountedPause]:
    """Each pause that touches the deadline, with what it added to those before it."""
    assert promise.target is not None
    due_at = clock.due(promise.started_at, promise.target)
    for number, pause in enumerate(pauses, start=1):
        if pause.began_at >= due_at or (pause.ended_at and pause.ended_at <= promise.started_at):
            continue
        later = clock.due(promise.started_at, promise.target, _breaks(pauses[:number]))
        yield CountedPause(pause.began_at, pause.ended_at, pause.reason, (later - due_at).total_seconds())
        due_at = later


def _local_days(calendar: WorkCalendar, first: datetime, last: datetime) -> tuple[date, date]:
    return first.astimezone(calendar.zone).date(), last.astimezone(calendar.zone).date()


def _years(calendar: WorkCalendar, first: datetime, last: datetime) -> dict[int, bool]:
    first_day, last_day = _local_days(calendar, first, last)
    return {year: calendar.is_official(year) for year in range(first_day.year, last_day.year + 1)}


def special_days(calendar: WorkCalendar, first: date, last: date) -> Iterator[SpecialDay]:
    """The days from ``first`` to ``last``, both included, whose frames are not those of their weekday."""
    day = first
    while day <= last:
        if kind := _kind(calendar, day):
            yield SpecialDay(day, kind, calendar.holiday_on(day) or "")
        day += _ONE_DAY


def _kind(calendar: WorkCalendar, day: date) -> DayKind | None:
    if day in calendar.extra_workdays:
        return DayKind.OWN_FRAMES
    if calendar.holiday_on(day) is not None:
        return DayKind.HOLIDAY
    is_made_up = calendar.frames_on(day) and not calendar.weekly[day.weekday()]
    return DayKind.MAKEUP if is_made_up else None


def fate(
    number: int,
    instant: datetime | None,
    steps_done: int,
    told: AbstractSet[int],
    ended_at: datetime | None,
    at: datetime,
) -> Fate:
    """What became of a deadline's step by ``at``.

    Args:
        number: The step: warnings in order from 1, then the breach.
        instant: When it was to come; None while a pause leaves that open.
        steps_done: How many steps are decided.
        told: Steps that have a message.
        ended_at: When the deadline stopped running, if it did.
        at: The present.
    """
    if number in told:
        return Fate.TOLD
    if instant and ended_at and ended_at <= instant:
        return Fate.ENDED_BEFORE
    if number <= steps_done:
        return Fate.OVERTAKEN
    if instant is None:
        return Fate.STANDS_STILL
    return Fate.AHEAD if instant >= at else Fate.UNDECIDED
