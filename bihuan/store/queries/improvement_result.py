"""What improvements came to: the checks that judged them, and standards with whom they told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint
from schemas.effect import STANDARD, EffectCheck, Standard
from schemas.item import Item
from schemas.outbox import Message
from schemas.people import Staff

_I, _E, _T, _M, _S, _C = (table_of(table).c for table in (Item, EffectCheck, Standard, Message, Staff, Complaint))


def final_checks(session: Session, numbers: Iterable[str]) -> dict[str, Any]:
    """The newest final check of each item, as a mapping of its columns, by the item's number."""
    its = table_of(EffectCheck).join(table_of(Item), _I.id == _E.item_id)
    wanted = select(*_E, _I.number).select_from(its).where(_I.number.in_(list(numbers)), _E.is_final).order_by(_E.id)
    return {row["number"]: row for row in session.execute(wanted).mappings()}


def versions(session: Session, number: str) -> Sequence[Row[Any]]:
    """Every version of a standard, the newest first, with the item it came of and its owner."""
    its = table_of(Standard).join(table_of(Item), _I.id == _T.item_id)
    its = its.outerjoin(table_of(Staff), _S.id == _T.owner_id)
    return session.execute(
        select(*_T, _I.number.label("item"), _I.name.label("item_name"), _I.evidence, _S.name.label("owner_name"))
        .select_from(its).where(_T.number == number).order_by(_T.version.desc())
    ).all()  # fmt: skip


def told(session: Session, standard_ids: Iterable[int]) -> dict[str, int]:
    """How many messages about a standard's versions are in which state."""
    rows = session.execute(
        select(_M.state, func.count())
        .where(_M.subject_kind == STANDARD, id_in(_M.subject_id, list(standard_ids))).group_by(_M.state)
    )  # fmt: skip
    return {str(state): int(number) for state, number in rows}


def complaints(session: Session, numbers: Sequence[str]) -> Sequence[Row[Any]]:
    """Number and title of complaints, by number."""
    return session.execute(select(_C.number, _C.title).where(_C.number.in_(numbers)).order_by(_C.number)).all()
