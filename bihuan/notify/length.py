"""Texts made to fit: cut between characters, by the measure of the channel, and never inside the link."""

from __future__ import annotations

import re

from bihuan.notify.letter import Letter

_ELLIPSIS = "…"
_BADGE = re.compile(r"【([^】]*)】")
_SHORTEST_TITLE = 40
"""Characters that a title keeps beside even the longest link."""


def capped(text: str, limit: int) -> str:
    """``text`` within ``limit`` bytes of UTF-8, cut between characters and ended with an ellipsis when longer."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - len(_ELLIPSIS.encode())].decode(errors="ignore").rstrip() + _ELLIPSIS


def fitted(text: str, limit: int, link: str) -> str:
    """``text`` within ``limit`` bytes, as `capped` cuts it; the line of ``link`` stays whole, and last if it must."""
    cut = capped(text, limit)
    if link in cut or link not in text:
        return cut
    head, _, label = text.partition(link)[0].rpartition("\n")
    line = f"\n{label}{link}"
    return capped(head, limit - len(line.encode())) + line


def units(text: str) -> int:
    """Characters as a text message counts them: those outside the basic plane, such as emoji, count twice."""
    return len(text.encode("utf-16-le")) // 2


def short(letter: Letter, limit: int) -> Letter:
    """The letter as a text message of ``limit`` characters: title and link, a line each, no title of its own.

    The link is never cut. Networks in China take words in 【】 for the sender's signature, so the title has none.
    """
    title = _BADGE.sub(r"\1：", letter.title)
    room = max(limit - units(letter.link) - 1, _SHORTEST_TITLE) if letter.link else limit
    if units(title) > room:
        title = title.encode("utf-16-le")[: 2 * (room - 1)].decode("utf-16-le", errors="ignore").rstrip() + _ELLIPSIS
    return Letter(title="", body=f"{title}\n{letter.link}".strip(), link=letter.link)
