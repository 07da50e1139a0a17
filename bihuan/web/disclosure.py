"""``/.well-known/security.txt``: whom to tell of a hole in this installation, as RFC 9116 has it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bihuan.notify.words import LANGUAGES
from bihuan.settings import Settings
from bihuan.web.view import site

PATH = "/.well-known/security.txt"
LASTS = timedelta(days=90)
"""The file is made at each look, so what somebody kept is old after a quarter; the standard bears a year."""


def show(request: Request) -> Response:
    """The file; there is none where ``BIHUAN_SECURITY_CONTACT`` is not set.

    Raises:
        HTTPException: 404, as nobody is named.
    """
    here = site(request)
    if not here.settings.security_contact:
        raise HTTPException(404)
    return PlainTextResponse(_text(here.settings, here.clock()))


def _text(here: Settings, at: datetime) -> str:
    """The lines, and when they end: midnight UTC, so that the file is the same all day."""
    ends = datetime.combine((at.astimezone(UTC) + LASTS).date(), time(), UTC)
    lines = [f"Contact: {here.security_contact}", f"Expires: {ends:%Y-%m-%dT%H:%M:%SZ}"]
    languages = sorted(LANGUAGES, key=lambda language: language != here.language)
    lines.append(f"Preferred-Languages: {', '.join(languages)}")
    if urlsplit(here.web_url).scheme == "https":  # the standard has addresses with a certificate only
        lines.append(f"Canonical: {here.web_url.rstrip('/')}{PATH}")
    return "\n".join(lines) + "\n"
