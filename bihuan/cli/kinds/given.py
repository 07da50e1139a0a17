"""The inputs of one request: read by name, with the other names in use, and refused in words where they are no use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from bihuan.analysis.decompose import STRATA
from bihuan.errors import UsageError

_LARGEST = 1e15
"""A float is still exact, and what counts does not run for ever."""


class Given:
    """Inputs by name. Every reader takes the names under which a value may stand; the first is the documented one."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        """Read from ``inputs``, as they came out of JSON."""
        self._inputs = inputs

    def has(self, *names: str) -> bool:
        """Whether one of the names stands there with a value."""
        return any(self._inputs.get(name) is not None for name in names)

    def value(self, *names: str) -> Any:
        """What stands under the first of the names that is there.

        Raises:
            UsageError: None is.
        """
        for name in names:
            if self._inputs.get(name) is not None:
                return self._inputs[name]
        raise UsageError(f'inputs: "{names[0]}" is missing', cure=f"given are {', '.join(self._inputs) or 'none'}")

    def number(self, *names: str, default: float | None = None) -> float:
        """A finite number.

        Raises:
            UsageError: It is something else, or missing without a default.
        """
        if default is not None and not self.has(*names):
            return float(default)
        return _number(self.value(*names), names[0])

    def whole(self, *names: str, default: int | None = None) -> int:
        """A whole number; 3.0 is one.

        Raises:
            UsageError: It is something else, or missing without a default.
        """
        return _whole(self.number(*names, default=default), names[0])

    def numbers(self, *names: str) -> list[float]:
        """A list of finite numbers.

        Raises:
            UsageError: It is something else, or missing.
        """
        return [_number(one, names[0]) for one in _listed(self.value(*names), names[0])]

    def wholes(self, *names: str) -> list[int]:
        """A list of whole numbers.

        Raises:
            UsageError: It is something else, or missing.
        """
        return [_whole(one, names[0]) for one in self.numbers(*names)]

    def one_or_many(self, *names: str) -> float | list[float]:
        """A number for all points, or one for each.

        Raises:
            UsageError: It is neither.
        """
        return self.numbers(*names) if isinstance(self.value(*names), list) else self.number(*names)

    def table(self, *names: str) -> list[list[float]]:
        """Rows of numbers, all equally long.

        Raises:
            UsageError: They are not, or something else.
        """
        rows = self.groups(*names)
        if len({len(row) for row in rows}) != 1:
            raise UsageError(f"inputs: the rows of {names[0]} are not equally long", cure="write [[1, 2], [3, 4]]")
        return rows

    def groups(self, *names: str) -> list[list[float]]:
        """Lists of numbers, also by name.

        Raises:
            UsageError: It is something else, or missing.
        """
        found = self.value(*names)
        rows = list(found.values()) if isinstance(found, dict) else _listed(found, names[0])
        return [[_number(one, names[0]) for one in _listed(row, names[0])] for row in rows]

    def flag(self, *names: str, default: bool = False) -> bool:
        """True or false.

        Raises:
            UsageError: It is something else.
        """
        found = self.value(*names) if self.has(*names) else default
        if found not in (True, False):
            raise UsageError(f"inputs: {names[0]} is {found!r}", cure="write true or false")
        return bool(found)

    def word(self, *names: str, default: str = "") -> str:
        """A word, in lower case and without blanks around it."""
        return str(self.value(*names)).strip().lower() if self.has(*names) else default

    def confidence(self) -> float:
        """Of intervals; 0.95 when left out."""
        return self.number("conf", "confidence", "conf_level", default=0.95)

    def excluded(self, points: int) -> np.ndarray:
        """Which of so many points are named in ``exclude_1based``.

        Raises:
            UsageError: One is named that does not exist.
        """
        out, names = np.zeros(points, dtype=bool), ("exclude_1based", "exclude")
        for at in self.wholes(*names) if self.has(*names) else ():
            if not 1 <= at <= points:
                raise UsageError(f"inputs: exclude_1based names point {at}", cure=f"points are numbered 1 to {points}")
            out[at - 1] = True
        return out

    def baseline(self, points: int) -> np.ndarray:
        """Which of so many points limits are made from: the first ``baseline`` of them, without the excluded ones."""
        return ~self.excluded(points) & (np.arange(points) < self.whole("baseline", default=points))

    def strata(self) -> pd.DataFrame:
        """Two groups in strata, as ``bihuan.analysis.decompose`` takes them.

        Raises:
            UsageError: A count is missing or no number.
        """
        found = self.value("strata")
        if not isinstance(found, dict) or not found:
            raise UsageError("inputs: strata is no object", cure='write {"name": {"group1": {"x", "n"}, "group2": …}}')
        rows = {name: [_cell(groups, *at) for at in _CELLS] for name, groups in found.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(STRATA))

    def counts(self, *names: str) -> pd.Series:
        """Numbers by name, in the order given.

        Raises:
            UsageError: It is something else, or missing.
        """
        found = self.value(*names)
        if not isinstance(found, dict):
            raise UsageError(f"inputs: {names[0]} is no object", cure='write {"name": 12, "other": 3}')
        return pd.Series({name: _number(one, str(name)) for name, one in found.items()}, dtype="float64")


_CELLS = (("group1", "x"), ("group1", "n"), ("group2", "x"), ("group2", "n"))


def _cell(groups: Any, group: str, name: str) -> float:
    try:
        return _number(groups[group][name], f"{group}.{name}")
    except (KeyError, TypeError, IndexError) as error:
        raise UsageError(f"inputs: a stratum lacks {group}.{name}", cure="give x and n of group1 and group2") from error


def _listed(found: Any, name: str) -> Sequence[Any]:
    if not isinstance(found, list):
        raise UsageError(f"inputs: {name} is {found!r:.40}", cure="write a list, [1, 2, 3]")
    return found


def _number(found: Any, name: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise UsageError(f"inputs: {name} holds {found!r:.40}", cure="write finite numbers")
    return float(found)


def _whole(found: float, name: str) -> int:
    if not found.is_integer() or abs(found) > _LARGEST:
        raise UsageError(f"inputs: {name} holds {found:g}", cure="write whole numbers, below 10^15")
    return int(found)
