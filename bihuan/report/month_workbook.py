"""The month as an Excel workbook: the problem list with every line, and all that stands behind the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import xlsxwriter

from bihuan.analysis.candidate import Candidate
from bihuan.analysis.review import Review
from bihuan.clock import zone
from bihuan.report import month_page, month_table
from bihuan.report.month_conclusion import before_of, conclusion
from bihuan.report.month_unknown import unknown
from bihuan.report.month_verdict import verdict
from bihuan.report.month_wording import Imprint, MonthWording
from bihuan.report.sheet import PLAIN, Column, formats, write_sentences, write_table
from bihuan.report.wording import Words

_HOUR = 3600
_WIDE = {
    "problem": 36,
    "element": 36,
    "evidence": 60,
    "refuted_by": 60,
    "indicator": 26,
    "definition": 44,
    "mostly": 40,
}
"""Characters of columns that hold sentences or names."""
_PROBLEMS = (
    "rank:count", "problem:text", "kind:text", "count:count", "previous:count", "share:share", "low:share",
    "high:share", "stage:text", "severity_weight:figure", "tier_weight:figure", "late:count", "negative:count",
    "people:count", "per_thousand:figure", "evidence:text",
)  # fmt: skip
_CANDIDATES = (
    "rank:count", "rate:text", "dimension:text", "element:text", "source:text", "state:text", "bone:text",
    "size:points", "low:points", "high:points", "contribution:share", "q:figure", "x0:count", "n0:count",
    "x1:count", "n1:count", "since:text", "mostly:text", "refuted_by:text", "evidence:text",
)  # fmt: skip
_INDICATORS = (
    "indicator:text", "month_name:text", "value:figure", "unit:text", "low:figure", "high:figure", "n:count",
    "target:text", "verdict:text", "definition:text",
)  # fmt: skip
_PARETO = (
    "view:text", "rank:count", "element:text", "count:count", "weight:figure", "share:share",
    "cumulative_share:share", "low:share", "high:share", "is_vital:text",
)  # fmt: skip
_DELAYS = ("stage_name:text", "excess_share:share", "excess_in_hours:figure", "late_in:count", "usual_in_hours:figure",
           "n:count")  # fmt: skip

Rows = Iterator[dict[str, Any]]


def xlsx(review: Review, words: Words, imprint: Imprint) -> bytes:
    """The workbook as the bytes of a file; nothing in it is a formula or a link.

    Args:
        review: What was found.
        words: The reader's language.
        imprint: What it says beside the review.
    """
    wording = MonthWording.of(review, words, imprint)
    file, here = BytesIO(), zone(review.period.timezone)
    with xlsxwriter.Workbook(file, PLAIN) as book:
        book.set_properties({"title": month_page.title(review, wording), "created": review.period.as_of})
        looks = formats(book)
        for name, specs, rows in _SHEETS:
            sheet = book.add_worksheet(wording.say(f"sheet_{name}"))
            write_table(sheet, _columns(specs, wording), list(rows(review, wording)), looks, here)
        write_sentences(book.add_worksheet(wording.say("sheet_about")), _about(review, wording), looks)
    return file.getvalue()


def _columns(specs: tuple[str, ...], wording: MonthWording) -> list[Column]:
    """Columns from ``key:kind``, the head being the word of the key."""
    parts = [spec.split(":") for spec in specs]
    return [Column(wording.say(key), key, kind, _WIDE.get(key, 0)) for key, kind in parts]


def _problems(review: Review, wording: MonthWording) -> Rows:
    can = month_table.judged(review)
    for line in review.problems.lines:
        judged = can.loc[line.element]
        yield {
            "rank": line.rank, "problem": wording.element(line.dimension, line.element),
            "kind": wording.element("kind", line.kind), "count": line.count, "previous": line.previous,
            "share": line.share_ratio, "low": line.low, "high": line.high,
            "stage": wording.element("stage", line.stage) if line.stage else "",
            "severity_weight": line.severity_weight, "tier_weight": line.tier_weight,
            "late": line.late if judged["late"] else None, "negative": line.negative if judged["negative"] else None,
            "people": line.people, "per_thousand": line.per_thousand, "evidence": wording.listed(list(line.evidence)),
        }  # fmt: skip


def _candidates(review: Review, wording: MonthWording) -> Rows:
    for it in review.found.candidates:
        yield {
            "rank": it.rank, "rate": wording.rate(it.indicator), "dimension": _dimension(it, wording),
            "element": it.element if it.dimension == "word" else wording.candidate(it),
            "source": wording.sections["finding_source"][it.source],
            "state": wording.sections["finding_state"][it.state], "bone": wording.sections["bone"][it.bone],
            "size": it.size, "low": it.low, "high": it.high, "contribution": it.contribution, "q": it.q,
            "x0": it.x0, "n0": it.n0, "x1": it.x1, "n1": it.n1, "since": it.details.get("since", ""),
            "mostly": _mostly(it, wording), "refuted_by": wording.sections["refutation"][it.refuted_by],
            "evidence": wording.listed(list(it.evidence)),
        }  # fmt: skip


def _dimension(it: Candidate, wording: MonthWording) -> str:
    return " / ".join(wording.dimension(name) for name in it.dimension.split("/"))


def _mostly(it: Candidate, wording: MonthWording) -> str:
    return wording.clauses([
        wording.say("mostly_value", place=wording.place(name, one["element"]), share=wording.share(one["share"]))
        for name, one in it.details.get("mostly", {}).items()
    ])  # fmt: skip


def _indicators(review: Review, wording: MonthWording) -> Rows:
    """The month first, then the months before."""
    for row in review.indicators:
        code = str(row["indicator"])
        found = verdict(row, wording.imprint.indicators.get(code))
        now = {**row, "month": review.period.name}
        for one in (now, *reversed(before_of(row, review))):
            yield {
                "indicator": wording.indicator(row), "month_name": str(one["month"]), "value": one["value"],
                "unit": wording.say(_unit(code, wording)),
                "low": one["low"], "high": one["high"], "n": one["n"], "target": wording.target(row),
                "verdict": wording.say(f"verdict_{found}") if one is now else None,
                "definition": wording.definition(code),
            }  # fmt: skip


def _pareto(review: Review, wording: MonthWording) -> Rows:
    for view, it in review.paretos.items():
        for rank, row in enumerate(it.rows.reset_index().to_dict("records"), start=1):
            yield {
                "view": wording.sections["pareto_view"][view], "rank": rank, "count": row["x"],
                "element": wording.element(review.problems_by, str(row["element"])), "weight": row["value"],
                "is_vital": wording.say("yes" if row["is_vital"] else "no"),
                **{key: row[key] for key in ("share", "cumulative_share", "low", "high")},
            }  # fmt: skip


def _delays(review: Review, wording: MonthWording) -> Rows:
    for stage, row in review.delays.iterrows():
        yield {
            "stage_name": wording.element("stage", str(stage)), "excess_share": row["share"],
            "excess_in_hours": row["excess_seconds"] / _HOUR, "late_in": row["late"],
            "usual_in_hours": row["usual_seconds"] / _HOUR, "n": row["n"],
        }  # fmt: skip


_SHEETS: tuple[tuple[str, tuple[str, ...], Callable[[Review, MonthWording], Rows]], ...] = (
    ("problems", _PROBLEMS, _problems),
    ("candidates", _CANDIDATES, _candidates),
    ("indicators", _INDICATORS, _indicators),
    ("pareto", _PARETO, _pareto),
    ("delays", _DELAYS, _delays),
)
"""Every table: the word of its name, its columns, what gives its rows."""


def _about(review: Review, wording: MonthWording) -> Iterator[tuple[str, str]]:
    """What it is, what it comes to, what is not known, and how it was counted."""
    yield wording.say("name"), month_page.title(review, wording)
    yield from month_page.facts(review, wording)
    for line in conclusion(review, wording):
        yield f"{wording.say('at_conclusion')} · {line.label(wording)}", line.text
    yield wording.say("at_candidates"), wording.say("caution")
    problems, about = month_table.problem_notes(review, wording), month_page.about(review, wording)
    for name, lines in (("unknown", unknown(review, wording)), ("problems", problems), ("about", about)):
        for sentence in lines:
            yield wording.say(f"at_{name}"), sentence


def _unit(code: str, wording: MonthWording) -> str:
    if wording.is_time(code):
        return "unit_hours"
    return "unit_share" if wording.places(code) is None else "unit_points"
