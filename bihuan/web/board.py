"""The board: what is open, due, overdue and breached, and whether anybody looks after it; and the health answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bihuan.errors import UnavailableError
from bihuan.services.negative_board import running
from bihuan.store.queries import board as queries
from bihuan.store.queries import outbox
from bihuan.store.queries.negative import Counts
from bihuan.web.view import Site, page, site

SILENT_AFTER = timedelta(minutes=15)
"""Three intervals of the slowest schedule the deadline check may have."""
ROWS = 8
"""Deadlines shown of those overdue longest, and of those due next."""
LEDGER_SPAN = timedelta(days=1)
"""Of messages that are settled the board counts those of so long."""
_CHECK = "sla"


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of the board, and of when they are."""

    at: datetime
    lines: Sequence[queries.Figures]
    ledger: Mapping[str, int]
    bad: Counts

    @property
    def total(self) -> queries.Figures:
        """Of all departments."""
        return sum(self.lines, queries.Figures())

    @property
    def size(self) -> int:
        """Rows that were counted, near enough."""
        return self.total.open + self.total.breached + sum(self.ledger.values())


def show(request: Request) -> Response:
    """The board, as things stand now; it loads itself again every half minute for a reader who asked for that.

    Nobody else's page moves under their hands: a page that reloads loses the place of who reads it aloud or enlarged.
    Where there is very much to count the figures are those of the last count, and the page says of when.
    """
    here = site(request)
    at = here.clock()
    figures = counted(here)
    with here.db.read() as session:
        values = {
            "figures_at": figures.at,
            "lines": figures.lines,
            "total": figures.total,
            "overdue": queries.deadlines(session, at, queries.Wish(state="overdue", limit=ROWS)),
            "due_next": queries.deadlines(session, at, queries.Wish(state="due_soon", limit=ROWS)),
            "ledger": figures.ledger,
            "bad": figures.bad,
            "swept_at": _last_check(session),
            "silent_after": SILENT_AFTER,
            "is_live": request.query_params.get("live") == "yes",
            "is_simulated": queries.is_simulated(session),
        }
    return page(request, "board.html", values)


def counted(here: Site) -> Counted:
    """The figures of the present, or of the last count where there is very much to count.

    Raises:
        UnavailableError: The database does not answer.
    """
    figures: Counted = here.board.get(partial(_count, here), lambda made: made.size)
    return figures


def _count(here: Site) -> Counted:
    at = here.clock()
    with here.db.read() as session:
        lines = queries.by_department(session, at)
        return Counted(at, lines, outbox.counts(session, at - LEDGER_SPAN), running(session, here.policy, at))


def _last_check(session: Session) -> datetime | None:
    return max((beat.beat_at for beat in queries.heartbeats(session) if beat.sweep.startswith(_CHECK)), default=None)


def health(request: Request) -> Response:
    """Whether the database answers, and how long ago each sweep last ran; 503 when it does not answer."""
    here = site(request)
    at = here.clock()
    try:
        with here.db.read() as session:
            beats = queries.heartbeats(session)
    except UnavailableError:
        return JSONResponse({"status": "unavailable", "database": "unavailable", "heartbeats": []}, 503)
    return JSONResponse({
        "status": "ok",
        "database": "ok",
        "heartbeats": [
            {"sweep": beat.sweep, "beat_at": beat.beat_at.isoformat(), "done": beat.done,
             "age_seconds": int((at - beat.beat_at).total_seconds())}
            for beat in beats
        ],
    })  # fmt: skip
