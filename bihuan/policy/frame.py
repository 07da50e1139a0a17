"""Frames 时段: the open minutes of a day, and the words in which weeks, days and frames are written in a policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, NamedTuple

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from bihuan.policy.flaw import Flaw, nearest, shown

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = 24 * 60
_TIME = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
_TWO_FRAMES = '[["09:00", "12:00"], ["13:00", "18:00"]]'


class Frame(NamedTuple):
    """Open minutes of a local day, counted from its midnight; ``closes`` is no longer open."""

    opens: int
    closes: int

    def words(self) -> list[str]:
        """The frame as a policy writes it."""
        return [f"{minute // 60:02}:{minute % 60:02}" for minute in self]


Frames = tuple[Frame, ...]
"""The frames of one day: ascending, without overlap."""


def parse_frames(raw: object) -> Frames:
    """The frames that ``[["09:00", "12:00"], ["13:00", "24:00"]]`` states, in any order; none for a closed day.

    Raises:
        Flaw: Not frames, or ones that are reversed, overlap or leave the day.
    """
    if not isinstance(raw, list | tuple):
        raise Flaw(f"{shown(raw)} is not a list of frames", f"write {_TWO_FRAMES}, or [] for closed")
    frames = sorted(_frame(item, number) for number, item in enumerate(raw))
    for earlier, later in pairwise(frames):
        if later.opens < earlier.closes:
            what = f"{'-'.join(earlier.words())} and {'-'.join(later.words())} overlap"
            raise Flaw(what, "let each frame begin where the one before has ended")
    return tuple(frames)


def _frame(raw: object, number: int) -> Frame:
    if not isinstance(raw, list | tuple) or len(raw) != len(Frame._fields):
        raise Flaw(f"{shown(raw)} is not a frame", 'write it as ["09:00", "12:00"]', (number,))
    frame = Frame(*(_minute(edge, number) for edge in raw))
    if frame.closes <= frame.opens:
        cure = 'an overnight shift is two frames, up to "24:00" and from "00:00"'
        raise Flaw(f"{'-'.join(frame.words())} ends no later than it begins", cure, (number,))
    return frame


def _minute(raw: object, number: int) -> int:
    found = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    if not found:
        raise Flaw(f"{shown(raw)} is not a time of day", 'write it as "09:00"', (number,))
    minute = int(found[1]) * 60 + int(found[2])
    if minute > _MIDNIGHT:
        raise Flaw(f"{shown(raw)} is after midnight", 'a day ends at "24:00"', (number,))
    return minute


def _frames_of(key: str, raw: object) -> Frames:
    try:
        return parse_frames(raw)
    except Flaw as flaw:
        raise Flaw(flaw.what, flaw.cure, (key, *flaw.at)) from flaw


def _week(raw: object) -> tuple[Frames, ...]:
    """Seven days from Monday; one that is not named is closed."""
    if not isinstance(raw, Mapping):
        raise Flaw(f"{shown(raw)} is not a week", f"write lines of `mon: {_TWO_FRAMES}`")
    for day in raw:
        if day not in DAYS:
            raise Flaw("unknown day", nearest(day, DAYS), (day,))
    return tuple(_frames_of(day, raw.get(day, ())) for day in DAYS)


def _day(raw: object) -> date:
    try:
        return date.fromisoformat(str(raw))
    except ValueError as error:
        raise Flaw(f"{shown(raw)} is not a day", "write it as 2026-10-01", (str(raw),)) from error


def _days_off(raw: object) -> dict[date, str]:
    """Days with their names from a mapping, days without names from a list."""
    if not isinstance(raw, Mapping | list | tuple):
        raise Flaw(f"{shown(raw)} is not a list of days", "write [2026-10-01, 2026-10-02]")
    named = raw if isinstance(raw, Mapping) else dict.fromkeys(map(str, raw))
    return {_day(day): str(name or "") for day, name in named.items()}


def _days_on(raw: object) -> dict[date, Frames]:
    if not isinstance(raw, Mapping):
        raise Flaw(f"{shown(raw)} is not a mapping of days", f"write lines of `2026-10-10: {_TWO_FRAMES}`")
    return {_day(day): _frames_of(str(day), frames) for day, frames in raw.items()}


def _words(frames: Frames) -> list[list[str]]:
    return [frame.words() for frame in frames]


def _week_words(week: tuple[Frames, ...]) -> dict[str, list[list[str]]]:
    return {day: _words(frames) for day, frames in zip(DAYS, week, strict=True)}


def _days_off_words(days: Mapping[date, str]) -> dict[str, str]:
    return {day.isoformat(): name for day, name in sorted(days.items())}


def _days_on_words(days: Mapping[date, Frames]) -> dict[str, list[list[str]]]:
    return {day.isoformat(): _words(frames) for day, frames in sorted(days.items())}


_EDGE_SCHEMA = {"type": "string", "pattern": f"^{_TIME.pattern}$"}
_FRAMES_SCHEMA = {"type": "array", "items": {"type": "array", "items": _EDGE_SCHEMA}}
_WEEK_SCHEMA = {"type": "object", "properties": dict.fromkeys(DAYS, _FRAMES_SCHEMA), "additionalProperties": False}
_DAYS_OFF_SCHEMA = {"type": ["object", "array"], "items": {"type": "string", "format": "date"}}
_DAYS_ON_SCHEMA = {"type": "object", "additionalProperties": _FRAMES_SCHEMA}

Week = Annotated[tuple[Frames, ...], PlainValidator(_week), PlainSerializer(_week_words), WithJsonSchema(_WEEK_SCHEMA)]
DaysOff = Annotated[
    dict[date, str], PlainValidator(_days_off), PlainSerializer(_days_off_words), WithJsonSchema(_DAYS_OFF_SCHEMA)
]
DaysOn = Annotated[
    dict[date, Frames], PlainValidator(_days_on), PlainSerializer(_days_on_words), WithJsonSchema(_DAYS_ON_SCHEMA)
]
