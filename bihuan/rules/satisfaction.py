"""What one answer 答卷 comes to: its satisfaction index, and whether it is negative."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import NamedTuple


class Dimension(NamedTuple):
    """One of the things that a satisfaction index 满意度指数 is made of."""

    weight: float
    """More than 0."""
    lowest: float
    highest: float
    """The ends of its scale, different from each other."""


class Index(NamedTuple):
    """A satisfaction index and how much stands behind it."""

    value: float
    """0..100."""
    answered_ratio: float
    """Share of the weights that were answered, more than 0, up to 1."""


def satisfaction_index(scores: Mapping[str, float], dimensions: Mapping[str, Dimension]) -> Index | None:
    """The weighted mean of the dimensions answered, each from the lowest of its scale (0) to the highest (100).

    What was not answered is left out and its weight with it; the share of the weights that is left is told beside it.

    Args:
        scores: The answers by dimension; dimensions not answered are absent.
        dimensions: All dimensions of the questionnaire.

    Returns:
        The index, or None where no dimension was answered.

    Raises:
        KeyError: A score of something that is no dimension.
    """
    parts = [(dimensions[name], score) for name, score in scores.items()]
    if not parts:
        return None
    answered = fsum(each.weight for each, _ in parts)
    reached = fsum(each.weight * ((score - each.lowest) / (each.highest - each.lowest)) for each, score in parts)
    return Index(100 * (reached / answered), answered / fsum(each.weight for each in dimensions.values()))


def is_negative(
    csat: int | None, nps: int | None, is_solved: bool | None, *, csat_at_most: int, nps_at_most: int
) -> bool:
    """Whether an answer is negative feedback 负面反馈: not solved, or a score at or under its threshold."""
    return is_solved is False or (csat is not None and csat <= csat_at_most) or (nps is not None and nps <= nps_at_most)
