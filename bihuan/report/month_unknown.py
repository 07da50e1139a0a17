"""What a month does not say: gaps of its data, cases too few, comparisons made."""

from __future__ import annotations

from collections.abc import Iterator

from bihuan.analysis.candidate import Outcome
from bihuan.analysis.review import Review
from bihuan.report.month_wording import MonthWording

_SCATTERS = 1.5
"""From this φ on the weeks are said to scatter more than chance."""


def unknown(review: Review, wording: MonthWording) -> list[str]:
    """What is not known of the month, in sentences; those without anything to say are left out."""
    return [*_of_complaints(review, wording), *_of_answers(review, wording), *_of_method(review, wording)]


def _of_complaints(review: Review, wording: MonthWording) -> Iterator[str]:
    quality = review.quality
    every = quality["complaints"]
    as_of = wording.moment(review.period.as_of, review.period.timezone)
    for key, missing in (("sla", "without_sla"), ("open", "open"), ("person", "without_person"),
                         ("text", "without_text")):  # fmt: skip
        if n := quality[missing]:
            counted = {"n": f"{n:,}", "all": f"{every:,}", "share": wording.share(n / every)}
            yield wording.say(f"unknown_{key}", as_of=as_of, **counted)
    gaps = {name: n for name, n in quality["unknown"].items() if n}
    whole = [wording.dimension(name) for name, n in gaps.items() if n == every]
    if whole:
        yield wording.say("unknown_dimensions", names=wording.listed(whole))
    partly = [f"{wording.dimension(name)} {n:,} ({wording.share(n / every)})" for name, n in gaps.items() if n < every]
    if partly:
        yield wording.say("unknown_partly", names=wording.listed(partly))


def _of_answers(review: Review, wording: MonthWording) -> Iterator[str]:
    quality = review.quality
    if not quality["answers"]:
        yield wording.say("unknown_silent")
    else:
        said = wording.say("unknown_answers", n=f"{quality['answers']:,}", judged=f"{quality['judged_answers']:,}")
        yield said
    for row in review.indicators:
        if "awaited" not in row:
            continue
        code = str(row["indicator"])
        if row["n"]:
            yield wording.say("unknown_response", value=wording.figure(code, row["value"]), n=f"{row['n']:,}",
                              interval=wording.ends(code, row["low"], row["high"]))  # fmt: skip
        if row["awaited"]:
            yield wording.say("unknown_awaited", n=f"{row['awaited']:,}")


def _of_method(review: Review, wording: MonthWording) -> Iterator[str]:
    gate, rising = review.parameters.gate, review.parameters.rising
    if review.is_now.all():
        yield wording.say("unknown_baseline")
    elif review.found.tests:
        yield wording.say("unknown_tests", tests=f"{review.found.tests:,}", q=f"{gate.q:.0%}",
                          words_q=f"{rising.q:.0%}")  # fmt: skip
    for it in review.found.conclusions:
        if it.outcome is not Outcome.WITHHELD and it.dispersion >= _SCATTERS:
            yield wording.say("unknown_scatter", rate=wording.rate(it.indicator), times=f"{it.dispersion:.1f}")
    if wording.imprint.estimated_years:
        years = wording.listed([str(year) for year in wording.imprint.estimated_years])
        yield wording.say("unknown_calendar", years=years)
