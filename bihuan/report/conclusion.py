"""What a rehearsal comes to, in sentences: the whole first, then each milestone, then the load on people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import isnan
from typing import Any

import pandas as pd

from bihuan.analysis.rehearsal import SIDES, Rehearsal, differences
from bihuan.report.wording import Wording, Words, signed

_LOADS = (
    ("hours", ["hour"], ["alerts"]),
    ("nights", ["night"], ["alerts"]),
    ("people", ["recipient"], ["warnings", "breaches"]),
    ("follow_ups", ["day", "milestone"], ["count"]),
)
"""Frames of a rehearsal beside the milestones: what their rows are told apart by, and what they count."""


class Tone(StrEnum):
    """What a sentence says of the draft."""

    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    SAME = "same"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One finding."""

    tone: Tone
    text: str


def conclusion(rehearsal: Rehearsal, words: Words, *, least: int) -> list[Sentence]:
    """What would get better, what worse.

    Better and worse speak of breaches, then of the on-time rate; whether more alerts are worse is for people to say.

    Args:
        rehearsal: What was found.
        words: The reader's language.
        least: A milestone of which fewer than this were met under either policy is said to have not enough data.

    Returns:
        At least one sentence; the first one is the whole. The milestones follow in their order, those without a
        difference together in one sentence, and then nights, persons and follow-ups where they differ.
    """
    wording = Wording(words)
    if not rehearsal.complaints:
        return [Sentence(Tone.UNKNOWN, wording.say("no_complaints"))]
    if not _differs(rehearsal):
        return [Sentence(Tone.SAME, wording.say("no_difference", n=f"{rehearsal.complaints:,}"))]
    rows = differences(rehearsal.milestones).to_dict("records")
    verdicts = [_verdict(row, wording, least) for row in rows if row["deadlines_today"] or row["deadlines_draft"]]
    return [
        _whole(rows, verdicts, wording, least),
        *(verdict for verdict in verdicts if verdict.tone is not Tone.SAME),
        *_unchanged(verdicts, wording),
        *_loads(rehearsal, wording),
    ]


def _differs(rehearsal: Rehearsal) -> bool:
    """Whether any figure of the draft is another than today's."""
    figures = [column for column in rehearsal.milestones if column not in {"milestone", "side"}]
    frames = [("milestones", ["milestone"], figures), *_LOADS]
    return bool(rehearsal.moved_count) or any(
        not (sides := by_side(getattr(rehearsal, name), keys, figure))["today"].equals(sides["draft"])
        for name, keys, counted in frames
        for figure in counted
    )


def by_side(frame: pd.DataFrame, keys: list[str], figure: str) -> pd.DataFrame:
    """The sums of ``figure`` by ``keys``, ascending.

    Returns:
        Columns ``today`` and ``draft`` float64; 0 where a policy has no row or its value is NaN.
    """
    figures = frame.astype({figure: "float64"})
    sums = {side: figures[figures["side"] == side].groupby(keys)[figure].sum() for side in SIDES}
    return pd.DataFrame(sums).sort_index().fillna(0.0)


def _verdict(row: dict[str, Any], wording: Wording, least: int) -> Sentence:
    """One milestone."""
    name = wording.milestone(row["milestone"])
    figures = {side: f"{row[f'breaches_{side}']:,}" for side in SIDES}
    if not row["deadlines_today"] or not row["deadlines_draft"]:
        side = "draft" if row["deadlines_draft"] else "today"
        text = wording.say(f"only_{side}", milestone=name, n=f"{row[f'deadlines_{side}']:,}", breaches=figures[side])
        return Sentence(Tone.CHANGED, text)
    if min(row["met_today"], row["met_draft"]) < least:
        met = {f"n_{side}": f"{row[f'met_{side}']:,}" for side in SIDES}
        return Sentence(Tone.UNKNOWN, wording.say("not_enough", milestone=name, least=least, **met, **figures))
    tone = _tone(row)
    if tone is Tone.SAME:
        return Sentence(tone, name)
    parts = {"breaches": _breaches(row, wording), "rate": _rate(row, wording), "alerts": _alerts(row, wording)}
    return Sentence(tone, wording.say("verdict", milestone=name, **parts))


