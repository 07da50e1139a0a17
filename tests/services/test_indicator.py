"""The indicators of complaints: each counts what its definition says, and tells apart what it does not count."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bihuan.services.kpi import show
from schemas.complaint import Channel, EventIn, EventKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = 24
HANDLED, REOPENED, WITHDRAWN = EventKind.HANDLED, EventKind.REOPENED, EventKind.WITHDRAWN
RESPONDED, ASSIGNED, MOVED = EventKind.RESPONDED, EventKind.ASSIGNED, EventKind.DEPARTMENT_CHANGED


def tell(office, name: str, *news: tuple[EventKind, float], hours: float = 0, **facts) -> str:
    """Registered at ``hours``; then each kind at its hour, recorded when it happens."""
    office.at = office.after(hours)
    number = office.register(name, **facts)
    for kind, hour in news:
        office.at = office.after(hour)
        office.record(number, kind)
    return number


def seen(office, indicator: str, at: float, *, by: str | None = None) -> list[dict]:
    """The rows of one indicator, looked at so many hours after Monday's opening."""
    with office.db.read() as session:
        rows = show(session, office.policy, SHANGHAI, None, None, by, office.after(at))
    return [row for row in rows if row["indicator"] == indicator]


def counts(row: dict, *names: str) -> tuple:
    return tuple(row[name] for name in names)


def test_resolved_is_what_was_handled_and_has_stood_for_a_week(office):
    tell(office, "stands", (HANDLED, 2))
    tell(office, "comes back", (HANDLED, 3), (REOPENED, 30))
    tell(office, "comes back and then stands", (HANDLED, 4), (REOPENED, 20), (HANDLED, 40))
    (row,) = seen(office, "resolved_rate", 9 * DAY)
    assert (row["x"], row["n"], row["value"]) == (2, 3, 2 / 3)


def test_what_was_handled_a_moment_ago_is_not_resolved_yet_and_not_unresolved(office):
    tell(office, "old", (HANDLED, 2))
    tell(office, "young", (HANDLED, 7 * DAY))
    (row,) = seen(office, "resolved_rate", 8 * DAY)
    assert counts(row, "x", "n", "too_early") == (1, 1, 1)


def test_what_is_open_is_unresolved_a_week_after_its_deadline(office):
    """48 hours for its handling, then a week in which a handling would have had to stand."""
    tell(office, "old", (HANDLED, 2))
    tell(office, "open")
    assert [counts(seen(office, "resolved_rate", hour)[0], "x", "n", "open") for hour in (8.9 * DAY, 9.1 * DAY)] == [
        (1, 1, 1), (1, 2, 0),
    ]  # fmt: skip


def test_what_is_open_without_a_promise_and_what_was_withdrawn_stand_apart(office):
    tell(office, "old", (HANDLED, 2))
    tell(office, "no promise", deadlines={})
    tell(office, "withdrawn", (WITHDRAWN, 1))
    (row,) = seen(office, "resolved_rate", 30 * DAY)
    assert counts(row, "x", "n", "no_sla", "not_applicable") == (1, 1, 1, 1)


def test_reopened_within_a_week_counts_and_later_does_not(office):
    tell(office, "soon", (HANDLED, 2), (REOPENED, 6 * DAY))
    tell(office, "late", (HANDLED, 3), (REOPENED, 8 * DAY))
    tell(office, "never", (HANDLED, 4))
    tell(office, "open")
    tell(office, "young", (HANDLED, 20 * DAY))
    tell(office, "withdrawn", (WITHDRAWN, 5))
    (row,) = seen(office, "reopened_rate", 22 * DAY)
    assert counts(row, "x", "n", "too_early", "open", "not_applicable") == (1, 3, 1, 1, 1)


def test_a_withdrawal_that_is_taken_back_is_no_reopening(office):
    tell(office, "back", (WITHDRAWN, 2), (REOPENED, 3))
    tell(office, "old", (HANDLED, 2))
    (row,) = seen(office, "reopened_rate", 22 * DAY)
    assert counts(row, "x", "n", "open") == (0, 1, 1)


def test_first_contact_is_one_round_without_a_hand_over(office):
    office.department("product")
    office.staff("anna")
    office.staff("bela")
    one = tell(office, "one round")
    other = tell(office, "handed on")
    away = tell(office, "to another department")
    for hour, number, kind, said in (
        (1, one, ASSIGNED, {"handler": "anna"}), (2, one, ASSIGNED, {"handler": "anna"}),
        (1, other, ASSIGNED, {"handler": "anna"}), (2, other, ASSIGNED, {"handler": "bela"}),
        (1, away, MOVED, {"department": "product"}),
        (3, one, HANDLED, {}), (3, other, HANDLED, {}), (3, away, HANDLED, {}),
    ):  # fmt: skip
        office.at = office.after(hour)
        office.record(number, kind, **said)
    tell(office, "reopened", (HANDLED, 2), (REOPENED, 20 * DAY))
    (row,) = seen(office, "first_contact_rate", 22 * DAY)
    assert counts(row, "x", "n", "value") == (1, 4, 0.25)


def test_a_source_that_repeats_the_department_hands_nothing_over(office):
    """An import that says at each step where the complaint is; only the second goes elsewhere."""
    for name, place in (("stays", "service"), ("goes on", "product")):
        events = (EventIn(kind=ASSIGNED, occurred_at=office.after(1), data={"handler": "anna", "department": place}),
                  EventIn(kind=HANDLED, occurred_at=office.after(2)))  # fmt: skip
        office.take_in(office.complaint(name, events=events))
    (row,) = seen(office, "first_contact_rate", 22 * DAY)
    assert counts(row, "x", "n") == (1, 2)


