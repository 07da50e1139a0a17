"""What becomes of an invitation 邀请 when it is looked at: it goes out, is repeated, is handed to the telephone, ends.

One person gets one letter a day, as long as that breaks no deadline; reminders always yield. Nothing is sent to whoever
does not want it, and nothing that has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bihuan.policy.survey import Asking, ContactPolicy, TouchpointPolicy
from bihuan.rules.survey import Window, is_same_day, opens_at, opens_next_day, reminder_at
from schemas.outbox import MessageState
from schemas.survey import InvitationState


class Act(StrEnum):
    """What is done with it."""

    INVITE = "invite"
    REMIND = "remind"
    CALL = "call"
    """It goes onto the telephone worklist."""
    SUPPRESS = "suppress"
    CANCEL = "cancel"
    EXPIRE = "expire"
    WAIT = "wait"


class Reason(StrEnum):
    """Why an invitation is not sent, or is called about; the row keeps the word."""

    OPTED_OUT = "opted_out"
    FATIGUE = "fatigue"
    """Somebody who was asked lately is not asked about a touchpoint."""
    TOLD = "told"
    """A person met the duty first, by telephone for instance."""
    EXEMPT = "exempt"
    NO_CONTACT = "no_contact"
    UNDELIVERABLE = "undeliverable"
    SILENT = "silent"
    """No answer after the last letter."""
    TOO_LATE = "too_late"
    """It had expired before anybody could send it, or a touchpoint lay too long ago."""
    REOPENED = "reopened"


class Standing(NamedTuple):
    """What is known of an invitation; the instants of facts up to the present only."""

    state: InvitationState
    due_at: datetime
    expires_at: datetime
    reminders: int = 0
    contacted_at: datetime | None = None
    """When its last letter was planned."""
    invited_at: datetime | None = None
    """When the invitation was sent."""
    has_contact: bool = True
    is_opted_out: bool = False
    is_cancelled: bool = False
    is_met: bool = False
    person_at: datetime | None = None
    """When the last letter to the person was planned, about whatever."""
    subject_at: datetime | None = None
    """When the last letter about the same matter was planned."""
    sending: MessageState | None = None
    """How its last message stands."""
    reason: str | None = None
    """What that says."""


class Step(NamedTuple):
    """What is done, and until when it waits or why."""

    act: Act
    until: datetime | None = None
    reason: str | None = None


def next_step(it: Standing, asking: Asking, contact: ContactPolicy, window: Window, at: datetime) -> Step:
    """What becomes of one invitation at an instant at which it is looked at.

    Args:
        it: How it stands; planned, invited or on the telephone worklist.
        asking: How its questionnaire is sent.
        contact: When people are written to.
        window: Of the person.
        at: Now.

    Returns:
        A step; one that waits does so until later than ``at``.
    """
    if it.is_cancelled:
        return Step(Act.CANCEL, reason=Reason.REOPENED)
    is_unsent = it.state is InvitationState.PLANNED
    if is_unsent and _is_unsolicited(asking) and at > it.due_at:
        return Step(Act.SUPPRESS, reason=Reason.TOO_LATE)
    if at >= it.expires_at:
        return Step(Act.EXPIRE, reason=Reason.TOO_LATE if is_unsent else None)
    if it.is_opted_out:
        return Step(Act.SUPPRESS, reason=Reason.OPTED_OUT)
    match it.state:
        case InvitationState.PLANNED:
            return _first(it, asking, contact, window, at)
        case InvitationState.INVITED:
            step = _further(it, asking, contact, window, at)
            return step._replace(until=min(step.until, it.expires_at)) if step.until else step
        case _:
            return Step(Act.WAIT, it.expires_at)


def _first(it: Standing, asking: Asking, contact: ContactPolicy, window: Window, at: datetime) -> Step:
    """Whether it goes out now."""
    is_unsolicited = _is_unsolicited(asking)
    if it.is_met:
        return Step(Act.SUPPRESS, reason=Reason.TOLD)
    if not it.has_contact:
        return _by_phone(asking, Reason.NO_CONTACT)
    if is_unsolicited and it.person_at and at < it.person_at + contact.unsolicited_every:
        return Step(Act.SUPPRESS, reason=Reason.FATIGUE)
    later = _waits_until(it, contact, window, at)
    may_wait = is_unsolicited or later <= it.due_at or at > it.due_at
    return Step(Act.WAIT, min(later, it.expires_at)) if later > at and may_wait else Step(Act.INVITE)


def _is_unsolicited(asking: Asking) -> bool:
    return isinstance(asking, TouchpointPolicy)


def _by_phone(asking: Asking, reason: Reason) -> Step:
    """Whoever is owed something is called where no letter arrives; nobody is called about a touchpoint instead."""
    return Step(Act.SUPPRESS if _is_unsolicited(asking) else Act.CALL, reason=reason)


def _waits_until(it: Standing, contact: ContactPolicy, window: Window, at: datetime) -> datetime:
    """When the person may be written to: in the window, and once a day."""
    if contact.once_a_day and it.person_at and is_same_day(it.person_at, at, window.zone):
        return opens_next_day(at, window)
    return opens_at(at, window)


def _further(it: Standing, asking: Asking, contact: ContactPolicy, window: Window, at: datetime) -> Step:
    """What follows an invitation that went out: a reminder, a call, or nothing."""
    if it.invited_at is None or it.contacted_at is None:
        return _unsent(it, asking)
    if it.subject_at and it.subject_at > it.contacted_at:  # a later letter about the same matter reminds by itself
        return Step(Act.WAIT, it.expires_at)
    remind_at = reminder_at(asking, it.reminders, it.contacted_at, window)
    if remind_at and remind_at < it.expires_at:
        later = max(remind_at, _waits_until(it, contact, window, at))
        if later > at:
            return Step(Act.WAIT, later)
        return Step(Act.REMIND) if it.has_contact else _by_phone(asking, Reason.NO_CONTACT)
    if asking.call_after:
        call_at = it.contacted_at + asking.call_after
        return Step(Act.WAIT, call_at) if call_at > at else Step(Act.CALL, reason=Reason.SILENT)
    return Step(Act.WAIT, it.expires_at)


def _unsent(it: Standing, asking: Asking) -> Step:
    """What follows from a message that is not sent: its delivery has it looked at again."""
    match it.sending:
        case MessageState.FAILED:
            return _by_phone(asking, Reason.UNDELIVERABLE)
        case MessageState.SUPPRESSED:
            return Step(Act.SUPPRESS, reason=it.reason)
        case _:  # on its way, or unknown: then a person finds out
            return Step(Act.WAIT, it.expires_at)


class Wish(NamedTuple):
    """One invitation of a person, and what it would do alone."""

    step: Step
    is_solicited: bool
    priority: int = 0


def arbitrate(wishes: Sequence[Wish], window: Window, at: datetime) -> list[Step]:
    """What becomes of several invitations of one person that are looked at together.

    What is owed goes out, as one letter. Of what nobody asked for one goes, where nothing is owed: the one with the
    lowest priority number, the first of equals. Where anything goes out, reminders wait for the next day.
    """
    going = [number for number, one in enumerate(wishes) if one.step.act is Act.INVITE]
    owed = [number for number in going if wishes[number].is_solicited]
    chosen = set(owed or sorted(going, key=lambda number: wishes[number].priority)[:1])
    steps = []
    for number, one in enumerate(wishes):
        step = one.step
        if step.act is Act.INVITE and number not in chosen:
            step = Step(Act.SUPPRESS, reason=Reason.FATIGUE)
        elif step.act is Act.REMIND and chosen:
            step = Step(Act.WAIT, opens_next_day(at, window))
        steps.append(step)
    return steps
