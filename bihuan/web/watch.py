"""The watchdog inside the web process: a thread that looks at the heartbeats once a minute, whatever else fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Event, Thread

from bihuan.clock import Clock
from bihuan.errors import BihuanError
from bihuan.notify.gateway import AppriseGateway
from bihuan.services.watchdog import look
from bihuan.settings import Settings
from bihuan.store.engine import Database

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""
FIRST = 180.0
"""Seconds before the first look: what starts together with this process gets the time to run once."""
_FAREWELL = 2.0


@contextmanager
def watched(settings: Settings, db: Database, clock: Clock) -> Iterator[None]:
    """While inside, the heartbeats of this installation are looked at."""
    gateway = cache(lambda: AppriseGateway(settings))
    with watching(lambda: look(db, gateway, settings, clock)):
        yield


@contextmanager
def watching(look_once: Callable[[], object], *, first: float = FIRST, every: float = EVERY) -> Iterator[None]:
    """While inside, call ``look_once`` in a thread: after ``first`` seconds, then every ``every`` seconds."""
    is_over = Event()
    thread = Thread(target=_watch, args=(look_once, is_over, first, every), name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(_FAREWELL)


def _watch(look_once: Callable[[], object], is_over: Event, first: float, every: float) -> None:
    """Look until it is over; what goes wrong is logged when it begins, not at every look."""
    before, wait = "", first
    while not is_over.wait(wait):
        wrong = _attempt(look_once)
        if wrong and wrong != before:
            log.error("the watchdog could not look", extra={"why": wrong})
        elif before and not wrong:
            log.info("the watchdog looks again")
        before, wait = wrong, every


def _attempt(look_once: Callable[[], object]) -> str:
    """Look once; what went wrong in one line, empty where nothing did."""
    try:
        look_once()
    except BihuanError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a watchdog that dies of an error is the silence it was to notice
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""
