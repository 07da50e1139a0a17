"""A letter: what one message says, as plain text, ready for any channel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """Title (one line, may stand in a mail header) and body (lines separated by a line feed), both plain text."""

    title: str
    body: str