def _tone(row: dict[str, Any]) -> Tone:
    """Fewer breaches are better; where they are as many, a higher rate is."""
    gain = -row["breaches_difference"] or row["value_difference"]
    if gain and not isnan(gain):
        return Tone.BETTER if gain > 0 else Tone.WORSE
    return Tone.CHANGED if row["alerts_difference"] or row["deadlines_difference"] else Tone.SAME


def _rate(row: dict[str, Any], wording: Wording) -> str:
    """The on-time rate under both policies with its n, one n where they agree."""
    shares = {side: wording.share(row[f"value_{side}"]) for side in SIDES}
    n = " → ".join(dict.fromkeys(f"{row[f'met_{side}']:,}" for side in SIDES))
    return wording.say("rate", **shares, points=wording.points(row["value_difference"]), n=n)


def _breaches(row: dict[str, Any], wording: Wording) -> str:
    return _moved("breaches", row["breaches_today"], row["breaches_draft"], wording)


def _alerts(row: dict[str, Any], wording: Wording) -> str:
    return _moved("alerts", row["alerts_today"], row["alerts_draft"], wording)


def _moved(what: str, today: int, draft: int, wording: Wording) -> str:
    """A count under both policies."""
    how = "same" if today == draft else "fewer" if draft < today else "more"
    n = f"{abs(draft - today):,}"
    return wording.say(f"{what}_{how}", today=f"{today:,}", draft=f"{draft:,}", n=n)


def _whole(rows: list[dict[str, Any]], verdicts: list[Sentence], wording: Wording, least: int) -> Sentence:
    """All milestones together; better or worse only where the sum and every judged milestone agree."""
    sums = {key: sum(row[key] for row in rows) for key in (
        f"{figure}_{side}" for figure in ("breaches", "alerts") for side in SIDES)}  # fmt: skip
    parts = {"breaches": _breaches(sums, wording), "alerts": _alerts(sums, wording)}
    tones = {verdict.tone for verdict in verdicts}
    if not tones - {Tone.UNKNOWN}:
        return Sentence(Tone.UNKNOWN, wording.say("whole_not_enough", least=least, **parts))
    more = sums["breaches_draft"] - sums["breaches_today"]
    summed = {Tone.BETTER} if more < 0 else {Tone.WORSE} if more else set()
    judged = (tones & {Tone.BETTER, Tone.WORSE}) | summed
    return Sentence(judged.pop() if len(judged) == 1 else Tone.CHANGED, wording.say("whole", **parts))


def _unchanged(verdicts: list[Sentence], wording: Wording) -> Iterator[Sentence]:
    """The milestones without a difference, in one sentence."""
    names = [verdict.text for verdict in verdicts if verdict.tone is Tone.SAME]
    if names:
        yield Sentence(Tone.SAME, wording.say("unchanged", milestones=wording.listed(names)))


def _loads(rehearsal: Rehearsal, wording: Wording) -> Iterator[Sentence]:
    """What people would notice: nights, the one who is told most, follow-ups."""
    people = rehearsal.people.assign(alerts=rehearsal.people["warnings"] + rehearsal.people["breaches"])
    persons = by_side(people, ["recipient"], "alerts")
    for key, counts in (
        ("nights", by_side(rehearsal.nights, ["night"], "alerts").sum()),
        ("most", persons.max() if len(persons) else persons.sum()),
        ("follow_ups", by_side(rehearsal.follow_ups, ["day", "milestone"], "count").sum()),
    ):
        today, draft = (int(counts[side]) for side in SIDES)
        if today != draft:
            n = signed(draft - today)
            yield Sentence(Tone.CHANGED, wording.say(f"load_{key}", today=f"{today:,}", draft=f"{draft:,}", n=n))
