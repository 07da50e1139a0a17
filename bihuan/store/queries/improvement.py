"""What the board of improvement items 改进看板 reads: items with the people behind them, and their measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, or_, select
from sqlmodel import Session

from bihuan.rules.item import ENDED
from bihuan.store.rows import id_in, table_of
from schemas.item import Cycle, Item, Priority
from schemas.people import Department, Staff
from schemas.plan import Measure

_I, _Y, _M, _S, _P = (table_of(table).c for table in (Item, Cycle, Measure, Staff, Department))
_ENDED = sorted(ENDED)


class Wish(NamedTuple):
    """Which items are asked for; None: any."""

    cycle: str | None = None
    owner: str | None = None
    department: str | None = None
    priority: Priority | None = None
    only: frozenset[int] | None = None
    """Ids of items, where somebody sees no others."""


def items(session: Session, wish: Wish, *, is_open: bool, limit: int | None = None) -> Sequence[Row[Any]]:
    """Items with cycle, owner and department: those open by due day, or those that ended, newest first."""
    wanted = _items().where(_I.state.not_in(_ENDED) if is_open else _I.state.in_(_ENDED))
    for given, column in ((wish.cycle, _Y.number), (wish.owner, _S.code), (wish.department, _P.code),
                          (wish.priority, _I.priority)):  # fmt: skip
        if given is not None:
            wanted = wanted.where(column == given)
    if wish.only is not None:
        wanted = wanted.where(id_in(_I.id, sorted(wish.only)))
    order = (_I.due_on.is_(None), _I.due_on, _I.number) if is_open else (_I.closed_at.desc(), _I.number)
    return session.execute(wanted.order_by(*order).limit(limit)).all()


def _items() -> Select[Any]:
    its = table_of(Item).join(table_of(Cycle), _Y.id == _I.cycle_id).outerjoin(table_of(Staff), _S.id == _I.owner_id)
    its = its.outerjoin(table_of(Department), _P.id == func.coalesce(_I.department_id, _S.department_id))
    return select(
        _I.id, _I.number, _I.name, _I.state, _I.priority, _I.verdict, _I.start_on, _I.due_on, _I.carry_count,
        _I.held_until_on, _I.is_contained, _I.closed_at, _Y.number.label("cycle"), _S.code.label("owner"),
        _S.name.label("owner_name"), _P.code.label("department"), _P.name.label("department_name"),
        _P.name_en.label("department_name_en"),
    ).select_from(its)  # fmt: skip


def measures(session: Session, item_ids: Iterable[int]) -> Sequence[Row[Any]]:
    """The measures of items, as progress and lateness are told from them, by item and place."""
    return session.execute(
        select(_M.item_id, _M.place, _M.state, _M.progress_ratio, _M.effort, _M.start_on, _M.due_on)
        .where(id_in(_M.item_id, list(item_ids))).order_by(_M.item_id, _M.place)
    ).all()  # fmt: skip


def own(session: Session, staff_id: int, code: str) -> frozenset[int]:
    """Ids of the items in which somebody has a part: as owner, as owner of a measure, or as collaborator on one."""
    owned = select(_I.id).outerjoin(table_of(Measure), _M.item_id == _I.id).where(
        or_(_I.owner_id == staff_id, _M.owner_id == staff_id)
    )  # fmt: skip
    found = set(session.execute(owned).scalars())
    told = session.execute(select(_M.item_id, _M.collaborators))
    return frozenset(found | {row.item_id for row in told if code in row.collaborators})


def cycles_of(session: Session, complaint_id: int) -> Sequence[str]:
    """Numbers of the cycles that were opened for a complaint, the newest first."""
    wanted = select(_Y.number).where(_Y.complaint_id == complaint_id).order_by(_Y.id.desc())
    return session.execute(wanted).scalars().all()


def owners(session: Session) -> Sequence[Row[Any]]:
    """Those who own an item, by code."""
    return session.execute(
        select(_S.code, _S.name).where(_S.id.in_(select(_I.owner_id).where(_I.owner_id.is_not(None)))).order_by(_S.code)
    ).all()
