"""What a letter about an analysed month says: how much was looked at, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.notify.words import word
from bihuan.store.rows import table_of
from schemas.improvement import AnalysisRun, Finding
from schemas.outbox import Notice

_R = table_of(AnalysisRun).c
_F = table_of(Finding).c
_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """What is known of the analyses of a batch of letters, by id."""

    web_url: str = ""
    runs: Mapping[int, Row[Any]] = field(default_factory=dict)
    found: Mapping[int, Sequence[Row[Any]]] = field(default_factory=dict)
    """The first candidates of each."""

    def values(self, row: Row[Any], language: str) -> dict[str, Any]:
        """What the template prints, alone and as an item of a digest."""
        run = self.runs[row.subject_id]
        period = f"{run.period_on:%Y-%m}" + (f" {run.scope}" if run.scope else "")
        rates = [rate_told(one, language) for one in run.conclusion["rates"]]
        candidates = [
            {"rank": one.rank, "dimension": word("dimension", one.dimension, language), "element": one.element}
            for one in self.found.get(run.id, ())
        ]
        return {
            "number": run.number, "title": period, "complaints": run.complaints, "answers": run.answers,
            "rates": rates, "candidates": candidates, "link": f"{self.web_url}/months/{run.number}",
            "milestone": word("notice", Notice.MONTH, language), "overdue_text": "", "due_at": "",
        }  # fmt: skip


def rate_told(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A rate of a conclusion in words: its name, outcome, share before and now, and how many cases now."""
    return {
        "name": word("months", f"rate_{one['indicator']}", language),
        "outcome": word("months", f"outcome_{one['outcome']}", language),
        "before": _share(one["x0"], one["n0"]),
        "now": _share(one["x1"], one["n1"]),
        "n": round(one["n1"]),
    }


def _share(x: float, n: float) -> str:
    return f"{100 * x / n:.1f}%" if n else "–"


def month_facts(session: Session, web_url: str, rows: Sequence[Row[Any]]) -> MonthFacts:
    """What the letters of these messages need; nothing is asked where none is about a month."""
    mine = {row.subject_id for row in rows if row.notice is Notice.MONTH}
    if not mine:
        return MonthFacts()
    kept = select(_R.id, _R.number, _R.period_on, _R.scope, _R.complaints, _R.answers, _R.conclusion)
    runs = {run.id: run for run in session.execute(kept.where(_R.id.in_(mine)))}
    first = select(_F.run_id, _F.rank, _F.dimension, _F.element).where(_F.run_id.in_(mine), _F.rank <= _CANDIDATES)
    found: dict[int, list[Row[Any]]] = {}
    for one in session.execute(first.order_by(_F.rank)):
        found.setdefault(one.run_id, []).append(one)
    return MonthFacts(web_url, runs, found)
