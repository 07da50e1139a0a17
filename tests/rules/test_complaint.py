"""What a log says of its complaint: rounds, state, and the news that make sense next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bihuan.rules.complaint import LogLine, possible, rounds, standing
from schemas.complaint import ComplaintState, EventKind

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
REGISTERED, ASSIGNED, RESPONDED, HANDLED = (
    EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.HANDLED,
)  # fmt: skip
RESULT_TOLD, REOPENED, CLOSED, AMENDED = EventKind.RESULT_TOLD, EventKind.REOPENED, EventKind.CLOSED, EventKind.AMENDED


def line(kind: EventKind, hour: float, recorded: float | None = None) -> LogLine:
    """An event ``hour`` hours after registration, recorded then or later."""
    return LogLine(kind, START + timedelta(hours=hour), START + timedelta(hours=hour if recorded is None else recorded))


def log(*kinds: EventKind) -> list[LogLine]:
    """Registration, and one event an hour after it."""
    return [line(kind, hour) for hour, kind in enumerate((REGISTERED, *kinds))]


@pytest.mark.parametrize(
    ("kinds", "state", "round_"),
    [
        ((), ComplaintState.REGISTERED, 1),
        ((ASSIGNED,), ComplaintState.ASSIGNED, 1),
        ((RESPONDED,), ComplaintState.RESPONDED, 1),
        ((ASSIGNED, RESPONDED), ComplaintState.RESPONDED, 1),
        ((ASSIGNED, RESPONDED, HANDLED), ComplaintState.HANDLED, 1),
        ((HANDLED, RESULT_TOLD), ComplaintState.HANDLED, 1),
        ((HANDLED, CLOSED), ComplaintState.CLOSED, 1),
        ((CLOSED,), ComplaintState.CLOSED, 1),
        ((HANDLED, REOPENED), ComplaintState.ASSIGNED, 2),
        ((CLOSED, REOPENED), ComplaintState.ASSIGNED, 2),
        ((HANDLED, REOPENED, RESPONDED), ComplaintState.RESPONDED, 2),
        ((HANDLED, REOPENED, HANDLED), ComplaintState.HANDLED, 2),
        ((HANDLED, REOPENED, HANDLED, REOPENED), ComplaintState.ASSIGNED, 3),
        ((ASSIGNED, AMENDED), ComplaintState.ASSIGNED, 1),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, tuple) else str(value),
)
def test_a_log_leads_to_a_state_and_a_round(kinds, state, round_):
    now = standing(log(*kinds))
    assert (now.state, now.round) == (state, round_)


@pytest.mark.parametrize("late", [ASSIGNED, RESPONDED])
def test_work_recorded_after_handling_does_not_undo_it(late):
    now = standing(log(HANDLED, late))
    assert (now.state, now.handled_at) == (ComplaintState.HANDLED, START + timedelta(hours=1))


def test_the_first_handling_of_a_round_counts():
    assert standing(log(HANDLED, CLOSED)).handled_at == START + timedelta(hours=1)


def test_a_reopened_complaint_is_not_handled():
    assert standing(log(HANDLED, REOPENED)).handled_at is None


def test_handled_at_is_that_of_the_present_round():
    assert standing(log(HANDLED, REOPENED, HANDLED)).handled_at == START + timedelta(hours=3)


def test_reopening_what_was_not_handled_starts_no_round():
    assert len(rounds(log(ASSIGNED, REOPENED, REOPENED))) == 1


def test_a_round_begins_with_its_reopening():
    first, second = rounds(log(HANDLED, REOPENED, RESPONDED))
    assert [line.kind for line in first] == [REGISTERED, HANDLED]
    assert [line.kind for line in second] == [REOPENED, RESPONDED]


def test_registration_comes_first_though_a_clock_was_wrong():
    (only,) = rounds([line(HANDLED, -0.01, recorded=5), line(REGISTERED, 0)])
    assert [line.kind for line in only] == [REGISTERED, HANDLED]


def test_a_handling_dated_before_registration_still_handles():
    now = standing([line(REGISTERED, 0), line(HANDLED, -0.01)])
    assert (now.state, now.handled_at) == (ComplaintState.HANDLED, START - timedelta(hours=0.01))


def test_news_that_arrive_late_take_their_place():
    late = line(HANDLED, 1, recorded=9)
    assert len(rounds([line(REGISTERED, 0), line(REOPENED, 2), late])) == 2


def test_what_happened_at_one_instant_goes_by_when_it_was_recorded():
    happened = [line(REGISTERED, 0), line(REOPENED, 1, recorded=3), line(HANDLED, 1, recorded=2)]
    assert len(rounds(happened)) == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("end", [HANDLED, CLOSED])
def test_what_was_recorded_at_one_instant_goes_by_the_way_of_a_complaint(end, order):
    """Sources that know minutes only give such pairs, and a database gives them back in any order."""
    pair = (line(end, 1), line(REOPENED, 1))
    assert standing([line(REGISTERED, 0), *(pair[place] for place in order)]).round == 2


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        (ComplaintState.REGISTERED, set()),
        (ComplaintState.ASSIGNED, set()),
        (ComplaintState.RESPONDED, set()),
        (ComplaintState.WAITING, {EventKind.RESUMED}),
    ],
)
def test_an_open_complaint_can_be_worked_on_but_not_reopened(state, kinds):
    assert possible(state) == kinds | {
        ASSIGNED, RESPONDED, EventKind.WAITING, EventKind.SEVERITY_CHANGED, EventKind.TIER_CHANGED,
        EventKind.DEPARTMENT_CHANGED, HANDLED,
        EventKind.WITHDRAWN, EventKind.MERGED, CLOSED, EventKind.NOTE, EventKind.AUTOMATIC_REPLY,
    }  # fmt: skip


@pytest.mark.parametrize("state", [ComplaintState.WITHDRAWN, ComplaintState.MERGED])
def test_what_was_dropped_can_only_be_reopened(state):
    assert possible(state) == {REOPENED, EventKind.NOTE, EventKind.AUTOMATIC_REPLY}


@pytest.mark.parametrize("state", ComplaintState)
def test_a_remark_always_makes_sense(state):
    assert {EventKind.NOTE, EventKind.AUTOMATIC_REPLY} <= possible(state)


@pytest.mark.parametrize("state", [ComplaintState.HANDLED, ComplaintState.CLOSED])
def test_what_was_handled_can_be_told_and_reopened_but_not_worked_on(state):
    assert {RESULT_TOLD, REOPENED} <= possible(state)
    assert not {ASSIGNED, RESPONDED, HANDLED} & possible(state)


def test_what_is_closed_is_not_closed_again():
    assert CLOSED in possible(ComplaintState.HANDLED) - possible(ComplaintState.CLOSED)


@pytest.mark.parametrize("state", ComplaintState)
def test_a_complaint_is_registered_and_amended_by_intake_only(state):
    assert not {REGISTERED, AMENDED} & possible(state)
