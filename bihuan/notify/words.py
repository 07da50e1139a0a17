"""Words people see: names of milestones, states and kinds, spans and instants, in the reader's language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

from bihuan.clock import as_utc, zone

LANGUAGES = ("zh", "en")
"""Languages that have words and message templates; the last one serves readers of any other language."""

_FOLDER = Path(__file__).parent.parent / "templates" / "words"
_UNITS = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))


def spoken(language: str) -> str:
    """The language that serves a reader of ``language``: its own (``zh-CN`` is ``zh``), else English."""
    short = language.strip().lower()[:2]
    return short if short in LANGUAGES else LANGUAGES[-1]


@cache
def words(language: str) -> Mapping[str, Mapping[str, str]]:
    """Every section of a language's word file, by section and key."""
    with (_FOLDER / f"{spoken(language)}.toml").open("rb") as file:
        sections = tomllib.load(file)
    return MappingProxyType({name: MappingProxyType(section) for name, section in sections.items()})


def word(section: str, key: str | None, language: str) -> str:
    """The word for ``key``, empty for None.

    A key without a word, such as a milestone that only this installation's policy knows, is shown as it is written
    there, underscores as spaces.
    """
    if key is None:
        return ""
    return words(language)[section].get(str(key), str(key).replace("_", " "))


def span(length: timedelta, language: str) -> str:
    """A length of time in its two largest units, rounded down: ``2 天 3 小时``, ``2 d 3 h``. The sign is dropped."""
    rest = abs(length)
    said = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            said.append(word("span", unit, language).format(n=count))
    return " ".join(said[:2]) or word("span", "moment", language)


def standing(due_at: datetime, at: datetime, language: str) -> str:
    """How a deadline stands at an instant: ``已超时 2 天 3 小时`` or ``还剩 45 分钟``. Due itself counts as overdue."""
    how = "overdue" if at >= due_at else "remaining"
    return word("span", how, language).format(span=span(at - due_at, language))


def instant(at: datetime, timezone: str) -> str:
    """An instant in the reader's zone, with the offset so that it cannot be misread: ``2026-11-22 09:30 +08:00``."""
    local = as_utc(at).astimezone(zone(timezone)).isoformat(sep=" ", timespec="minutes")
    return f"{local[:16]} {local[16:]}"
