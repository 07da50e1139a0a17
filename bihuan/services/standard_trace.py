"""The trace of a standard: from the complaints it came from to the complainants who were told. Numbers, no names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.services.dossier import dossier
from bihuan.services.letter_improved import complaint_of
from bihuan.services.standard import newest
from bihuan.store.queries.names import numbers
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint
from schemas.effect import STANDARD, Standard
from schemas.improvement import AnalysisRun, Finding
from schemas.item import Item
from schemas.outbox import Message, Notice
from schemas.plan import CauseState, MeasureState
from schemas.survey import Answer

_A, _C, _M = table_of(Answer).c, table_of(Complaint).c, table_of(Message).c


def traced(session: Session, number: str) -> dict[str, Any]:
    """Everything that a standard came from, and what became of it.

    Returns:
        ``standard`` and ``versions``; of each item that a version came of, the newest first: number, cycle, finding,
        analysis, ``complaints`` (numbers), ``answers`` (about these, by their invitations' complaints), causes,
        measures, verdict, effect and watch; ``told``: complaint number, state and sent_at of each letter.

    Raises:
        UsageError: No such standard.
    """
    last = newest(session, number)
    rows = session.exec(select_rows(Standard).where(Standard.number == number).order_by(col(Standard.version))).all()
    items = [session.get_one(Item, one) for one in dict.fromkeys(row.item_id for row in reversed(rows))]
    return {
        "standard": number, "title": last.title,
        "versions": [{"version": one.version, "effective_on": one.effective_on, "trained_ratio": one.trained_ratio}
                     for one in rows],
        "items": [_item(session, item) for item in items],
        "told": _told(session, [row.id or 0 for row in rows]),
    }  # fmt: skip


def _item(session: Session, item: Item) -> dict[str, Any]:
    file = dossier(session, item)
    finding = session.get(Finding, item.finding_id) if item.finding_id else None
    run = session.get(AnalysisRun, finding.run_id) if finding else None
    check = next((one for one in reversed(file.checks) if one.is_final), None)
    return {
        "number": item.number, "cycle": file.cycle.number, "finding": finding.number if finding else "",
        "analysis": run.number if run else "", "complaints": sorted(item.evidence),
        "answers": _answered(session, item), "verdict": item.verdict,
        "causes": [one.statement for one in file.causes if one.state is CauseState.CONFIRMED],
        "measures": [f"{item.number}.{one.place}" for one in file.measures if one.state is MeasureState.DONE],
        "effect": {name: getattr(check, name) for name in ("method", "estimate", "low", "high", "n0", "n1")}
        if check else None,
        "watch": file.watch.state if file.watch else None,
    }  # fmt: skip


def _answered(session: Session, item: Item) -> list[str]:
    """Numbers of those complaints about which there is an answer."""
    found = (
        select(_C.number).distinct().join(table_of(Answer), (_A.subject_kind == "complaint") & (_A.subject_id == _C.id))
    )
    return list(session.execute(found.where(_C.number.in_(item.evidence)).order_by(_C.number)).scalars())


def _told(session: Session, standard_ids: list[int]) -> list[dict[str, Any]]:
    """Each letter that told somebody of it, by the number of the complaint."""
    mine = select(_M.key, _M.state, _M.reason, _M.sent_at).where(
        _M.subject_kind == STANDARD, id_in(_M.subject_id, standard_ids), _M.notice == Notice.IMPROVED
    )
    rows = session.execute(mine.order_by(_M.id)).all()
    known = numbers(session, [complaint_of(row.key) for row in rows])
    return [
        {"complaint": known[complaint_of(row.key)], "state": row.state, "reason": row.reason, "sent_at": row.sent_at}
        for row in rows
    ]  # fmt: skip