def test_the_time_to_the_first_response_is_a_median_in_which_who_waits_still_waits(office):
    """1, 2, 3 hours and one that waits since nine: half have been answered after two."""
    for name, hour in (("a", 1), ("b", 2), ("c", 3)):
        tell(office, name, (RESPONDED, hour))
    tell(office, "waits")
    (row,) = seen(office, "first_response_time", 9)
    assert counts(row, "value", "n", "events", "censored", "ended_only") == (2.0, 4, 3, 1, 2.0)


def test_what_is_open_makes_the_median_longer_than_that_of_what_has_ended(office):
    for name, hour in (("a", 10), ("b", 20), ("c", 30), ("d", 40)):
        tell(office, name, (HANDLED, hour))
    for name in ("e", "f", "g"):
        tell(office, name)
    (row,) = seen(office, "handling_time", 100)
    assert counts(row, "value", "ended_only", "n", "censored") == (40.0, 25.0, 7, 3)


def test_where_most_are_open_there_is_no_median(office):
    tell(office, "a", (HANDLED, 10))
    tell(office, "b")
    tell(office, "c")
    (row,) = seen(office, "handling_time", 100)
    assert counts(row, "value", "n", "events") == (None, 3, 1)


def test_the_time_to_handle_goes_up_to_the_handling_that_stands_and_leaves_out_what_was_withdrawn(office):
    tell(office, "twice", (HANDLED, 10), (REOPENED, 20), (HANDLED, 50))
    tell(office, "withdrawn", (WITHDRAWN, 5))
    (row,) = seen(office, "handling_time", 100)
    assert counts(row, "value", "n", "not_applicable") == (50.0, 1, 1)


def test_the_average_response_counts_every_answer_that_was_owed(office):
    """One hour to the registration, three to the reopening: two answers, two hours on average."""
    tell(office, "a", (RESPONDED, 1), (HANDLED, 5), (REOPENED, 10), (RESPONDED, 13), (HANDLED, 20))
    tell(office, "waits")
    (row,) = seen(office, "response_time", 30)
    assert counts(row, "value", "n", "open") == (2.0, 2, 1)


def test_handling_answers_too(office):
    tell(office, "a", (HANDLED, 4))
    assert seen(office, "first_response_time", 30)[0]["value"] == 4.0
    assert seen(office, "response_time", 30)[0]["value"] == 4.0


def test_by_handler_nobody_is_a_row_of_its_own(office):
    office.staff("anna")
    for name in ("a", "b"):
        number = tell(office, name)
        office.record(number, ASSIGNED, handler="anna")
        office.record(number, HANDLED)
    tell(office, "nobody's", (HANDLED, 1), deadlines={})
    with office.db.write() as session:
        session.connection().exec_driver_sql("UPDATE complaint SET handler_id = NULL WHERE external_id = 'nobody''s'")
    rows = {row["handler"]: row["n"] for row in seen(office, "handling_time", 10, by="handler")}
    assert rows == {"anna": 2, None: 1}


def test_by_an_attribute_its_values_have_their_rows(office):
    tell(office, "a", (HANDLED, 1), attributes={"shop": "north"})
    tell(office, "b", (HANDLED, 1), attributes={"shop": "south"})
    tell(office, "c", (HANDLED, 1))
    rows = {row["attribute:shop"]: row["n"] for row in seen(office, "handling_time", 9, by="attribute:shop")}
    assert rows == {"north": 1, "south": 1, None: 1}


@pytest.mark.parametrize("indicator", ["on_time_handled", "resolved_rate", "reopened_rate", "first_contact_rate"])
def test_every_complaint_is_counted_or_stands_apart_under_one_name(office, indicator):
    """In time, late, open, overdue, withdrawn, without a promise, young, reopened: nothing twice, nothing lost."""
    tell(office, "in time", (HANDLED, 2))
    tell(office, "late", (HANDLED, 60))
    tell(office, "overdue")
    tell(office, "withdrawn", (WITHDRAWN, 61))
    tell(office, "no promise", deadlines={})
    tell(office, "fresh", hours=9 * DAY)
    tell(office, "young", (HANDLED, 9 * DAY + 2), hours=9 * DAY)
    tell(office, "reopened", (HANDLED, 9 * DAY + 3), (REOPENED, 9 * DAY + 4), hours=9 * DAY)
    (row,) = seen(office, indicator, 9 * DAY + 6)
    apart = ("open_overdue", "open", "too_early", "not_applicable", "no_sla", "unknown")
    rounds = 1 if indicator == "on_time_handled" else 0
    assert row["n"] + sum(row[name] for name in apart) == 8 + rounds


def test_by_channel_the_parts_of_an_indicator_add_up_to_the_whole(office):
    tell(office, "a", (HANDLED, 2), channel=Channel.PHONE)
    tell(office, "b", (HANDLED, 60), channel=Channel.APP)
    tell(office, "c", channel=Channel.APP)
    for indicator in ("on_time_handled", "resolved_rate", "response_time", "handling_time"):
        (whole,) = seen(office, indicator, 30 * DAY)
        parts = seen(office, indicator, 30 * DAY, by="channel")
        assert sum(row["n"] for row in parts) == whole["n"], indicator


def test_where_the_clocks_of_a_source_contradict_each_other_the_time_is_unknown(office):
    """Handled an hour before it was registered: handled it was, but nobody can say how quickly."""
    events = (EventIn(kind=HANDLED, occurred_at=office.after(-1)),)
    office.take_in(office.complaint("skewed", events=events), office.complaint("sound", events=(
        EventIn(kind=HANDLED, occurred_at=office.after(3)),)))  # fmt: skip
    for indicator in ("handling_time", "first_response_time", "response_time"):
        (row,) = seen(office, indicator, 9)
        assert counts(row, "n", "unknown", "value") == (1, 1, 3.0), indicator
