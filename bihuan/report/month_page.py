"""The report of a month as one HTML file: the conclusion with what is not known first, then everything behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bihuan.analysis.candidate import bone_of, refuted_by
from bihuan.analysis.candidates import WORD
from bihuan.analysis.review import Review
from bihuan.report import month_card, month_charts, month_table, month_trend
from bihuan.report.month_conclusion import conclusion
from bihuan.report.month_unknown import unknown
from bihuan.report.month_wording import Imprint, MonthWording
from bihuan.report.page import bare, templates
from bihuan.report.wording import Words


def html(review: Review, words: Words, imprint: Imprint) -> str:
    """The whole report in one file: no script, nothing fetched, for a phone, a desktop and paper.

    Args:
        review: Its texts masked; whatever else people wrote is escaped.
        words: The reader's language.
        imprint: What it says beside the review.
    """
    wording = MonthWording.of(review, words, imprint)
    whole, *findings = conclusion(review, wording)
    return (
        templates()
        .get_template("month.html")
        .render(
            w=wording,
            title=title(review, wording),
            simulated=words["page"]["simulated"] if imprint.is_simulated else "",
            whole=whole,
            findings=findings,
            unknown=unknown(review, wording),
            facts=facts(review, wording),
            about=about(review, wording),
            **_tables(review, wording),
            **_charts(review, wording),
        )
    )


def title(review: Review, wording: MonthWording) -> str:
    """What the report is called."""
    key = "file_title_scope" if review.period.scope else "file_title"
    return wording.say(key, month=review.period.name, scope=review.period.scope)


def facts(review: Review, wording: MonthWording) -> list[tuple[str, str]]:
    """Of what the report is: period, baseline, instant, counts, hash, versions; each with its name."""
    period, day = review.period, timedelta(days=1)
    since, until = period.month_on, period.until_on - day
    before = {"since": period.baseline_on, "until": period.month_on - day}
    versions = [(wording.say(f"version_{name}"), version) for name, version in wording.imprint.versions.items()]
    return [
        (wording.say("period"), wording.say("period_value", since=since, until=until, timezone=period.timezone)),
        (wording.say("baseline"), wording.say("baseline_none" if review.is_now.all() else "baseline_value", **before)),
        (wording.say("scope"), period.scope or wording.say("whole_house")),
        (wording.say("as_of"), wording.moment(period.as_of, period.timezone)),
        (wording.say("complaints"), f"{review.quality['complaints']:,}"),
        (wording.say("answers"), f"{review.quality['answers']:,}"),
        (wording.say("tests"), f"{review.found.tests:,}"),
        (wording.say("sha256"), wording.imprint.sha256),
        *versions,
    ]


def about(review: Review, wording: MonthWording) -> list[str]:
    """How it was counted, in sentences."""
    it = review.parameters
    severity = wording.listed([f"{wording.element('severity', k)} {v:g}" for k, v in _lightest(it.severity_weights)])
    tiers = wording.listed([f"{k} {v:g}" for k, v in _lightest(review.tier_weights)])
    values = {
        "q": f"{it.gate.q:.0%}", "contribution": f"{it.gate.contribution:.0%}", "tests": f"{review.found.tests:,}",
        "n": f"{it.gate.floor.n:g}", "expected": f"{it.gate.floor.expected:g}", "severity": severity,
        "tier": tiers or wording.say("about_tiers_alike"),
    }  # fmt: skip
    keys = ("rates", "indicators", "interval", "claim", "split", "pareto", "problems", "delays", "masked", "pack")
    return [wording.say(f"about_{key}", **values) for key in keys]


def _lightest(weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """The weights from the lightest on, whatever order they were kept in."""
    return sorted(weights.items(), key=lambda one: (one[1], one[0]))


def _tables(review: Review, wording: MonthWording) -> Mapping[str, Any]:
    grown = month_table.grown(review)
    before, month = month_table.texts(review)
    rising = review.parameters.rising.q
    n0, n1 = int((~review.is_now).sum()), int(review.is_now.sum())
    return {
        "months": month_table.months_before(review),
        "indicators": list(month_table.indicator_rows(review, wording)),
        "problems": list(month_table.problem_rows(review, wording)),
        "problem_notes": month_table.problem_notes(review, wording),
        "cards": month_card.cards(review, wording),
        "delays": month_table.delay_rows(review, wording),
        "topics": list(month_table.topic_rows(review, wording)),
        "topics_note": wording.say("topics_note", n0=f"{before:,}", n1=f"{month:,}"),
        "rising": list(month_card.word_rows(review, wording)),
        "rising_note": wording.say("rising_note", q=f"{rising:.0%}", bone=wording.sections["bone"][bone_of(WORD)],
                                   refuted_by=wording.sections["refutation"][refuted_by(WORD)]),
        "shares": month_table.share_rows(review, wording),
        "shares_note": wording.say("shares_note", n0=f"{n0:,}", n1=f"{n1:,}"),
        "shares_shown": wording.say("shares_shown", n=month_table.MOST_SHARES, all=len(grown))
        if len(grown) > month_table.MOST_SHARES else "",
        "no_shares": wording.say("no_shares", q=f"{review.parameters.gate.q:.0%}"),
    }  # fmt: skip


def _charts(review: Review, wording: MonthWording) -> Mapping[str, Any]:
    candidates = month_charts.candidate_chart(review, wording)
    delays = month_charts.delay_chart(review, wording)
    return {
        "trends": [_bare(chart) for chart in month_trend.trend_charts(review, wording)],
        "paretos": [_bare(chart) for chart in month_charts.pareto_charts(review, wording)],
        "candidate_chart": _bare(candidates) if candidates else None,
        "delay_chart": _bare(delays) if delays else None,
    }


def _bare(chart: month_charts.Chart) -> month_charts.Chart:
    return chart._replace(wide=bare(chart.wide), narrow=bare(chart.narrow))
