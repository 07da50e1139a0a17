"""Retention 到期清除: personal data go in place, figures stay, and what is under legal hold is never touched.

Batch by batch, each a transaction of its own; what was erased is found no more, so a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session

from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import QuestionKind
from bihuan.rules.erasure import answer_remains, attributes_remain, log_remains
from bihuan.services.policy import survey_edition
from bihuan.services.schedule import intervals
from bihuan.services.tally import Tally
from bihuan.store.engine import Database
from bihuan.store.queries import retention as queries
from bihuan.store.rows import id_in, table_of, update_rows
from schemas.access import AccessEntry, Link, SignInSession
from schemas.complaint import Complaint, ComplaintEvent
from schemas.installation import Heartbeat
from schemas.outbox import DeliveryAttempt, Message, MessageState
from schemas.people import Customer
from schemas.survey import Answer, CallAttempt, Interview, Invitation, Touchpoint

BATCH = 500

_C, _E, _A, _I, _T, _W, _D, _M, _K, _N = (
    table_of(table)
    for table in (Complaint, ComplaintEvent, Answer, Invitation, Touchpoint, Interview, DeliveryAttempt, Message,
                  Customer, CallAttempt)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Erased(Tally):
    """What a run erased, or a preview would: rows by what they are."""

    complaints: int = 0
    answers: int = 0
    """That belong to no complaint."""
    touchpoints: int = 0
    interviews: int = 0
    customers: int = 0
    """Of whom nothing that names them is left; a preview does not know them."""
    message_targets: int = 0
    links: int = 0
    sign_ins: int = 0
    looks: int = 0
    heartbeats: int = 0

    @property
    def taken(self) -> int:
        """All of it."""
        return sum(getattr(self, field.name) for field in fields(self))


def erase_all(db: Database, policy: Policy, at: datetime) -> Erased:
    """Erase what is past its time at ``at``, batch after batch, until nothing is left."""
    total = Erased()
    while (done := erase_batch(db, policy, at)).taken:
        total += done
    return total


def erase_batch(db: Database, policy: Policy, at: datetime, limit: int = BATCH) -> Erased:
    """Erase one batch, at most ``limit`` rows of each kind; nothing where the policy has no line for it."""
    done = Erased()
    for name, span in policy.retention.spans.items():
        with db.write() as session:
            done += _STEPS[name](session, policy, at - span, at, limit)
    return done


def preview(session: Session, policy: Policy, at: datetime) -> dict[str, Any]:
    """What a run at ``at`` would erase: counts, the instants up to which, and complaints that only a hold keeps."""
    before = {name: at - span for name, span in policy.retention.spans.items()}
    found = {name: queries.counted(session, statement)
             for name, statement in _statements(before).items()}  # fmt: skip
    held = queries.counted(session, queries.held(before["personal_data"])) if "personal_data" in before else 0
    return {"at": at, **found, "held": held, "before": before}


def _statements(before: dict[str, datetime]) -> dict[str, queries.Statement]:
    found: dict[str, queries.Statement] = {}
    if personal := before.get("personal_data"):
        found |= {"complaints": queries.complaints(personal), "answers": queries.answers(personal),
                  "touchpoints": queries.touchpoints(personal), "interviews": queries.interviews(personal)}  # fmt: skip
    found |= {name: _LISTS[name](until) for name, until in before.items() if name in _LISTS}
    return found


def _personal(session: Session, policy: Policy, before: datetime, at: datetime, limit: int) -> Erased:
    theirs = queries.complaints(before).limit(limit).with_for_update(skip_locked=True, of=_C)
    complaints = list(session.execute(theirs).scalars())
    answers, touchpoints, interviews = (
        list(session.execute(statement.limit(limit)).scalars())
        for statement in (queries.answers(before), queries.touchpoints(before), queries.interviews(before))
    )
    customers: set[int] = set()
    if complaints:
        _erase_complaints(session, policy, complaints, at)
        customers |= _customers(session, _C, complaints)
    _erase_answers(session, policy, answers, at)
    if touchpoints:
        customers |= _customers(session, _T, touchpoints)
        session.execute(update(_T).where(id_in(_T.c.id, touchpoints)).values(facts={}, erased_at=at))
    if interviews:
        customers |= _customers(session, _W, interviews)
        session.execute(update(_W).where(id_in(_W.c.id, interviews)).values(reason="", summary="", erased_at=at))
    gone = queries.forgotten(session, customers) if customers else []
    if gone:
        session.execute(update(_K).where(id_in(_K.c.id, gone)).values(name="", sealed_contact=None))
    return Erased(len(complaints), len(answers), len(touchpoints), len(interviews), len(gone))


def _erase_complaints(session: Session, policy: Policy, ids: list[int], at: datetime) -> None:
    """Everything that belongs to these complaints."""
    events = session.execute(select(_E.c.id, _E.c.data).where(id_in(_E.c.complaint_id, ids)))
    changed = [{"id": row.id, "data": left} for row in events if (left := log_remains(row.data)) != row.data]
    update_rows(session, ComplaintEvent, changed)
    kept = policy.retention.kept_attributes
    rows = session.execute(select(_C.c.id, _C.c.attributes).where(id_in(_C.c.id, ids))).all()
    update_rows(session, Complaint, [
        {"id": row.id, "title": "", "matter": "", "demand": "", "erased_at": at,
         "attributes": attributes_remain(row.attributes, kept)} for row in rows
    ])  # fmt: skip
    invited = select(_I.c.id).where(_I.c.subject_kind == queries.COMPLAINT, id_in(_I.c.subject_id, ids))
    of_them = (_A.c.subject_kind == queries.COMPLAINT) & id_in(_A.c.subject_id, ids)
    answers = session.execute(select(_A.c.id).where(_A.c.erased_at.is_(None), of_them)).scalars()
    _erase_answers(session, policy, list(answers), at)
    session.execute(update(_N).where(_N.c.invitation_id.in_(invited), _N.c.note != "").values(note=""))
    session.execute(update(_W).where(id_in(_W.c.complaint_id, ids)).values(reason="", summary="", erased_at=at))
    messages = select(_M.c.id).where(_M.c.subject_kind == queries.COMPLAINT, id_in(_M.c.subject_id, ids))
    session.execute(update(_D).where(_D.c.message_id.in_(messages)).values(target="", error=None))


def _erase_answers(session: Session, policy: Policy, ids: list[int], at: datetime) -> None:
    if not ids:
        return
    asked = table_of(Answer).outerjoin(table_of(Invitation), _I.c.id == _A.c.invitation_id)
    found = select(_A.c.id, _A.c["values"], _I.c.policy_version).select_from(asked).where(id_in(_A.c.id, ids))
    rows = session.execute(found).all()
    texts = {version: _texts(session, policy, version) for version in {row.policy_version for row in rows}}
    update_rows(session, Answer, [
        {"id": row.id, "values": answer_remains(row.values, texts[row.policy_version]), "comment": "", "erased_at": at}
        for row in rows
    ])  # fmt: skip


def _texts(session: Session, policy: Policy, version: str | None) -> set[str]:
    """The questions that an edition of the survey lets people answer in words; today's for answers from elsewhere."""
    survey = survey_edition(session, version, policy) if version else policy.survey
    return {question.name for questionnaire in survey.questionnaires.values()
            for question in questionnaire.questions if question.kind is QuestionKind.TEXT}  # fmt: skip


