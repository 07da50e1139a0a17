"""The pack for a weekly review 周例会 as one HTML file: what must be decided first, then plan against work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bihuan.report.gantt import Gantt, gantt
from bihuan.report.page import bare, templates
from bihuan.report.plan_wording import PlanWording, kept
from bihuan.report.wording import Words
from bihuan.rules.item import ENDED, position
from bihuan.rules.week import BEHIND, Progress, Week, due_soon, late_on, open_ones, progress_in, week_of
from schemas.plan_book import PlanBook

_HUNDRED = 100
Row = dict[str, Any]
Item = Mapping[str, Any]


@dataclass(frozen=True)
class ReviewWording(PlanWording):
    """Puts a week into the words of one language."""

    week: Week

    def tell(self, key: str, **values: object) -> str:
        """The text of that key in section ``review_pack``, filled in."""
        return self.sections["review_pack"][key].format(**values)

    def points_of(self, difference: float) -> str:
        """A difference of two shares in whole percentage points."""
        n = round(difference * _HUNDRED)
        return self.tell("points", n=f"{n:+d}".replace("-", "−")) if n else self.tell("on_plan")


def html(book: PlanBook, words: Words, day: date) -> str:
    """The whole pack in one file: no script, nothing fetched, for a phone, a desktop and paper.

    Args:
        book: The cycle as it is now. Whatever people wrote is escaped.
        words: The reader's language.
        day: Any of the week that is looked at; of a week that has passed the checkpoints are told.
    """
    w = ReviewWording(words, book, week_of(day, book.today))
    chart = gantt(w)
    late = late_on(book.items, w.week.seen_on)
    return (
        templates()
        .get_template("review.html")
        .render(
            w=w,
            title=title(w),
            simulated=words["page"]["simulated"] if book.is_simulated else "",
            whole=_whole(w, len(late)),
            decisions=[_decision(one, w) for one in book.waiting],
            late=[_late(item, one, w) for item, one in late],
            soon=[_late(item, one, w) for item, one in due_soon(book.items, w.week.seen_on)],
            items=[_item(item, w) for item in _by_state(book.items)],
            deviations=list(_deviations(w)),
            chart=_bare(chart) if chart else None,
            facts=_facts(w),
            about=[w.tell(f"about_{key}", n=round(BEHIND * _HUNDRED)) for key in _ABOUT],
        )
    )


_ABOUT = ("planned", "actual", "deviation", "late")


def title(w: ReviewWording) -> str:
    """What the pack is called."""
    return w.tell("file_title", cycle=w.book.number, since=w.week.first_on, until=w.week.last_on)


def _bare(chart: Gantt) -> Gantt:
    return chart._replace(wide=bare(chart.wide), narrow=bare(chart.narrow))


def _whole(w: ReviewWording, late: int) -> Row:
    """What it comes to in a sentence, and whether that is good."""
    if not w.book.items:
        return {"tone": "unknown", "text": w.tell("head_none")}
    counts = {"items": len(open_ones(w.book.items)), "late": late, "waiting": len(w.book.waiting)}
    if not late and not w.book.waiting:
        return {"tone": "better", "text": w.tell("head_fine", **counts)}
    return {"tone": "worse" if late else "unknown", "text": w.tell("head_open", **counts)}


def _decision(one: Mapping[str, Any], w: ReviewWording) -> Row:
    """A decision that somebody owes."""
    names = w.listed([w.name(code) for code in one["staff"]]) or w.tell("nobody")
    return {
        "number": one["number"], "name": one["name"], "gate": w.code("gate", one["gate"]),
        "role": w.code("approver", one["role"]), "staff": names, "until": one["until_on"].isoformat(),
        "is_overdue": one["is_overdue"],
    }  # fmt: skip


def _late(item: Item, one: Mapping[str, Any], w: ReviewWording) -> Row:
    days = (w.week.seen_on - one["due_on"]).days
    return {
        "number": one["reference"], "name": one["what"], "item": item["name"],
        "owner": w.name(one["owner"]) if one["owner"] else "–", "due": one["due_on"].isoformat(),
        "late": w.tell("late_days", n=days), "progress": f"{one['progress_ratio']:.0%}",
        "state": w.code("measure_state", one["state"]),
    }  # fmt: skip


def _by_state(items: Sequence[Item]) -> list[Item]:
    """By where they stand on their way, the furthest first and what has ended last; then by number."""
    return sorted(items, key=lambda item: (item["state"] in ENDED, -position(item["state"]), item["number"]))


def _item(item: Item, w: ReviewWording) -> Row:
    far = progress_in(item, w.week)
    is_open = item in open_ones([item])
    held = item["held_until_on"]
    return {
        "number": item["number"], "name": item["name"], "state": w.code("item_state", item["state"]),
        "held": w.tell("held", until=held) if held and held > w.week.seen_on else "",
        "owner": w.name(item["owner"]) if item["owner"] else "–",
        "due": item["due_on"].isoformat() if item["due_on"] else "–",
        "planned": f"{far.planned:.0%}", "actual": f"{far.actual:.0%}",
        "difference": w.points_of(far.difference) if is_open and kept(item) else "–",
        "is_behind": is_open and far.is_behind,
        "verdict": w.effect(item) if item["verdict"] else "",
    }  # fmt: skip


def _deviations(w: ReviewWording) -> Iterator[Row]:
    """What was kept of the week, and what is behind and not yet told why."""
    for item in open_ones(w.book.items):
        far = progress_in(item, w.week)
        told = far.checkpoint
        if told is not None and (told["deviation"] or told["decision"] or far.is_behind):
            yield _deviation(item, far, told, w)
        elif told is None and far.is_behind:
            empty = {"deviation": "", "decision": "", "next_on": None, "reviewed_by": ""}
            yield _deviation(item, far, empty, w) | {"note": w.tell("no_checkpoint")}


def _deviation(item: Item, far: Progress, told: Mapping[str, Any], w: ReviewWording) -> Row:
    return {
        "number": item["number"], "name": item["name"],
        "both": w.tell("planned_actual", planned=f"{far.planned:.0%}", actual=f"{far.actual:.0%}"),
        "difference": w.points_of(far.difference), "is_behind": far.is_behind,
        "reason": told["deviation"] or w.tell("no_reason"), "has_reason": bool(told["deviation"]),
        "decision": told["decision"] or w.tell("no_decision"), "has_decision": bool(told["decision"]),
        "next": told["next_on"].isoformat() if told["next_on"] else "–",
        "note": w.tell("reviewed", who=w.name(told["reviewed_by"])) if told["reviewed_by"] else "",
    }  # fmt: skip


def _facts(w: ReviewWording) -> list[tuple[str, str]]:
    book, under_way = w.book, open_ones(w.book.items)
    held = sum(bool(item["held_until_on"] and item["held_until_on"] > w.week.seen_on) for item in under_way)
    counts = w.tell("fact_items_value", open=len(under_way), ended=len(book.items) - len(under_way), held=held)
    return [
        (w.tell("fact_cycle"), f"{book.number} {book.title}".strip()),
        (w.tell("fact_week"), f"{w.week.first_on} – {w.week.last_on}"),
        (w.tell("fact_at"), w.moment(book.made_at, book.timezone)),
        (w.tell("fact_items"), counts),
        *([(w.tell("fact_manager"), w.name(book.manager))] if book.manager else []),
    ]
