"""A letter: what one message says, as plain text, ready for any channel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """Title (one line, may stand in a mail header) and body (lines separated by a line feed), both plain text.

    ``link`` is the address of the page to act on, as it stands in the body; empty where there is none.
    """

    title: str
    body: str
    link: str = ""
