"""What improvements came to: items with a verdict and whether it holds, standards with whom they told, lessons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint
from schemas.effect import STANDARD, EffectCheck, Lesson, Standard, SustainWatch, WatchState
from schemas.item import Item
from schemas.outbox import Message
from schemas.people import Staff
from schemas.verification import Verdict

_I, _E, _W, _T, _L, _M, _S, _C = (
    table_of(table).c
    for table in (Item, EffectCheck, SustainWatch, Standard, Lesson, Message, Staff, Complaint)
)  # fmt: skip


def judged(session: Session) -> Sequence[Row[Any]]:
    """Items with a verdict, the newest first, each with the state of its watch where it has one."""
    its = table_of(Item).outerjoin(table_of(SustainWatch), _W.item_id == _I.id)
    its = its.outerjoin(table_of(Staff), _S.id == _I.owner_id)
    return session.execute(
        select(_I.id, _I.number, _I.name, _I.indicator, _I.state, _I.verdict, _W.state.label("watch"),
               _S.name.label("owner_name"))
        .select_from(its).where(_I.verdict.is_not(None)).order_by(_I.id.desc())
    ).all()  # fmt: skip


def final_checks(session: Session, item_ids: Iterable[int]) -> dict[int, Any]:
    """The newest final check of each item, as a mapping of its columns, by the item's id."""
    wanted = select(table_of(EffectCheck)).where(id_in(_E.item_id, list(item_ids)), _E.is_final).order_by(_E.id)
    return {row["item_id"]: row for row in session.execute(wanted).mappings()}


def sustained(session: Session) -> tuple[int, int]:
    """Of how many effects so many still hold: those whose watch has said something, for or against."""
    its = table_of(SustainWatch).join(table_of(Item), _I.id == _W.item_id)
    rows = session.execute(
        select(_W.state, func.count()).select_from(its)
        .where(_I.verdict == Verdict.EFFECTIVE, _W.state.in_([WatchState.HELD, WatchState.BROKEN]))
        .group_by(_W.state)
    )  # fmt: skip
    counts = {state: int(number) for state, number in rows}
    return counts.get(WatchState.HELD, 0), sum(counts.values())


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


def lessons(session: Session) -> Sequence[Row[Any]]:
    """Every entry of the case library with the number of its item, the newest first."""
    its = table_of(Lesson).join(table_of(Item), _I.id == _L.item_id)
    wanted = select(*_L, _I.number.label("item"), _I.department_id).select_from(its)
    return session.execute(wanted.order_by(_L.made_at.desc(), _L.id.desc())).all()
