"""Analysed months in a few lines of Markdown, for whoever looks at the runs: what each says, and where its page is.

Whoever may look at Prefect's pages may not be allowed to see complaints. So people are not named: a handler, a topic
and a word are told by their dimension alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.analysis.cells import OTHER
from bihuan.analysis.subject import FACTORS
from bihuan.notify.words import word
from bihuan.services.letter_month import rate_told
from bihuan.store.rows import table_of
from schemas.improvement import AnalysisRun, Finding

_R, _F = table_of(AnalysisRun).c, table_of(Finding).c
_NAMED = 3
"""Places that a month names."""
_UNTOLD = frozenset({"handler", "topic", "word"})
"""Dimensions whose elements name people, or come from what people wrote."""
_WORDED = frozenset({"channel", "kind", "severity", "stage"})
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")


def note(session: Session, numbers: Sequence[str], web_url: str, language: str) -> str:
    """What these months say, in their order.

    Args:
        session: Where to read.
        numbers: Of the analyses.
        web_url: Address of the installation's pages; empty: nothing is linked.
        language: ``zh`` or ``en``.

    Returns:
        Markdown, a heading and some lines a month; empty where there is none.
    """
    kept = select(_R.id, _R.number, _R.complaints, _R.answers, _R.conclusion).where(_R.number.in_(numbers))
    runs = {run.number: run for run in session.execute(kept)}
    found = select(_F.run_id, _F.dimension, _F.element).where(_F.run_id.in_([run.id for run in runs.values()]))
    places: dict[int, list[str]] = {}
    for one in session.execute(found.order_by(_F.run_id, _F.rank)):
        places.setdefault(one.run_id, []).append(_place(one.dimension, one.element, language))
    told = [runs[number] for number in numbers if number in runs]
    return "\n\n".join(line for run in told for line in _lines(run, places.get(run.id, []), web_url, language))


def _lines(run: Row[Any], places: Sequence[str], web_url: str, language: str) -> Iterator[str]:
    number = _plain(run.number)
    yield f"### [{number}]({web_url}/months/{run.number})" if web_url else f"### {number}"
    counts = (("complaints", run.complaints), ("answers", run.answers))
    yield " · ".join(f"{word('months', name, language)} {n:,}" for name, n in counts)
    rates = (rate_told(one, language) for one in run.conclusion["rates"])
    yield "\n".join(f"- {it['name']}: {it['before']} → {it['now']} (n {it['n']:,}) – {it['outcome']}" for it in rates)
    if not places:
        yield word("months", "no_candidates", language)
        return
    named = list(dict.fromkeys(places))[:_NAMED]
    yield f"{word('months', 'candidates', language)} {len(places):,}: {' · '.join(named)}"
    yield f"*{word('months', 'candidate_note', language)}*"


def _place(dimension: str, element: str, language: str) -> str:
    """Where a candidate lies, of a pair both; without what might name a person."""
    parts = dimension.split("/")
    name = " / ".join(word("dimension", part, language) for part in parts)
    if _UNTOLD & set(parts) or dimension in FACTORS:
        return _plain(name)
    if element == OTHER:
        return f"{_plain(name)}: {word('month', 'other', language)}"
    said = word(dimension, element, language) if dimension in _WORDED else element
    return f"{_plain(name)}: {_plain(said)}"


def _plain(text: str) -> str:
    """The text as Markdown shows it letter by letter, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
