"""A negative answer 负面反馈 on its way: taken on with a plan, done, told; or the complaint is handled again, and told.

It is read off the complaint's log from the answer on; whatever the log does not say has not happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from bihuan.rules.complaint import LogLine, rounds
from schemas.complaint import ComplaintState, EventKind

DROPPED = frozenset({ComplaintState.WITHDRAWN, ComplaintState.MERGED})
"""A complaint in one of these states needs no answer any more."""
PLAN, RESULT, WAY = "plan", "result", "way"
"""What the events of its way say: what is going to be done, what was done, and how the complainant was told."""
PHONE, LETTER = "phone", "letter"
"""The ways of telling."""


class Stage(StrEnum):
    """How far it has come."""

    ANSWERED = "answered"
    """Nobody has taken it on yet."""
    TAKEN_ON = "taken_on"
    RESOLVED = "resolved"
    """What was done is written down; the complainant has not heard of it yet."""
    REOPENED = "reopened"
    """The complaint is being handled again."""
    HANDLED_AGAIN = "handled_again"
    """It was; the complainant has not been told yet."""
    TOLD = "told"
    DROPPED = "dropped"
    """The complaint was withdrawn, or goes on as another one."""


_TAKES_ON = frozenset({EventKind.NEGATIVE_TAKEN_ON, EventKind.NEGATIVE_RESOLVED})
"""Whoever has done it already needs no plan."""
ENDS = frozenset({Stage.TOLD, Stage.DROPPED})
"""Nothing is left to do."""


class Wanted(StrEnum):
    """Which of them a reader looks for."""

    OPEN = "open"
    OVERDUE = "overdue"
    """Open, and past one of its deadlines."""
    DONE = "done"
    """The complainant was told, or dropped the complaint."""


class Line(Protocol):
    """One event of the log, as far as it matters here."""

    @property
    def kind(self) -> EventKind:
        """What happened."""

    @property
    def occurred_at(self) -> datetime:
        """When."""

    @property
    def data(self) -> dict[str, Any]:
        """What it says."""


LineT = TypeVar("LineT", bound=Line)


@dataclass(frozen=True, slots=True)
class Progress(Generic[LineT]):
    """How far it has come, and the events that brought it there; None for what has not happened."""

    stage: Stage
    taken_on: LineT | None = None
    resolved: LineT | None = None
    """What was done: said for the complainant, or the second handling."""
    told: LineT | None = None


def progress(
    log: Sequence[LineT], since: datetime, state: ComplaintState, *, is_handled_again: bool = False
) -> Progress[LineT]:
    """How far a negative answer has come.

    Args:
        log: Of its complaint, in order.
        since: When the answer was taken into the log.
        state: Of the complaint, as it is now.
        is_handled_again: The complaint was being handled again when the answer came.
    """
    taken_on = resolved = told = None
    again = is_handled_again
    for line in log:
        if line.occurred_at < since or told:
            continue
        if line.kind is EventKind.REOPENED:
            again, resolved = True, None
        elif line.kind is EventKind.NEGATIVE_TAKEN_ON:
            taken_on = taken_on or line
        elif line.kind is EventKind.NEGATIVE_RESOLVED or (again and line.kind is EventKind.HANDLED):
            resolved = line
        elif line.kind is EventKind.NEGATIVE_TOLD or (again and line.kind is EventKind.RESULT_TOLD):
            told = line
    return Progress(_stage(taken_on, resolved, told, state, again=again), taken_on, resolved, told)


def _stage(
    taken_on: object | None, resolved: object | None, told: object | None, state: ComplaintState, *, again: bool
) -> Stage:  # fmt: skip
    if told:
        return Stage.TOLD
    if state in DROPPED:
        return Stage.DROPPED
    if again:
        return Stage.HANDLED_AGAIN if resolved else Stage.REOPENED
    return Stage.RESOLVED if resolved else Stage.TAKEN_ON if taken_on else Stage.ANSWERED


def answers_waiting(log: Sequence[LogLine]) -> int:
    """The number, from 1, of the negative answer of the present round whose complainant has not heard what was done.

    0 where nobody waits for that: no such answer came since the complaint was last opened, or it was told.
    """
    number, _ = _last_answer(log)
    return number


def is_taken_on(log: Sequence[LogLine]) -> bool:
    """Whether the answer that waits has been taken on; False where none waits."""
    _, is_taken = _last_answer(log)
    return is_taken


def _last_answer(log: Sequence[LogLine]) -> tuple[int, bool]:
    number, is_waiting, is_taken = 0, False, False
    for line in rounds(log)[-1]:
        if line.kind is EventKind.ANSWERED_NEGATIVE and not is_waiting:
            number, is_waiting, is_taken = number + 1, True, False
        elif line.kind in _TAKES_ON:
            is_taken = is_waiting
        elif line.kind is EventKind.NEGATIVE_TOLD:
            is_waiting = is_taken = False
    return (number, is_taken) if is_waiting else (0, False)
