"""Complaints that change hands: each department has its own time, and the promise to the complainant runs on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bihuan.store.rows import table_of
from schemas.complaint import EventKind
from schemas.deadline import DeadlineState
from schemas.outbox import Message, Notice

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
ASSIGNED, HANDLED, MOVED = EventKind.ASSIGNED, EventKind.HANDLED, EventKind.DEPARTMENT_CHANGED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def letters(house) -> list[tuple[str, Notice]]:
    """To whom, and what."""
    m = table_of(Message).c
    with house.db.read() as session:
        return [(row.recipient, row.notice) for row in session.execute(select(m).order_by(m.id))]


def test_another_department_has_no_handler_yet(house, answered):
    assert house.complaint.handler_id is not None
    was = house.complaint.department_id
    house.happens(answered, MOVED, 5, department="product")
    assert (house.complaint.handler_id, house.complaint.department_id != was) == (None, True)


def test_the_second_department_does_not_inherit_an_expired_clock(house, answered):
    """GLPI 1911: transferred after the breach, it has its whole time and hears of nothing that was not its own."""
    house.sweep(49)
    before = letters(house)
    house.happens(answered, MOVED, 50, department="product")
    assert house.sweep(50.1).decided == 0
    first, second = house.rows("handled")
    assert (first.leg, first.department, first.breached_at, first.due_at) == (0, "service", after(49), after(48))
    assert (second.leg, second.department, second.breached_at) == (1, "product", None)
    assert (second.started_at, second.due_at, second.state) == (after(50), after(98), DeadlineState.RUNNING)
    assert house.one("assigned", leg=1).due_at == after(53)  # two working hours from Wednesday 11:00, after lunch
    house.happens(answered, ASSIGNED, 52)
    assert house.sweep(88).decided == 0
    assert letters(house) == before
    house.happens(answered, HANDLED, 88.3)
    first, second = house.rows("handled")
    assert (first.met_at, first.breached_at, first.department) == (after(88.3), after(49), "service")
    assert (second.met_at, second.state) == (after(88.3), DeadlineState.ENDED)
    assert house.sweep(99).decided == 0
    assert letters(house) == before
    assert house.is_sound()


def test_handed_over_before_it_was_due_the_promise_is_no_single_departments(house, answered):
    house.happens(answered, MOVED, 5, department="product")
    first, second = house.rows("handled")
    assert (first.department, first.due_at) == ("", after(48))
    assert (second.department, second.due_at) == ("product", after(53))
    assert house.one("first_response").department == "service"
    assert house.is_sound()


def test_handed_over_while_waiting_the_promise_is_no_single_departments(house, answered):
    """Nobody knows yet when it will be due, so it was not due before."""
    house.happens(answered, EventKind.WAITING, 10)
    house.happens(answered, MOVED, 60, department="product")
    first, second = house.rows("handled")
    assert [(row.department, row.state) for row in (first, second)] == [
        ("", DeadlineState.PAUSED), ("product", DeadlineState.PAUSED),
    ]  # fmt: skip
    house.happens(answered, EventKind.RESUMED, 100)
    assert [row.due_at for row in house.rows("handled")] == [after(48 + 90), after(60 + 48 + 40)]
    assert house.is_sound()


def test_its_own_clock_warns_and_breaches_by_itself(house, answered):
    house.happens(answered, MOVED, 5, department="product")
    house.happens(answered, ASSIGNED, 6)
    assert house.sweep(48.5).breached == 1
    assert [row.breached_at for row in house.rows("handled")] == [after(48.5), None]
    assert house.sweep(53.1).breached == 1
    assert [notice for _, notice in letters(house)] == [Notice.BREACH, Notice.WARNING, Notice.BREACH]
    assert house.is_sound()


def test_sent_back_and_forth_each_department_has_a_clock_a_time(house, answered):
    for hours, department in ((5, "product"), (10, "service"), (20, "product")):
        house.happens(answered, MOVED, hours, department=department)
    house.happens(answered, HANDLED, 30)
    rows = house.rows("handled")
    assert [(row.leg, row.started_at, row.met_at, row.cancelled_at) for row in rows] == [
        (0, after(0), after(30), None),
        (1, after(5), None, after(10)),
        (2, after(10), None, after(20)),
        (3, after(20), after(30), None),
    ]
    house.sweep(200)
    assert not any(row.breached_at for row in house.rows("handled"))
    assert house.is_sound()


def test_assigned_to_somebody_of_another_department_it_is_handed_over(house, answered):
    """They have assigned it by that: only the handling has a clock of their own."""
    house.staff("ben", "product")
    house.happens(answered, ASSIGNED, 5, handler="ben")
    assert [(row.leg, row.due_at) for row in house.rows("handled")] == [(0, after(48)), (1, after(53))]
    assert [row.leg for row in house.rows("assigned")] == [0]
    was = house.complaint.department_id
    house.happens(answered, ASSIGNED, 6, handler="ben")
    assert (house.complaint.department_id, len(house.rows("handled"))) == (was, 2)
    assert house.is_sound()


def test_reopened_the_department_that_has_it_then_starts_alone(house, answered):
    for hours, kind in ((5, MOVED), (20, HANDLED), (30, EventKind.REOPENED)):
        house.happens(answered, kind, hours, department="product")
    rows = [row for row in house.rows("handled") if row.round == 2]
    assert [(row.leg, row.department, row.due_at) for row in rows] == [(0, "product", after(78))]


@pytest.mark.parametrize("recorded", [40, 55])
def test_late_news_of_a_transfer(house, answered, recorded):
    """Before the promise was due it becomes no single department's; afterwards it stays with whom it was decided."""
    house.sweep(39)
    if recorded > 48:
        house.sweep(49)
    house.happens(answered, MOVED, 20, at=recorded, department="product")
    first, second = house.rows("handled")
    assert first.department == ("" if recorded < 48 else "service")
    assert (second.started_at, second.due_at) == (after(20), after(68))
    assert house.is_sound()
