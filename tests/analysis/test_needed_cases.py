"""How many cases a verdict takes: by the published numbers, a second source, and how often it then finds the change."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from statsmodels.stats.power import zt_ind_solve_power
from statsmodels.stats.proportion import power_proportions_2indep

from bihuan.analysis.effect import two_windows
from bihuan.analysis.effect_duration import Times, duration
from bihuan.analysis.readiness import n_required
from bihuan.analysis.reading import Period, Reading, swing
from bihuan.analysis.sample_size import two_times
from schemas.verification import Metric

ROUNDS = 300
LEAST = 0.75
"""The planned power is 0.8; three hundred rounds tell it to about 0.045."""


def reading(metric: Metric, values: np.ndarray, weeks: int = 1) -> Reading:
    """What was scored, in so many weeks."""
    parts = np.array_split(values, weeks)
    periods = tuple(Period(at, float(part.sum()), float(len(part))) for at, part in enumerate(parts))
    return Reading(metric, float(values.sum()), float(len(values)), float((values**2).sum()), periods)


@pytest.mark.parametrize(("base", "target", "known"), [
    (0.10, 0.05, 435), (0.08, 0.05, 1059), (0.05, 0.03, 1506), (0.90, 0.93, 1356),
])  # fmt: skip
def test_a_share_has_its_power_by_a_second_source(base, target, known):
    assert n_required(Reading(Metric.SHARE, base, 1), target) == known
    told = power_proportions_2indep(target - base, base, known, alpha=0.05)
    assert told.power == pytest.approx(0.8, abs=0.002)


@pytest.mark.parametrize("metric", [Metric.SCORE, Metric.NPS])
def test_scores_and_points_have_theirs(metric):
    values = np.repeat([5.0, 4.0, 2.0, 1.0], [400, 300, 200, 100])
    values = np.where(values >= 5, 100.0, np.where(values >= 4, 0.0, -100.0)) if metric is Metric.NPS else values
    before = reading(metric, values)
    apart = 12.0 if metric is Metric.NPS else 0.2
    n = n_required(before, before.value + apart)
    spread = values.std(ddof=0 if metric is Metric.NPS else 1)
    second = zt_ind_solve_power(apart / spread, alpha=0.05, power=0.8)
    assert n == pytest.approx(second, abs=1)


def test_scores_are_found_better_as_often_as_planned():
    chance = np.random.default_rng(3)
    says, before_p, after_p = np.arange(1.0, 6.0), [0.1, 0.2, 0.1, 0.3, 0.3], [0.08, 0.15, 0.1, 0.32, 0.35]
    base = reading(Metric.SCORE, chance.choice(says, 4000, p=before_p))
    n = n_required(base, base.value + float(says @ (np.array(after_p) - before_p)))
    found = [
        two_windows(
            reading(Metric.SCORE, chance.choice(says, n, p=before_p)),
            reading(Metric.SCORE, chance.choice(says, n, p=after_p)),
        ).low > 0
        for _ in range(ROUNDS)
    ]  # fmt: skip
    assert LEAST <= np.mean(found) <= 0.9


@pytest.mark.parametrize("still_open", [0, 0.02])
def test_shorter_times_are_found_as_often_as_planned_whichever_way_they_are_judged(still_open):
    """Over ten pasts: of times with a long tail a past says only roughly how they spread."""
    found = []
    for seed in range(10):
        chance = np.random.default_rng(seed)
        n = ceil(two_times(chance.lognormal(3, 1, 2000), np.ones(2000), 0.8))
        for _ in range(ROUNDS // 10):
            before, after = chance.lognormal(3, 1, n), chance.lognormal(3, 1, n) * 0.8
            ended = (chance.random(n) >= still_open).astype(int)
            seen = np.where(ended, after, after * chance.random(n))
            found.append(duration(Times(before, np.ones(n)), Times(seen, ended)).high < 0)
    assert np.mean(found) >= LEAST


def test_the_larger_number_of_ranks_and_means_is_needed():
    """Uniform times on 0..1 that become half as long: P = 3/4, so 7.85 / (6 / 16) = 20.9 by ranks.

    Means up to 1/2 are 3/8 and 1/4, with variances 5/192 and 1/48: 1.15 * 7.85 * (9 / 192) * 64 = 27.1.
    """
    times = (np.arange(4000) + 0.5) / 4000
    assert two_times(times, np.ones(4000), 0.5) == pytest.approx(27.08, abs=0.05)


@pytest.mark.parametrize(("times", "ended", "ratio"), [
    ([1.0, 2.0], [1, 1], 1.0), ([1.0, 2.0], [1, 1], 0.0), ([1.0, 2.0], [0, 0], 0.5), ([0.0, 0.0], [1, 1], 0.5),
])  # fmt: skip
def test_times_that_tell_nothing_are_refused(times, ended, ratio):
    with pytest.raises(ValueError, match="ratio"):
        two_times(times, ended, ratio)


def test_weeks_that_are_good_or_bad_as_a_whole_are_seen_in_scores_and_points():
    chance = np.random.default_rng(5)
    calm, swung = [], []
    for _ in range(40):
        values = chance.normal(4, 1, 24 * 50)
        calm.append(swing(reading(Metric.SCORE, values, 24)))
        waves = np.repeat(chance.normal(0, 0.25, 24), 50)  # 50 * 0.0625: φ of about 4
        swung.append(swing(reading(Metric.SCORE, values + waves, 24)))
    assert np.mean(calm) == pytest.approx(1.2, abs=0.2)
    assert np.mean(swung) == pytest.approx(4, abs=0.8)
    assert swing(reading(Metric.NPS, np.full(10, 100.0), 5)) is None
