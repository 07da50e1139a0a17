"""Answering: what the private link of an invitation opens, what is kept of an answer, and the work a bad one opens.

One invitation has one answer, by a unique key; it can be changed until it expires. A bad answer opens work once,
however often it is changed: where it is not solved the complaint is reopened, else the department has to take it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.notify.link import token_hash
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import Questionnaire
from bihuan.policy.survey import SurveyPolicy
from bihuan.rules.invitation import Reason
from bihuan.rules.questionnaire import Read, read_answers
from bihuan.rules.score import DECIDED, Score, review_after, score
from bihuan.services.link import LinkFacts, Refusal, open_link, refusal
from bihuan.services.negative import open_work
from bihuan.services.policy import survey_edition
from bihuan.services.survey_page import VOID
from bihuan.store.rows import insert_new_rows, insert_rows, padded, table_of, update_rows
from schemas.access import Link, Purpose
from schemas.outbox import Message
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState, OptOut, Review

_I, _A, _O, _M = table_of(Invitation), table_of(Answer), table_of(OptOut), table_of(Message).c
_L = table_of(Link).c
_ANSWERS = select(_A).where(_A.c.invitation_id.in_(bindparam("ids", expanding=True)))
_LOCKED = (
    select(_L.token_hash, _L.purpose, _L.used_at, _L.revoked_at, _L.expires_at.label("opens_until"), _I)
    .join(Message, _M.invitation_id == _I.c.id).join(Link, _L.message_id == _M.id)
    .where(_L.token_hash.in_(bindparam("hashes", expanding=True))).order_by(_I.c.id).with_for_update(of=_I)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody sent by the link of an invitation."""

    token: str
    said: Mapping[str, str]
    """Names and values as they came in; untrusted."""
    language: str
    """The reader's."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An invitation, locked, with its questions and what was answered so far."""

    invitation: Row[Any]
    survey: SurveyPolicy
    """As the edition said it under which the invitation was planned."""
    answer: Row[Any] | None

    @property
    def questionnaire(self) -> Questionnaire:
        """Its questions."""
        questionnaires: Mapping[str, Questionnaire] = self.survey.questionnaires
        return questionnaires[self.invitation.questionnaire]


@dataclass(frozen=True, slots=True)
class Draft:
    """What was read of an answer to an opened invitation."""

    opened: Opened
    read: Read
    language: str
    source: AnswerSource = AnswerSource.WEB


def save_answers(session: Session, policy: Policy, clock: Clock, forms: Sequence[Form]) -> list[Draft | Refusal]:
    """Keep what forms say, as far as it is an answer; many cost little more than one.

    Of two by one link the later changes what the earlier wrote. Gives, in their order, what was read of each, or why
    its link opens nothing.

    Args:
        session: Inside ``Database.write``.
        policy: Today's; the questions are those of the edition under which an invitation was sent.
        clock: Tells the present.
        forms: As they came in.
    """
    found: dict[int, Draft | Refusal] = {}
    left = list(enumerate(forms))
    while left:
        firsts = {form.token: (place, form) for place, form in reversed(left)}
        opened = _open(session, policy, firsts, clock())
        found |= {place: _draft(opened[form.token], form) for place, form in firsts.values()}
        keep_answers(
            session, policy, clock, [it for place, _ in firsts.values() if isinstance(it := found[place], Draft)]
        )
        left = [(place, form) for place, form in left if place not in found]
    return [found[place] for place in range(len(forms))]


def _draft(opened: Opened | Refusal, form: Form) -> Draft | Refusal:
    if isinstance(opened, Refusal):
        return opened
    return Draft(opened, read_answers(opened.questionnaire, form.said), form.language)


