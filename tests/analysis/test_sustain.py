"""After the verdict: whether it stays, and what of many claims can stand together."""

from __future__ import annotations

from datetime import date, timedelta
from math import isnan, nan

import numpy as np
import pytest

from bihuan.analysis.assurance import Assurance
from bihuan.analysis.scoreboard import scoreboard, secondary
from bihuan.analysis.sustain import Sustained, sustain
from bihuan.analysis.trend import Series
from schemas.verification import Metric, Verdict

MONDAY = date(2026, 1, 5)
CALM = [20, 22, 19, 21, 18, 20, 23, 21, 19, 20, 22, 20]
"""Late of 400 a week in the new phase: about 5 %, limits to about 8 %."""


def weeks(late: list[float], watched_from: int, metric: Metric = Metric.SHARE, **more: object) -> Sustained:
    n = np.full(len(late), 400.0)
    x = np.array(late, dtype="float64")
    starts = [MONDAY + timedelta(weeks=at) for at in range(len(late))]
    until, watched_on = MONDAY + timedelta(weeks=len(late)), MONDAY + timedelta(weeks=watched_from)
    return sustain(Series(x, n, x / n), starts, until, watched_on, metric, is_lower_better=True, **more)


def test_eight_clean_weeks_are_enough_to_close():
    seven, eight = (weeks(CALM + [20, 21] * 4, watched_from) for watched_from in (13, 12))
    assert (seven.clean_points, seven.is_clean) == (7, False)
    assert (eight.clean_points, eight.is_clean, eight.recurred_on, eight.is_provisional) == (8, True, None, False)


def test_three_clean_months_are_enough_where_points_are_months():
    starts = [date(2026, month, 1) for month in range(1, 5)]
    x, n = np.array([20.0, 21, 19, 20]), np.full(4, 400.0)
    for watched_on, months, is_clean in ((date(2026, 2, 1), 3, True), (date(2026, 3, 1), 2, False)):
        found = sustain(
            Series(x, n, x / n), starts, date(2026, 5, 1), watched_on, Metric.SHARE, is_lower_better=True
        )  # fmt: skip
        assert (found.clean_months, found.is_clean, found.is_provisional) == (months, is_clean, True)


def test_a_single_bad_week_starts_the_count_anew_and_is_no_recurrence_yet():
    found = weeks([*CALM, 20, 20, 60, 21, 20], 12)
    assert (found.clean_points, found.is_clean, found.recurred_on) == (2, False, None)
    assert [it.is_worse for it in found.signals] == [True]


def test_what_stays_bad_is_a_recurrence_from_its_second_week_on_where_it_is_far_off():
    found = weeks([*CALM, 20, 20, 60, 60, 60], 12)
    assert found.recurred_on == MONDAY + timedelta(weeks=15)


def test_a_very_good_week_is_a_signal_and_no_recurrence():
    found = weeks([*CALM, 20, 2, 20, 21, 20, 20, 22, 19], 12)
    assert [it.is_worse for it in found.signals] == [False]
    assert (found.recurred_on, found.is_clean) == (None, True)


def test_the_other_direction_recurs_on_the_other_side():
    x = np.array([*(400 - one for one in CALM), 380.0, 340.0, 345.0, 340.0])
    n = np.full(len(x), 400.0)
    starts = [MONDAY + timedelta(weeks=at) for at in range(len(x))]
    found = sustain(
        Series(x, n, x / n), starts, MONDAY + timedelta(weeks=len(x)), starts[12], Metric.SHARE, is_lower_better=False
    )  # fmt: skip
    assert found.recurred_on == starts[15]


def test_a_bad_week_before_the_watch_is_no_recurrence():
    assert weeks([*CALM, 60, 20, 20], 13).recurred_on is None


def test_with_fewer_than_twelve_points_nothing_is_called_a_recurrence_and_it_is_not_clean_either():
    found = weeks([20, 21, 19, 20, 20, 90], 3)
    assert (found.is_provisional, found.recurred_on, found.clean_points) == (True, None, 0)


def test_limits_are_frozen_so_that_slow_slipping_back_is_seen():
    """Limits that moved along would never be crossed."""
    slipping = [20.0 + at for at in range(30)]
    found = weeks([*CALM, *slipping], 12)
    assert found.recurred_on is not None
    assert found.charted.is_baseline.sum() == 12
    assert found.charted.center == pytest.approx(sum(CALM) / 12 / 400)


WEEKS = 12 + 26
"""Twelve that make the limits, and half a year of watch."""


