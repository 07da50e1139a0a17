"""A rehearsal as one HTML file: the conclusion first, then figures, charts and how they were counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from bihuan.analysis.rehearsal import SIDES, Rehearsal, differences
from bihuan.report.charts import drawn
from bihuan.report.conclusion import conclusion
from bihuan.report.wording import Wording, Words, signed

_MOST_MOVED = 20
_NAMESPACES = (' xmlns="http://www.w3.org/2000/svg"', ' xmlns:xlink="http://www.w3.org/1999/xlink"')
"""An SVG inside HTML needs none; without them no address stands in the file at all."""


@cache
def templates() -> Environment:
    """The templates of the reports: everything escaped, a missing name an error."""
    return Environment(
        loader=PackageLoader("bihuan", "templates/reports"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip


def html(rehearsal: Rehearsal, words: Words, *, least: int) -> str:
    """The whole page in one file: no script, nothing fetched, for a phone, a desktop and paper.

    Args:
        rehearsal: What was found.
        words: The reader's language.
        least: A milestone of which fewer than this were met under either policy is not judged.
    """
    wording = Wording(words)
    whole, *findings = conclusion(rehearsal, words, least=least)
    return (
        templates()
        .get_template("rehearsal.html")
        .render(
            w=wording,
            rehearsal=rehearsal,
            simulated=words["page"]["simulated"] if rehearsal.is_simulated else "",
            whole=whole,
            findings=findings,
            facts=facts(rehearsal, wording),
            blocks=list(_blocks(rehearsal, wording)),
            charts=list(_charts(rehearsal, words)) if rehearsal.complaints else [],
            moved=[_moved(one, rehearsal, wording) for one in rehearsal.moved.head(_MOST_MOVED).to_dict("records")],
            moved_lead=_moved_lead(rehearsal, wording),
            about=about(wording, least),
        )
    )


def facts(rehearsal: Rehearsal, wording: Wording) -> list[tuple[str, str]]:
    """What was replayed: period, complaints, scope, and both versions, each with its name."""
    since, until = (wording.moment(at, rehearsal.timezone) for at in (rehearsal.since, rehearsal.until))
    period = wording.say("period_value", since=since, until=until, timezone=rehearsal.timezone)
    return [
        (wording.say("period"), period),
        (wording.say("complaints"), f"{rehearsal.complaints:,}"),
        (wording.say("scope"), wording.scope(rehearsal.scope)),
        *((wording.say(f"version_{side}"), rehearsal.versions[side]) for side in SIDES),
    ]


def about(wording: Wording, least: int) -> list[str]:
    """How it was counted, in sentences."""
    return [
        wording.say(f"about_{key}", **({"least": least} if key == "least" else {}))
        for key in ("replay", "breach", "rate", "alert", "least")
    ]


def _blocks(rehearsal: Rehearsal, wording: Wording) -> Iterator[dict[str, Any]]:
    """The table of differences: three lines a milestone."""
    for row in differences(rehearsal.milestones).to_dict("records"):
        lines = [_line(row, side, wording) for side in SIDES]
        lines.append({
            "is_difference": True,
            "name": wording.say("difference"),
            "breaches": signed(row["breaches_difference"]),
            "rate": wording.points(row["value_difference"]),
            "proof": "",
            "alerts": signed(row["alerts_difference"]),
        })  # fmt: skip
        yield {"name": wording.milestone(row["milestone"]), "lines": lines}


def _line(row: dict[str, Any], side: str, wording: Wording) -> dict[str, Any]:
    """One milestone under one policy; a dash where the policy does not set it."""
    is_set = bool(row[f"deadlines_{side}"])
    interval = wording.interval(row[f"low_{side}"], row[f"high_{side}"])
    return {
        "is_difference": False,
        "name": wording.say(side),
        "breaches": f"{row[f'breaches_{side}']:,}" if is_set else "–",
        "rate": wording.share(row[f"value_{side}"]),
        "proof": " · ".join(filter(None, [interval, f"n\N{NO-BREAK SPACE}{row[f'met_{side}']:,}"])) if is_set else "",
        "alerts": f"{row[f'alerts_{side}']:,}" if is_set else "–",
    }


def _charts(rehearsal: Rehearsal, words: Words) -> Iterator[dict[str, str]]:
    """Each chart in both widths, with its title and what has to be said below it."""
    wording = Wording(words)
    notes = {"hours": "chart_hours_note", "nights": "chart_nights_note"}
    for name, *svgs in drawn(rehearsal, words):
        wide, narrow = map(bare, svgs)
        title = wording.say(f"chart_{name}")
        note = wording.say(notes[name], timezone=rehearsal.timezone) if name in notes else ""
        yield {"title": title, "wide": wide, "narrow": narrow, "note": note}


def bare(svg: str) -> str:
    """An SVG as it stands inside HTML: without its namespaces."""
    for namespace in _NAMESPACES:
        svg = svg.replace(namespace, "", 1)
    return svg


def _moved(one: dict[str, Any], rehearsal: Rehearsal, wording: Wording) -> dict[str, Any]:
    """One deadline that is judged differently."""
    name = wording.milestone(one["milestone"])
    again = wording.say("round_value", n=one["round"])
    sides = [_judged(one[f"due_{side}"], one[f"breached_{side}"], rehearsal.timezone, wording) for side in SIDES]
    return {"number": one["number"], "milestone": name if one["round"] == 1 else f"{name} · {again}", "sides": sides}


def _judged(due_at: datetime, is_breached: bool, timezone: str, wording: Wording) -> dict[str, Any]:
    """Due instant and verdict under one policy."""
    verdict = wording.verdict(due_at, is_breached)
    if pd.isna(due_at):
        return {"verdict": verdict, "is_breached": False, "due": []}
    day, rest = wording.moment(due_at, timezone).split(" ", 1)
    return {"verdict": verdict, "is_breached": bool(is_breached), "due": [day, rest]}


def _moved_lead(rehearsal: Rehearsal, wording: Wording) -> str:
    """How many verdicts differ, and how many of them stand here and in the workbook."""
    listed = len(rehearsal.moved)
    if not rehearsal.moved_count:
        return wording.say("none_moved")
    shown = {"all": f"{rehearsal.moved_count:,}", "n": min(listed, _MOST_MOVED), "listed": f"{listed:,}"}
    return wording.say("all_moved" if rehearsal.moved_count <= _MOST_MOVED else "some_moved", **shown)
