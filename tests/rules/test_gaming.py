"""One log: pauses that stopped a running clock late, rounds that did not hold, and who was in charge then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.calendar import parse_calendar
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.complaint import LogLine
from bihuan.rules.gaming import Charge, Handling, Stop, handlings, in_charge, stops
from schemas.complaint import EventKind
from schemas.deadline import Mode

K = EventKind
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
CLOCK = BusinessClock(parse_calendar({
    "timezone": "UTC", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}))  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A deadline as it is stored."""

    started_at: datetime
    target_seconds: float
    mode: Mode = Mode.CALENDAR
    round: int = 1
    met_at: datetime | None = None
    cancelled_at: datetime | None = None
    calendar_version: str = "any"


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def line(kind: K, hours: float, **data: str) -> LogLine:
    return LogLine(kind, at(hours), at(hours), data)


def found(log: list[LogLine], *held: Row) -> list[Stop]:
    return stops(log, held, {"any": CLOCK}.__getitem__)


TEN = Row(at(0), 10 * 3600)
"""Ten hours of every hour from midnight."""


@pytest.mark.parametrize(
    ("began", "used"),
    [(0, 0.0), (5, 0.5), (9.5, 0.95), (9.75, 0.975), (10, None), (12, None)],
)
def test_a_pause_counts_by_the_share_used_and_not_from_due_on(began, used):
    log = [line(K.REGISTERED, 0), line(K.WAITING, began), line(K.RESUMED, began + 1)]
    assert found(log, TEN) == ([] if used is None else [Stop(at(began), used)])


def test_an_earlier_pause_is_not_time_used():
    log = [line(K.WAITING, 2), line(K.RESUMED, 6), line(K.WAITING, 13.5)]
    assert found(log, TEN) == [Stop(at(2), 0.2), Stop(at(13.5), 0.95)]


def test_on_the_business_clock_only_open_hours_are_used():
    """Eight of the ten hours on Monday, one and a half on Tuesday morning."""
    log = [line(K.WAITING, 24 + 10.5), line(K.RESUMED, 24 + 11)]
    assert found(log, Row(at(9), 10 * 3600, Mode.BUSINESS)) == [Stop(at(34.5), 0.95)]


def test_a_pause_in_closed_hours_stopped_nothing():
    log = [line(K.WAITING, 18), line(K.RESUMED, 32)]
    assert found(log, Row(at(9), 10 * 3600, Mode.BUSINESS)) == []
    assert found(log, Row(at(9), 72 * 3600)) == [Stop(at(18), 0.125)]


def test_a_pause_of_no_length_stopped_nothing():
    assert found([line(K.WAITING, 5), line(K.RESUMED, 5)], TEN) == []


@pytest.mark.parametrize(
    "over",
    [
        Row(at(6), 36000),  # began later
        Row(at(0), 36000, met_at=at(5)),
        Row(at(0), 36000, cancelled_at=at(4)),
        Row(at(0), 36000, round=2),
    ],
)
def test_a_clock_that_did_not_run_was_not_stopped(over):
    assert found([line(K.WAITING, 5)], over) == []


def test_a_pause_that_stopped_two_clocks_counts_once_by_the_one_further_on():
    assert found([line(K.WAITING, 9.6)], TEN, Row(at(0), 48 * 3600)) == [Stop(at(9.6), 0.96)]


def test_each_round_has_its_own_clock():
    log = [line(K.HANDLED, 5), line(K.REOPENED, 20), line(K.WAITING, 29.5), line(K.HANDLED, 31)]
    again = Row(at(20), 36000, round=2, met_at=at(31))
    assert found(log, Row(at(0), 36000, met_at=at(5)), again) == [Stop(at(29.5), 0.95)]


def test_rounds_that_were_handled_and_when_they_were_reopened():
    log = [line(K.REGISTERED, 0), line(K.HANDLED, 1), line(K.CLOSED, 2), line(K.REOPENED, 30), line(K.CLOSED, 40)]
    assert handlings(log) == [Handling(at(1), at(30)), Handling(at(40), None)]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ([], []),
        ([(K.REGISTERED, 0), (K.WITHDRAWN, 1), (K.REOPENED, 2)], []),
        ([(K.HANDLED, 1), (K.WITHDRAWN, 2), (K.REOPENED, 3)], [Handling(at(1), at(3))]),
        ([(K.WITHDRAWN, 1), (K.HANDLED, 2)], []),
        ([(K.REOPENED, 1), (K.HANDLED, 2)], [Handling(at(2), None)]),
    ],
)
def test_what_was_withdrawn_first_was_not_handled(log, expected):
    assert handlings([line(kind, hours) for kind, hours in log]) == expected


STAFF = {"li": "product", "wang": "service"}
TODAY = Charge("service", "wang")


@pytest.mark.parametrize(
    ("log", "hours", "then"),
    [
        ([line(K.ASSIGNED, 1, handler="wang")], 5, TODAY),
        ([line(K.ASSIGNED, 1, handler="li"), line(K.ASSIGNED, 9, handler="wang")], 5, Charge("product", "li")),
        ([line(K.ASSIGNED, 1, handler="li"), line(K.DEPARTMENT_CHANGED, 9, department="service")], 9, TODAY),
        ([line(K.REGISTERED, 0, department="product"), line(K.ASSIGNED, 9, handler="wang")], 5,
         Charge("product", None)),
        ([line(K.ASSIGNED, 1, handler="li"), line(K.DEPARTMENT_CHANGED, 3, department="x"),
          line(K.ASSIGNED, 9, handler="wang")], 5, Charge("x", None)),
        ([line(K.ASSIGNED, 1, handler="gone"), line(K.ASSIGNED, 9, handler="wang")], 5, Charge(None, None)),
        ([], 5, TODAY),
    ],
)  # fmt: skip
def test_who_was_in_charge_then(log, hours, then):
    assert in_charge(log, at(hours), TODAY, STAFF) == then


lines = st.lists(
    st.builds(
        line,
        st.sampled_from([K.ASSIGNED, K.WAITING, K.RESUMED, K.HANDLED, K.REOPENED, K.WITHDRAWN]),
        st.integers(0, 40),
        handler=st.sampled_from(["li", "wang"]),
    ),
    max_size=12,
    unique_by=lambda it: (it.kind, it.occurred_at),
)


@given(lines, st.randoms(), st.integers(0, 40))
def test_the_order_in_which_events_are_read_does_not_matter(log, chance, hours):
    shuffled = list(log)
    chance.shuffle(shuffled)
    held = (TEN, Row(at(9), 10 * 3600, Mode.BUSINESS), Row(at(12), 36000, round=2))
    assert found(shuffled, *held) == found(log, *held)
    assert handlings(shuffled) == handlings(log)
    assert in_charge(shuffled, at(hours), TODAY, STAFF) == in_charge(log, at(hours), TODAY, STAFF)
