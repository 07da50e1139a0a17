"""What a letter about improvement work says: which measure or decision, by when, whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.clock import zone
from bihuan.notify.words import standing, words
from bihuan.store.queries.work import works
from schemas.outbox import Notice

OF_WORK = frozenset({Notice.WORK_DUE, Notice.WORK_LATE})
Subject = tuple[str, int]
"""Kind and id."""


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """What is known of the work and decisions of a batch of letters."""

    web_url: str = ""
    known: Mapping[Subject, Row[Any]] = field(default_factory=dict)

    def values(self, row: Row[Any], language: str, timezone: str, at: datetime) -> dict[str, Any]:
        """What the template prints, alone and as an item of a digest."""
        it, say = self.known[row.subject_kind, row.subject_id], words(language)["work"]
        day = (row.due_at - timedelta(microseconds=1)).astimezone(zone(timezone)).date()
        how = standing(row.due_at, at, language)
        gate, _, role = str(row.milestone).partition(":")
        name = say["as_role"].format(gate=say[gate], role=words(language)["approver"][role]) if role else say[gate]
        is_english = language == "en" and it.department_en
        what = it.what or say.get(f"do_{gate}") or say["decide"].format(gate=say[gate])
        return {
            "number": f"{it.number}.{it.place}" if it.place else it.number, "title": it.name, "milestone": name,
            "what": what, "due_at": day.isoformat(), "remaining": how,
            "overdue_text": how, "owner": it.owner or "", "is_late": row.is_late, "is_simulated": it.is_simulated,
            "department": (it.department_en if is_english else it.department) or "",
            "link": f"{self.web_url}/improvement/{it.number}",
        }  # fmt: skip


def work_facts(session: Session, web_url: str, rows: Sequence[Row[Any]]) -> WorkFacts:
    """What the letters of these messages need; nothing is asked where none is about improvement work."""
    mine = {(row.subject_kind, row.subject_id) for row in rows if row.notice in OF_WORK}
    return WorkFacts(web_url, works(session, mine)) if mine else WorkFacts()
