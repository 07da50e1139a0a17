"""Pareto: four views, each labelled, and the word that it does not apply."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.pareto_views import Pareto, View, pareto_views, simultaneous

QCC = {"contact num.": 94, "price code": 80, "schedule date": 27, "supplier code": 66, "part num.": 33}


def complaints(counts: dict[str, int], severity: str = "general", tier: str | None = None) -> pd.DataFrame:
    words = [name for name, count in counts.items() for _ in range(count)]
    frame = pd.DataFrame({"product": words, "severity": severity, "tier": pd.Series([tier] * len(words), dtype="str")})
    return frame.astype("category")


def count_view(counts: dict[str, int]) -> Pareto:
    return pareto_views(complaints(counts), "product")[View.COUNT]


def test_the_published_chart_comes_out():
    """Wadsworth, Stephens and Godfrey, Modern Methods for Quality Control, p. 298, as in R's qcc."""
    view = count_view(QCC)
    assert view.rows.index.tolist() == ["contact num.", "price code", "supplier code", "part num.", "schedule date"]
    assert (100 * view.rows["cumulative_share"]).round(2).tolist() == [31.33, 58, 80, 91, 100]
    assert (view.vital, view.rows["is_vital"].sum(), view.is_scattered) == (3, 3, False)


def test_intervals_of_shares_hold_together():
    """The example of May and Johnson (Constructing two-sided simultaneous intervals, J Stat Software 5(6), 2000)."""
    limits = simultaneous(pd.Series([56, 72, 73, 59, 62, 87, 58]))
    wide = limits["high"] - limits["low"]
    assert limits.round(3).to_numpy().tolist()[:3] == [[0.085, 0.166], [0.115, 0.204], [0.116, 0.207]]
    assert (wide > 2 * 1.96 * np.sqrt(0.12 * 0.88 / 467) * 1.2).all()


def test_what_is_evenly_spread_says_that_pareto_does_not_apply():
    assert count_view(dict.fromkeys("abcdefghij", 10)).is_scattered
    assert not count_view({"a": 90, "b": 5, "c": 5}).is_scattered


def test_the_grave_outrank_the_frequent_in_their_own_view():
    frame = pd.concat([complaints({"oven": 5}, "major"), complaints({"lock": 30}), complaints({"lamp": 4}, "urgent")])
    views = pareto_views(frame.astype("category"), "product")
    assert views[View.COUNT].rows.index[0] == "lock"
    assert views[View.SEVERITY].rows["value"].to_dict() == {"oven": 45, "lock": 30, "lamp": 12}


def test_a_tier_without_a_weight_counts_one():
    frame = pd.concat(
        [complaints({"oven": 2}, tier="premium"), complaints({"lock": 3}), complaints({"lock": 1}, tier="x")]
    )
    view = pareto_views(frame.astype("category"), "product", tier_weights={"premium": 5})[View.TIER]
    assert view.rows["value"].to_dict() == {"oven": 10, "lock": 4}


def test_without_a_denominator_there_is_no_view_of_rates():
    assert View.RATE not in pareto_views(complaints({"a": 1}), "product")


def test_rates_rank_by_what_could_have_gone_wrong():
    exposure = pd.Series({"lock": 10_000, "oven": 100, "door": 50, "fan": 2})
    view = pareto_views(complaints({"lock": 100, "oven": 9, "fan": 3}), "product", exposure=exposure)[View.RATE]
    assert view.rows["value"].to_dict() == pytest.approx({"oven": 0.09, "lock": 0.01, "door": 0})
    assert (view.rows["low"] <= view.rows["value"]).all()
    assert view.vital == 0


def test_the_unknown_are_told_apart():
    frame = complaints({"a": 3})
    frame = pd.concat([frame, frame.assign(product=pd.Categorical([None] * 3, ["a"]))], ignore_index=True)
    view = pareto_views(frame, "product")[View.COUNT]
    assert (view.unknown, view.total) == (3, 3)


def test_no_complaints_have_no_vital_few():
    view = count_view({})
    assert (len(view.rows), view.vital, view.total, view.is_scattered) == (0, 0, 0, False)


def test_equal_counts_stand_by_name_whatever_their_order():
    frame = complaints({"b": 2, "a": 2, "c": 2})
    shuffled = frame.sample(frac=1, random_state=3)
    assert [pareto_views(it, "product")[View.COUNT].rows.index.tolist() for it in (frame, shuffled)] == [
        ["a", "b", "c"]
    ] * 2


def test_march_of_a_real_city_is_as_known(real_data: Path):
    frame = pd.read_csv(real_data / "boston311_2015h1.csv.gz", usecols=["OPEN_DT", "TYPE"])
    opened = pd.to_datetime(frame["OPEN_DT"], format="%m/%d/%Y %I:%M:%S %p")
    march = frame[opened.dt.month == 3].assign(severity="general", tier=None).rename(columns={"TYPE": "product"})
    view = pareto_views(march.astype("category"), "product")[View.COUNT]
    first = view.rows.iloc[0]
    assert (view.rows.index[0], first["x"], round(first["share"], 3)) == ("Pothole Repair (Internal)", 1584, 0.155)
    assert (view.vital, len(view.rows), view.total) == (27, 132, 10_208)
    assert first["low"] < 0.155 < first["high"]
