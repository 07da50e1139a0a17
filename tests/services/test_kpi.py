"""Indicators carry n and interval; what has no deadline is neither met nor missed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from bihuan.analysis.kpi import rates
from bihuan.errors import UsageError
from bihuan.services.kpi import months_between, show
from schemas.complaint import Channel, EventIn, EventKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
HANDLED, BY_SOURCE = "on_time_handled", "on_time_by_source"


def told(office, number: str, registered: float, handled: float | None, due: float | None = 10, **facts):
    """Hours after Monday's opening; without a due instant there is no deadline."""
    deadlines = {} if due is None else {"handled": office.after(due)}
    events = () if handled is None else (EventIn(kind=EventKind.HANDLED, occurred_at=office.after(handled)),)
    return office.complaint(number, registered, deadlines=deadlines, events=events, **facts)


def shown(
    office, *, by: str | None = None, since=None, until=None, here: ZoneInfo = SHANGHAI, kind: str = "on_time"
) -> list[dict]:
    """The rows of the indicators whose names begin with ``kind``."""
    with office.db.read() as session:
        rows = show(session, office.policy, here, since, until, by)
    return [row for row in rows if row["indicator"].startswith(kind)]


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_an_interval_is_the_one_that_was_published(x, n, low, high):
    row = rates(pd.DataFrame({"x": [x], "n": [n]})).iloc[0]
    assert (round(row["low"], 4), round(row["high"], 4)) == (low, high)
    assert row["value"] == x / n


def test_of_nothing_there_is_no_rate():
    row = rates(pd.DataFrame({"x": [0], "n": [0]})).iloc[0]
    assert row[["value", "low", "high"]].isna().all()


def test_an_empty_table_stays_one():
    empty = rates(pd.DataFrame({"x": [], "n": []}))
    assert list(empty.columns) == ["x", "n", "value", "low", "high"]
    assert empty.empty


def test_rates_keep_the_index_and_columns_they_are_given():
    counts = pd.DataFrame({"key": ["a", "b"], "x": [1, 2], "n": [2, 2]}, index=[7, 3])
    assert list(rates(counts).index) == [7, 3]
    assert list(rates(counts)["value"]) == [0.5, 1.0]


def test_on_time_is_met_in_time_over_all_that_were_met(office):
    office.take_in(
        told(office, "1", 0, 9), told(office, "2", 0, 10), told(office, "3", 0, 10.01), told(office, "4", 0, 5)
    )
    (row,) = shown(office)
    assert (row["indicator"], row["value"], row["n"]) == (HANDLED, 0.75, 4)
    assert 0 < row["low"] < 0.75 < row["high"] < 1


def test_what_has_no_deadline_is_counted_apart(office):
    office.take_in(told(office, "1", 0, 9), told(office, "2", 0, 9, due=None), told(office, "3", 0, None, due=None))
    (row,) = shown(office)
    assert (row["value"], row["n"], row["no_sla"]) == (1.0, 1, 2)


def test_what_is_open_and_overdue_is_counted_apart(office):
    office.take_in(told(office, "1", 0, 9), told(office, "2", 0, None), told(office, "3", 0, None, due=100))
    (row,) = shown(office, until=office.after(50))
    assert (row["n"], row["open_overdue"]) == (1, 1)


def test_news_that_come_too_late_are_counted_apart_and_change_no_rate(office):
    """Handled at nine, heard of the day after: what was decided stands, and the correction beside it."""
    number = office.register("1", deadlines={"handled": office.after(10)})
    office.check(11)
    office.at = office.after(30)
    office.record(number, EventKind.HANDLED, at=office.after(9))
    (row,) = shown(office)
    assert (row["n"], row["value"], row["corrected"]) == (1, 0.0, 1)


def test_an_overtaken_round_is_neither_met_nor_missed(office):
    number = office.register(deadlines={"result_feedback": None})
    for hour, kind in (
        (1, EventKind.HANDLED),
        (3, EventKind.REOPENED),
        (4, EventKind.HANDLED),
        (5, EventKind.RESULT_TOLD),
    ):
        office.at = office.after(hour)
        office.record(number, kind)
    (row,) = shown(office)
    assert (row["indicator"], row["value"], row["n"]) == ("on_time_result_feedback", 1.0, 1)


def test_too_few_for_a_verdict_is_said(office, policy):
    least = policy.kpi.indicators[HANDLED].min_n
    office.take_in(*(told(office, str(n), 0, 9) for n in range(least - 1)))
    (row,) = shown(office)
    assert (row["is_enough"], row["target"]) == (False, 0.98)
    office.take_in(told(office, "last", 0, 9))
    assert shown(office)[0]["is_enough"]


def test_an_indicator_without_cases_is_not_shown(office):
    office.take_in(told(office, "1", 0, 9))
    assert [row["indicator"] for row in shown(office)] == [HANDLED]


def test_an_empty_register_has_no_indicators(office):
    assert shown(office) == []


def test_every_milestone_of_the_policy_that_was_due_has_its_row(office):
    number = office.register()
    for hour, kind in ((1, EventKind.RESPONDED), (5, EventKind.HANDLED), (6, EventKind.RESULT_TOLD)):
        office.at = office.after(hour)
        office.record(number, kind)
    assert {row["indicator"]: row["value"] for row in shown(office)} == {
        "on_time_assigned": 1.0, "on_time_first_response": 1.0, "on_time_handled": 1.0, "on_time_result_feedback": 1.0,
    }  # fmt: skip


