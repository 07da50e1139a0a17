"""Carrying forward: nothing is forgotten, nothing is copied, months missed come to the same as months kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.carry import Ask, Limits, Open, carried, is_overdue, months_between, orphans
from bihuan.rules.item import ENDED
from bihuan.rules.month import months_before, next_month
from schemas.item import ItemState
from schemas.verification import Verdict

LIMITS = Limits()
NOV, DEC = date(2026, 11, 1), date(2026, 12, 1)
MONTHS = st.integers(0, 48).map(lambda count: months_before(date(2030, 12, 1), count))
OPEN = st.builds(
    Open, st.sampled_from(ItemState), MONTHS, st.integers(0, 4),
    st.none() | st.dates(date(2026, 1, 1), date(2031, 1, 1)), st.none() | st.sampled_from(Verdict),
)  # fmt: skip


def doing(**facts):
    return Open(**({"state": ItemState.DOING, "period_on": NOV, "due_on": date(2027, 1, 31)} | facts))


def test_what_is_on_its_way_goes_on_in_the_next_month():
    told = carried(doing(), DEC, LIMITS)
    assert (told.carry_count, told.ask, told.is_overdue) == (1, Ask.NOTHING, False)


@pytest.mark.parametrize(
    ("count", "ask"), [(0, Ask.DEVIATION), (1, Ask.DEPARTMENT_HEAD), (2, Ask.EXECUTIVE), (7, Ask.EXECUTIVE)]
)
def test_what_is_late_again_goes_to_somebody_higher(count, ask):
    assert carried(doing(carry_count=count, due_on=date(2026, 11, 30)), DEC, LIMITS).ask is ask


def test_due_on_the_last_day_of_the_month_is_late_when_the_next_begins_and_not_before():
    assert is_overdue(ItemState.DOING, date(2026, 11, 30), date(2026, 12, 1))
    assert not is_overdue(ItemState.DOING, date(2026, 12, 1), date(2026, 12, 1))


def test_whoever_waits_for_data_is_not_late():
    assert carried(doing(state=ItemState.OBSERVING, due_on=NOV), DEC, LIMITS).ask is Ask.NOTHING


@pytest.mark.parametrize("verdict", [Verdict.PARTIAL, Verdict.INEFFECTIVE, Verdict.WORSE, Verdict.NOT_ATTRIBUTABLE])
def test_what_did_not_work_asks_for_a_child(verdict):
    assert carried(doing(state=ItemState.VERDICT, verdict=verdict), DEC, LIMITS).ask is Ask.CHILD


@given(OPEN, MONTHS)
def test_carried_once_it_is_not_carried_again(item, into_on):
    told = carried(item, into_on, LIMITS)
    if told:
        assert carried(replace(item, period_on=into_on, carry_count=told.carry_count), into_on, LIMITS) is None


@given(OPEN, st.integers(1, 14))
def test_missed_months_come_to_the_same_as_month_by_month(item, count):
    month_on, stepped = item.period_on, item
    for _ in range(count):
        month_on = next_month(month_on)
        told = carried(stepped, month_on, LIMITS)
        if told:
            stepped = replace(stepped, period_on=month_on, carry_count=told.carry_count)
    at_once = carried(item, month_on, LIMITS)
    assert (at_once is None) == (item.state in ENDED)
    if at_once:
        assert (at_once.carry_count, at_once.ask) == (stepped.carry_count, told.ask)


@pytest.mark.parametrize(
    ("earlier", "later", "months"),
    [
        (date(2027, 1, 1), date(2027, 2, 1), 1),
        (date(2028, 2, 1), date(2028, 3, 1), 1),
        (date(2026, 12, 1), date(2028, 1, 1), 13),
    ],
)
def test_february_and_the_end_of_a_year_are_months_like_others(earlier, later, months):
    assert months_between(earlier, later) == months


def test_an_orphan_is_open_in_a_cycle_that_is_closed_or_not_there():
    items = [
        ("a", ItemState.DOING, 1),
        ("b", ItemState.DOING, 2),
        ("c", ItemState.CLOSED, 1),
        ("d", ItemState.DRAFT, 9),
    ]
    assert orphans(items, {1: True, 2: False}) == ["a", "d"]
