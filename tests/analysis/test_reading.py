"""What is counted before and after: windows that leave out what they must, readings, and a mix held still."""

from __future__ import annotations

from datetime import date
from math import isnan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analysis import mix, score
from bihuan.analysis.dispersion import dispersion, dispersion_within
from bihuan.analysis.proportion import newcombe, newcombe_of, wilson, wilson_of
from bihuan.analysis.reading import Period, Reading, Stratum, of_nps, of_scores, read, scatter
from bihuan.analysis.verification import Windows
from schemas.kpi import Grain
from schemas.verification import Limitation, Metric

COUNTED = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
MARCH = Windows(
    date(2026, 1, 1), date(2026, 4, 1), date(2026, 4, 10),
    selection_on=date(2026, 3, 1), selection_until=date(2026, 4, 1), lag_days=5, post_until=date(2026, 7, 1),
)  # fmt: skip


def daily(first: str, until: str, x: int = 1, n: int = 10) -> pd.DataFrame:
    days = pd.date_range(first, until, inclusive="left")
    return pd.DataFrame({"x": x, "n": n}, index=days)


def share(x: float, n: float, **more: object) -> Reading:
    return Reading(Metric.SHARE, x, n, **more)


@given(COUNTED, COUNTED)
def test_an_interval_of_what_cases_are_worth_is_wilsons_where_they_are_whole(first, second):
    (x1, n1), (x2, n2) = first, second
    assert wilson_of(x1 / n1, n1) == pytest.approx(wilson(x1, n1), abs=1e-9)
    assert newcombe_of(x1 / n1, n1, x2 / n2, n2) == pytest.approx(newcombe(x1, n1, x2, n2), abs=1e-9)


def test_a_share_outside_its_range_or_worth_nothing_is_refused():
    for wrong in ((1.1, 10), (-0.1, 10), (0.5, 0)):
        with pytest.raises(ValueError, match="a share lies"):
            wilson_of(*wrong)


def test_the_month_that_made_us_choose_is_no_baseline():
    before, after = read(MARCH, daily("2025-12-01", "2026-09-01"), Metric.SHARE)
    assert (before.n, after.n) == (10 * (31 + 28), 10 * (16 + 31 + 30))
    assert (before.value, after.value) == (0.1, 0.1)


def test_a_baseline_of_nothing_but_what_chose_it_is_refused():
    with pytest.raises(ValueError, match="take the months before"):
        Windows(date(2026, 3, 1), date(2026, 4, 1), date(2026, 4, 1), date(2026, 3, 1), date(2026, 4, 1))


@pytest.mark.parametrize(("wrong", "said"), [
    ({"baseline_until": date(2026, 5, 1)}, "ends before"),
    ({"lag_days": -1}, "the lag is"),
    ({"post_until": date(2026, 4, 10)}, "the lag is"),
    ({"selection_until": None}, "or neither"),
])  # fmt: skip
def test_windows_that_cannot_be_compared_are_refused(wrong, said):
    right = {
        "baseline_on": date(2026, 1, 1), "baseline_until": date(2026, 4, 1), "implemented_on": date(2026, 4, 10),
        "selection_on": date(2026, 3, 1), "selection_until": date(2026, 4, 1),
    }  # fmt: skip
    with pytest.raises(ValueError, match=said):
        Windows(**(right | wrong))


def test_last_year_has_the_same_days_also_across_a_leap_day():
    leap = Windows(date(2024, 2, 1), date(2024, 2, 29), date(2024, 2, 29), lag_days=3, post_until=date(2024, 6, 1))
    last = leap.last_year()
    assert (last.baseline_on, last.baseline_until, last.post_on, last.post_until) == (
        date(2023, 2, 1), date(2023, 2, 28), date(2023, 3, 3), date(2023, 6, 1),
    )  # fmt: skip
    assert MARCH.last_year().selection_on == date(2025, 3, 1)


def test_periods_are_numbered_so_that_a_gap_is_seen():
    figures = daily("2025-11-01", "2026-03-01").drop(pd.date_range("2025-12-08", "2025-12-14"))
    windows = Windows(date(2025, 11, 1), date(2026, 1, 1), date(2026, 1, 5))
    before, after = read(windows, figures, Metric.SHARE)
    assert [one.at - before.periods[0].at for one in before.periods] == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert after.periods[0].at - before.periods[-1].at == 1
    months, _ = read(windows, figures, Metric.SHARE, Grain.MONTH)
    assert [(one.at, one.n) for one in months.periods] == [(2025 * 12 + 11, 300), (2025 * 12 + 12, 240)]


def test_an_empty_window_has_no_figure_and_no_interval():
    before, after = read(MARCH, daily("2026-01-01", "2026-03-01"), Metric.SHARE)
    assert before.n
    assert (after.n, isnan(after.value), isnan(after.estimate().low)) == (0, True, True)


