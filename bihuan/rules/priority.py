"""Priority 优先级: the matrix of importance, urgency and feasibility, and what the data suggest for the first two.

The three are ordinals, so they are looked up and never multiplied: (5, 3, 1) is high and (2, 5, 5) is medium, although
the products say 15 and 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from schemas.item import Priority

SCALE = range(1, 6)
"""What importance, urgency and feasibility can be."""
_QUINTILES = 5


class Signs(NamedTuple):
    """What speaks for hurry."""

    is_signalled: bool = False
    """A control chart has spoken for the worse."""
    is_later: bool = False
    """More of them are late than in the baseline."""
    repeats: int = 0
    """Earlier months in which the same was found."""


def priority(importance: int, urgency: int, feasibility: int) -> Priority:
    """The priority of an item; no higher value of any of the three ever lowers it.

    Args:
        importance: 1 to 5.
        urgency: 1 to 5.
        feasibility: 1 to 5.

    Raises:
        ValueError: One of them is not 1 to 5.
    """
    if not all(one in SCALE for one in (importance, urgency, feasibility)):
        raise ValueError("importance, urgency and feasibility are 1 to 5 each")
    if _is_high(importance, urgency, feasibility):
        return Priority.HIGH
    return Priority.MEDIUM if _is_medium(importance, urgency, feasibility) else Priority.LOW


def _is_high(importance: int, urgency: int, feasibility: int) -> bool:
    match importance:
        case 5:
            return urgency >= 3 or feasibility >= 3  # noqa: PLR2004 - the numbers are the table
        case 4:
            return urgency >= 4 and feasibility >= 3  # noqa: PLR2004
        case 3:
            return urgency == 5 and feasibility >= 4  # noqa: PLR2004
    return False


def _is_medium(importance: int, urgency: int, feasibility: int) -> bool:
    """Among those that are not high."""
    match importance:
        case 5:
            return True
        case 4:
            return urgency >= 2 or feasibility >= 3  # noqa: PLR2004
        case 3:
            return urgency >= 3 or feasibility >= 4  # noqa: PLR2004
    return urgency >= 4 and feasibility >= 4  # noqa: PLR2004


def importance_of(weight: float, weights: Sequence[float]) -> int | None:
    """The importance that a weight suggests: the fifth of all weights in which it lies, 5 the heaviest.

    Args:
        weight: Severity times count of the matter.
        weights: Those of all matters it is held against, its own among them.

    Returns:
        1 to 5; None where there is nothing to hold it against. Equal weights get the same.
    """
    if not weights:
        return None
    at_most = sum(other <= weight for other in weights)
    return max(1, ceil(_QUINTILES * at_most / len(weights)))


def urgency_of(signs: Signs) -> int:
    """The urgency that the signs suggest: 1, and one more for each of them, 5 at most; a repeat counts up to twice."""
    return min(1 + int(signs.is_signalled) + int(signs.is_later) + min(signs.repeats, 2), 5)