def judged(office, number: str, *ends: tuple[EventKind, float, bool | None], **facts):
    """As a source tells it that says itself at each end, so many hours after opening, whether it was on time."""
    events = [
        EventIn(kind=kind, occurred_at=office.after(hour), data={} if on_time is None else {"on_time": on_time})
        for kind, hour, on_time in ends
    ]
    return office.complaint(number, deadlines={}, events=tuple(events), **facts)


def test_what_the_source_says_of_itself_is_counted_and_its_silence_apart(office):
    office.take_in(
        judged(office, "1", (EventKind.HANDLED, 1, True)),
        judged(office, "2", (EventKind.HANDLED, 1, None), (EventKind.CLOSED, 2, False)),
        judged(office, "3", (EventKind.CLOSED, 2, True)),
        judged(office, "4", (EventKind.HANDLED, 1, None)),
        judged(office, "5"),
    )
    (row,) = shown(office)
    assert (row["indicator"], row["n"], row["unknown"], row["open"], row["no_sla"]) == (BY_SOURCE, 3, 1, 1, 0)
    assert row["value"] == 2 / 3
    assert 0 < row["low"] < row["value"] < row["high"] < 1


def test_the_last_verdict_on_a_complaint_counts(office):
    again = (EventKind.HANDLED, 9, True), (EventKind.REOPENED, 10, None)
    office.take_in(
        judged(office, "1", *again, (EventKind.HANDLED, 11, False)),
        judged(office, "2", *again),
        judged(office, "3", *again, (EventKind.HANDLED, 11, None)),
    )
    (row,) = shown(office)
    assert (row["value"], row["n"]) == (2 / 3, 3)


def test_verdicts_go_by_a_dimension_too_and_by_span(office):
    office.take_in(
        judged(office, "1", (EventKind.CLOSED, 2, True), channel=Channel.PHONE),
        judged(office, "2", (EventKind.CLOSED, 2, False), channel=Channel.PHONE),
        judged(office, "3", channel=Channel.APP),
        judged(office, "4", (EventKind.CLOSED, 40, False), hours=30, channel=Channel.APP),
    )
    rows = {row["channel"]: row for row in shown(office, by="channel", until=office.after(24))}
    assert (rows["phone"]["value"], rows["phone"]["n"], rows["phone"]["open"]) == (0.5, 2, 0)
    assert (rows["app"]["value"], rows["app"]["n"], rows["app"]["open"]) == (None, 0, 1)
    assert {row["month"]: row["n"] for row in shown(office, by="month")} == {"2026-11": 3}


def test_the_span_takes_in_its_beginning_and_leaves_out_its_end(office):
    office.take_in(told(office, "1", 0, 9), told(office, "2", 1, 9), told(office, "3", 2, 9))
    (row,) = shown(office, since=office.after(0), until=office.after(2))
    assert row["n"] == 2


def test_by_a_dimension_each_value_has_its_row(office):
    office.take_in(
        told(office, "1", 0, 9, channel=Channel.PHONE),
        told(office, "2", 0, 11, channel=Channel.PHONE),
        told(office, "3", 0, 9, channel=Channel.APP),
    )
    assert {row["channel"]: (row["value"], row["n"]) for row in shown(office, by="channel")} == {
        "phone": (0.5, 2), "app": (1.0, 1),
    }  # fmt: skip


def test_by_department_it_goes_by_code_and_none_is_a_row_of_its_own(office):
    office.take_in(told(office, "1", 0, 9), told(office, "2", 0, 9, department=None))
    assert {row["department"] for row in shown(office, by="department")} == {"service", None}


def test_an_unknown_dimension_is_refused_with_those_there_are(office):
    office.take_in(told(office, "1", 0, 9))
    with pytest.raises(UsageError, match="no dimension 'colour'") as refused:
        shown(office, by="colour")
    assert "month" in refused.value.cure


def test_months_begin_where_the_installation_is(office):
    """15:30 UTC on 30 November is the last evening of the month in Shanghai, 16:30 is 1 December."""
    at = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
    last, first = (at - office.after(0)).total_seconds() / 3600, (at - office.after(0)).total_seconds() / 3600 + 1
    office.take_in(told(office, "1", last, last + 1, due=last + 2), told(office, "2", first, first + 3, due=first + 2))

    def by_month(here: ZoneInfo) -> dict[str, float]:
        return {row["month"]: row["value"] for row in shown(office, by="month", here=here)}

    assert by_month(SHANGHAI) == {"2026-11": 1.0, "2026-12": 0.0}
    assert by_month(ZoneInfo("UTC")) == {"2026-11": 0.5}


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        ("2026-01-31T15:59+00:00", "2026-02-01T00:00+00:00", ["2026-01", "2026-02"]),
        ("2026-01-31T16:00+00:00", "2026-02-28T16:00+00:00", ["2026-02"]),
        ("2026-11-15T00:00+00:00", "2027-02-01T00:00+00:00", ["2026-11", "2026-12", "2027-01", "2027-02"]),
    ],
)
def test_the_months_are_those_the_span_touches(since, until, months):
    found = months_between(datetime.fromisoformat(since), datetime.fromisoformat(until), SHANGHAI)
    assert [name for name, _ in found] == months


def test_months_begin_at_midnight_across_a_change_of_offset():
    found = months_between(
        datetime(2015, 2, 20, tzinfo=UTC), datetime(2015, 4, 20, tzinfo=UTC), ZoneInfo("America/New_York")
    )
    assert [start.astimezone(UTC).hour for _, start in found] == [5, 5, 4]
