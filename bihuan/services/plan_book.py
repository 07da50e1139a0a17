"""A cycle as a plan book: what its plan table, its Gantt chart and its weekly review show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlmodel import Session
from sqlmodel import select as select_rows

from bihuan.clock import Clock, zone
from bihuan.errors import UsageError
from bihuan.policy.models import Policy
from bihuan.rules.plan_progress import planned
from bihuan.services.approval import waiting
from bihuan.services.dossier import dossier, today_of
from bihuan.services.item_people import active_staff, code_of
from bihuan.services.item_show import part, show
from bihuan.store.queries import names
from bihuan.store.queries.board import is_simulated
from bihuan.store.rows import table_of
from schemas.item import Cycle, Item
from schemas.people import Staff
from schemas.plan_book import Measured, PlanBook

_S = table_of(Staff).c


def plan_book(session: Session, policy: Policy, clock: Clock, cycle_number: str) -> PlanBook:
    """Read a cycle with its items, by number.

    Raises:
        UsageError: No such cycle.
    """
    cycle = session.exec(select_rows(Cycle).where(Cycle.number == cycle_number)).first()
    if cycle is None:
        raise UsageError(f"no improvement cycle {cycle_number!r}", cure="see `bihuan improvement list`")
    at = clock()
    items = session.exec(select_rows(Item).where(Item.cycle_id == cycle.id).order_by(Item.number)).all()
    mine = {one.number for one in items}
    owed = [asdict(one) for one in waiting(session, policy, clock) if one.number in mine]
    calendar = policy.calendars.default.zone
    return PlanBook(
        number=cycle.number, title=cycle.title, period_on=cycle.period_on, made_at=at, timezone=str(calendar),
        today=at.astimezone(zone(str(calendar))).date(), items=[_item(session, policy, clock, one) for one in items],
        people=people(session), active=[one.code for one in active_staff(session)],
        departments={row.code: {"zh": row.name, "en": row.name_en or row.name} for row in names.departments(session)},
        indicators=measured(policy), manager=code_of(session, cycle.manager_id), waiting=owed,
        is_simulated=cycle.is_simulated or is_simulated(session),
    )  # fmt: skip


def _item(session: Session, policy: Policy, clock: Clock, item: Item) -> Mapping[str, Any]:
    parts = [part(one) for one in dossier(session, item).measures]
    return show(session, item.number) | {"planned_ratio": planned(parts, today_of(policy, clock()))}


def people(session: Session) -> dict[str, str]:
    """The name of everybody, by code."""
    return {row.code: row.name for row in session.execute(select(_S.code, _S.name).order_by(_S.code))}


def measured(policy: Policy) -> dict[str, Measured]:
    """How each indicator is told, by its id."""
    return {
        code: Measured({"zh": one.words.zh, "en": one.words.en},
                       "share" if one.is_share else "hours" if one.is_time else "points")
        for code, one in policy.kpi.indicators.items()
    }  # fmt: skip
