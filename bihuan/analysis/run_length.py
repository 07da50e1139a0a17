"""How long a chart of a healthy process runs until it cries wolf: the average run length in control, ARL0."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bihuan.analysis import nelson

Memory = tuple[bool, ...]
State = tuple[Memory, ...]


class Pattern(NamedTuple):
    """Signals when k of the last m points lie between two z-scores."""

    k: int
    m: int
    low: float
    high: float


def beyond(k: int, m: int, sigmas: float) -> list[Pattern]:
    """K of m points beyond so many sigmas on the same side."""
    return [Pattern(k, m, sigmas, np.inf), Pattern(k, m, -np.inf, -sigmas)]


PATTERNS: dict[int, list[Pattern]] = {
    1: beyond(1, 1, 3), 2: beyond(nelson.RUN, nelson.RUN, 0), 5: beyond(2, 3, 2), 6: beyond(4, 5, 1),
    7: [Pattern(nelson.STRATIFIED, nelson.STRATIFIED, -1, 1)],
}  # fmt: skip
"""Nelson's rules that look at zones only; 3, 4 and 8 look at more."""


def exact(patterns: Sequence[Pattern]) -> float:
    """The mean number of points until the first signal, of independent standard normal points.

    An absorbing Markov chain over what the patterns remember (Champ and Woodall, Technometrics 29:393, 1987). Before
    the first point all is as if the points had lain outside every zone.

    Args:
        patterns: One or more; together they may remember some thousands of states.

    Raises:
        ValueError: No pattern.
    """
    if not patterns:
        raise ValueError("without a rule nothing ever signals")
    cuts = sorted({end for one in patterns for end in (one.low, one.high)} | {-np.inf, np.inf})
    chance = np.diff(norm.cdf(cuts))
    hits = [[one.low <= low and high <= one.high for one in patterns] for low, high in pairwise(cuts)]
    start: State = tuple(() for _ in patterns)
    index, steps, waiting = {start: 0}, [], deque([start])
    while waiting:
        state = waiting.popleft()
        for zone, hit in enumerate(hits):
            following = _after(state, hit, patterns)
            if following is None:
                continue
            if following not in index:
                index[following] = len(index)
                waiting.append(following)
            steps.append((index[state], index[following], chance[zone]))
    return _mean_until_absorbed(len(index), steps)


def _after(state: State, hit: Sequence[bool], patterns: Sequence[Pattern]) -> State | None:
    """What is remembered after one more point; None where a pattern signals."""
    following = []
    for memory, is_hit, one in zip(state, hit, patterns, strict=True):
        seen = (*memory, is_hit)
        if sum(seen) >= one.k:
            return None
        following.append(_worth_remembering(seen, one))
    return tuple(following)


def _worth_remembering(seen: Memory, one: Pattern) -> Memory:
    """The last m - 1, from the first that lies in the zone on; nothing when too few could still come together."""
    kept = seen[-(one.m - 1) :] if one.m > 1 else ()
    while kept and (not kept[0] or sum(kept) + one.m - len(kept) < one.k):
        kept = kept[1:]
    return kept


def _mean_until_absorbed(states: int, steps: list[tuple[int, int, float]]) -> float:
    stay = np.zeros((states, states))
    for start, end, chance in steps:
        stay[start, end] += chance
    return float(np.linalg.solve(np.eye(states) - stay, np.ones(states))[0])


_OVERLAP = 15
"""The longest that any rule looks back."""
_BLOCK = 256


def simulated(rules: Sequence[int], series: int = 10_000, seed: int = 1) -> tuple[float, float]:
    """The same by simulation, for Nelson's rules that look at more than zones.

    Args:
        rules: Numbers 1 to 8.
        series: How many charts are drawn.
        seed: Of the dice; the same seed gives the same answer.

    Returns:
        The mean run length and its standard error.

    Raises:
        ValueError: No rule, or one that does not exist.
    """
    if not rules or not set(rules) <= nelson.RULES.keys():
        raise ValueError("rules are numbered 1 to 8")
    dice = np.random.default_rng(seed)
    ends, seen = [], 0
    alive = np.full((series, 0), np.nan)
    while len(alive):
        points = np.concatenate([alive, dice.standard_normal((len(alive), _BLOCK))], axis=1)
        fired = _fired(points, rules)[:, alive.shape[1] :]
        has_ended = fired.any(axis=1)
        ends.append(seen + 1 + fired[has_ended].argmax(axis=1))
        alive, seen = points[~has_ended, -_OVERLAP:], seen + _BLOCK
    lengths = np.concatenate(ends)
    return float(lengths.mean()), float(lengths.std(ddof=1) / np.sqrt(series))


def _fired(points: NDArray[np.float64], rules: Sequence[int]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.any([nelson.RULES[number](points) for number in rules], axis=0)
    return found
