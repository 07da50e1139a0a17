"""Complainants who were asked: handled complaints whose invitations went out by the product's own sweep."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlalchemy import select

from bihuan.clock import fixed, wall_clock
from bihuan.notify.link import token_of
from bihuan.policy.loader import load_policy
from bihuan.services.intake import take_in
from bihuan.services.outbox import deliver_all
from bihuan.services.people import save_department, save_staff
from bihuan.services.survey import follow_up
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.access import Purpose
from schemas.complaint import ComplaintIn, CustomerIn, EventIn, EventKind
from schemas.people import StaffIn
from schemas.survey import Invitation, InvitationState

SECRET = "benchmark"  # noqa: S105 - signs links that nobody follows
_NOON_UTC = 4
_SEED = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation whose link opens."""

    token: str
    questionnaire: str


def ask(db: Database, count: int) -> list[Asked]:
    """So many invitations, half of each questionnaire, shuffled; their links open for more than a week from now."""
    settings = Settings(secret=SecretStr(SECRET), send_per_minute=count)
    policy, noon = load_policy(None), _last_noon()
    with db.write() as session:
        save_department(session, "service", "服务部")
        save_staff(session, StaffIn(code="li", name="李", department="service"), SECRET)
        take_in(session, policy, settings, fixed(noon), [_handled(number, noon) for number in range(count)])
    follow_up(db, policy, settings, noon)
    deliver_all(db, RecordingGateway(), settings, fixed(noon), contact=policy.survey.contact)
    db.analyze()
    return _invited(db)


def _invited(db: Database) -> list[Asked]:
    invitation = table_of(Invitation).c
    invited = select(invitation.key, invitation.questionnaire).where(invitation.state == InvitationState.INVITED)
    with db.read() as session:
        rows = session.execute(invited.order_by(invitation.id)).all()
    found = [Asked(token_of(SECRET, Purpose.SURVEY, row.key), row.questionnaire) for row in rows]
    random.Random(_SEED).shuffle(found)
    return found


def _handled(number: int, noon: datetime) -> ComplaintIn:
    """Every other one was handled two days ago, and the result told; the others an hour ago."""
    is_told = bool(number % 2)
    handled_at = noon - timedelta(hours=49 if is_told else 1)
    events = [EventIn(kind=EventKind.HANDLED, occurred_at=handled_at)]
    events += [EventIn(kind=EventKind.RESULT_TOLD, occurred_at=handled_at)] if is_told else []
    customer = CustomerIn(external_id=str(number), name="客", contact_url=f"json://hooks.example.com/c{number}")
    return ComplaintIn(source="bench", external_id=str(number), registered_at=handled_at - timedelta(hours=2),
                       title="空调不制冷", department="service", customer=customer, events=tuple(events))  # fmt: skip


def _last_noon() -> datetime:
    """Noon in Shanghai, at most a day ago: an hour at which complainants may be written to."""
    now = wall_clock()
    noon = now.replace(hour=_NOON_UTC, minute=0, second=0, microsecond=0)
    return noon if noon <= now else noon - timedelta(days=1)
