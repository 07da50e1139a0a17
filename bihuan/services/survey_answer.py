"""Answering: what the private link of an invitation opens, what is kept of an answer, and the work a bad one opens.

One invitation has one answer, by a unique key; it can be changed until it expires. A bad answer opens work once,
however often it is changed: where it is not solved the complaint is reopened, else the department has to take it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import Questionnaire
from bihuan.rules.invitation import Reason
from bihuan.rules.questionnaire import Read, read_answers
from bihuan.rules.score import DECIDED, Score, review_after, score
from bihuan.services.link import Refusal, open_link
from bihuan.services.negative import open_work
from bihuan.services.policy import survey_edition
from bihuan.store.rows import insert_new_rows, insert_rows, table_of
from schemas.access import Purpose
from schemas.outbox import Message
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState, OptOut, Review

_I, _A, _O, _M = table_of(Invitation), table_of(Answer), table_of(OptOut), table_of(Message).c


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opens: the invitation, its questions, and what was answered so far."""

    invitation: Row[Any]
    questionnaire: Questionnaire
    answer: Row[Any] | None


def open_survey(
    session: Session, policy: Policy, token: str, at: datetime, *, is_locked: bool = False
) -> Opened | Refusal:
    """What the link of an invitation opens; or why it opens nothing. Nothing is recorded by it."""
    row = _invitation(session, token, Purpose.SURVEY, at, is_locked=is_locked)
    if isinstance(row, Refusal):
        return row
    if row.state in {InvitationState.CANCELLED, InvitationState.SUPPRESSED}:
        return Refusal.REVOKED
    return _opened(session, policy, row)


def open_invitation(session: Session, policy: Policy, invitation_id: int) -> Opened | None:
    """An invitation by its id, locked, for those who ask by telephone; None where there is none."""
    row = session.execute(select(_I).where(_I.c.id == invitation_id).with_for_update()).first()
    return _opened(session, policy, row) if row is not None else None


def _opened(session: Session, policy: Policy, row: Row[Any]) -> Opened:
    survey = survey_edition(session, row.policy_version, policy)
    answer = session.execute(select(_A).where(_A.c.invitation_id == row.id)).first()
    return Opened(row, survey.questionnaires[row.questionnaire], answer)


def save_answer(
    session: Session, policy: Policy, clock: Clock, token: str, raw: Mapping[str, str], language: str,
    source: AnswerSource = AnswerSource.WEB,
) -> Read | Refusal:  # fmt: skip
    """Keep what a form says, as far as it is an answer; what is wrong or missing with the rest comes back.

    Args:
        session: Inside ``Database.write``.
        policy: Today's; the questions are those of the edition under which it was sent.
        clock: Tells the present.
        token: Of the link.
        raw: Names and values as they came in; untrusted.
        language: The reader's.
        source: How it came in.
    """
    opened = open_survey(session, policy, token, clock(), is_locked=True)
    if isinstance(opened, Refusal):
        return opened
    read = read_answers(opened.questionnaire, raw)
    keep_answers(session, policy, clock, opened, read, language, source)
    return read


def keep_answers(
    session: Session, policy: Policy, clock: Clock, opened: Opened, read: Read, language: str, source: AnswerSource
) -> None:  # fmt: skip
    """Keep what was read of an answer to an opened invitation, whichever way it came in; of none nothing is kept.

    Args:
        session: Inside ``Database.write``.
        policy: Today's; the answer is judged by the edition under which the invitation was planned.
        clock: Tells the present.
        opened: The invitation, locked.
        read: What was answered.
        language: In which it was answered.
        source: How it came in.
    """
    if not read.answers:
        return
    at = clock()
    survey = survey_edition(session, opened.invitation.policy_version, policy)
    found = score(opened.questionnaire, read.answers, survey.negative)
    _keep(session, opened, read, found, language, source, at)
    if found.is_negative and opened.invitation.subject_kind == "complaint":
        open_work(session, policy, clock, opened.invitation, found.why, found.csat, found.nps)


