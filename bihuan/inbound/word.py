"""What a mapping writes: words of the file and names of its columns, as text whatever YAML makes of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def as_word(value: Any) -> Any:
    """What a file would hold where YAML saw a number, a truth or nothing."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, int | float) else value


def listed(value: Any) -> Any:
    """One value as a list of it."""
    return value if isinstance(value, list) else [value]


Word = Annotated[str, BeforeValidator(as_word)]
Words = Annotated[frozenset[Word], BeforeValidator(listed)]
Column = Annotated[str, BeforeValidator(as_word), Field(min_length=1)]
