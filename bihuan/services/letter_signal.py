"""What a letter about signals says: what changed, where, since when, with how much evidence; all of one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.notify.letter import Letter
from bihuan.notify.render import render
from bihuan.notify.words import spoken, words
from bihuan.services import trend_words as said
from bihuan.store.queries.trend import signals_told
from schemas.outbox import Notice

_LISTED = 5
"""How many signals a letter tells; the rest are counted."""
_EXPLAINED = 3


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """What is known of the signals of a batch of letters."""

    web_url: str = ""
    signals: Mapping[int, Row[Any]] = field(default_factory=dict)
    """By message."""
    names: said.Names = field(default_factory=dict)

    def write(self, rows: Sequence[Row[Any]], reader_language: str) -> Letter:
        """The letter of these messages, all of them about signals; the one that has the most cases comes first."""
        language = spoken(reader_language)
        ordered = sorted((self.signals[row.id] for row in rows), key=lambda it: (bool(it.dimension), -it.n, it.id))
        first = ordered[0]
        link = f"{self.web_url}{address(first)}" if len(ordered) == 1 else f"{self.web_url}/charts"
        return render(Notice.SIGNAL.value, language, {
            "count": len(ordered), "extra": len(ordered) - 1, "link": link,
            "headline": said.headline(first, self.names, language),
            "items": [self._item(it, language) for it in ordered[:_LISTED]], "more": len(ordered[_LISTED:]),
            "is_simulated": any(row.is_simulated for row in rows),
        })  # fmt: skip

    def listed(self, row: Row[Any], reader_language: str) -> dict[str, Any]:
        """A signal among other matters in a digest."""
        it, language = self.signals[row.id], spoken(reader_language)
        part = said.where(it, self.names, language)
        return {
            "number": said.name(it, language), "title": part, "milestone": words(language)["notice"]["signal"],
            "overdue_text": said.since(it, language),
        }  # fmt: skip

    def _item(self, it: Row[Any], language: str) -> dict[str, Any]:
        return {
            "headline": said.headline(it, self.names, language), "since": said.since(it, language),
            "evidence": said.evidence(it, language), "changed": said.changed(it, self.names, language)[:_EXPLAINED],
        }  # fmt: skip


def address(it: Row[Any]) -> str:
    """The page of a signal's chart."""
    asked = {"grain": it.grain.value, "dimension": it.dimension, "element": it.element, "survey": it.survey}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/charts/{quote(it.indicator)}?{query}"


def signal_facts(session: Session, web_url: str, rows: Sequence[Row[Any]]) -> SignalFacts:
    """What the letters of these messages need; nothing is asked where none is about a signal."""
    mine = [row.id for row in rows if row.notice is Notice.SIGNAL]
    if not mine:
        return SignalFacts()
    return SignalFacts(web_url, signals_told(session, mine), said.department_names(session))
