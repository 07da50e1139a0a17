"""Calls 电话回访: whoever cannot be written to, or stays silent, is called until they are reached or often enough.

One try is one row. It meets the duty where it reached the person, or where it was the last one, and the complaint's log
says so; what was answered is kept as an answer of the page is. Nobody holds a call: of two forms about the same try
the second is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.notify.contact import called_at, unseal
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import Questionnaire
from bihuan.policy.survey import SurveyPolicy
from bihuan.rules.call import AfterCall, after_call
from bihuan.rules.questionnaire import Problem, Read, read_answers
from bihuan.services.complaint import record
from bihuan.services.policy import survey_edition
from bihuan.services.survey_answer import Draft, keep_answers, open_invitation, opt_out
from bihuan.services.survey_plan import window_of
from bihuan.settings import Settings
from bihuan.store.lock import hold
from bihuan.store.queries import call as queries
from bihuan.store.queries.call import CallWish
from bihuan.store.queries.survey import handlings
from bihuan.store.rows import insert_rows, table_of
from schemas.complaint import ComplaintState, EventIn
from schemas.survey import AnswerSource, CallAttempt, CallOutcome, Invitation, InvitationState

NOTE_CHARACTERS = 500
"""Of what whoever called notes down."""
_DROPPED = frozenset({ComplaintState.WITHDRAWN, ComplaintState.MERGED})
_I = table_of(Invitation)


class UnknownCallError(UsageError):
    """There is no such invitation."""


class OffListError(RefusedError):
    """The invitation does not stand on the telephone worklist any more."""


class TakenError(RefusedError):
    """Somebody else has recorded this try."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the worklist: the row, of how many tries, and what is asked."""

    row: Row[Any]
    at_most: int
    questionnaire: Questionnaire


@dataclass(frozen=True, slots=True)
class CallSheet:
    """What whoever calls has before them; the only place where the telephone number is read."""

    row: Row[Any]
    questionnaire: Questionnaire
    at_most: int
    is_open: bool
    """Whether it stands on the list."""
    telephone: str
    """Empty where none is known, and where nobody is to be called."""
    problem: str
    """Why the number cannot be read; empty where it can, or there is none."""
    said: Mapping[str, Any]
    """What whoever handled it said then, ``result`` for the complainant and ``note`` for the house among it."""
    attempts: Sequence[Row[Any]]
    also: Sequence[Listed]
    """What else the same person is to be called about."""


