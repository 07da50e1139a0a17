"""``bihuan survey interviews``: in-depth interviews that are planned, and customers who are worth one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit

if TYPE_CHECKING:
    from sqlalchemy import Row

    from bihuan.services.interview import Candidate

_COLUMNS = {
    "planned": ("id", "planned_at", "interviewer", "number", "title", "reason"),
    "candidates": ("customer_id", "tier", "complaints", "last_number", "last_at", "why"),
}


def interviews(is_json: JsonOption = False) -> None:
    """In-depth interviews 深度访谈 that are to take place, and the customers whom the policy finds worth one."""
    from bihuan.services.interview import candidates
    from bihuan.store.queries.interview import planned
    from bihuan.store.queries.names import numbers

    with office() as here, here.db.read() as session:
        found = candidates(session, here.policy, here.clock())
        last = numbers(session, [one.row.last_id for one in found])
        rows = planned(session)
    emit({"planned": [_planned(row) for row in rows], "candidates": [_candidate(one, last) for one in found]},
         is_json, _COLUMNS)  # fmt: skip


def _planned(row: Row[Any]) -> dict[str, Any]:
    return {"id": row.id, "planned_at": row.planned_at, "interviewer": row.interviewer, "customer_id": row.customer_id,
            "number": row.number, "title": row.title, "reason": row.reason, "planned_by": row.planned_by}  # fmt: skip


def _candidate(it: Candidate, last: dict[int, str]) -> dict[str, Any]:
    row = it.row
    return {"customer_id": row.id, "tier": row.tier, "complaints": row.complaints, "last_number": last[row.last_id],
            "last_at": row.last_at, "why": list(it.why)}  # fmt: skip
