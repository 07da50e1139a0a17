"""Indicators of surveys 问卷指标: tallies from the database, scores with their intervals from the analysis."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

import pandas as pd
from sqlmodel import Session

from bihuan.analysis import score
from bihuan.analysis.kpi import rate
from bihuan.analysis.score import Estimate, Scale
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.store.queries.countable import NAMES, Outcome, View, counted
from bihuan.store.queries.cut import Cut
from bihuan.store.queries.score import OURS, choices, responded, tallies

Group = tuple[Any, str]
"""A value of the dimension, and a survey."""
_REASONS_SHOWN = 10


def score_rows(
    session: Session, indicator: IndicatorPolicy, counts: Counts, cut: Cut, view: View
) -> list[dict[str, Any]]:  # fmt: skip
    """One indicator of surveys: a row a value of the dimension and a survey, as foreign answers do not mix with ours.

    Args:
        session: Where to look.
        indicator: Its questions of choice.
        counts: What it counts.
        cut: Of the answers; for the response rate of the invitations.
        view: From where invitations are looked at.

    Returns:
        Rows of ``key``, ``survey``, ``value``, ``low``, ``high``, ``x`` (in the numerator, or the sum of what was
        scored) and ``n``. Beside them, where there is such a thing: ``weighted``, ``weighted_low`` and
        ``weighted_high`` (weights other than 1 were given), ``promoters``, ``passives``, ``detractors``, ``reasons``
        (of the net promoter score), ``missing_weight`` (share of an index that was not answered), ``awaited``
        (invitations that may still be answered).
    """
    if counts is Counts.RESPONSE:
        return [_response(row) for row in counted(session, responded(view), cut)]
    groups: defaultdict[Group, list[dict[str, Any]]] = defaultdict(list)
    for row in tallies(session, counts, cut):
        groups[row["key"], row["survey"]].append(row)
    reasons = _reasons(session, indicator.reasons, cut) if counts is Counts.NPS else {}
    return [
        {
            "key": group[0], "survey": group[1], **_figures(counts, pd.DataFrame(rows)),
            **({"reasons": reasons[group]} if group in reasons else {}),
        }
        for group, rows in groups.items()
    ]  # fmt: skip


def _response(row: Mapping[str, Any]) -> dict[str, Any]:
    estimate = Estimate(*rate(row["x"], row["n"]))
    return {"key": row["key"], "survey": OURS, **_shown(estimate), "x": row["x"], "n": row["n"],
            "awaited": row[NAMES[Outcome.OPEN]]}  # fmt: skip


def _figures(counts: Counts, tally: pd.DataFrame) -> dict[str, Any]:
    """Everything that is told of one tally."""
    estimate, worth, scale = _SCORES[counts](tally)
    n = int(tally["n"].sum())
    told: dict[str, Any] = {**_shown(estimate), "x": float(worth["n"] @ worth["value"]) / _UNIT.get(counts, 1), "n": n}
    if score.is_weighted(tally):
        weighted = _shown(score.weighted_mean(worth, scale))
        told |= {"weighted": weighted["value"], "weighted_low": weighted["low"], "weighted_high": weighted["high"]}
    if counts is Counts.NPS:
        told |= score.segments(tally)._asdict()
    if counts is Counts.INDEX:
        told["missing_weight"] = 1 - float(tally["index_weight"].sum()) / n
    return told


def _mean_on(scale: Scale) -> Callable[[pd.DataFrame], tuple[Estimate, pd.DataFrame, Scale]]:
    return lambda tally: (score.mean(tally, scale), tally, scale)


def _share(tally: pd.DataFrame) -> tuple[Estimate, pd.DataFrame, Scale]:
    return score.share(tally), tally, score.SHARE


def _nps(tally: pd.DataFrame) -> tuple[Estimate, pd.DataFrame, Scale]:
    return score.nps(score.segments(tally)), score.promotion(tally), score.NPS


_SCORES: dict[Counts, Callable[[pd.DataFrame], tuple[Estimate, pd.DataFrame, Scale]]] = {
    Counts.CSAT_MEAN: _mean_on(score.CSAT),
    Counts.CSAT_TOP_TWO: lambda tally: _share(score.top_two(tally)),
    Counts.NPS: _nps,
    Counts.INDEX: _mean_on(score.INDEX),
    Counts.NEGATIVE: _share,
}
"""The figure of a tally, what its answers are worth for the weighted one, and the scale of that."""


_UNIT = {Counts.NPS: score.POINTS}
"""What one answer in the numerator is worth: promoters less detractors are counted, not points."""


def _shown(estimate: Estimate) -> dict[str, float | None]:
    return {name: None if isnan(figure) else figure for name, figure in estimate._asdict().items()}


def _reasons(session: Session, questions: Sequence[str], cut: Cut) -> dict[Group, list[dict[str, Any]]]:
    """What was chosen, by segment: the most frequent choices of each group, most frequent first, ties by name."""
    counts: defaultdict[Group, defaultdict[tuple[str, str], list[dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for question in questions:
        for row in choices(session, question, cut):
            for choice in _chosen(row["choice"]):
                counts[row["key"], row["survey"]].setdefault((question, choice), []).append(row)
    return {group: _most_frequent(by_choice) for group, by_choice in counts.items()}


def _most_frequent(by_choice: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    told = [
        {"question": question, "choice": choice, **score.segments(pd.DataFrame(rows))._asdict()}
        for (question, choice), rows in by_choice.items()
    ]
    told.sort(key=lambda row: (-row["promoters"] - row["passives"] - row["detractors"], row["question"], row["choice"]))
    return told[:_REASONS_SHOWN]


def _chosen(text: str) -> list[str]:
    """The choices in what a question holds: one, or a list of them."""
    if not text.startswith("["):
        return [text]
    try:
        return [str(choice) for choice in json.loads(text)]
    except ValueError:
        return [text]
