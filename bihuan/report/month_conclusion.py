"""What a month comes to, in sentences: what changed, and where it comes from or that nobody can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.analysis.candidate import Candidate, Conclusion, Outcome
from bihuan.analysis.review import Review
from bihuan.report.conclusion import Tone
from bihuan.report.month_verdict import Verdict, is_same, verdict
from bihuan.report.month_wording import MonthWording
from schemas.improvement import FindingSource

_NAMED = 3
"""Places, words and problems that a sentence names."""
_MONTHS_SAID = 1
"""Months before that a sentence of an indicator tells; the table and the chart have them all."""
_WORSE = (Outcome.LONG_TAIL, Outcome.NOT_LOCALIZED)
_TONES = {Verdict.MET: Tone.BETTER, Verdict.MISSED: Tone.WORSE, Verdict.OPEN: Tone.CHANGED, Verdict.NONE: Tone.CHANGED}


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the conclusion."""

    tone: Tone
    text: str
    verdict: Verdict | None = None
    """Of a sentence about an indicator: how it stands to its target."""

    def label(self, wording: MonthWording) -> str:
        """The sentence in a word or two."""
        if self.verdict is None or self.verdict is Verdict.NONE:
            return wording.say(f"tone_{self.tone}")
        said = wording.say("verdict_open_short" if self.verdict is Verdict.OPEN else f"verdict_{self.verdict}")
        return f"{said[:1].upper()}{said[1:]}"


def conclusion(review: Review, wording: MonthWording) -> list[Line]:
    """The headline, then each rate with where its change lies, the indicators, the problems and the words."""
    return [
        headline(review, wording),
        *_rates(review, wording),
        *_indicators(review, wording),
        _volume(review, wording),
        *_told(review, wording),
    ]


def headline(review: Review, wording: MonthWording) -> Line:
    """The month in one or two sentences."""
    tone, key, values = _headline(review, wording)
    said = wording.say(key, month=review.period.name, **values)
    verdicts = [_verdict(row, wording) for row in review.indicators]
    judged = [one for one in verdicts if one in {Verdict.MET, Verdict.MISSED, Verdict.OPEN}]
    if not judged or not review.quality["complaints"]:
        return Line(tone, said)
    targets = wording.say("head_targets", missed=judged.count(Verdict.MISSED), judged=len(judged))
    return Line(tone, f"{said}{'' if wording.say('lang').startswith('zh') else ' '}{targets}")


def _headline(review: Review, wording: MonthWording) -> tuple[Tone, str, dict[str, object]]:
    outcomes = {it.indicator: it.outcome for it in review.found.conclusions}
    places = placed(review)
    if not review.quality["complaints"]:
        return Tone.UNKNOWN, "head_none", {}
    if places:
        values = {"place": wording.candidate(places[0]), "rate": wording.rate(places[0].indicator), "n": len(places)}
        return Tone.CHANGED, "head_localized" if len(places) > 1 else "head_one", values
    if worse := [wording.rate(name) for name, outcome in outcomes.items() if outcome in _WORSE]:
        return Tone.WORSE, "head_not_localized", {"rates": wording.listed(worse)}
    if set(outcomes.values()) <= {Outcome.WITHHELD}:
        return Tone.UNKNOWN, "head_withheld", {}
    if better := [wording.rate(name) for name, outcome in outcomes.items() if outcome is Outcome.IMPROVED]:
        return Tone.BETTER, "head_improved", {"rates": wording.listed(better)}
    return Tone.SAME, "head_steady", {}


def placed(review: Review) -> list[Candidate]:
    """The candidates that explain the change of a rate: all but words."""
    return [it for it in review.found.candidates if it.source is not FindingSource.WORD]


def _verdict(row: Mapping[str, Any], wording: MonthWording) -> Verdict:
    return verdict(row, wording.imprint.indicators.get(str(row["indicator"])))


def _rates(review: Review, wording: MonthWording) -> Iterator[Line]:
    """Each rate with its outcome; those without enough data together in one sentence."""
    withheld = []
    for it in review.found.conclusions:
        if it.outcome is Outcome.WITHHELD:
            counts = {"n0": f"{it.everything.n0:,.0f}", "n1": f"{it.everything.n1:,.0f}"}
            withheld.append(
                wording.say("rate_n", name=wording.rate(it.indicator), x1=f"{it.everything.x1:,.0f}", **counts)
            )
        else:
            yield _rate(it, review, wording)
    if withheld:
        yield Line(Tone.UNKNOWN, wording.say("rates_withheld", names=wording.clauses(withheld)))