def _keep(
    session: Session, opened: Opened, read: Read, found: Score, language: str, source: AnswerSource, at: datetime
) -> None:
    it, values = opened.invitation, {
        "language": language, "values": dict(read.answers), "is_solved": found.is_solved, "csat": found.csat,
        "nps": found.nps, "index": found.index, "index_weight": found.index_weight, "comment": found.comment,
        "changed_at": at, **_verdict(opened.answer, found),
    }  # fmt: skip
    if opened.answer is None:
        row = {"invitation_id": it.id, "source": "bihuan", "external_id": str(it.id), "subject_kind": it.subject_kind,
               "subject_id": it.subject_id, "channel": source, "weight": 1.0, "answered_at": at,
               "revision": 1}  # fmt: skip
        insert_new_rows(session, Answer, [row | values], ["invitation_id"])
        answered = {"state": InvitationState.ANSWERED, "answered_at": at, "next_at": None, "call_at": None}
        session.execute(update(_I).where(_I.c.id == it.id).values(answered))
    elif opened.answer.values != values["values"]:
        changed = values | {"revision": opened.answer.revision + 1}
        session.execute(update(_A).where(_A.c.id == opened.answer.id).values(changed))


def _verdict(before: Row[Any] | None, found: Score) -> dict[str, Any]:
    """Whether it is a bad answer, and what a person made of its text or has to."""
    old = (before.review, before.comment) if before else (None, "")
    review = review_after(*old, is_for_review=found.is_for_review and not found.is_negative, comment=found.comment)
    is_decided = before is not None and review in DECIDED
    kept = {"reviewed_at": before.reviewed_at, "reviewed_by": before.reviewed_by} if before and is_decided else {}
    is_negative = found.is_negative or review is Review.NEGATIVE
    return {"is_negative": is_negative, "review": review, "reviewed_at": None, "reviewed_by": "", **kept}


def asks_to_stop(session: Session, token: str, at: datetime) -> Row[Any] | Refusal:
    """The person whom an opt-out link is for, with ``has_opted_out``; or why it opens nothing."""
    row = _invitation(session, token, Purpose.OPT_OUT, at)
    return row if isinstance(row, Refusal) or row.customer_id is not None else Refusal.UNKNOWN


def has_opted_out(session: Session, customer_id: int) -> bool:
    """Whether a person does not want to be asked."""
    mine = select(_O.c.id).where(_O.c.customer_id == customer_id, _O.c.until.is_(None))
    return session.execute(mine).first() is not None


def opt_out(session: Session, customer_id: int, at: datetime, how: str = "link") -> None:
    """Note that a person does not want to be asked any more, and call them no more; said twice it counts once."""
    if not has_opted_out(session, customer_id):
        insert_rows(session, OptOut, [{"customer_id": customer_id, "since": at, "how": how}])
    is_theirs = (_I.c.customer_id == customer_id) & (_I.c.state == InvitationState.PHONE)
    over = {"state": InvitationState.SUPPRESSED, "reason": Reason.OPTED_OUT, "next_at": None, "call_at": None}
    session.execute(update(_I).where(is_theirs).values(over))


def opt_in(session: Session, customer_id: int, at: datetime) -> None:
    """Note that a person has changed their mind."""
    session.execute(update(_O).where(_O.c.customer_id == customer_id, _O.c.until.is_(None)).values(until=at))


def _invitation(
    session: Session, token: str, purpose: Purpose, at: datetime, *, is_locked: bool = False
) -> Row[Any] | Refusal:
    link = open_link(session, token, purpose, at)
    if isinstance(link, Refusal):
        return link
    of_it = select(_I).join(Message, _M.invitation_id == _I.c.id).where(_M.id == link.message_id)
    row = session.execute(of_it.with_for_update(of=_I) if is_locked else of_it).first()
    return row if row is not None else Refusal.UNKNOWN