def _open(session: Session, policy: Policy, tokens: Iterable[str], at: datetime) -> dict[str, Opened | Refusal]:
    """What each link opens, locked in the order of the invitations; or why it opens nothing."""
    hashes = {token_hash(token): token for token in tokens}
    rows = {row.token_hash: row for row in session.execute(_LOCKED, {"hashes": padded([*hashes])})}
    ids = [row.id for row in rows.values() if row.answered_at is not None]
    answers = {row.invitation_id: row for row in session.execute(_ANSWERS, {"ids": padded(ids)})} if ids else {}
    opened: dict[str, Opened | Refusal] = {}
    for key, token in hashes.items():
        row = rows.get(key)
        if row is None:
            link = open_link(session, token, Purpose.SURVEY, at)
            opened[token] = link if isinstance(link, Refusal) else Refusal.UNKNOWN
        else:
            why = refusal(LinkFacts(row.purpose, row.used_at, row.revoked_at, row.opens_until), Purpose.SURVEY, at)
            why = why or (Refusal.REVOKED if row.state in VOID else None)
            opened[token] = why or Opened(row, survey_edition(session, row.policy_version, policy), answers.get(row.id))
    return opened


def open_invitation(session: Session, policy: Policy, invitation_id: int) -> Opened | None:
    """An invitation by its id, locked, for those who ask by telephone; None where there is none."""
    row = session.execute(select(_I).where(_I.c.id == invitation_id).with_for_update()).first()
    if row is None:
        return None
    answer = session.execute(_ANSWERS, {"ids": [row.id]}).first()
    return Opened(row, survey_edition(session, row.policy_version, policy), answer)


def keep_answers(session: Session, policy: Policy, clock: Clock, drafts: Sequence[Draft]) -> None:
    """Keep what was read of answers, whichever way they came in; of none nothing is kept.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        drafts: One an invitation.
    """
    at = clock()
    judged = [
        (it, score(it.opened.questionnaire, it.read.answers, it.opened.survey.negative))
        for it in drafts if it.read.answers
    ]  # fmt: skip
    _write(session, [_rows(it, found, at) for it, found in judged])
    for it, found in judged:
        if found.is_negative and it.opened.invitation.subject_kind == "complaint":
            open_work(session, policy, clock, it.opened.invitation, found.why, found.csat, found.nps)


class _Rows(NamedTuple):
    """What keeping an answer writes: a new row and the invitation's change, or a change of the row there is."""

    answer: dict[str, Any] | None = None
    invitation: dict[str, Any] | None = None
    change: dict[str, Any] | None = None


def _write(session: Session, rows: Sequence[_Rows]) -> None:
    insert_new_rows(session, Answer, [row.answer for row in rows if row.answer], ["invitation_id"])
    update_rows(session, Invitation, [row.invitation for row in rows if row.invitation])
    update_rows(session, Answer, [row.change for row in rows if row.change])


def _rows(draft: Draft, found: Score, at: datetime) -> _Rows:
    it, before = draft.opened.invitation, draft.opened.answer
    values = {
        "language": draft.language, "values": dict(draft.read.answers), "is_solved": found.is_solved,
        "csat": found.csat, "nps": found.nps, "index": found.index, "index_weight": found.index_weight,
        "comment": found.comment, "changed_at": at, **_verdict(before, found),
    }  # fmt: skip
    if before is None:
        row = {"invitation_id": it.id, "source": "bihuan", "external_id": str(it.id), "subject_kind": it.subject_kind,
               "subject_id": it.subject_id, "channel": draft.source, "weight": 1.0, "answered_at": at,
               "revision": 1}  # fmt: skip
        answered = {"id": it.id, "state": InvitationState.ANSWERED, "answered_at": at, "next_at": None,
                    "call_at": None}  # fmt: skip
        return _Rows(answer=row | values, invitation=answered)
    if before.values == values["values"]:
        return _Rows()
    return _Rows(change={"id": before.id, **values, "revision": before.revision + 1})


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
    link = open_link(session, token, Purpose.OPT_OUT, at)
    if isinstance(link, Refusal):
        return link
    asked = select(_I).join(Message, _M.invitation_id == _I.c.id).where(_M.id == link.message_id)
    row = session.execute(asked).first()
    return row if row is not None and row.customer_id is not None else Refusal.UNKNOWN


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
