"""Numbers for words that come again and again: each different one is judged once, and looked up every other time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Codes(dict[Any, int]):
    """Looks up the code of what is read, and numbers what it has not seen yet: 0, 1, … in the order they come.

    As a dictionary it is looked up by ``map(codes.__getitem__, …)`` without a step of Python for what is known.
    """

    NONE = -1
    """The code of what counts for nothing."""

    def __init__(self, judge: Callable[[Any], str | None]) -> None:
        """Begin with no words.

        Args:
            judge: The word that something read counts as; empty or None: it counts for nothing.
        """
        super().__init__()
        self._judge = judge
        self._places: dict[str, int] = {}

    def __missing__(self, read: Any) -> int:
        """Judge what was not read before."""
        word = self._judge(read)
        code = self._places.setdefault(word, len(self._places)) if word else self.NONE
        self[read] = code
        return code

    @property
    def words(self) -> list[str]:
        """The words, by their codes."""
        return list(self._places)
