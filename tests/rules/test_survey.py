"""When invitations go out: never past due, in the contact window wherever it opens, a later handling never sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.survey import FollowUp
from bihuan.rules.survey import (
    SWEEP_ROOM,
    Window,
    in_window,
    is_same_day,
    opens_at,
    opens_next_day,
    reminder_at,
    times,
)
from bihuan.rules.wall_time import open_from, window_at, window_before

H, D = timedelta(hours=1), timedelta(days=1)
SHANGHAI = Window("09:00", "20:00", ZoneInfo("Asia/Shanghai"))
RESULT = FollowUp.model_validate({"questionnaire": "result", "send": "at_once"})
FOLLOW_UP = FollowUp.model_validate(
    {"questionnaire": "satisfaction", "send": "48h", "reminder": {"after": "48h", "at_most": 2}}
)

ZONES = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "America/Sao_Paulo"]
TIMES = ["00:00", "00:30", "02:15", "02:30", "03:00", "09:00", "12:10", "20:00", "23:59"]
START, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2011, 2019))
instants = st.timedeltas(timedelta(), END - START).map(lambda since: START + since)
spans = st.timedeltas(timedelta(), timedelta(days=5))
windows = st.builds(
    lambda begins, ends, zone: Window(begins, ends, ZoneInfo(zone)),
    st.sampled_from(TIMES), st.sampled_from(TIMES), st.sampled_from(ZONES),
)  # fmt: skip
# Handlings around the changes of these zones' clocks: the examples that matter are rare among ten years.
CHANGES = [datetime.fromisoformat(f"{hour}Z") for hour in (
    "2015-03-08T07:00", "2015-11-01T06:00", "2015-03-29T01:00", "2015-10-03T15:00", "2015-10-18T03:00",
)]  # fmt: skip
handlings = instants | st.builds(
    lambda change, off: change + off,
    st.sampled_from(CHANGES), st.timedeltas(timedelta(days=-4), timedelta(days=4)),
)  # fmt: skip


def shanghai(day: int, time: str) -> datetime:
    """In November 2026."""
    return datetime.fromisoformat(f"2026-11-{day:02}T{time}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("handled", "sent"),
    [
        ((16, "10:00"), (16, "10:00")),  # in the window: at once
        ((16, "09:00"), (16, "09:00")),
        ((16, "19:45"), (16, "19:45")),
        ((16, "19:50"), (17, "09:00")),  # no sweep would come before it closes
        ((16, "21:30"), (17, "09:00")),  # the earlier window lies before the handling
        ((16, "03:00"), (16, "09:00")),
    ],
)
def test_a_result_goes_out_at_once_or_when_the_window_opens(handled, sent):
    at = shanghai(*handled)
    assert times(RESULT, at, at + 24 * H, SHANGHAI).send_at == shanghai(*sent)


@pytest.mark.parametrize(
    ("handled", "sent"),
    [
        ((16, "10:00"), (18, "10:00")),
        ((16, "21:30"), (18, "19:45")),  # earlier, not the morning after
        ((16, "03:00"), (17, "19:45")),
    ],
)
def test_a_follow_up_outside_the_window_moves_to_an_earlier_moment(handled, sent):
    at = shanghai(*handled)
    assert times(FOLLOW_UP, at, at + 72 * H, SHANGHAI).send_at == shanghai(*sent)


def test_what_no_window_can_take_goes_out_at_once():
    at = shanghai(16, "21:00")
    assert times(RESULT, at, at + 2 * H, SHANGHAI).send_at == at


def test_a_policy_that_waits_longer_than_the_deadline_asks_by_the_deadline():
    at = shanghai(16, "10:00")
    assert times(FOLLOW_UP, at, at + 24 * H, SHANGHAI).send_at == at + 24 * H


def test_an_invitation_expires_its_span_after_it_goes_out():
    at = shanghai(16, "10:00")
    assert times(FOLLOW_UP, at, at + 72 * H, SHANGHAI).expires_at == at + 48 * H + 14 * D


def test_spring_leaves_the_window_on_the_wall_where_it_was():
    window = Window("09:00", "20:00", ZoneInfo("America/New_York"))
    handled = datetime(2015, 3, 7, 22, 0, tzinfo=window.zone).astimezone(UTC)
    sent = times(RESULT, handled, handled + 24 * H, window).send_at
    assert sent.astimezone(window.zone).isoformat() == "2015-03-08T09:00:00-04:00"


@given(handlings, spans, spans, windows)
def test_an_invitation_never_goes_out_past_due_nor_before_the_handling(handled, wait, target, window):
    sent = in_window(handled, min(handled + wait, handled + target), handled + target, window)
    assert handled <= sent <= handled + target


@given(handlings, spans, spans, windows)
def test_it_goes_out_in_the_window_wherever_that_opens_in_time(handled, wait, target, window):
    due = handled + target
    sent = in_window(handled, min(handled + wait, due), due, window)
    opens_in_time = open_from(handled, *window) <= due
    assert (window_at(sent, *window) is not None) is opens_in_time


@given(handlings, st.timedeltas(timedelta(), timedelta(days=2)), spans, spans, windows)
def test_a_later_handling_is_never_asked_about_sooner(handled, later, wait, target, window):
    first, second = (
        in_window(at, min(at + wait, at + target), at + target, window) for at in (handled, handled + later)
    )
    assert first <= second


@given(handlings, spans, windows)
def test_a_sweep_that_comes_every_quarter_of_an_hour_still_finds_the_window_open(handled, wait, window):
    wish = handled + wait
    sent = in_window(handled, wish, wish + D, window)
    found = window_at(sent, *window)
    if sent != handled and found and found[1] - found[0] > 2 * SWEEP_ROOM:
        assert window_at(sent + SWEEP_ROOM - timedelta(seconds=1), *window) is not None


@given(handlings, windows)
def test_the_window_before_is_the_last_that_opened(at, window):
    opens, closes = window_before(at, *window)
    assert opens <= at
    assert opens < closes
    assert open_from(opens, *window) == opens
    if closes <= at:
        assert open_from(closes, *window) > at or window_at(at, *window) is not None


@given(handlings, windows)
def test_the_next_day_is_another_one(at, window):
    opening = opens_next_day(at, window)
    assert not is_same_day(at, opening, window.zone)
    assert opening > at
    assert window_at(opening, *window) is not None


def test_a_reminder_comes_so_often_at_most_and_in_the_window():
    sent = shanghai(16, "19:50")
    assert reminder_at(FOLLOW_UP, 0, sent, SHANGHAI) == shanghai(18, "19:50")
    assert reminder_at(FOLLOW_UP, 1, sent + 2 * H, SHANGHAI) == shanghai(19, "09:00")
    assert reminder_at(FOLLOW_UP, 2, sent, SHANGHAI) is None
    assert reminder_at(RESULT, 0, sent, SHANGHAI) is None


def test_outside_the_window_it_waits_for_the_opening():
    assert opens_at(shanghai(16, "20:00"), SHANGHAI) == shanghai(17, "09:00")
    assert opens_at(shanghai(16, "19:59"), SHANGHAI) == shanghai(16, "19:59")
