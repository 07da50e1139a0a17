"""What a letter about an in-depth interview says: when it is, about what, and why this customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.notify.words import instant, word
from bihuan.store.queries.interview import some
from schemas.outbox import Notice


@dataclass(frozen=True, slots=True)
class InterviewFacts:
    """What is known of the interviews of a batch of letters, by id."""

    web_url: str = ""
    interviews: Mapping[int, Row[Any]] = field(default_factory=dict)

    def values(self, row: Row[Any], language: str, timezone: str) -> dict[str, Any]:
        """What the template prints, alone and as an item of a digest; the customer's name stands on the page only."""
        it = self.interviews[row.subject_id]
        at = instant(it.planned_at, timezone)
        return {
            "number": it.number or "", "title": it.title or "", "due_at": at, "said": it.reason,
            "link": f"{self.web_url}/interviews/{it.id}", "is_simulated": it.is_simulated,
            "milestone": word("notice", Notice.INTERVIEW, language), "overdue_text": at,
        }  # fmt: skip


def interview_facts(session: Session, web_url: str, rows: Sequence[Row[Any]]) -> InterviewFacts:
    """What the letters of these messages need; nothing is asked where none is about an interview."""
    mine = {row.subject_id for row in rows if row.notice is Notice.INTERVIEW}
    return InterviewFacts(web_url, some(session, mine)) if mine else InterviewFacts()
