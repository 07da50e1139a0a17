"""Improvement work and decisions by what a message is about, with the item, whose it is, and which department."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, func, literal, select
from sqlmodel import Session

from bihuan.store.rows import id_in, table_of
from schemas.item import ITEM, Item
from schemas.people import Department, Staff
from schemas.plan import MEASURE, Measure

_I, _M, _S, _P = table_of(Item).c, table_of(Measure).c, table_of(Staff).c, table_of(Department).c


def works(session: Session, subjects: Collection[tuple[str, int]]) -> dict[tuple[str, int], Row[Any]]:
    """Number, name, place and text of the measure (0 and empty of a decision), owner and department, by subject."""
    measures = [one for kind, one in subjects if kind == MEASURE]
    items = [one for kind, one in subjects if kind == ITEM]
    told = (_I.number, _I.name, _I.is_simulated, _S.name.label("owner"), _P.name.label("department"),
            _P.name_en.label("department_en"))  # fmt: skip
    of_measures = (
        select(_M.id, _M.place, _M.what, *told)
        .select_from(
            table_of(Measure).join(table_of(Item), _I.id == _M.item_id)
            .outerjoin(table_of(Staff), _S.id == _M.owner_id)
            .outerjoin(table_of(Department), _P.id == func.coalesce(_I.department_id, _S.department_id)))
        .where(id_in(_M.id, measures))
    )  # fmt: skip
    of_items = (
        select(_I.id, literal(0).label("place"), literal("").label("what"), *told)
        .select_from(
            table_of(Item).outerjoin(table_of(Staff), _S.id == _I.owner_id)
            .outerjoin(table_of(Department), and_(_P.id == func.coalesce(_I.department_id, _S.department_id))))
        .where(id_in(_I.id, items))
    )  # fmt: skip
    found = {(MEASURE, row.id): row for row in session.execute(of_measures)} if measures else {}
    return found | ({(ITEM, row.id): row for row in session.execute(of_items)} if items else {})
