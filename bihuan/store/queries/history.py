"""History for a replay: complaints and their events as columns, and which of them have a plain log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    type_coerce,
)
from sqlmodel import Session

from bihuan.policy.scope import DIMENSIONS
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.people import Department

_C = table_of(Complaint).c
_E = table_of(ComplaintEvent).c
_P = table_of(Department).c
_FACTS: Mapping[str, ColumnElement[Any]] = {
    name: _P.code if name == "department" else type_coerce(getattr(_C, name), String) for name in DIMENSIONS
}
_MICROSECONDS = 1_000_000
_NEVER = np.iinfo(np.int64).max


class Window(NamedTuple):
    """Which complaints are replayed: those registered in [since, until), of these values by dimension."""

    since: datetime
    until: datetime
    scope: Mapping[str, tuple[str, ...]]


class Span(NamedTuple):
    """A run of complaint ids, both included."""

    first: int
    last: int


class Stretch(NamedTuple):
    """The complaints of a run of ids."""

    complaints: pd.DataFrame
    """id, number, handler_id, department_id and the facts of scopes; n rows by id."""
    occurred: dict[EventKind, NDArray[np.int64]]
    """When each kind of event first occurred, microseconds, shape (n,); the greatest int64 where it did not."""
    is_plain: NDArray[np.bool_]
    """Whose log is plain, shape (n,)."""


def spans(session: Session, window: Window, size: int) -> list[Span]:
    """The ids of the window's complaints, cut into runs of ``size`` complaints."""
    ids = session.execute(_in(select(_C.id), window).order_by(_C.id)).scalars().all()
    return [Span(ids[start], ids[min(start + size, len(ids)) - 1]) for start in range(0, len(ids), size)]


def count(session: Session, window: Window) -> int:
    """How many complaints the window holds."""
    return int(session.execute(_in(select(func.count(_C.id)), window)).scalar_one())


def stretch(
    session: Session, window: Window, span: Span, watched: frozenset[EventKind], turning: frozenset[EventKind]
) -> Stretch:
    """Load a run of complaints; milestones look at the kinds ``watched``, no plain log has one of ``turning``."""
    chosen = _in(select(_C.id, _C.number, _C.handler_id, _C.department_id, *_FACTS.values()), window)
    rows = session.execute(chosen.where(_C.id.between(*span)).order_by(_C.id)).all()
    complaints = pd.DataFrame(rows, columns=["id", "number", "handler_id", "department_id", *DIMENSIONS])
    ids = complaints["id"].to_numpy(np.int64)
    kinds = sorted(watched)
    firsts = np.full((len(kinds), ids.size), _NEVER)
    is_plain = np.zeros(ids.size, bool)
    logs = session.execute(
        _in(_logs(session, kinds, turning), window).where(_C.id.between(*span)).group_by(_C.id)
    ).all()
    if logs:
        owner, has_turned, events, *columns = zip(*logs, strict=True)
        place = np.searchsorted(ids, np.array(owner, np.int64))
        firsts[:, place] = [_instants(column) for column in columns]
        is_single = np.array(events) == (firsts[:, place] != _NEVER).sum(axis=0)
        is_plain[place] = is_single & (np.array(has_turned) == 0) & ~_meet(firsts[:, place])
    return Stretch(complaints, dict(zip(kinds, firsts, strict=True)), is_plain)


def _logs(session: Session, kinds: Sequence[EventKind], turning: frozenset[EventKind]) -> Select[Any]:
    """Complaint, whether its log turns, how many events milestones look at, and when each kind first occurred.

    A log turns also where its data make it more than plain: a promise of the source, another department than today's.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    department = _E.data["department"].as_string()
    promises = (type_coerce(_E.data, String) if is_sqlite else cast(_E.data, Text)).like('%"deadlines"%')
    turns = or_(
        _E.kind.in_(sorted(turning)),
        and_(_E.kind == EventKind.REGISTERED, or_(department.is_distinct_from(_P.code), promises)),
        and_(_E.kind == EventKind.ASSIGNED, department.is_not(None), department.is_distinct_from(_P.code)),
    )
    at: ColumnElement[Any] = type_coerce(_E.occurred_at, String)
    if not is_sqlite:
        at = cast(func.extract("epoch", _E.occurred_at) * _MICROSECONDS, BigInteger)
    firsts = [func.min(case((_E.kind == kind, at))) for kind in kinds]
    return select(_C.id, func.max(case((turns, 1), else_=0)), func.sum(case((_E.kind.in_(kinds), 1), else_=0)), *firsts)


def _instants(column: Sequence[Any]) -> NDArray[np.int64]:
    """Microseconds since 1970 from what a database gives: text, whole microseconds, or None."""
    if any(isinstance(at, str) for at in column):
        found = np.array([at or "NaT" for at in column], "datetime64[us]")
        return np.where(np.isnat(found), _NEVER, found.astype(np.int64))
    return np.array([_NEVER if at is None else at for at in column], np.int64)


def _meet(firsts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where two kinds occurred at the same instant: their order would have to be looked up."""
    ordered = np.sort(firsts, axis=0)
    is_same: NDArray[np.bool_] = ((ordered[1:] == ordered[:-1]) & (ordered[1:] != _NEVER)).any(axis=0)
    return is_same


def _in(statement: Select[Any], window: Window) -> Select[Any]:
    """The statement over the window's complaints, with their department; over their events where it names some."""
    source = table_of(Complaint).outerjoin(table_of(Department), _P.id == _C.department_id)
    if table_of(ComplaintEvent) in statement.get_final_froms():
        source = source.join(table_of(ComplaintEvent), _E.complaint_id == _C.id)
    joined = statement.select_from(source)
    joined = joined.where(_C.registered_at >= window.since, _C.registered_at < window.until)
    for name, values in window.scope.items():
        joined = joined.where(_FACTS[name].in_(values))
    return joined
