"""What explains the escalations of a complaint: which ladder, whom each rung told or passed, and what stopped it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.notify.words import word
from bihuan.policy.flaw import KeyPath
from bihuan.policy.models import Policy
from bihuan.rules.escalation import read
from bihuan.services.policy import edition_document
from bihuan.store.queries.acknowledgement import steps_of
from bihuan.store.queries.names import recipient_names
from bihuan.store.rows import table_of
from schemas.escalation import Escalation, EscalationState, Trigger

_E = table_of(Escalation)
Names = tuple[str, str]
"""A name, and its English form where there is one."""


@dataclass(frozen=True, slots=True)
class RungAccount:
    """One rung told."""

    rung: int
    repeat: int
    trigger: Trigger
    told_at: datetime
    told: tuple[Names, ...]
    """Empty: everybody it names had been told in this round already."""
    passed: tuple[tuple[str, str, str], ...]
    """Rung, target and reason of what reached nobody."""


@dataclass(frozen=True, slots=True)
class LadderAccount:
    """One ladder that was started."""

    duty: str
    ladder: str
    policy_version: str
    policy_line: str | None
    """File, line and key of the ladder in the edition under which it started."""
    state: EscalationState
    started_at: datetime
    next_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: Names | None
    rungs: tuple[RungAccount, ...]


def ladder_accounts(session: Session, policy: Policy, complaint_id: int) -> dict[int | None, LadderAccount]:
    """The ladders of a complaint by deadline; that of oversight, the latest, under None."""
    mine = select(_E).where(_E.c.subject_kind == "complaint", _E.c.subject_id == complaint_id).order_by(_E.c.id)
    rows = session.execute(mine).all()
    if not rows:
        return {}
    steps = steps_of(session, [row.id for row in rows])
    told = {recipient for some in steps.values() for step in some for recipient, _ in read(step.told)}
    names = recipient_names(session, told | {row.acknowledged_by for row in rows if row.acknowledged_by})
    return {row.deadline_id: _account(session, policy, row, steps[row.id], names) for row in rows}


def _account(
    session: Session, policy: Policy, row: Row[Any], steps: Sequence[Row[Any]], names: Mapping[str, Names]
) -> LadderAccount:
    return LadderAccount(
        row.duty, row.ladder, row.policy_version, _line(session, policy, row), row.state, row.started_at, row.next_at,
        row.acknowledged_at, _name(names, row.acknowledged_by) if row.acknowledged_by else None,
        tuple(_rung(step, names) for step in steps),
    )  # fmt: skip


def _rung(step: Row[Any], names: Mapping[str, Names]) -> RungAccount:
    told = tuple(_name(names, recipient) for recipient, _ in sorted(read(step.told)))
    passed = tuple((number, target, reason) for number, target, reason in (one.split(" ") for one in step.passed))
    return RungAccount(step.rung, step.cycle, step.trigger, step.told_at, told, passed)


def _name(names: Mapping[str, Names], recipient: str) -> Names:
    return names.get(recipient, (word("target", recipient, "zh"), word("target", recipient, "en")))


def _line(session: Session, policy: Policy, row: Row[Any]) -> str | None:
    document = edition_document(session, "escalation", row.policy_version, policy)
    at: KeyPath = ("ladders", row.ladder)
    return f"{document.file}:{document.line(at)} {'.'.join(map(str, at))}" if document else None
