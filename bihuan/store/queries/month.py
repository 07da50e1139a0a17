"""What the analysis of a month reads: complaints, the lines of their logs that tell their way, their verdicts, answers.

Complaints come in batches of columns: a month with its baseline is half a million of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Row, Select, String, and_, case, cast, func, literal, or_, select, true, type_coerce
from sqlmodel import Session

from bihuan.policy.scope import When
from bihuan.rules.complaint import ENDS
from bihuan.rules.plain_stage import NEVER
from bihuan.rules.terms import HANDS_OVER
from bihuan.store.queries.cut import of_scope
from bihuan.store.queries.instant import Microseconds
from bihuan.store.queries.log import SAYS_SOMETHING
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint, ComplaintEvent, EventKind
from schemas.deadline import Deadline, DeadlineState
from schemas.people import Customer, Department, Staff
from schemas.survey import Answer

_C = table_of(Complaint).c
_E = table_of(ComplaintEvent).c
_D = table_of(Deadline).c
_A = table_of(Answer).c
_P = table_of(Department).c
_S = table_of(Staff).c
_K = table_of(Customer).c
_BATCH = 5_000
_OF_THE_WAY = sorted({
    *ENDS, *HANDS_OVER, EventKind.REGISTERED, EventKind.RESPONDED, EventKind.WAITING, EventKind.RESUMED,
    EventKind.REOPENED, EventKind.RESULT_TOLD,
})  # fmt: skip
"""The kinds of events that tell where a complaint stood."""


class Stretch(NamedTuple):
    """Complaints registered in [since, until), those of a scope where one is named, as they stood at ``as_of``."""

    since: datetime
    until: datetime
    as_of: datetime
    when: When | None = None


class Step(NamedTuple):
    """One line of a log, as far as it tells the way."""

    complaint_id: int
    kind: EventKind
    occurred_at: datetime
    recorded_at: datetime
    department: str | None
    handler: str | None


class Batch(NamedTuple):
    """Some complaints, each column in the order of their ids."""

    id: Sequence[int]
    number: Sequence[str]
    registered_at: Sequence[int]
    """Microseconds since 1970."""
    customer_id: Sequence[int | None]
    name: Sequence[str | None]
    """Of the complainant."""
    title: Sequence[str]
    matter: Sequence[str]
    dimensions: Sequence[Sequence[str | None]]
    """By ``bihuan.analysis.month.DIMENSIONS``."""


def complaints(session: Session, stretch: Stretch) -> Iterator[Batch]:
    """The complaints with their words, by id, in batches."""
    words = [type_coerce(column, String).label(column.name) for column in (_C.channel, _C.kind, _C.severity)]
    found = select(
        _C.id, _C.number, Microseconds(_C.registered_at), _C.customer_id, _K.name, _C.title, _C.matter,
        *words, _P.code, _S.code, _C.region, _C.tier, _C.business_line, _C.product, _C.source,
    ).select_from(
        table_of(Complaint)
        .outerjoin(table_of(Department), _P.id == _C.department_id)
        .outerjoin(table_of(Staff), _S.id == _C.handler_id)
        .outerjoin(table_of(Customer), _K.id == _C.customer_id)
    )  # fmt: skip
    read = session.execute(_within(found, stretch).order_by(_C.id), execution_options={"yield_per": _BATCH})
    for rows in read.partitions():
        columns = list(zip(*rows, strict=True))
        yield Batch._make([*columns[:_ITSELF], columns[_ITSELF:]])


_ITSELF = len(Batch._fields) - 1


def complaint_ids(session: Session, stretch: Stretch) -> NDArray[np.int64]:
    """The ids of the complaints, ascending, shape (n,)."""
    found = select(_C.id).select_from(table_of(Complaint).outerjoin(table_of(Department), _P.id == _C.department_id))
    return np.array(session.execute(_within(found, stretch).order_by(_C.id)).scalars().all(), np.int64)


def count(session: Session, stretch: Stretch) -> int:
    """How many complaints were registered in the stretch, of whatever scope."""
    since, until = stretch.since, stretch.until
    found = select(func.count(_C.id)).where(_C.registered_at >= since, _C.registered_at < until)
    return int(session.execute(found).scalar_one())


def steps(session: Session, stretch: Stretch, complaint_ids: NDArray[np.int64]) -> Iterator[Step]:
    """The lines of logs that tell the way, by complaint, as they were written down; none after ``as_of``."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    instants = [type_coerce(at, String) if is_sqlite else at for at in (_E.occurred_at, _E.recorded_at)]
    told = [_E.data[name].as_string() for name in ("department", "handler")]
    found = select(_E.complaint_id, type_coerce(_E.kind, String), *instants, *told)
    found = found.where(_E.kind.in_(_OF_THE_WAY), _E.occurred_at <= stretch.as_of)
    read = _from_text if is_sqlite else _from_server
    for start in range(0, len(complaint_ids), _BATCH):
        some = complaint_ids[start : start + _BATCH].tolist()
        for row in session.execute(found.where(id_in(_E.complaint_id, some)).order_by(_E.complaint_id, _E.id)):
            yield Step(row[0], _KINDS[row[1]], read(row[2]), read(row[3]), row[4], row[5])


_KINDS = {kind.value: kind for kind in EventKind}


