"""What becomes of an invitation: the table of its ways, and what holds of all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.survey import ContactPolicy, FollowUp, TouchpointPolicy
from bihuan.rules.invitation import Act, Reason, Standing, Step, Wish, arbitrate, next_step
from bihuan.rules.survey import Window
from schemas.outbox import MessageState
from schemas.survey import InvitationState

H, D = timedelta(hours=1), timedelta(days=1)
NINE = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
WINDOW = Window("09:00", "20:00", ZoneInfo("Asia/Shanghai"))
CONTACT = ContactPolicy.model_validate({"window": ["09:00", "20:00"]})
ASKING = FollowUp.model_validate({
    "questionnaire": "q", "send": "at_once", "reminder": {"after": "48h", "at_most": 1}, "call_after": "72h",
})  # fmt: skip
TOUCH = TouchpointPolicy.model_validate({
    "questionnaire": "q", "send": "24h", "priority": 1, "words": {"zh": "订单", "en": "Order"},
})  # fmt: skip
PLANNED = Standing(InvitationState.PLANNED, due_at=NINE + D, expires_at=NINE + 14 * D)
SENT = PLANNED._replace(state=InvitationState.INVITED, contacted_at=NINE, invited_at=NINE, person_at=NINE,
                        subject_at=NINE)  # fmt: skip
NOON, NIGHT = NINE + 3 * H, NINE + 12 * H


def step(it: Standing, at: datetime, asking=ASKING) -> Step:
    return next_step(it, asking, CONTACT, WINDOW, at)


@pytest.mark.parametrize(
    ("it", "at", "expected"),
    [
        (PLANNED, NOON, Step(Act.INVITE)),
        (PLANNED, NIGHT, Step(Act.WAIT, NINE + D)),  # due exactly when the window opens
        (PLANNED._replace(due_at=NINE + D - H), NIGHT, Step(Act.INVITE)),  # a promise is worth a letter at night
        (PLANNED._replace(due_at=NINE), NIGHT, Step(Act.WAIT, NINE + D)),  # broken already: not at night on top
        (PLANNED._replace(person_at=NINE), NOON, Step(Act.WAIT, NINE + D)),
        (PLANNED._replace(person_at=NINE, due_at=NINE + D - H), NOON, Step(Act.INVITE)),
        (PLANNED._replace(person_at=NINE - D), NOON, Step(Act.INVITE)),
        (PLANNED._replace(is_opted_out=True), NOON, Step(Act.SUPPRESS, reason=Reason.OPTED_OUT)),
        (PLANNED._replace(has_contact=False), NIGHT, Step(Act.CALL, reason=Reason.NO_CONTACT)),
        (PLANNED._replace(is_met=True), NOON, Step(Act.SUPPRESS, reason=Reason.TOLD)),
        (PLANNED._replace(is_cancelled=True, is_opted_out=True), NOON, Step(Act.CANCEL, reason=Reason.REOPENED)),
        (PLANNED, NINE + 14 * D, Step(Act.EXPIRE, reason=Reason.TOO_LATE)),
        (SENT, NOON, Step(Act.WAIT, NINE + 2 * D)),
        (SENT, NINE + 2 * D, Step(Act.REMIND)),
        (SENT, NINE + 2 * D + 12 * H, Step(Act.WAIT, NINE + 3 * D)),  # no reminder at night
        (SENT._replace(person_at=NINE + 2 * D), NINE + 2 * D + H, Step(Act.WAIT, NINE + 3 * D)),
        (SENT._replace(subject_at=NINE + D), NINE + 2 * D, Step(Act.WAIT, NINE + 14 * D)),
        (SENT._replace(reminders=1), NINE + 2 * D, Step(Act.WAIT, NINE + 3 * D)),
        (SENT._replace(reminders=1), NINE + 3 * D, Step(Act.CALL, reason=Reason.SILENT)),
        (SENT._replace(is_opted_out=True), NINE + 2 * D, Step(Act.SUPPRESS, reason=Reason.OPTED_OUT)),
        (SENT, NINE + 14 * D, Step(Act.EXPIRE)),
        (SENT._replace(invited_at=None, sending=MessageState.FAILED), NOON,
         Step(Act.CALL, reason=Reason.UNDELIVERABLE)),
        (SENT._replace(invited_at=None, sending=MessageState.UNKNOWN), NOON, Step(Act.WAIT, NINE + 14 * D)),
        (SENT._replace(invited_at=None, sending=MessageState.PLANNED), NOON, Step(Act.WAIT, NINE + 14 * D)),
        (SENT._replace(invited_at=None, sending=MessageState.SUPPRESSED, reason="opted_out"), NOON,
         Step(Act.SUPPRESS, reason="opted_out")),
        (PLANNED._replace(state=InvitationState.PHONE), NOON, Step(Act.WAIT, NINE + 14 * D)),
        (PLANNED._replace(state=InvitationState.PHONE), NINE + 14 * D, Step(Act.EXPIRE)),
    ],
)  # fmt: skip
def test_each_standing_has_its_step(it, at, expected):
    assert step(it, at) == expected


@pytest.mark.parametrize(
    ("person_at", "act"),
    [(None, Act.INVITE), (NOON - 29 * D, Act.SUPPRESS), (NOON - 30 * D, Act.INVITE), (NOON - H, Act.SUPPRESS)],
)
def test_nobody_is_asked_unsolicited_more_than_once_in_thirty_days(person_at, act):
    assert step(PLANNED._replace(person_at=person_at), NOON, TOUCH).act is act


@pytest.mark.parametrize(
    ("it", "at", "expected"),
    [
        (PLANNED, NINE + D, Step(Act.INVITE)),  # at the last instant
        (PLANNED, NINE + D + H, Step(Act.SUPPRESS, reason=Reason.TOO_LATE)),
        (PLANNED, NINE + 20 * D, Step(Act.SUPPRESS, reason=Reason.TOO_LATE)),  # with a row in the ledger, not expired
        (PLANNED._replace(has_contact=False), NOON, Step(Act.SUPPRESS, reason=Reason.NO_CONTACT)),
        (SENT._replace(invited_at=None, sending=MessageState.FAILED), NOON,
         Step(Act.SUPPRESS, reason=Reason.UNDELIVERABLE)),
        (SENT, NINE + 14 * D, Step(Act.EXPIRE)),
    ],
)  # fmt: skip
def test_about_a_touchpoint_nobody_is_asked_late_and_nobody_is_called_instead(it, at, expected):
    assert step(it, at, TOUCH) == expected


def test_what_nobody_asked_for_never_comes_at_night():
    assert step(PLANNED._replace(due_at=NIGHT + H), NIGHT, TOUCH) == Step(Act.WAIT, NINE + D)


def test_what_is_owed_to_one_person_goes_out_together():
    wishes = [Wish(Step(Act.INVITE), is_solicited=True)] * 2
    assert arbitrate(wishes, WINDOW, NOON) == [Step(Act.INVITE)] * 2


def test_what_is_owed_comes_before_what_nobody_asked_for_and_that_by_priority():
    fatigue = Step(Act.SUPPRESS, reason=Reason.FATIGUE)
    touches = [Wish(Step(Act.INVITE), is_solicited=False, priority=number) for number in (2, 1, 1)]
    assert arbitrate(touches, WINDOW, NOON) == [fatigue, Step(Act.INVITE), fatigue]
    owed = Wish(Step(Act.INVITE), is_solicited=True)
    assert arbitrate([*touches, owed], WINDOW, NOON) == [fatigue, fatigue, fatigue, Step(Act.INVITE)]


def test_a_reminder_yields_to_an_invitation_until_the_next_day():
    wishes = [Wish(Step(Act.REMIND), is_solicited=True), Wish(Step(Act.INVITE), is_solicited=True)]
    assert arbitrate(wishes, WINDOW, NOON) == [Step(Act.WAIT, NINE + D), Step(Act.INVITE)]
    assert arbitrate(wishes[:1], WINDOW, NOON) == [Step(Act.REMIND)]


offsets = st.timedeltas(timedelta(days=-3), timedelta(days=16))
maybe = st.none() | offsets.map(lambda off: NINE + off)
standings = st.builds(
    Standing,
    state=st.sampled_from([InvitationState.PLANNED, InvitationState.INVITED, InvitationState.PHONE]),
    due_at=offsets.map(lambda off: NINE + off), expires_at=offsets.map(lambda off: NINE + off),
    reminders=st.integers(0, 2), contacted_at=maybe, invited_at=maybe, has_contact=st.booleans(),
    is_opted_out=st.booleans(), is_cancelled=st.booleans(), is_met=st.booleans(), person_at=maybe, subject_at=maybe,
    sending=st.none() | st.sampled_from(MessageState), reason=st.none() | st.just("ended"),
)  # fmt: skip


@given(standings, offsets, st.sampled_from([ASKING, TOUCH]))
def test_waiting_ends_after_now_and_no_later_than_the_invitation(it, off, asking):
    at = NINE + off
    found = step(it, at, asking)
    if found.act is Act.WAIT:
        assert at < found.until <= it.expires_at
    else:
        assert found.until is None


@given(standings, offsets, st.sampled_from([ASKING, TOUCH]))
def test_nothing_is_sent_to_whoever_does_not_want_it_nor_about_what_is_over(it, off, asking):
    at = NINE + off
    if step(it, at, asking).act in {Act.INVITE, Act.REMIND}:
        assert (it.is_opted_out, it.is_cancelled) == (False, False)
        assert it.has_contact
        assert at < it.expires_at


@given(standings, offsets)
def test_a_reminder_never_comes_at_night_or_on_the_day_of_another_letter(it, off):
    at = NINE + off
    if step(it, at).act is Act.REMIND:
        local = at.astimezone(WINDOW.zone)
        assert 9 <= local.hour < 20
        assert it.person_at is None or it.person_at.astimezone(WINDOW.zone).date() != local.date()
        assert it.reminders == 0
