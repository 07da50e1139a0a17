"""What a bad answer about a touchpoint sets in motion: a complaint, once, that goes its way like any other.

Whoever answers for it is told at once. What is answered later still is added as a note: it is one complaint, however
often the answer changes. Its own follow-up asks about the complaint, so no answer to that makes another.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.notify.words import word
from bihuan.policy.models import Policy
from bihuan.policy.survey import ComplaintPolicy, TouchpointPolicy
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED
from bihuan.rules.touchpoint import reference_of
from bihuan.services.complaint import record, register
from bihuan.services.escalation import planned
from bihuan.services.people import roster
from bihuan.services.policy import survey_edition
from bihuan.settings import Settings
from bihuan.store.lock import hold
from bihuan.store.queries.touchpoint import BORN_OF_ANSWERS, answered, owed
from bihuan.store.rows import insert_new_alike, table_of
from schemas.complaint import Complaint, ComplaintIn, CustomerIn, EventIn, EventKind
from schemas.outbox import Message, Notice, Urgency

ACTOR = "complainant"
_TITLE = 300
_C = table_of(Complaint).c


def open_work(session: Session, policy: Policy, settings: Settings, clock: Clock, invitation_id: int) -> str | None:
    """Register the bad answer to an invitation about a touchpoint, or note what it says now; the complaint's number.

    Call it in the transaction that keeps the answer. None where the invitation is about something else, or its answer
    is not, and was not, a bad one.
    """
    row = answered(session, invitation_id)
    if row is None:
        return None
    if row.complaint_id is None and row.is_negative:
        hold(session, "intake")  # of two that keep the answer at once one registers it
        row = answered(session, invitation_id) or row
    if row.complaint_id is None:
        return _register(session, policy, settings, clock, row) if row.is_negative else None
    number = str(row.number)
    if row.revision > 1:
        note = EventIn(
            kind=EventKind.NOTE, occurred_at=clock(), actor=ACTOR, key=f"answer {row.id} {row.revision}",
            data={"note": _said(row, settings.language)},
        )  # fmt: skip
        record(session, policy, clock, number, note)
    return number


def open_owed(session: Session, policy: Policy, settings: Settings, clock: Clock, limit: int) -> int:
    """Register at most ``limit`` bad answers that came in without becoming a complaint, by telephone for instance."""
    rows = owed(session, clock(), limit)
    if rows:
        hold(session, "intake")
        rows = owed(session, clock(), limit)
    for row in rows:
        _register(session, policy, settings, clock, row)
    return len(rows)


def _register(session: Session, policy: Policy, settings: Settings, clock: Clock, row: Row[Any]) -> str:
    asking = survey_edition(session, row.policy_version, policy).touchpoints.get(row.kind)
    number = register(session, policy, settings, clock, _complaint(row, asking, settings.language, clock()))
    _tell(session, policy, number, row, clock())
    return number


def _complaint(row: Row[Any], asking: TouchpointPolicy | None, language: str, at: datetime) -> ComplaintIn:
    """The complaint in the words of the answer; the person is the one who was asked, whosever customer that is."""
    kept = asking.complaint if asking else ComplaintPolicy()
    what = getattr(asking.words, language) if asking else row.kind.replace("_", " ")
    reference = reference_of(row.facts, asking.reference if asking else None)
    title = word("label", "bad_answer", language).format(what=f"{what} {reference}".strip())
    return ComplaintIn(
        source=BORN_OF_ANSWERS, external_id=row.key, registered_at=at, channel=kept.channel, kind=kept.kind,
        severity=kept.severity, title=title[:_TITLE], matter=_said(row, language), is_simulated=row.is_simulated,
        customer=CustomerIn(source=row.source, external_id=row.external_id, language=row.language),
        attributes={**row.facts, "touchpoint": row.kind, "occurred_at": row.occurred_at.isoformat()},
    )  # fmt: skip


def _said(row: Row[Any], language: str) -> str:
    """What an answer says: the person's own words first, then its figures."""
    solved = word("label", "not_solved", language) if row.is_solved is False else ""
    figures = [f"{name} {value}" for name, value in (("CSAT", row.csat), ("NPS", row.nps)) if value is not None]
    return "\n".join(part for part in (row.comment, solved, " · ".join(figures)) if part)


def _tell(session: Session, policy: Policy, number: str, row: Row[Any], at: datetime) -> None:
    """Write the message to whoever answers for the new complaint."""
    its = select(_C.id, _C.handler_id, _C.department_id).where(_C.number == number)
    found = session.execute(its).one()
    recipient = roster(session, policy, at).for_complaint(found.handler_id, found.department_id)
    message = {
        "key": message_key(f"complaint:{found.id}", row.duty, recipient, PREFERRED, f"{row.round}.0 negative"),
        "subject_id": found.id, "deadline_id": None, "escalation_id": None, "rung": 0, "recipient": recipient,
        "channel": PREFERRED, "bundle": None, "invitation_id": row.id,
    }  # fmt: skip
    insert_new_alike(session, Message, [message], ["key"], planned(Notice.NEGATIVE, Urgency.USUAL, False, at))