def _customers(session: Session, table: Any, ids: Iterable[int]) -> set[int]:
    theirs = select(table.c.customer_id).where(id_in(table.c.id, list(ids)), table.c.customer_id.is_not(None))
    return set(session.execute(theirs).scalars())


def _targets(session: Session, _policy: Policy, before: datetime, _at: datetime, limit: int) -> Erased:
    """Where messages went and what was answered; that they went, when and how often stays."""
    rows = session.execute(queries.attempts(before).limit(limit)).scalars().all()
    if rows:
        session.execute(update(_D).where(id_in(_D.c.id, list(rows))).values(target="", error=None))
        messages = select(_D.c.message_id).where(id_in(_D.c.id, list(rows)))
        failed = (_M.c.state == MessageState.FAILED) & _M.c.id.in_(messages)
        session.execute(update(_M).where(failed).values(reason=None))
    return Erased(message_targets=len(rows))


def _links(session: Session, _policy: Policy, before: datetime, _at: datetime, limit: int) -> Erased:
    return Erased(links=_delete(session, Link, "id", queries.links(before).limit(limit)))


def _sign_ins(session: Session, _policy: Policy, before: datetime, _at: datetime, limit: int) -> Erased:
    return Erased(sign_ins=_delete(session, SignInSession, "id", queries.sign_ins(before).limit(limit)))


def _looks(session: Session, _policy: Policy, before: datetime, _at: datetime, limit: int) -> Erased:
    return Erased(looks=_delete(session, AccessEntry, "id", queries.looks(before).limit(limit)))


def _heartbeats(session: Session, _policy: Policy, before: datetime, _at: datetime, limit: int) -> Erased:
    gone = queries.heartbeats(before, list(intervals())).limit(limit)
    return Erased(heartbeats=_delete(session, Heartbeat, "sweep", gone))


def _delete(session: Session, model: Any, name: str, statement: queries.Statement) -> int:
    rows = session.execute(statement).scalars().all()
    if rows:
        table = table_of(model)
        session.execute(delete(table).where(table.c[name].in_(rows)))
    return len(rows)


_STEPS: dict[str, Callable[[Session, Policy, datetime, datetime, int], Erased]] = {
    "personal_data": _personal, "message_targets": _targets, "links": _links, "sign_ins": _sign_ins,
    "looks": _looks, "heartbeats": _heartbeats,
}  # fmt: skip
_LISTS: dict[str, Callable[[datetime], queries.Statement]] = {
    "message_targets": queries.attempts,
    "links": queries.links,
    "sign_ins": queries.sign_ins,
    "looks": queries.looks,
    "heartbeats": lambda before: queries.heartbeats(before, list(intervals())),
}
