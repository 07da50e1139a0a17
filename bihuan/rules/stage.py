"""Stages 环节 of a complaint's way, as its log tells them: who had it, who waited for whom, and for how long.

A stage is named for what ended it: what lies before the first assignment is assigning, whatever else happened in it. So
a log that knows only registration and handling has one stage, working, and not four of which three are invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.rules.business_time import BusinessClock
from bihuan.rules.complaint import DROPS, ENDS, LogLine, counting, rounds
from bihuan.rules.pause import Pause, pauses
from bihuan.rules.terms import HANDS_OVER
from bihuan.rules.timeline import to_microseconds
from schemas.complaint import EventKind
from schemas.improvement import Stage

_SECOND = 1e6


class Span(NamedTuple):
    """A stretch of one stage."""

    stage: Stage
    began_at: datetime
    ended_at: datetime


class Way(NamedTuple):
    """How a complaint went from desk to desk."""

    hand_offs: int
    """Times it went to another department or, inside one, to another handler; the first to get it took no hand-off."""
    ping_pongs: tuple[tuple[str, str], ...]
    """The pairs (a, b) of which b handed it back to a, by code, in order, each as often as it happened."""
    reopens: int


def spans(log: Sequence[LogLine], until: datetime) -> list[Span]:
    """The stretches of each stage, in order and without overlap within a round.

    Args:
        log: The complaint's events, in any order.
        until: What has not ended lasts up to here; later events must not be in the log.

    Returns:
        A stage that took no time is there, with no length: it was gone through. Telling only once somebody told.
    """
    found: list[Span] = []
    for number, whole in enumerate(rounds(log), start=1):
        lines = counting(whole)
        if lines:
            found += _without_waits(_steps(lines, number, until), pauses(lines), until)
    return found


def way(log: Sequence[LogLine]) -> Way:
    """The hand-offs, the ping-pongs and the reopenings of a log.

    Args:
        log: The complaint's events, in any order.
    """
    cut = rounds(log)
    departments: list[str] = []
    handlers: list[str] = []
    hand_offs = 0
    is_handled_by = ""
    for line in (line for lines in cut for line in lines):
        if line.kind is not EventKind.REGISTERED and line.kind not in HANDS_OVER:
            continue
        department, handler = _name(line, "department"), _name(line, "handler")
        if department and departments and department != departments[-1]:
            hand_offs, is_handled_by = hand_offs + 1, ""
        elif handler and is_handled_by and handler != is_handled_by:
            hand_offs += 1
        is_handled_by = handler or is_handled_by
        _goes_to(department, departments)
        _goes_to(handler, handlers)
    return Way(hand_offs, (*_returns(departments), *_returns(handlers)), len(cut) - 1)


def stage_seconds(histories: Sequence[Sequence[Span]], clock: BusinessClock) -> dict[Stage, NDArray[np.float64]]:
    """Business seconds that each complaint spent in each stage, all at once.

    Args:
        histories: The spans of each complaint, shape (n,).
        clock: The one whose calendar they all have.

    Returns:
        Every stage, shape (n,); NaN where a complaint never came to it.

    Raises:
        UsageError: An instant lies outside 1900 to 2200.
    """
    flat = [(row, span) for row, history in enumerate(histories) for span in history]
    rows = np.array([row for row, _ in flat], dtype=np.int64)
    stages = np.array([_ORDER[span.stage] for _, span in flat], dtype=np.int64)
    starts = np.array([to_microseconds(span.began_at) for _, span in flat], dtype=np.int64)
    ends = np.array([to_microseconds(span.ended_at) for _, span in flat], dtype=np.int64)
    seconds = clock.elapsed_many(starts, ends) / _SECOND
    found = np.full((len(Stage), len(histories)), np.nan)
    found[stages, rows] = 0.0
    np.add.at(found, (stages, rows), seconds)
    return {stage: found[place] for stage, place in _ORDER.items()}


_ORDER = {stage: place for place, stage in enumerate(Stage)}


def _steps(lines: Sequence[LogLine], number: int, until: datetime) -> Iterator[Span]:
    """The round's stages with the waits still in them."""
    began_at = lines[0].occurred_at
    end = next((place for place, line in enumerate(lines) if line.kind in ENDS), len(lines))
    is_over = end < len(lines)
    ended_at = lines[end].occurred_at if is_over else until
    if number > 1:
        yield _span(Stage.REWORKING, began_at, ended_at)
    else:
        yield from _first_round(lines[:end], ended_at, is_done=is_over and lines[end].kind not in DROPS)
    told_at = next((line.occurred_at for line in lines[end:] if line.kind is EventKind.RESULT_TOLD), None)
    if told_at:
        yield _span(Stage.TELLING, ended_at, told_at)


def _first_round(lines: Sequence[LogLine], ended_at: datetime, *, is_done: bool) -> Iterator[Span]:
    """What was gone through, then what it came to: working where it is done, else the stage that it stands in."""
    began_at, left = lines[0].occurred_at, Stage.ASSIGNING
    for line in lines:
        if line.kind is EventKind.ASSIGNED and left is Stage.ASSIGNING:
            yield _span(Stage.ASSIGNING, began_at, line.occurred_at)
            began_at, left = line.occurred_at, Stage.RESPONDING
        elif line.kind is EventKind.RESPONDED and left is not Stage.WORKING:
            yield _span(Stage.RESPONDING, began_at, line.occurred_at)
            began_at, left = line.occurred_at, Stage.WORKING
    yield _span(Stage.WORKING if is_done else left, began_at, ended_at)


def _span(stage: Stage, began_at: datetime, ended_at: datetime) -> Span:
    """The stretch; clock skew can put its end before its begin, then it has no length."""
    return Span(stage, began_at, max(began_at, ended_at))


def _without_waits(steps: Iterator[Span], waits: Sequence[Pause], until: datetime) -> Iterator[Span]:
    """The stages with the waits cut out, and the waits."""
    breaks = [(wait.began_at, max(wait.began_at, wait.ended_at or until)) for wait in waits]
    for step in steps:
        since = step.began_at
        for began_at, ended_at in breaks:
            if began_at < step.ended_at and ended_at > since:
                yield Span(step.stage, since, max(since, began_at))
                since = min(ended_at, step.ended_at)
        yield Span(step.stage, since, step.ended_at)
    yield from (Span(Stage.WAITING, began_at, ended_at) for began_at, ended_at in breaks)


def _name(line: LogLine, what: str) -> str:
    return str(line.data.get(what) or "")


def _goes_to(name: str, visited: list[str]) -> None:
    if name and (not visited or visited[-1] != name):
        visited.append(name)


def _returns(visited: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The pairs a, b of which b gave it back to a."""
    for (first, second), (_, third) in pairwise(pairwise(visited)):
        if first == third:
            yield first, second
