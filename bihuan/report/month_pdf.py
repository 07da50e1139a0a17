"""A report as PDF, from its own HTML, by WeasyPrint: A4, with page numbers, its fonts within."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from bihuan.errors import BihuanError

PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What WeasyPrint needs of the system, as Debian calls it."""


def lacking() -> str | None:
    """Why no PDF can be made on this machine, in one line; None where it can."""
    found = _printer()
    return found if isinstance(found, str) else None


def pdf(html: str) -> bytes:
    """The pages of a report; the same HTML gives the same pages.

    Args:
        html: Whole in itself: nothing is fetched, and an attempt stops the making.

    Raises:
        BihuanError: This machine lacks what is needed.
    """
    found = _printer()
    if isinstance(found, str):
        raise BihuanError(found, cure=f"install {PACKAGES} with the system's package manager")
    nothing = found.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    made: bytes = found.HTML(string=html, url_fetcher=nothing).write_pdf()
    return made


@cache
def _printer() -> ModuleType | str:
    """WeasyPrint, or why it cannot be loaded: it looks for the system's libraries on import."""
    try:
        return import_module("weasyprint")
    except OSError as error:
        return f"pango is missing, so no PDF can be made: {str(error).splitlines()[0]}"