@dataclass(frozen=True, slots=True)
class Call:
    """A try, as whoever called tells it.

    Attributes:
        number: Which try it is, from 1: the mark by which one told twice is known.
        outcome: How it ended.
        by: Who called: a staff code, or where it was told.
        note: For the house, at most ``NOTE_CHARACTERS``.
        answers: Names and values as a form has them; they count where the person was reached.
        language: In which it was asked.
        is_opting_out: The person does not want to be asked again 退订.
    """

    number: int
    outcome: CallOutcome
    by: str = ""
    note: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    language: str = "zh"
    is_opting_out: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of telling a try.

    Attributes:
        after: What follows; None where nothing was recorded, because an answer is none or it was recorded before.
        problems: Answers that are none, by question.
    """

    after: AfterCall | None = None
    problems: Mapping[str, Problem] = field(default_factory=dict)


def call_list(session: Session, policy: Policy, at: datetime, wish: CallWish) -> list[Listed]:
    """A page of the telephone worklist, whose call was due first before the others; whatever expired is left out."""
    return _listed(session, policy, queries.worklist(session, at, wish))


def _listed(session: Session, policy: Policy, rows: Sequence[Row[Any]]) -> list[Listed]:
    editions = {version: survey_edition(session, version, policy) for version in {row.policy_version for row in rows}}
    return [_line(row, editions[row.policy_version]) for row in rows]


def _line(row: Row[Any], survey: SurveyPolicy) -> Listed:
    return Listed(row, survey.calls.at_most, survey.questionnaires[row.questionnaire])


def call_sheet(session: Session, policy: Policy, settings: Settings, invitation_id: int, at: datetime) -> CallSheet:
    """Everything that whoever calls about an invitation needs; nothing is recorded by looking.

    Raises:
        UnknownCallError: There is no such invitation.
    """
    row = _found(queries.one_call(session, invitation_id))
    line = _line(row, survey_edition(session, row.policy_version, policy))
    is_complaint = row.subject_kind == "complaint"
    said = handlings(session, [row.subject_id]).get((row.subject_id, row.started_at), {}) if is_complaint else {}
    is_open = _is_open(row, at)
    telephone, problem = _telephone(row, settings) if is_open else ("", "")
    also = _listed(session, policy, queries.also_to_call(session, row, at))
    return CallSheet(row, line.questionnaire, line.at_most, is_open, telephone, problem, said,
                     queries.attempts(session, row.id), also)  # fmt: skip


def _found(row: Any) -> Any:
    if row is None:
        raise UnknownCallError("no such call", cure="see `bihuan survey calls`")
    return row


def _telephone(row: Row[Any], settings: Settings) -> tuple[str, str]:
    """The number to call, and why it cannot be read."""
    try:
        return (called_at(unseal(row.sealed_contact, settings.secret_value())) if row.sealed_contact else ""), ""
    except RefusedError as error:
        return "", str(error)


def _is_open(row: Row[Any], at: datetime) -> bool:
    """Whether somebody is still to be called: a reopening counts before the sweep has seen it."""
    is_there = row.number is None or (
        row.round == row.asked_round and row.handled_at is not None and row.complaint_state not in _DROPPED
    )
    return row.state is InvitationState.PHONE and at < row.expires_at and is_there


def record_call(
    session: Session, policy: Policy, settings: Settings, clock: Clock, invitation_id: int, call: Call
) -> Recorded:  # fmt: skip
    """Record one try with all that follows from it; the same form again changes nothing.

    Args:
        session: Inside ``Database.write``.
        policy: Today's; the calls follow the edition under which the invitation was planned.
        settings: The installation's zone, for people whose own is not known.
        clock: Tells the present.
        invitation_id: Whom it was about.
        call: The try.

    Raises:
        UnknownCallError: There is no such invitation.
        UsageError: The note is too long, or it is not the next try.
        OffListError: It left the list: answered meanwhile, reopened, expired, or called often enough.
        TakenError: Somebody else recorded that try.
    """
    at = clock()
    if len(call.note) > NOTE_CHARACTERS:
        raise UsageError("the note is too long", cure=f"at most {NOTE_CHARACTERS} characters")
    hold(session, "follow-up")  # a sweep that cancels it at this moment goes first, or waits
    opened = _found(open_invitation(session, policy, invitation_id))
    row = _found(queries.one_call(session, invitation_id))
    if _is_known(session, call, invitation_id):
        return Recorded()
    _refuse_idle(row, call, at)
    is_reached = call.outcome is CallOutcome.REACHED
    read = read_answers(opened.questionnaire, call.answers, is_finished=False) if is_reached else Read()
    if read.problems:
        return Recorded(problems=read.problems)
    survey = survey_edition(session, row.policy_version, policy)
    owed_until = row.due_at if row.number and row.met_at is None else None
    window = window_of(survey, settings, row.timezone)
    after = after_call(call.outcome, call.number, survey.calls, window, at, owed_until)
    _write(session, row, call, after, at)
    if after.is_told and owed_until:
        _tell(session, policy, clock, row, call)
    keep_answers(session, policy, clock, [Draft(opened, read, call.language, AnswerSource.PHONE)])
    if call.is_opting_out and row.customer_id is not None:
        opt_out(session, row.customer_id, at, how="phone")
    return Recorded(after)


def _is_known(session: Session, call: Call, invitation_id: int) -> bool:
    """Whether this very form came in before; what somebody else said of that try is another thing."""
    known = next((row for row in queries.attempts(session, invitation_id) if row.number == call.number), None)
    if known is None:
        return False
    if (known.outcome, known.called_by, known.note) != (call.outcome, call.by, call.note):
        raise TakenError(f"try {call.number} is recorded already", cure="see the call, and tell the next one")
    return True


def _refuse_idle(row: Row[Any], call: Call, at: datetime) -> None:
    if not _is_open(row, at):
        raise OffListError("nobody is to be called about it any more", cure="see `bihuan survey calls`")
    if call.number != row.calls + 1:
        raise UsageError(f"the next try is number {row.calls + 1}", cure="open the call again")


def _write(session: Session, row: Row[Any], call: Call, after: AfterCall, at: datetime) -> None:
    insert_rows(session, CallAttempt, [{
        "invitation_id": row.id, "number": call.number, "outcome": call.outcome, "called_at": at,
        "called_by": call.by, "note": call.note,
    }])  # fmt: skip
    values: dict[str, Any] = {"calls": call.number, "call_at": after.call_at}
    if after.call_at is None:
        values |= {"state": after.state, "reason": after.reason, "next_at": None}
    session.execute(update(_I).where(_I.c.id == row.id).values(values))


def _tell(session: Session, policy: Policy, clock: Clock, row: Row[Any], call: Call) -> None:
    """Write into the complaint's log that its duty is met, by the key that a letter of the invitation would have."""
    milestone = policy.deadline.milestones.get(row.duty)
    if milestone is None:
        return
    data = {"way": "phone", "outcome": call.outcome.value, "calls": call.number}
    event = EventIn(kind=milestone.ends[0], occurred_at=clock(), actor=call.by, key=f"invitation {row.id}", data=data)
    record(session, policy, clock, row.number, event)