def test_a_net_promoter_score_has_the_published_error():
    """One half, a third, a sixth of 324 (IMPROVEMENT 3.10): 33.3, variance 5/9, standard error 4.14."""
    reading = of_nps(score.tally([10] * 162 + [8] * 108 + [3] * 54))
    assert (reading.value, sqrt(reading.variance())) == pytest.approx((100 / 3, 4.1409), abs=1e-4)
    assert reading.estimate() == pytest.approx(score.nps(score.Segments(162, 108, 54)))


def test_a_mean_score_has_students_interval_and_answers_all_alike_are_not_certain():
    tally = score.tally([5, 4, 4, 2, 1, 3, 5])
    assert of_scores(tally).estimate() == pytest.approx(score.mean(tally, score.CSAT))
    alike = of_scores(score.tally([5.0] * 6)).estimate()
    assert alike.value == 5
    assert alike.low < 4


def test_scatter_is_told_around_each_windows_own_level():
    dice = np.random.default_rng(5)
    level = [np.column_stack([dice.binomial(200, p, 40), np.full(40, 200)]).astype(float) for p in (0.3, 0.1)]
    assert dispersion_within(level) == pytest.approx(1, abs=0.35)
    assert dispersion_within([np.concatenate(level)]) < 1.6  # one jump among eighty weeks
    swaying = [Reading(Metric.SHARE, 1, 2, periods=_swaying(dice, p)) for p in (0.3, 0.1)]
    assert scatter(*swaying) > 3
    frame = pd.DataFrame(level[0], columns=["x", "n"])
    assert dispersion_within([level[0]]) == pytest.approx(dispersion(frame))


def _swaying(dice: np.random.Generator, level: float) -> tuple[Period, ...]:
    shares = np.clip(level + dice.normal(0, 0.06, 40), 0.01, 0.99)
    return tuple(Period(at, float(dice.binomial(200, p)), 200.0) for at, p in enumerate(shares))


def test_too_few_weeks_tell_no_scatter():
    few = share(3, 30, periods=(Period(0, 1, 10), Period(1, 2, 20)))
    assert scatter(few, few) is None
    assert scatter(of_nps(score.tally([9, 3]))) is None


HARD_MORE = (
    share(130, 1000, strata=(Stratum("easy", 40, 800), Stratum("hard", 90, 200))),
    share(252, 1000, strata=(Stratum("easy", 12, 400), Stratum("hard", 240, 600))),
)


def test_a_change_of_the_mix_is_held_to_what_it_was():
    """Each kind got better, and the whole looks worse, because the hard ones are three times as many."""
    before, after, said = mix.compare(*HARD_MORE)
    assert before.value == pytest.approx(0.13)
    assert HARD_MORE[1].value > HARD_MORE[0].value > after.value
    assert after.value == pytest.approx(0.8 * 12 / 400 + 0.2 * 240 / 600)
    variance = 0.64 * 0.03 * 0.97 / 400 + 0.04 * 0.4 * 0.6 / 600
    assert after.variance() == pytest.approx(variance, rel=1e-6)
    assert said == (Limitation.MIX_CHANGED,)
    assert (after.x, after.n) == (252, 1000)  # what was counted stays


def test_a_mix_that_moves_by_chance_is_left_alone():
    after = share(100, 1000, strata=(Stratum("easy", 30, 790), Stratum("hard", 70, 210)))
    assert mix.compare(HARD_MORE[0], after) == (HARD_MORE[0], after, ())


def test_kinds_that_no_longer_occur_are_left_out_on_both_sides():
    after = share(40, 800, strata=(Stratum("easy", 40, 800),))
    before, held, said = mix.compare(HARD_MORE[0], after)
    assert (before.value, held.value) == pytest.approx((40 / 800, 40 / 800))
    assert said == (Limitation.MIX_CHANGED, Limitation.STRATA_MISSING)
    assert held.worth == pytest.approx(800)
    other = share(40, 800, strata=(Stratum("new", 40, 800),))
    assert mix.compare(HARD_MORE[0], other)[:2] == (HARD_MORE[0], other)


def test_a_response_rate_that_moved_by_more_than_ten_points_is_said():
    before = share(30, 300, asked=1000)
    assert mix.compare(before, share(20, 401, asked=1000)).limitations == (Limitation.RESPONSE_RATE_MOVED,)
    assert mix.compare(before, share(20, 400, asked=1000)).limitations == ()
    assert mix.compare(before, share(20, 400)).limitations == ()


@given(st.lists(st.tuples(COUNTED, COUNTED), min_size=1, max_size=5))
def test_whatever_the_strata_a_held_share_is_a_share_and_worth_something(rows):
    before, after = (
        share(sum(r[side][0] for r in rows), sum(r[side][1] for r in rows),
              strata=tuple(Stratum(str(at), *map(float, r[side])) for at, r in enumerate(rows)))
        for side in (0, 1)
    )  # fmt: skip
    held = mix.held_to({one.name: one.n for one in before.strata}, after)
    estimate = held.estimate()
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1
    assert held.worth > 0


def test_a_mix_without_cases_is_refused():
    with pytest.raises(ValueError, match="needs cases"):
        mix.held_to({"hard": 3.0}, share(1, 10, strata=(Stratum("easy", 1, 10),)))
