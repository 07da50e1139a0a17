"""Text that a spreadsheet program would run: how it is told, and how it is made harmless and brought back."""

from __future__ import annotations

import re

_MARK = "'"
"""What spreadsheet programs themselves put before what is to stay text."""
_BEGINS = re.compile(r"[\t\r]|\s*[=+\-@＝＋－＠]")
"""Some programs leave out the white space before a sign, and Chinese and Japanese editions read the wide signs too."""


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet program may take the text for a formula."""
    return _BEGINS.match(text) is not None


def guarded(text: str) -> str:
    """The text as a cell of a CSV may hold it: with ``'`` before what would run, and before what has one already."""
    return f"{_MARK}{text}" if text.startswith(_MARK) or begins_formula(text) else text


def unguarded(text: str) -> str:
    """What was guarded; a text that never was stays as it is, also where it begins with ``'``."""
    inner = text.removeprefix(_MARK)
    return inner if inner != text and guarded(inner) != inner else text
