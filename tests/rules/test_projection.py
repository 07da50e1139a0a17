"""Rows brought in line with a log: what is free, what is settled, and what stands beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bihuan.policy.book import PolicyBook
from bihuan.rules.complaint import LogLine
from bihuan.rules.projection import WRITTEN, brought_up, rebuilt
from schemas.complaint import EventKind
from schemas.deadline import DeadlineState

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
REGISTERED, WAITING, RESUMED, HANDLED = (
    EventKind.REGISTERED, EventKind.WAITING, EventKind.RESUMED, EventKind.HANDLED,
)  # fmt: skip
MOVED, SEVERITY = EventKind.DEPARTMENT_CHANGED, EventKind.SEVERITY_CHANGED
KEY = ("handled", 1, 0)


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def line(kind: EventKind, hours: float, recorded: float | None = None, **data: Any) -> LogLine:
    return LogLine(kind, after(hours), after(hours if recorded is None else recorded), data)


@pytest.fixture
def book(policy):
    return PolicyBook.of(policy.deadline, policy.calendars)


FIRST = line(REGISTERED, 0, department="service")


def test_what_is_new_is_added_and_what_agrees_is_left(book):
    added, changed = brought_up({}, [FIRST], book, after(0))
    assert (set(added), changed) == ({("assigned", 1, 0), ("first_response", 1, 0), KEY}, {})
    assert brought_up(added, [FIRST, line(EventKind.NOTE, 1)], book, after(1)) == ({}, {})
    _, changed = brought_up(added, [FIRST, line(WAITING, 1)], book, after(1))
    assert {key: set(row) for key, row in changed.items()} == {KEY: set(WRITTEN)}


def test_news_before_the_due_instant_move_it(book):
    row = rebuilt([FIRST, line(WAITING, 10), line(RESUMED, 20)], book)[KEY]
    assert (row["due_at"], row["state"], row["corrected_at"]) == (after(58), DeadlineState.RUNNING, None)


def test_news_after_it_stand_beside_it(book):
    row = rebuilt([FIRST, line(WAITING, 10, 50), line(RESUMED, 20, 51)], book)[KEY]
    assert (row["due_at"], row["state"]) == (after(48), DeadlineState.RUNNING)
    assert (row["corrected_at"], row["corrected_due_at"]) == (after(51), after(58))


def test_that_a_breach_was_none_stands_beside_it(book):
    log = [FIRST, line(HANDLED, 40, 60)]
    free, decided = rebuilt(log, book)[KEY], rebuilt(log, book, {KEY: after(49)})[KEY]
    assert (free["met_at"], free["corrected_at"]) == (after(40), None)
    assert (decided["met_at"], decided["corrected_at"], decided["corrected_due_at"]) == (after(40), after(60), None)


@pytest.mark.parametrize("decided", [None, 110])
def test_history_moves_until_it_is_decided(book, decided):
    """Registered days ago, known only now: nobody here could have kept it."""
    log = [line(REGISTERED, 0, 100), line(SEVERITY, 1, 120, severity="urgent")]
    row = rebuilt(log, book, {KEY: after(decided)} if decided else {})[KEY]
    assert row["due_at"] == after(48 if decided else 24)
    assert row["corrected_due_at"] == (after(24) if decided else None)


def test_what_comes_due_between_two_imports_is_settled(book):
    log = [line(REGISTERED, 0, 20), line(SEVERITY, 1, 60, severity="urgent")]
    assert rebuilt(log, book)[KEY]["due_at"] == after(48)
    log = [line(REGISTERED, 0, 20), line(SEVERITY, 1, 40, severity="urgent")]
    assert rebuilt(log, book)[KEY]["due_at"] == after(24)


def test_a_pause_that_lasts_leaves_it_free(book):
    row = rebuilt([FIRST, line(WAITING, 10), line(SEVERITY, 60, severity="urgent")], book)[KEY]
    assert (row["state"], row["due_at"], row["next_at"]) == (DeadlineState.PAUSED, after(24), None)


def test_what_the_log_gives_no_more_is_cancelled_even_where_it_was_met(book):
    """A handling that turns out to have come after a withdrawal: what it began was never to be done."""
    log = [FIRST, line(HANDLED, 5), line(EventKind.FOLLOWED_UP, 6), line(EventKind.WITHDRAWN, 4, 9)]
    row = rebuilt(log, book)["satisfaction_follow_up", 1, 0]
    assert (row["state"], row["met_at"], row["cancelled_at"]) == (DeadlineState.CANCELLED, None, after(9))
    assert row["next_at"] is None


def test_each_department_has_a_row_of_its_own(book):
    rows = rebuilt([FIRST, line(MOVED, 5, department="product"), line(MOVED, 9, department="service")], book)
    legs = {key[2]: row for key, row in rows.items() if key[0] == "handled"}
    assert {leg: (row["department"], row["started_at"], row["cancelled_at"]) for leg, row in legs.items()} == {
        0: ("", after(0), None), 1: ("product", after(5), after(9)), 2: ("service", after(9), None),
    }  # fmt: skip


def test_a_warning_given_is_given_again_only_where_its_instant_lies_ahead(book):
    added, _ = brought_up({}, [FIRST], book, after(0))
    warned = {**added, KEY: {**added[KEY], "step": 1, "next_at": after(48)}}
    short = [FIRST, line(WAITING, 20, 39), line(RESUMED, 20.2, 39)]
    long = [FIRST, line(WAITING, 20, 39), line(RESUMED, 30, 39)]
    steps = [brought_up(warned, log, book, after(39))[1][KEY]["step"] for log in (short, long)]
    assert steps == [1, 0]
