"""A report as PDF, from its own HTML, by WeasyPrint: A4, with page numbers, its fonts within."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from types import ModuleType

from bihuan.companion import Pipe, companion
from bihuan.errors import BihuanError

PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What WeasyPrint needs of the system, as Debian calls it."""

Printer = Callable[[str], Callable[[], bytes]]
"""Takes HTML, and gives what fetches its PDF."""


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


@contextmanager
def printing(*, is_apart: bool) -> Iterator[Printer]:
    """A way to ask for PDFs that are fetched later.

    Args:
        is_apart: Whether a process of its own makes them meanwhile; otherwise each is made when it is fetched.
    """
    if not is_apart:
        yield lambda html: partial(pdf, html)
        return
    with companion(_print) as pipe, ThreadPoolExecutor(1) as thread:
        yield lambda html: thread.submit(_ask, pipe, html).result


def _ask(pipe: Pipe, html: str) -> bytes:
    pipe.send(html)
    made: bytes = pipe.hear()
    return made


def _print(pipe: Pipe) -> None:
    _printer()  # it takes a second to load, before anybody asks
    while True:
        pipe.send(pdf(pipe.hear()))


@cache
def _printer() -> ModuleType | str:
    """WeasyPrint, or why it cannot be loaded: it looks for the system's libraries on import."""
    try:
        return import_module("weasyprint")
    except OSError as error:
        return f"pango is missing, so no PDF can be made: {str(error).splitlines()[0]}"
