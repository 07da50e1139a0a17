"""Who reads a page: language and zone, and how instants, spans and names look to that person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.notify import words
from bihuan.settings import Settings
from bihuan.web.access import person

LANGUAGE_COOKIE, ZONE_COOKIE = "bihuan_lang", "bihuan_tz"


@dataclass(frozen=True)
class Reader:
    """A language and a zone, and what follows from them."""

    language: str
    zone: ZoneInfo

    @property
    def words(self) -> Mapping[str, str]:
        """What the pages say in the reader's language."""
        return words.words(self.language)["page"]

    def word(self, section: str, key: str | None) -> str:
        """The word for a stored code, beginning with a capital; a code without a word stands for itself."""
        return _capital(words.word(section, key, self.language))

    def section(self, name: str) -> Mapping[str, str]:
        """What one kind of page says in the reader's language."""
        return words.words(self.language)[name]

    def target(self, target: str) -> str:
        """Whom a rung tells: ``duty:night`` as the word for it with its name."""
        kind, _, name = target.partition(":")
        said = self.word("target", kind)
        return f"{said} {name}" if name else said

    def moment(self, at: datetime, now: datetime) -> Markup:
        """``at`` as a time element: short to read, whole with zone and offset when pointed at."""
        text = at.astimezone(self.zone).isoformat(sep=" ", timespec="seconds")
        is_this_year = text[:4] == str(now.astimezone(self.zone).year)
        whole = f"{text[:19]} UTC{text[19:]} ({self.zone.key})"
        short = text[5:16] if is_this_year else text[:16]
        # nothing in it needs escaping, and Markup.format takes longer than a small query
        return Markup(f'<time datetime="{at.isoformat()}" title="{whole}">{short}</time>')  # noqa: S704

    def span(self, length: timedelta) -> str:
        """A length of time, as two units."""
        return words.span(length, self.language)

    def standing(self, due_at: datetime, now: datetime) -> str:
        """How long is left until ``due_at``, or how long it has been overdue."""
        return _capital(words.standing(due_at, now, self.language))

    def department(self, name: str | None, name_en: str | None) -> str:
        """A department's name in the reader's language."""
        return (name_en if self.language == "en" and name_en else name) or self.words["department_unknown"]


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def reader_of(request: Request, settings: Settings) -> Reader:
    """Language and zone by query, else cookie, else the person's own, else the browser's wish (language), else ours.

    Raises:
        UsageError: The query names a zone that does not exist.
    """
    return Reader(_language(request, settings), _zone(request, settings))


def _language(request: Request, settings: Settings) -> str:
    asks = person(request)
    wishes = (_said(request, "lang"), request.cookies.get(LANGUAGE_COOKIE), asks.language if asks else None,
              _accepted(request.headers.get("accept-language", "")))  # fmt: skip
    return next((wish for wish in wishes if wish in words.LANGUAGES), settings.language)


def _said(request: Request, name: str) -> str | None:
    """What the query says; most say nothing, and to parse that takes as long as all the rest here."""
    return request.query_params.get(name) if request.scope["query_string"] else None


@lru_cache(maxsize=256)
def _accepted(header: str) -> str | None:
    """Browsers list the languages they accept best first, so weights are not read."""
    listed = (part.split(";")[0].strip().lower().split("-")[0] for part in header.split(","))
    return next((language for language in listed if language in words.LANGUAGES), None)


def _zone(request: Request, settings: Settings) -> ZoneInfo:
    if asked := _said(request, "tz"):
        return zone(asked)
    asks = person(request)
    try:
        return zone(request.cookies.get(ZONE_COOKIE) or (asks.timezone if asks else settings.timezone))
    except UsageError:
        return zone(settings.timezone)


def masked(name: str | None) -> str:
    """A person's name with all but its first character hidden; empty stays empty."""
    return f"{name.strip()[0]}**" if name and name.strip() else ""
