"""Chance that can be repeated."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TypeVar

Thing = TypeVar("Thing")


def dice(seed: int, name: str) -> random.Random:
    """Chance that depends on nothing but the seed and a name: the same in every process and in any order."""
    return random.Random(f"{seed}/{name}")


def pick(chance: random.Random, weights: Mapping[Thing, int]) -> Thing:
    """One of the things, each as often as its weight says."""
    return chance.choices(list(weights), list(weights.values()))[0]
