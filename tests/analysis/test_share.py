"""Shares of complaints, and steps in them: said without a denominator, and so without a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.cells import OTHER, UNKNOWN, Floor
from bihuan.analysis.dispersion import dispersion_of_counts
from bihuan.analysis.share import shares
from bihuan.analysis.step import step


def complaints(rows: list[tuple[str | None, int, int]]) -> tuple[pd.Series, pd.Series, pd.DataFrame]:
    """Of rows (element, in the baseline, in the month), spread over the weeks."""
    words = [word for word, before, now in rows for _ in range(before + now)]
    is_now = [at >= before for _, before, now in rows for at in range(before + now)]
    days = [at * 84 // before if at < before else 84 + at % 28 for _, before, now in rows for at in range(before + now)]
    frame = pd.DataFrame({"product": pd.Series(words, dtype="str").astype("category")})
    return pd.Series(is_now), pd.Timestamp("2026-08-03") + pd.to_timedelta(pd.Series(days), unit="D"), frame


def test_what_became_a_greater_part_is_told_with_its_interval():
    found = shares(*complaints([("lock", 300, 200), ("oven", 600, 200), ("lamp", 2, 3)]), Floor())
    first = found.iloc[0]
    assert (first["element"], first["n0"], first["n1"]) == ("lock", 902, 403)
    assert first["change"] == pytest.approx(200 / 403 - 300 / 902)
    assert first["low"] > 0
    assert first["q"] < 0.001


def test_more_complaints_of_everything_are_no_greater_part():
    found = shares(*complaints([("lock", 300, 400), ("oven", 600, 800)]), Floor())
    assert (found["q"] > 0.4).all()


def test_the_small_and_the_unknown_are_not_tested():
    found = shares(*complaints([("lock", 300, 200), ("oven", 600, 200), ("lamp", 2, 30), (None, 40, 90)]), Floor())
    untested = found[found["p"].isna()]["element"].tolist()
    assert sorted(untested) == sorted([OTHER, UNKNOWN, "lamp"])


def test_an_element_that_always_comes_in_waves_has_to_rise_further():
    is_now, days, frame = complaints([("lock", 600, 260), ("oven", 1200, 400)])
    waves = days.where(is_now | (frame["product"] != "lock"), days.dt.normalize() - pd.to_timedelta(
        (days.dt.day_of_year // 7 % 2) * 7, unit="D"))  # fmt: skip
    steady, restless = shares(is_now, days, frame, Floor()), shares(is_now, waves, frame, Floor())
    lock = [table[table["element"] == "lock"].iloc[0] for table in (steady, restless)]
    assert lock[0]["dispersion"] < 1.5 < lock[1]["dispersion"]
    assert lock[0]["p"] < lock[1]["p"]


def test_a_month_without_a_past_has_no_shares_that_grew():
    is_now, days, frame = complaints([("lock", 3, 5)])
    assert shares(is_now[is_now], days[is_now], frame[is_now], Floor()).empty


def test_weekly_counts_scatter_as_poisson_or_more():
    calm = pd.Series(pd.date_range("2026-08-03", periods=84)).repeat(10)
    assert dispersion_of_counts(calm) == 1
    restless = pd.concat([calm, *[calm[(calm.dt.day_of_year // 7) % 2 == 0]] * 3])
    assert dispersion_of_counts(restless) > 20


def test_a_step_is_dated_to_its_week():
    counts = pd.DataFrame({"x": [50, 52, 48, 80, 82], "n": [100] * 5}, index=list("abcde"))
    found = step(counts)
    assert found is not None
    assert (found.at, round(found.before, 2), round(found.after, 2)) == ("d", 0.50, 0.81)
    assert step(counts, 4.0).evidence == pytest.approx(found.evidence / 4)


@pytest.mark.parametrize("counts", [{"x": [5], "n": [10]}, {"x": [5, 5], "n": [10, 10]}, {"x": [0, 0], "n": [0, 9]}])
def test_without_a_change_there_is_no_step(counts: dict[str, list[int]]):
    assert step(pd.DataFrame(counts)) is None


def test_weeks_without_cases_are_no_place_for_a_step():
    counts = pd.DataFrame({"x": [0, 9, 0, 1], "n": [0, 10, 0, 10]})
    assert step(counts).at in {2, 3}
    assert np.isfinite(step(counts).evidence)
