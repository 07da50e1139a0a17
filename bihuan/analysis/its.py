"""Interrupted time series: did the level change when the measure came, beyond trend and season?

Naive before-and-after comparison takes a trend or a season for an effect, or hides one: in Sicily's smoking ban it even
turns the sign around (Lopez Bernal, Cummins and Gasparrini, Int J Epidemiol 46:348, 2017).
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from statsmodels.genmod.families import Binomial, Poisson
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.stats.stattools import durbin_watson

from bihuan.analysis.proportion import quantile

Floats = NDArray[np.float64]
Family = Literal["poisson", "binomial"]


class Step(NamedTuple):
    """The change of level as a ratio: of rates for counts, of odds for shares."""

    ratio: float
    low: float
    high: float
    p: float
    """Two-sided, of no change."""
    dispersion: float
    """Pearson's chi-square over its degrees of freedom: 1 as in theory, more where points vary more."""
    trend: float
    """The ratio from one point to the next, without the step."""
    slope: float
    """The ratio by which the trend changed at the step; 1 where none was asked for."""
    durbin_watson: float
    """Of the residuals: about 2, less where neighbours are alike and the interval is too short."""


class Model(NamedTuple):
    """What the series is made of, beside its level and trend."""

    family: Family = "poisson"
    """Counts over an exposure with a log link, or shares with a logit."""
    harmonics: int = 0
    """Pairs of sine and cosine; a season needs two periods of data or more."""
    period: float = 12.0
    """Points a season."""
    is_quasi: bool = True
    """Widen the interval by the dispersion; without it the points are taken to vary as in theory."""
    has_slope: bool = False
    """Let the trend change as well; the ratio is then that at the first point after."""


QUASI_POISSON = Model()


def step(
    x: ArrayLike,
    exposure: ArrayLike,
    is_after: ArrayLike,
    model: Model = QUASI_POISSON,
    time: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Step:
    """The change of level at the interruption, by segmented regression.

    Args:
        x: Counts, shape (k,), in order of time.
        exposure: What they are counted over; with ``binomial`` of how many. Shape (k,).
        is_after: 1 from the interruption on, 0 before, shape (k,).
        model: Season, family and dispersion.
        time: Of each point; evenly 1, 2, 3 ... when left out.
        confidence: Of the interval, normal.

    Raises:
        ValueError: Fewer points than the model has parts, or none on one side.
    """
    counts, over, after = (np.asarray(one, dtype="float64") for one in (x, exposure, is_after))
    at = np.arange(1.0, len(counts) + 1) if time is None else np.asarray(time, dtype="float64")
    if not counts.shape == over.shape == after.shape == at.shape:
        raise ValueError("counts, exposure, before or after, and time must be equally long")
    if not 0 < after.sum() < len(after) or (over <= 0).any():
        raise ValueError("there must be points before and after, each with an exposure")
    free = len(counts) - 3 - int(model.has_slope) - 2 * model.harmonics
    if free < 1:
        raise ValueError(f"{len(counts)} points are too few for a model of {len(counts) - free} parts")
    design = _design(at, after, model)
    fitted = _regression(counts, over, design, model.family).fit(scale=1.0)
    # Not scale="X2": statsmodels 0.15 forgets the number of trials there, and shares get an interval of no width.
    dispersion = float((fitted.resid_pearson**2).sum() / free)
    level, error = float(fitted.params[1]), float(fitted.bse[1]) * sqrt(dispersion if model.is_quasi else 1.0)
    half = quantile(confidence) * error
    return Step(
        exp(level), exp(level - half), exp(level + half), float(2 * norm.sf(abs(level / error))),
        dispersion, exp(float(fitted.params[2])),
        exp(float(fitted.params[3])) if model.has_slope else 1.0, float(durbin_watson(fitted.resid_deviance)),
    )  # fmt: skip


def _design(at: Floats, after: Floats, model: Model) -> Floats:
    parts = [np.ones_like(at), after, at]
    if model.has_slope:
        parts.append((at - at[after > 0].min()) * after)
    for k in range(1, model.harmonics + 1):
        turn = 2 * np.pi * k * at / model.period
        parts += [np.sin(turn), np.cos(turn)]
    return np.column_stack(parts)


def _regression(counts: Floats, over: Floats, design: Floats, family: Family) -> GLM:
    if family == "poisson":
        return GLM(counts, design, family=Poisson(), offset=np.log(over))
    if (counts > over).any():
        raise ValueError("more have it than there are")
    return GLM(np.column_stack([counts, over - counts]), design, family=Binomial())


class Naive(NamedTuple):
    """The ratio of two rates as if nothing else changed."""

    ratio: float
    low: float
    high: float
    p: float


def before_after(x: ArrayLike, exposure: ArrayLike, is_after: ArrayLike, confidence: float = 0.95) -> Naive:
    """The rate after over the rate before, Poisson; what people compute, shown beside ``step`` to show the difference.

    Raises:
        ValueError: Nothing counted before or after.
    """
    counts, over = np.asarray(x, dtype="float64"), np.asarray(exposure, dtype="float64")
    after = np.asarray(is_after, dtype="float64") > 0
    if not counts.shape == over.shape == after.shape or not (counts[after].sum() and counts[~after].sum()):
        raise ValueError("there must be counts before and after, each with an exposure")
    ratio = float(counts[after].sum() / over[after].sum() / (counts[~after].sum() / over[~after].sum()))
    error = sqrt(1 / counts[after].sum() + 1 / counts[~after].sum())
    spread = exp(quantile(confidence) * error)
    return Naive(ratio, ratio / spread, ratio * spread, float(2 * norm.sf(abs(log(ratio)) / error)))
