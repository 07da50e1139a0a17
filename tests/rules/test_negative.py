"""How far a negative answer has come, read off the log of its complaint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bihuan.rules.complaint import LogLine
from bihuan.rules.negative import Stage, answers_waiting, progress
from schemas.complaint import ComplaintState, EventKind

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
HANDLED, BAD, TAKEN_ON, RESOLVED, TOLD, REOPENED, RESULT_TOLD = (
    EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE, EventKind.NEGATIVE_TAKEN_ON, EventKind.NEGATIVE_RESOLVED,
    EventKind.NEGATIVE_TOLD, EventKind.REOPENED, EventKind.RESULT_TOLD,
)  # fmt: skip


def log(*kinds: EventKind) -> list[LogLine]:
    """Registered, handled, the bad answer an hour later, and one event an hour after it."""
    at = [START + timedelta(hours=hour) for hour in range(len(kinds) + 3)]
    return [LogLine(kind, when, when) for kind, when in zip((EventKind.REGISTERED, HANDLED, *kinds), at, strict=False)]


def stage(*kinds: EventKind, state: ComplaintState = ComplaintState.HANDLED) -> Stage:
    return progress(log(*kinds), START + timedelta(hours=2), state).stage


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((BAD,), Stage.ANSWERED),
        ((BAD, RESULT_TOLD), Stage.ANSWERED),
        ((BAD, TAKEN_ON), Stage.TAKEN_ON),
        ((BAD, TAKEN_ON, RESOLVED), Stage.RESOLVED),
        ((BAD, RESOLVED), Stage.RESOLVED),
        ((BAD, TAKEN_ON, RESOLVED, TOLD), Stage.TOLD),
        ((BAD, TOLD), Stage.TOLD),
        ((BAD, TOLD, REOPENED), Stage.TOLD),
        ((BAD, TAKEN_ON, REOPENED), Stage.REOPENED),
        ((REOPENED,), Stage.REOPENED),
        ((REOPENED, HANDLED), Stage.HANDLED_AGAIN),
        ((REOPENED, HANDLED, RESULT_TOLD), Stage.TOLD),
        ((REOPENED, HANDLED, REOPENED), Stage.REOPENED),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_happened_says_how_far_it_has_come(kinds, expected):
    assert stage(*kinds) is expected


@pytest.mark.parametrize("state", [ComplaintState.WITHDRAWN, ComplaintState.MERGED])
def test_a_complaint_that_was_dropped_needs_no_answer(state):
    assert stage(BAD, TAKEN_ON, state=state) is Stage.DROPPED
    assert stage(BAD, TOLD, state=state) is Stage.TOLD


def test_an_answer_that_came_while_it_was_handled_again_waits_for_that():
    found = progress(log(BAD, HANDLED, RESULT_TOLD), START + timedelta(hours=2), ComplaintState.HANDLED)
    again = progress(log(BAD, HANDLED, RESULT_TOLD), START + timedelta(hours=2), ComplaintState.HANDLED,
                     is_handled_again=True)  # fmt: skip
    assert (found.stage, again.stage) == (Stage.ANSWERED, Stage.TOLD)


def test_what_came_before_the_answer_does_not_count():
    assert (
        progress(log(TAKEN_ON, TOLD, BAD), START + timedelta(hours=4), ComplaintState.HANDLED).stage is Stage.ANSWERED
    )


def test_the_first_plan_and_the_last_words_count():
    one, other = log(BAD, TAKEN_ON, RESOLVED), log(BAD, TAKEN_ON, TAKEN_ON, RESOLVED, RESOLVED)
    assert progress(other, START, ComplaintState.HANDLED).taken_on == one[3]
    assert progress(other, START, ComplaintState.HANDLED).resolved == other[-1]


@pytest.mark.parametrize(
    ("kinds", "number"),
    [
        ((), 0), ((BAD,), 1), ((BAD, BAD), 1), ((BAD, TOLD), 0), ((BAD, TOLD, BAD), 2), ((TOLD, BAD), 1),
        ((BAD, REOPENED), 0), ((BAD, REOPENED, HANDLED, BAD), 1),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, tuple) else str(value),
)  # fmt: skip
def test_a_negative_answer_waits_for_word_until_it_is_told_or_the_complaint_is_reopened(kinds, number):
    assert answers_waiting(log(*kinds)) == number
