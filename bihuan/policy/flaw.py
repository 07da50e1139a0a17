"""What can be wrong in a policy file, and how it is said: where, what, and the cure, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_LONGEST = 60
"""Characters of a value that an error shows."""

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of a file down to a value."""

_SAYINGS = {
    "missing": ("is missing", "add it"),
    "tuple_type": ("{value} is not a list", "put it in brackets: [one, another]"),
    "frozen_set_type": ("{value} is not a list", "put it in brackets: [one, another]"),
    "dict_type": ("{value} is not a mapping", "write it as lines of `key: value`"),
    "string_type": ("{value} is not text", "put it in quotes"),
    "invalid_key": ("the key is not text", "put it in quotes"),
    "string_pattern_mismatch": ("{value} is not a name", "use small letters, digits and _, at most 40"),
    "string_too_short": ("is empty", "write a text"),
    "too_short": ("is empty", "name at least one"),
    "int_type": ("{value} is not a whole number", "write it without quotes or a fraction"),
    "int_parsing": ("{value} is not a whole number", "write it without quotes or a fraction"),
}


class Flaw(ValueError):  # noqa: N818 - it becomes an error once its file and line are known
    """Something wrong with a value; ``at`` leads on from the value that is being looked at."""

    def __init__(self, what: str, cure: str, at: KeyPath = ()) -> None:
        """Say what is wrong and how to mend it."""
        self.what, self.cure, self.at = what, cure, at
        super().__init__(f"{what} - {cure}")


def nearest(word: object, known: Iterable[str]) -> str:
    """A cure for a word nobody knows: the known one most like it, or all of them."""
    words = list(known)
    close = get_close_matches(str(word), words, n=1)
    return f"did you mean {close[0]}?" if close else f"write one of {', '.join(words)}"


def shown(value: object) -> str:
    """A value as an error shows it, short enough for one line."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def flaws(error: ValidationError) -> list[Flaw]:
    """Everything that pydantic found, in our words, each with its whole path."""
    return [_in_words(detail) for detail in error.errors(include_url=False)]


def _in_words(detail: ErrorDetails) -> Flaw:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    context: dict[str, Any] = detail.get("ctx", {})
    cause, value = context.get("error"), shown(detail["input"])
    if isinstance(cause, Flaw):
        return Flaw(cause.what, cause.cure, path + cause.at)
    if detail["type"] in {"enum", "literal_error"}:
        known = re.findall(r"'([^']*)'", context["expected"])
        return Flaw(f"unknown word {value}", nearest(detail["input"], known), path)
    unforeseen = (f"{{value}} {detail['msg'].removeprefix('Input ')}", "see docs/policy.md")
    what, cure = _SAYINGS.get(detail["type"], unforeseen)
    return Flaw(what.format(value=value), cure, path)
