"""What follows a try to reach somebody by telephone 电话回访: another one, or the end of it.

The duty is met by a call that reached the person, or by as many tries as policy says. Someone who answers and does not
want to talk was reached; a wrong number reaches nobody, however often it is dialled.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bihuan.policy.survey import AgainAfter, CallPolicy
from bihuan.rules.survey import Window, in_window, opens_at
from bihuan.rules.wall_time import window_at
from schemas.survey import CallOutcome, InvitationState


class CallReason(StrEnum):
    """Why an invitation left the telephone worklist; its row keeps the word."""

    REACHED = "reached"
    DECLINED = "declined"
    """The person answered, and did not want to be asked."""
    WRONG_NUMBER = "wrong_number"
    UNREACHED = "unreached"
    """Nobody answered, as often as policy has it tried."""


class AfterCall(NamedTuple):
    """What follows a try."""

    is_told: bool
    """Whether it meets the duty."""
    call_at: datetime | None = None
    """When the next try is due; None: it leaves the list."""
    state: InvitationState = InvitationState.PHONE
    reason: CallReason | None = None


def after_call(
    outcome: CallOutcome, number: int, calls: CallPolicy, window: Window, at: datetime, due_at: datetime | None
) -> AfterCall:  # fmt: skip
    """What follows one try.

    Args:
        outcome: How it ended.
        number: Which try it was, from 1.
        calls: How people are called.
        window: Of the person; the next try is due inside it.
        at: When it ended.
        due_at: Of the duty that is not met yet; None where nothing is owed any more.
    """
    match outcome:
        case CallOutcome.REACHED:
            return AfterCall(True, None, InvitationState.EXPIRED, CallReason.REACHED)
        case CallOutcome.DECLINED:
            return AfterCall(True, None, InvitationState.SUPPRESSED, CallReason.DECLINED)
        case CallOutcome.WRONG_NUMBER:
            return AfterCall(False, None, InvitationState.EXPIRED, CallReason.WRONG_NUMBER)
    if number >= calls.at_most:
        return AfterCall(True, None, InvitationState.EXPIRED, CallReason.UNREACHED)
    return AfterCall(False, next_try(outcome, calls.again_after, window, at, due_at))


def next_try(
    outcome: CallOutcome, again: AgainAfter, window: Window, at: datetime, due_at: datetime | None
) -> datetime:  # fmt: skip
    """When somebody who was not reached is called again: in their window, and before the duty is due where it can be.

    Never sooner than the shortest wait of the policy.
    """
    wait = again.busy if outcome is CallOutcome.BUSY else again.no_answer
    usual = opens_at(at + wait, window)
    if due_at is None or usual <= due_at:
        return usual
    shortest = min(again.busy, again.no_answer)
    soonest = at + shortest
    if soonest > due_at:
        return usual
    earlier = in_window(soonest, max(soonest, due_at - shortest), due_at, window)
    return earlier if window_at(earlier, *window) else usual
