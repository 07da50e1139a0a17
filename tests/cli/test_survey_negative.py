"""`bihuan survey negative`: the board on the command line, and the words that each step needs there."""

from __future__ import annotations

import pytest

PLAN, DONE = "call today", "a new one was sent"


@pytest.fixture
def number(run, installed) -> str:
    """A complaint whose complainant said by telephone that they are not satisfied."""
    contact = ("--customer", "Wang", "--contact", "mailto:wang@example.com")
    added = run("complaint", "add", "--title", "late parcel", "--kind", "service", *contact, "--json").data["number"]
    for event in ("handled", "answered_negative"):
        assert run("complaint", "record", added, event).code == 0
    return added


def board(run, *words: str) -> list[dict]:
    return run("survey", "negative", *words, "--json").data


def test_the_board_follows_the_answer_to_its_end(run, number):
    (row,) = board(run)
    assert (row["number"], row["stage"], row["milestone"], row["needs_call"]) == (
        number, "answered", "negative_taken_on", False,
    )  # fmt: skip
    assert run("complaint", "record", number, "negative_taken_on", "--reason", PLAN, "--actor", "li").code == 0
    (row,) = board(run)
    assert (row["stage"], row["taken_on"]["said"], row["milestone"]) == ("taken_on", PLAN, "negative_told")
    assert run("complaint", "record", number, "negative_resolved", "--result", DONE).code == 0
    (row,) = board(run)
    assert (row["stage"], row["resolved"]["said"], row["letter"]) == ("resolved", DONE, "planned")
    assert run("complaint", "record", number, "negative_told").code == 0
    assert board(run) == board(run, "--state", "overdue") == []


def test_a_step_without_its_words_is_refused_and_says_how(run, number):
    assert run("complaint", "record", number, "negative_taken_on").refuses(2, "plan", "--reason")
    assert run("complaint", "record", number, "negative_resolved").refuses(2, "result", "--result")
    assert run("complaint", "record", number, "negative_taken_on", "--reason", " ").refuses(2, "plan")
    assert run("complaint", "record", number, "negative_resolved", "--result", "x" * 501).refuses(2, "500")


def test_the_table_is_short_and_a_department_narrows_it(run, number):
    shown = run("survey", "negative")
    assert (shown.code, number in shown.out, "answered" in shown.out) == (0, True, True)
    assert [row["number"] for row in board(run, "--department", "service")] == [number]
    assert board(run, "--department", "nowhere") == board(run, "--department", "-") == []
    assert run("survey", "negative", "--state", "nice").code == 2


def test_what_is_overdue_is_found_with_exit_1(run, installed):
    old = "2026-01-0{}T09:00+08:00"
    added = run("complaint", "add", "--title", "late parcel", "--at", old.format(5), "--json").data["number"]
    for day, event in ((6, "handled"), (7, "answered_negative")):
        assert run("complaint", "record", added, event, "--at", old.format(day)).code == 0
    found = run("survey", "negative", "--state", "overdue", "--json")
    assert (found.code, [row["number"] for row in found.data]) == (1, [added])
