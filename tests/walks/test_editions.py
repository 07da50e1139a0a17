"""Policies and calendars that are edited while complaints are open: what already happened stays as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bihuan.services.checkup.finding import Visit
from bihuan.services.checkup.machine import calendar as calendar_check
from bihuan.services.explanation import accounts
from bihuan.store.rows import table_of
from schemas.complaint import EventKind
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import Notice

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
TUESDAY = "2026-11-17"
RESPONDED, HANDLED, WAITING, RESUMED = EventKind.RESPONDED, EventKind.HANDLED, EventKind.WAITING, EventKind.RESUMED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def deadlines(house) -> list:
    with house.db.read() as session:
        return session.execute(select(table_of(Deadline)).order_by(table_of(Deadline).c.id)).all()


def within(target: str, clock: str = "calendar") -> dict:
    """The same target for every severity."""
    return {"severity": {name: {"target": target, "clock": clock} for name in ("general", "urgent", "major")}}


# --- calendars ---


def test_a_holiday_list_edited_after_deadlines_exist_moves_those_that_are_open(house):
    """One was breached in the morning, one answered; a third, registered at 17:00, has an hour left for tomorrow."""
    house.register(0, department="product")
    house.happens(house.register(0.2), RESPONDED, 0.5)
    house.sweep(2.1)
    house.register(8, department="product")
    settled = [row for row in deadlines(house) if row.breached_at or row.met_at]
    assert [row.due_at for row in house.rows("assigned")][-1] == after(25)
    house.closes(TUESDAY)
    done = house.adopts(8.5)
    assert {(one.milestone, one.old_due_at, one.new_due_at) for one in done.moved} == {
        ("assigned", after(25), after(49)), ("first_response", after(25), after(49)),
    }  # fmt: skip
    assert (done.sections, done.moved_count) == (("calendar",), 2)
    assert [row for row in deadlines(house) if row.breached_at or row.met_at] == settled
    assert house.adopts(8.6).sections == ()
    assert house.sweep(25.1).breached == 0
    assert house.sweep(49.1).breached == 4  # the third's two, and the promise of 48 hours to the others
    assert house.is_sound()


def test_the_first_sweep_after_an_edit_takes_it_in(house):
    house.register(8, department="product")
    house.closes(TUESDAY)
    house.sweep(9)
    assert [row.due_at for row in house.rows("assigned")] == [after(49)]


def test_a_day_off_that_is_taken_back_makes_nothing_due_before_that(house):
    house.closes(TUESDAY)
    house.register(8, department="product")
    house.closes()
    house.adopts(30)
    (one,) = house.rows("assigned")
    assert (one.due_at, one.breached_at) == (after(30), None)
    house.sweep(30.1)
    assert house.rows("assigned")[0].breached_at == after(30.1)
    assert house.is_sound()


def test_another_calendar_for_some_moves_only_theirs(house):
    house.register(8, department="product")
    house.register(8, department="logistics")
    said = house.policy.written()["calendar"]
    said["calendars"]["long"] = said["calendars"]["china"] | {"extra_workdays": {"2026-11-16": [["09:00", "24:00"]]}}
    said["scopes"] = {"late": {"when": {"department": ["product"]}, "calendar": "china"}}
    house.calendars(said)
    assert house.adopts(8.1).moved_count == 0
    said["scopes"]["late"]["calendar"] = "long"
    house.calendars(said)
    assert {(one.milestone, one.new_due_at) for one in house.adopts(8.2).moved} == {
        ("assigned", after(10)), ("first_response", after(10)),
    }  # fmt: skip
    assert [row.due_at for row in house.rows("assigned")] == [after(10), after(25)]
    assert house.is_sound()


def test_a_year_without_an_official_calendar_is_said_to_be_estimated(house):
    number = house.register(45 * 24 + 8, department="product")  # 31 December 17:00
    with house.db.read() as session:
        (one,) = accounts(session, house.policy, number, house.at, "assigned")
    assert one.explanation.years == {2026: True, 2027: False}
    assert "estimated: china 2027" in calendar_check(Visit(house.settings, house.clock))[1]


# --- policies ---


def test_a_milestone_switched_off_its_notices_stop(house, answered):
    """Zammad 4353."""
    house.sweep(39)
    assert house.told() == [Notice.WARNING]
    house.decides(handled=None)
    assert [(one.milestone, one.new_due_at) for one in house.applies(40).moved] == [("handled", None)]
    one = house.one()
    assert (one.state, one.cancelled_at, one.next_at) == (DeadlineState.CANCELLED, after(40), None)
    assert house.sweep(500).decided == 0
    house.happens(answered, HANDLED, 501)
    assert (house.one().met_at, house.told()) == (None, [Notice.WARNING])
    house.happens(answered, EventKind.REOPENED, 510)
    assert len(house.rows()) == 1
    assert house.is_sound()


def test_a_milestone_switched_off_while_it_waits_stops_too_and_stays_off(house, answered):
    house.happens(answered, WAITING, 10)
    shipped = house.policy
    house.decides(handled=None)
    house.applies(100)
    house.policy = shipped
    house.applies(110)
    house.happens(answered, RESUMED, 120)
    assert (house.one().state, house.one().cancelled_at) == (DeadlineState.CANCELLED, after(100))
    assert house.is_sound()


@pytest.mark.parametrize("is_breached", [True, False], ids=["breached", "due, and no sweep has come yet"])
def test_what_was_overdue_when_it_was_switched_off_stays_as_it_was(house, answered, is_breached):
    if is_breached:
        house.sweep(49)
    before = house.one()
    house.decides(handled=None)
    house.applies(60)
    assert house.one() == before
    house.happens(answered, HANDLED, 70)
    house.sweep(71)
    assert (house.one().met_at, house.one().due_at) == (after(70), after(48))
    assert house.is_sound()


def test_a_breach_with_late_news_is_no_edition_s_any_more(house, answered):
    """By what is known now it would have been due at 58, after the edition; it was due at 48, before it."""
    house.sweep(49)
    house.happens(answered, WAITING, 10, at=50)
    house.happens(answered, RESUMED, 20, at=50.1)
    corrected = house.one()
    assert (corrected.due_at, corrected.corrected_due_at) == (after(48), after(58))
    house.decides(handled=None)
    house.applies(51)
    house.happens(answered, EventKind.NOTE, 52)
    assert house.one() == corrected
    assert house.is_sound()


def test_edited_only_what_starts_from_then_on_follows(house, answered):
    before = deadlines(house)
    house.decides(handled=within("12h"), result_feedback=None)
    second = house.register(1)
    assert deadlines(house)[: len(before)] == before
    assert [row.due_at for row in house.rows()] == [after(48), after(13)]
    house.happens(second, HANDLED, 2)
    assert house.rows("result_feedback") == []
    assert house.is_sound()


def test_an_edition_that_counts_from_a_day_on_counts_from_then_on(house, answered):
    house.decides(handled=within("12h"), effective_at=after(24).isoformat())
    numbers = [house.register(hours) for hours in (23, 24)]
    assert len(numbers) == 2
    assert [row.due_at for row in house.rows()] == [after(48), after(71), after(36)]
    assert house.is_sound()


def test_applied_to_what_is_open_nothing_is_due_before_that(house, answered):
    house.decides(handled=within("12h"))
    house.applies(20)
    assert (house.one().due_at, house.one().breached_at) == (after(20), None)
    assert house.sweep(20.1).breached == 1
    assert house.is_sound()


def test_applied_while_it_waits_it_is_not_due_before_work_goes_on(house, answered):
    """GLPI 24481: nothing is violated while pending, by an edition as little as by the time."""
    house.happens(answered, WAITING, 15)
    house.decides(handled=within("12h"))
    house.applies(20)
    assert house.one().state is DeadlineState.PAUSED
    assert house.sweep(30).decided == 0
    house.happens(answered, RESUMED, 40)
    assert (house.one().state, house.one().due_at) == (DeadlineState.RUNNING, after(40))
    assert house.is_sound()


def test_applied_it_makes_no_deadline_where_there_was_none(house):
    """Or every complaint of the past that never had that milestone would be late at once."""
    house.register(severity="major")
    assert house.rows("assigned") == []
    house.decides(assigned=within("2h"))
    house.applies(5)
    house.sweep(6)
    assert house.rows("assigned") == []
    assert house.is_sound()


def test_a_changed_tier_moves_what_its_scope_says(house):
    house.decides(scopes={"dear": {"when": {"tier": ["premium"], "channel": ["phone"]},
                                   "milestones": {"handled": within("8h")}}})  # fmt: skip
    number = house.register(channel="phone", tier="basic")
    house.register(channel="web", tier="premium")
    assert [row.due_at for row in house.rows()] == [after(48), after(48)]
    house.happens(number, EventKind.TIER_CHANGED, 2, tier="premium")
    assert [row.due_at for row in house.rows()] == [after(8), after(48)]
    assert house.complaint.tier == "premium"
    house.happens(number, EventKind.TIER_CHANGED, 9, tier="basic")  # too late: it was due at 8
    assert house.rows()[0].due_at == after(8)
    assert house.is_sound()
