"""What follows a call: the table of its ends, and what holds of every next try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.survey import CallPolicy
from bihuan.rules.call import AfterCall, CallReason, after_call, next_try
from bihuan.rules.survey import Window
from bihuan.rules.wall_time import window_at
from schemas.survey import CallOutcome, InvitationState

H, D, MIN = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
NINE = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
WINDOW = Window("09:00", "20:00", ZoneInfo("Asia/Shanghai"))
CALLS = CallPolicy()
EXPIRED, SUPPRESSED, PHONE = InvitationState.EXPIRED, InvitationState.SUPPRESSED, InvitationState.PHONE
BUSY, NO_ANSWER = CallOutcome.BUSY, CallOutcome.NO_ANSWER


@pytest.mark.parametrize(
    ("outcome", "number", "expected"),
    [
        (CallOutcome.REACHED, 1, AfterCall(True, None, EXPIRED, CallReason.REACHED)),
        (CallOutcome.REACHED, 3, AfterCall(True, None, EXPIRED, CallReason.REACHED)),
        (CallOutcome.DECLINED, 1, AfterCall(True, None, SUPPRESSED, CallReason.DECLINED)),
        (CallOutcome.WRONG_NUMBER, 1, AfterCall(False, None, EXPIRED, CallReason.WRONG_NUMBER)),
        (CallOutcome.WRONG_NUMBER, 3, AfterCall(False, None, EXPIRED, CallReason.WRONG_NUMBER)),
        (NO_ANSWER, 1, AfterCall(False, NINE + 4 * H, PHONE)),
        (NO_ANSWER, 2, AfterCall(False, NINE + 4 * H, PHONE)),
        (BUSY, 1, AfterCall(False, NINE + H / 2, PHONE)),
        (NO_ANSWER, 3, AfterCall(True, None, EXPIRED, CallReason.UNREACHED)),
        (BUSY, 3, AfterCall(True, None, EXPIRED, CallReason.UNREACHED)),
    ],
)
def test_each_end_of_a_call_has_what_follows(outcome, number, expected):
    assert after_call(outcome, number, CALLS, WINDOW, NINE, None) == expected


@pytest.mark.parametrize(
    ("outcome", "at", "due_at", "expected"),
    [
        (NO_ANSWER, NINE + 8 * H, None, NINE + D),  # four hours later is night: the next morning
        (NO_ANSWER, NINE + 8 * H, NINE + 2 * D, NINE + D),
        (NO_ANSWER, NINE + 8 * H, NINE + 10 * H, NINE + 9.5 * H),  # the morning would be too late
        (NO_ANSWER, NINE + 8 * H, NINE + 15 * H, NINE + 10.75 * H),  # due at midnight: before the window closes
        (NO_ANSWER, NINE + 9.8 * H, NINE + 10 * H, NINE + D),  # there is no time left for another
        (NO_ANSWER, NINE + 8 * H, NINE + 7 * H, NINE + D),  # late already
        (BUSY, NINE + 10.75 * H, None, NINE + D),
    ],
)
def test_the_next_try_comes_in_the_window_and_in_time_where_it_can(outcome, at, due_at, expected):
    assert next_try(outcome, CALLS.again_after, WINDOW, at, due_at) == expected


instants = st.timedeltas(timedelta(), 3 * D).map(lambda off: NINE + off)


@given(st.sampled_from([BUSY, NO_ANSWER]), instants, st.none() | instants)
def test_a_next_try_is_always_later_in_the_window_and_never_past_due_without_need(outcome, at, due_at):
    found = next_try(outcome, CALLS.again_after, WINDOW, at, due_at)
    assert found >= at + CALLS.again_after.busy
    assert window_at(found, *WINDOW)
    if due_at is not None and found > due_at:  # then no instant was left that would have been in time
        soonest = at + CALLS.again_after.busy
        tries = [soonest + minutes * MIN for minutes in range(int((due_at - soonest) / MIN) + 1)]
        assert not any(window_at(one, *WINDOW) and one <= due_at - CALLS.again_after.busy for one in tries)


@given(st.integers(1, 9), st.sampled_from(CallOutcome), instants)
def test_after_the_last_try_nobody_is_called_again(at_most, outcome, at):
    calls = CallPolicy(at_most=at_most)
    last = after_call(outcome, at_most, calls, WINDOW, at, at + D)
    assert (last.call_at, last.state is PHONE) == (None, False)
    assert last.is_told is (outcome is not CallOutcome.WRONG_NUMBER)