def _from_text(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def _from_server(at: datetime) -> datetime:
    return at.astimezone(UTC)


_MOST = 4096
"""A kind of event is counted in a digit of its own, of so many: no log says one thing so often."""
PLAIN = (EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.HANDLED, EventKind.RESULT_TOLD)
"""The kinds of events of a plain log, in the order of its way."""


class Plain(NamedTuple):
    """The logs that hold each kind of ``PLAIN`` at most once, registration among them, and no other that tells."""

    complaint_id: NDArray[np.int64]
    """Ascending, shape (n,)."""
    occurred: NDArray[np.int64]
    """When each kind occurred, microseconds since 1970, shape (kinds, n); ``NEVER`` where it did not."""


def plain_logs(session: Session, stretch: Stretch) -> Plain:
    """The logs from which the way can be read off at once; all others need `steps`.

    Where one begins with a handler, or goes to another department when it is assigned, it is not plain.
    """
    department, handler = (_E.data[name].as_string() for name in ("department", "handler"))
    is_first = _E.kind == EventKind.REGISTERED
    firsts = [func.coalesce(func.min(case((_E.kind == kind, Microseconds(_E.occurred_at)))), NEVER) for kind in PLAIN]
    is_odd = or_(_E.kind.not_in(PLAIN), and_(is_first, handler.is_not(None)))
    goes_to = case((and_(_E.kind.in_(PLAIN[:2]), SAYS_SOMETHING), department))
    digits = case(*((_E.kind == kind, literal(_MOST**place, BigInteger)) for place, kind in enumerate(PLAIN)), else_=0)
    found = select(_E.complaint_id, cast(func.sum(digits), BigInteger), *firsts).select_from(
        table_of(ComplaintEvent).join(table_of(Complaint), _C.id == _E.complaint_id)
    )
    found = _within(found.where(_E.kind.in_(_OF_THE_WAY), _E.occurred_at <= stretch.as_of), stretch)
    found = found.group_by(_E.complaint_id).having(
        func.max(case((is_odd, 1), else_=0)) == 0, func.max(case((is_first, 1), else_=0)) == 1,
        func.coalesce(func.min(goes_to) == func.max(goes_to), true()),
    )  # fmt: skip
    columns = [array("q") for _ in found.selected_columns]
    read = session.execute(found.order_by(_E.complaint_id), execution_options={"yield_per": _BATCH})
    for rows in read.partitions():
        for column, some in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(some)
    ids, times, *occurred = (np.array(column, np.int64) for column in columns)
    is_once = np.all([times // _MOST**place % _MOST <= 1 for place in range(len(PLAIN))], axis=0)
    return Plain(ids[is_once], np.array(occurred)[:, is_once])


def lateness(session: Session, stretch: Stretch, milestone: str) -> dict[int, bool]:
    """Whether the promise of a milestone was broken in any round, by complaint; decided ones only.

    One that is past due and still open is broken; one that waits is not decided, nor one that was taken back in time.
    """
    at = stretch.as_of
    is_open = and_(_D.met_at.is_(None), _D.cancelled_at.is_(None), _D.state != DeadlineState.PAUSED)
    is_late = or_(_D.breached_at <= at, and_(_D.due_at <= at, or_(_D.met_at > _D.due_at, is_open)))
    is_in_time = and_(_D.met_at <= _D.due_at, _D.met_at <= at, _D.breached_at.is_(None))
    found = (
        select(_D.subject_id, func.max(case((is_late, 1), else_=0)))
        .select_from(table_of(Deadline).join(table_of(Complaint), _C.id == _D.subject_id))
        .where(_D.subject_kind == "complaint", _D.milestone == milestone, _D.leg == 0, or_(is_late, is_in_time))
    )
    return {row[0]: bool(row[1]) for row in session.execute(_within(found, stretch).group_by(_D.subject_id))}


def answers(session: Session, stretch: Stretch) -> Iterator[Row[Any]]:
    """Our own answers given in the stretch, oldest first.

    Returns:
        Rows of ``id``, ``complaint_id`` (None of what is about no complaint), ``answered_at``, ``is_negative`` (None
        where it cannot be judged), ``csat``, ``nps``, ``index``, ``comment``, and the complaint's ``number``.
    """
    is_judged = or_(_A.csat.is_not(None), _A.nps.is_not(None), _A.is_solved.is_not(None), _A.is_negative)
    found = select(
        _A.id, _C.id.label("complaint_id"), _C.number, _A.answered_at,
        case((is_judged, _A.is_negative)).label("is_negative"), _A.csat, _A.nps, _A["index"], _A.comment,
    ).select_from(
        table_of(Answer).outerjoin(
            table_of(Complaint), and_(_A.subject_kind == "complaint", _A.subject_id == _C.id)
        ).outerjoin(table_of(Department), _P.id == _C.department_id)
    ).where(_A.answered_at >= stretch.since, _A.answered_at < stretch.until, _A.invitation_id.is_not(None))  # fmt: skip
    if stretch.when:
        found = found.where(*of_scope(stretch.when))
    yield from session.execute(found.order_by(_A.answered_at, _A.id), execution_options={"yield_per": _BATCH})


def first_registered(session: Session) -> datetime | None:
    """When the earliest complaint was registered; None where there is none."""
    first: datetime | None = session.execute(select(func.min(_C.registered_at))).scalar()
    return first


def _within(found: Select[Any], stretch: Stretch) -> Select[Any]:
    found = found.where(_C.registered_at >= stretch.since, _C.registered_at < stretch.until)
    if not stretch.when:
        return found
    return found.where(*of_scope(stretch.when))