def half_year(dice: np.random.Generator, phi: float, alike: float, back: float | None = None) -> tuple[object, ...]:
    """Late of 200 a week, 5 % in truth and ``back`` in the watch; φ, and how much weeks resemble their neighbours."""
    share = np.full(WEEKS, 0.05)
    share[12:] = share[12:] if back is None else back
    waves = np.empty(WEEKS)
    waves[0] = dice.normal()
    for at in range(1, WEEKS):
        waves[at] = alike * waves[at - 1] + np.sqrt(1 - alike**2) * dice.normal()
    spread = np.sqrt((phi - 1) / (200 * share * (1 - share)))
    odds = np.log(share / (1 - share)) + spread * waves
    x = dice.binomial(200, 1 / (1 + np.exp(-odds))).astype("float64")
    n = np.full(WEEKS, 200.0)
    starts = [MONDAY + timedelta(weeks=at) for at in range(WEEKS)]
    until = MONDAY + timedelta(weeks=WEEKS)
    return Series(x, n, x / n), starts, until, starts[12], Metric.SHARE


@pytest.mark.parametrize(("phi", "alike", "most"), [(1, 0, 0.02), (2, 0, 0.05), (2, 0.3, 0.08), (2, 0.6, 0.17)])
def test_a_half_year_in_which_nothing_happened_seldom_recurs(phi, alike, most):
    """About one in twenty, as said in docs/verification; weeks that drift (0.6) twice as often."""
    dice = np.random.default_rng(9)
    cried = [sustain(*half_year(dice, phi, alike), is_lower_better=True).recurred_on for _ in range(150)]
    assert np.mean([one is not None for one in cried]) <= most


@pytest.mark.parametrize(("phi", "alike", "least", "median"), [(1, 0, 0.95, 5), (2, 0.3, 0.8, 8)])
def test_a_return_to_the_old_level_is_found_within_weeks(phi, alike, least, median):
    dice = np.random.default_rng(10)
    found = [sustain(*half_year(dice, phi, alike, back=0.10), is_lower_better=True).recurred_on for _ in range(60)]
    weeks_on = [(one - MONDAY).days // 7 - 12 + 1 for one in found if one is not None]
    assert len(weeks_on) / 60 >= least
    assert np.median(weeks_on) <= median


def test_scores_and_rates_are_watched_on_their_own_charts():
    for metric in (Metric.RATE, Metric.SCORE):
        assert weeks([*CALM, 20, 20, 60, 60, 60], 12, metric).recurred_on == MONDAY + timedelta(weeks=15)


def test_the_target_gets_its_assurance():
    assert weeks(CALM, 0, target=0.10).assurance is Assurance.MEETS
    assert weeks(CALM, 0, target=0.05).assurance is Assurance.HIT_OR_MISS
    assert weeks(CALM, 0).assurance is None


def test_a_week_without_cases_counts_neither_way():
    x = np.array([*CALM, *[20.0] * 4, np.nan, *[20.0] * 4])
    n = np.where(np.isnan(x), 0.0, 400.0)
    starts = [MONDAY + timedelta(weeks=at) for at in range(len(x))]
    found = sustain(
        Series(x, n, x / 400), starts, MONDAY + timedelta(weeks=len(x)), starts[12], Metric.SHARE, is_lower_better=True
    )  # fmt: skip
    assert (found.clean_points, found.is_clean) == (8, True)


def test_every_period_needs_its_first_day():
    one = np.ones(2)
    with pytest.raises(ValueError, match="first day"):
        sustain(Series(one, one, one), [MONDAY], MONDAY, MONDAY, Metric.SHARE, is_lower_better=True)


BENJAMINI = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def test_of_fifteen_claims_four_stand_as_benjamini_and_hochberg_printed_and_three_by_holm():
    board = scoreboard({str(at): (Verdict.EFFECTIVE, p) for at, p in enumerate(BENJAMINI)})
    assert [name for name, line in board.items() if line.is_held] == ["0", "1", "2", "3"]
    assert [line.is_held for line in secondary({str(at): p for at, p in enumerate(BENJAMINI)}).values()].count(
        True
    ) == 3


def test_what_was_not_claimed_takes_part_and_is_not_held():
    board = scoreboard({
        "a": (Verdict.EFFECTIVE, 0.03), "b": (Verdict.WORSE, 0.001), "c": (Verdict.NOT_IMPLEMENTED, nan),
        "d": (Verdict.PARTIAL, 0.02), "e": (Verdict.INEFFECTIVE, 0.9),
    })  # fmt: skip
    assert {name: line.is_held for name, line in board.items()} == {
        "a": True, "b": False, "c": False, "d": True, "e": False,
    }  # fmt: skip
    assert board["a"].adjusted == pytest.approx(0.04)
    assert isnan(board["c"].adjusted)
    crowd = {f"x{at}": (Verdict.INEFFECTIVE, 0.9) for at in range(9)}
    assert not scoreboard({"a": (Verdict.EFFECTIVE, 0.03), **crowd})["a"].is_held
    assert scoreboard({}) == {}
