"""Candidates as cards: where, how much, how sure, since when, and what would speak against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bihuan.analysis.candidate import Candidate
from bihuan.analysis.review import Review
from bihuan.analysis.subject import SURVEYED
from bihuan.report.month_conclusion import placed
from bihuan.report.month_table import examples, links, small
from bihuan.report.month_wording import MonthWording
from schemas.improvement import FindingSource


def cards(review: Review, wording: MonthWording) -> list[dict[str, Any]]:
    """The candidates that explain a change."""
    return [_card(it, wording) for it in placed(review)]


def word_rows(review: Review, wording: MonthWording) -> Iterator[dict[str, Any]]:
    """The words that rose: how many complaints hold them, with which other words, examples."""
    for it in review.found.candidates:
        if it.source is FindingSource.WORD:
            together = it.details.get("together", ())
            yield {
                "rank": it.rank, "name": it.element, "q": small(it.q),
                "together": wording.colon(wording.say("together"), wording.listed(together)) if together else "",
                "counted": f"{_counted(it.x0, it.n0, wording)} → {_counted(it.x1, it.n1, wording)}",
                "examples": examples(it.details.get("examples", ()), wording),
                "links": links(it.evidence[:_NUMBERS], wording),
            }  # fmt: skip


_NUMBERS = 6
"""Complaints that stand with a word."""


def _card(it: Candidate, wording: MonthWording) -> dict[str, Any]:
    return {
        "rank": it.rank,
        "title": wording.candidate(it),
        "rate": wording.rate(it.indicator),
        "bone": wording.colon(wording.say("bone"), wording.sections["bone"][it.bone]),
        "source": wording.sections["finding_source"][it.source],
        "state": wording.sections["finding_state"][it.state],
        "facts": list(_facts(it, wording)),
        "links_name": wording.say("latest_first" if it.indicator in SURVEYED else "worst_first"),
        "links": links(it.evidence, wording),
        "examples": examples(it.details.get("examples", ()), wording),
    }


def _facts(it: Candidate, wording: MonthWording) -> Iterator[tuple[str, str]]:
    """Name and value of all that is known."""
    if it.size is not None and it.low is not None and it.high is not None:
        ends = {"low": wording.end(it.low), "high": wording.end(it.high)}
        yield wording.say("size"), wording.say("size_value", points=wording.points(it.size), **ends)
    if it.contribution is not None:
        yield wording.say("contribution"), f"{it.contribution:.0%}".replace("-", "−")
    yield wording.say("before_now"), f"{_counted(it.x0, it.n0, wording)} → {_counted(it.x1, it.n1, wording)}"
    yield wording.say("q"), small(it.q)
    if "since" in it.details:
        yield wording.say("since"), wording.say("since_value", day=it.details["since"])
    if mostly := it.details.get("mostly"):
        yield wording.say("mostly"), wording.clauses([
            wording.say("mostly_value", place=wording.place(name, one["element"]), share=wording.share(one["share"]))
            for name, one in mostly.items()
        ])  # fmt: skip
    if words := it.details.get("words"):
        yield wording.say("topic_words"), wording.listed(words)
    if words := it.details.get("together"):
        yield wording.say("together"), wording.listed(words)
    yield wording.say("refuted_by"), wording.sections["refutation"][it.refuted_by]


def _counted(x: float, n: float, wording: MonthWording) -> str:
    return wording.say("counted", share=wording.share(x / n) if n else "–", x=f"{x:,.0f}", n=f"{n:,.0f}")