def _rate(it: Conclusion, review: Review, wording: MonthWording) -> Line:
    moved = wording.say(
        "moved", rate=wording.rate(it.indicator), r0=wording.share(it.everything.r0),
        r1=wording.share(it.everything.r1), points=wording.points(it.everything.change),
        low=wording.end(it.low or 0.0), high=wording.end(it.high or 0.0),
        n0=f"{it.everything.n0:,.0f}", n1=f"{it.everything.n1:,.0f}",
    )  # fmt: skip
    own = [one for one in placed(review) if one.indicator == it.indicator]
    places = [_place(one, wording) for one in own[:_NAMED]]
    if len(own) > _NAMED:
        places.append(wording.say("and_more", n=len(own) - _NAMED))
    text = wording.say(f"moved_{it.outcome}", moved=moved, tests=it.tests, places=wording.clauses(places))
    return Line(_tone(it), text)


def _tone(it: Conclusion) -> Tone:
    """A place may stand out in a month whose whole moved no more than usual: that is no month that got worse."""
    if it.outcome is Outcome.LOCALIZED:
        return Tone.WORSE if it.low is not None and it.low > 0 else Tone.CHANGED
    return {Outcome.STEADY: Tone.SAME, Outcome.IMPROVED: Tone.BETTER}.get(it.outcome, Tone.WORSE)


def _place(it: Candidate, wording: MonthWording) -> str:
    place = wording.candidate(it)
    if it.size is None or it.contribution is None:
        return place
    return wording.say("place_share", place=place, points=wording.points(it.size), share=f"{it.contribution:.0%}")


def _indicators(review: Review, wording: MonthWording) -> Iterator[Line]:
    """Each indicator against its months before and its target; those with too few cases together."""
    withheld = []
    for row in review.indicators:
        found = _verdict(row, wording)
        if found is Verdict.NOT_ENOUGH:
            policy = wording.imprint.indicators.get(str(row["indicator"]))
            least = policy.min_n if policy else "–"
            withheld.append(wording.say("name_n", name=wording.indicator(row), n=f"{row['n']:,}", least=least))
        else:
            yield Line(_TONES[found], _indicator(row, found, review, wording), found)
    if withheld:
        yield Line(Tone.UNKNOWN, wording.say("indicators_withheld", names=wording.listed(withheld)))


def _indicator(row: Mapping[str, Any], found: Verdict, review: Review, wording: MonthWording) -> str:
    code = str(row["indicator"])
    before = [
        wording.say("month_value", month=one["month"], value=wording.figure(code, one["value"]), n=f"{one['n']:,}")
        for one in before_of(row, review)[-_MONTHS_SAID:]
    ]
    values = {
        "name": wording.indicator(row), "value": wording.figure(code, row["value"]), "n": f"{row['n']:,}",
        "interval": wording.ends(code, row["low"], row["high"]),
        "before": wording.say("indicator_before", months=wording.listed(before)) if before else "",
    }  # fmt: skip
    if found is Verdict.NONE:
        return wording.say("indicator_plain", **values)
    return wording.say("indicator_said", target=wording.target(row), verdict=wording.say(f"verdict_{found}"), **values)


def before_of(row: Mapping[str, Any], review: Review) -> list[Mapping[str, Any]]:
    """The same indicator in the months before, the oldest first."""
    of_one = [one for one in review.trend if is_same(one, row) and str(one["month"]) < review.period.name]
    return sorted(of_one, key=lambda one: str(one["month"]))


def _volume(review: Review, wording: MonthWording) -> Line:
    months = review.complaints["registered_on"][~review.is_now].dt.to_period("M")
    average = len(months) / months.nunique() if len(months) else 0.0
    before = wording.say("volume_before", average=f"{average:,.0f}") if average else wording.say("volume_first")
    return Line(Tone.CHANGED, wording.say("volume", n=f"{review.quality['complaints']:,}", before=before))


def _told(review: Review, wording: MonthWording) -> Iterator[Line]:
    """What is most complained of, and which words rose."""
    lines = review.problems.lines[:_NAMED]
    if lines:
        problems = [
            wording.say("problem_share", name=wording.element(one.dimension, one.element), count=f"{one.count:,}",
                        share=wording.share(one.share_ratio))
            for one in lines
        ]  # fmt: skip
        yield Line(Tone.CHANGED, wording.say("most_complained", problems=wording.clauses(problems)))
    if words := [it.element for it in review.found.candidates if it.source is FindingSource.WORD]:
        shown = words[: 2 * _NAMED]
        if len(words) > len(shown):
            shown.append(wording.say("and_more", n=len(words) - len(shown)))
        yield Line(Tone.CHANGED, wording.say("words_rose", words=wording.listed(shown)))
