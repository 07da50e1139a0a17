"""What the letter says to a complainant whose feedback changed something: their complaint, and what is different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.notify.render import Passage
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Complaint
from schemas.effect import Standard
from schemas.item import Item, ItemEvent
from schemas.outbox import Notice

TOLD = "complainants_told"
"""Kind of the event that keeps what the complainants are told."""
WORDS = "words"
"""In that event: the text."""
_C, _T, _I, _E = table_of(Complaint).c, table_of(Standard).c, table_of(Item).c, table_of(ItemEvent).c


class Changed(NamedTuple):
    """What a standard changed, in words for complainants, and since when."""

    words: str
    since: str
    is_simulated: bool


def complaint_of(key: str) -> int:
    """The id of the complaint that a message about a standard is for, from its key."""
    return int(key.rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class ImprovedFacts:
    """What is known of the standards and complaints of a batch of letters, by id."""

    standards: Mapping[int, Changed] = field(default_factory=dict)
    complaints: Mapping[int, Row[Any]] = field(default_factory=dict)

    def values(self, row: Row[Any]) -> dict[str, Any]:
        """What the template prints."""
        it, about = self.standards[row.subject_id], self.complaints[complaint_of(row.key)]
        return {
            "number": about.number, "title": about.title, "result": Passage(it.words), "due_at": it.since,
            "is_simulated": it.is_simulated,
        }  # fmt: skip


def improved_facts(session: Session, rows: Sequence[Row[Any]]) -> ImprovedFacts:
    """What the letters of these messages need; nothing is asked where none tells of a change."""
    mine = [row for row in rows if row.notice is Notice.IMPROVED]
    if not mine:
        return ImprovedFacts()
    kept = select(_T.id, _T.item_id, _T.effective_on, _I.is_simulated).join(table_of(Item), _I.id == _T.item_id)
    standards = session.execute(kept.where(id_in(_T.id, [row.subject_id for row in mine]))).all()
    said: dict[int, str] = {}
    told = select(_E.item_id, _E.data).where(id_in(_E.item_id, [row.item_id for row in standards]), _E.kind == TOLD)
    for row in session.execute(told.order_by(_E.id)):
        said[row.item_id] = str(row.data[WORDS])
    about = select(_C.id, _C.number, _C.title).where(id_in(_C.id, [complaint_of(row.key) for row in mine]))
    changed = {
        row.id: Changed(said.get(row.item_id, ""), str(row.effective_on or ""), row.is_simulated) for row in standards
    }
    return ImprovedFacts(changed, {row.id: row for row in session.execute(about)})
