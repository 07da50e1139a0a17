"""Touchpoints 关键节点: what another system says has happened to a customer is kept, and an invitation is planned.

Everything else – the fatigue guard, who is asked of several at once, the letter – is the follow-up's, which looks at
the invitation like at any other and leaves a row in the ledger where it is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.notify.contact import seal
from bihuan.policy.models import Policy
from bihuan.rules.survey import times
from bihuan.rules.touchpoint import Fault, fault_of
from bihuan.services.contact import unreachable
from bihuan.services.policy import in_force
from bihuan.services.registry import Identity, Newcomer, enter_customers
from bihuan.services.survey_plan import window_of
from bihuan.settings import Settings
from bihuan.store.ids import reserve_ids
from bihuan.store.lock import hold
from bihuan.store.queries.touchpoint import SUBJECT, known
from bihuan.store.rows import id_in, insert_rows, table_of, update_rows
from schemas.complaint import CustomerIn
from schemas.people import Customer
from schemas.survey import Invitation, InvitationState, Touchpoint
from schemas.touchpoint import TouchpointIn

_P = table_of(Customer).c
_Identity = tuple[str, str]


class Fate(StrEnum):
    """What became of a touchpoint that was told."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    """It was known by its source and id: nothing was done, whatever else it says."""
    REJECTED = "rejected"


class Told(NamedTuple):
    """What became of one of a batch, and why it was not taken."""

    fate: Fate
    fault: Fault | None = None


def take_touchpoints(
    session: Session, policy: Policy, settings: Settings, clock: Clock, batch: Sequence[TouchpointIn]
) -> list[Told]:
    """Keep what is new of a batch and plan its invitations; what became of each, in their order.

    A customer who is not known yet is added. Whoever is known stays as they are known, but for a contact where there
    was none: what another system says does not send anybody's letters elsewhere.

    Args:
        session: Inside ``Database.write``.
        policy: Today's: its kinds of touchpoints, and when they are asked about.
        settings: Secret, allowed contacts and zone of the installation.
        clock: Tells the present.
        batch: From one request.
    """
    hold(session, "intake")  # or two requests at once would both make the same customer, or the same touchpoint
    at = clock()
    faults = [_fault(one, policy, settings, at) for one in batch]
    sound = [one for one, fault in zip(batch, faults, strict=True) if fault is None]
    there = known(session, {_identity(one) for one in sound})
    fresh = {_identity(one): one for one in reversed(sound) if _identity(one) not in there}
    if fresh:
        in_force(session, policy, at)
        _write(session, policy, settings, list(reversed(fresh.values())), at)
    return [
        Told(Fate.REJECTED, fault) if fault else Told(_fate(one, fresh))
        for one, fault in zip(batch, faults, strict=True)
    ]


def _fault(it: TouchpointIn, policy: Policy, settings: Settings, at: datetime) -> Fault | None:
    wrong = unreachable(it.contact_url, settings) if it.contact_url else None
    return fault_of(it, policy.survey, at) or (Fault("contact_url", *wrong) if wrong else None)


def _identity(it: TouchpointIn) -> _Identity:
    return it.source, it.external_id


def _fate(it: TouchpointIn, fresh: Mapping[_Identity, TouchpointIn]) -> Fate:
    """Of one that a batch names twice the first counts."""
    return Fate.CREATED if fresh.get(_identity(it)) is it else Fate.UNCHANGED


def _write(session: Session, policy: Policy, settings: Settings, fresh: Sequence[TouchpointIn], at: datetime) -> None:
    customers = _customers(session, settings, fresh)
    ids = list(reserve_ids(session, Touchpoint, len(fresh)))
    people = [customers[it.source, it.customer_id] for it in fresh]
    insert_rows(session, Touchpoint, [
        {"id": row_id, "source": it.source, "external_id": it.external_id, "kind": it.kind, "customer_id": person.id,
         "occurred_at": it.occurred_at.astimezone(UTC), "received_at": at, "facts": dict(it.facts)}
        for row_id, it, person in zip(ids, fresh, people, strict=True)
    ])  # fmt: skip
    insert_rows(session, Invitation, [
        _invitation(policy, settings, row_id, it, person) for row_id, it, person in zip(ids, fresh, people, strict=True)
    ])  # fmt: skip


def _customers(session: Session, settings: Settings, fresh: Sequence[TouchpointIn]) -> dict[_Identity, Any]:
    """The rows of the customers, by source and its id of them."""
    wanted: dict[Identity, Newcomer] = {
        (it.source, it.customer_id, None): Newcomer(_customer(it)) for it in reversed(fresh)
    }
    ids = {identity[:2]: row_id for identity, row_id in enter_customers(session, settings, wanted).items()}
    its = select(_P.id, _P.timezone, _P.sealed_contact.is_not(None).label("has_contact"))
    rows = {row.id: row for row in session.execute(its.where(id_in(_P.id, list(ids.values()))))}
    contacts = {ids[it.source, it.customer_id]: it.contact_url for it in reversed(fresh) if it.contact_url}
    update_rows(session, Customer, [
        {"id": row_id, "sealed_contact": seal(contact, settings.secret_value())}
        for row_id, contact in contacts.items() if not rows[row_id].has_contact
    ])  # fmt: skip
    return {(source, str(external_id)): rows[row_id] for (source, external_id), row_id in ids.items()}


def _customer(it: TouchpointIn) -> CustomerIn:
    return CustomerIn(external_id=it.customer_id, name=it.name, contact_url=it.contact_url, language=it.language)


def _invitation(policy: Policy, settings: Settings, row_id: int, it: TouchpointIn, person: Any) -> dict[str, Any]:
    """Planned even where it is too late: the follow-up then leaves a row that says so."""
    asking, started_at = policy.survey.touchpoints[it.kind], it.occurred_at.astimezone(UTC)
    window = window_of(policy.survey, settings, person.timezone)
    send_at, due_at, expires_at = times(asking, started_at, started_at + asking.within, window)
    return {
        "key": f"{SUBJECT}:{row_id}|{it.kind}|1", "subject_kind": SUBJECT, "subject_id": row_id,
        "customer_id": person.id, "duty": it.kind, "round": 1, "questionnaire": asking.questionnaire,
        "policy_version": policy.survey.version, "started_at": started_at, "send_at": send_at, "due_at": due_at,
        "expires_at": expires_at, "next_at": send_at, "state": InvitationState.PLANNED, "reason": None,
        "reminders": 0, "calls": 0,
    }  # fmt: skip
