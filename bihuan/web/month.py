"""The months that were analysed: what each says, its problem list and candidates, and the files of its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from bihuan.services.cycle import cycles
from bihuan.services.month import months
from bihuan.store.queries import board
from bihuan.store.rows import table_of
from bihuan.web.improvement import Refused
from bihuan.web.look import note
from bihuan.web.reader import reader_of
from bihuan.web.security import HEADERS
from bihuan.web.view import page, site
from schemas.access import Seen
from schemas.improvement import AnalysisRun, Finding, Problem
from schemas.item import Item

_R, _P, _F = table_of(AnalysisRun), table_of(Problem), table_of(Finding)
_TYPES = {
    ".html": "text/html; charset=utf-8", ".pdf": "application/pdf", ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_OWN_PAGE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""A report is a page of its own: it runs nothing and fetches nothing."""
_LISTED = 15
_I = table_of(Item).c
DONE = ("merge", "reject")
"""What the page says was done with a candidate; the words are ``done_finding_…``."""


def listing(request: Request) -> Response:
    """The months there are, newest first."""
    with site(request).db.read() as session:
        found = months(session)
        is_simulated = board.is_simulated(session)
    return page(request, "months.html", {"months": found, "is_simulated": is_simulated})


def show(request: Request) -> Response:
    """One month: what it says, the problems, the candidates, the files."""
    return month_page(request)


def month_page(request: Request, refused: Refused | None = None) -> Response:
    """The page of the month that is asked for; where something was refused, with the reason."""
    done = request.query_params.get("done")
    with site(request).db.read() as session:
        run = _run(session, request)
        problems = session.execute(select(_P).where(_P.c.run_id == run.id).order_by(_P.c.rank).limit(_LISTED)).all()
        found = session.execute(select(_F).where(_F.c.run_id == run.id).order_by(_F.c.rank).limit(_LISTED)).all()
        items = _items(session, [row.id for row in found])
        open_cycles = [one["number"] for one in cycles(session) if one["closed_at"] is None]
        is_simulated = board.is_simulated(session)
    language = reader_of(request, site(request).settings).language
    return page(request, "month.html", {
        "run": run, "problems": problems, "found": found, "is_simulated": is_simulated,
        "report": f"report_{language}.html", "items": items, "open_cycles": open_cycles, "refused": refused,
        "done": done if done in DONE else None,
    }, status=refused.status if refused else 200)  # fmt: skip


def _items(session: Session, finding_ids: Sequence[int]) -> dict[int, str]:
    """The number of the item that works on each finding, by the finding's id."""
    wanted = select(_I.finding_id, _I.number).where(_I.finding_id.in_(finding_ids)).order_by(_I.id.desc())
    rows = session.execute(wanted)
    return {row.finding_id: row.number for row in rows}


def file(request: Request) -> Response:
    """One file of the report."""
    here = site(request)
    with here.db.read() as session:
        run = _run(session, request)
    path = run.files.get(request.path_params["name"])
    whole = here.settings.data_dir / path if path else None
    if whole is None or not whole.is_file():
        raise HTTPException(404)
    note(request, Seen.EXPORT, f"{run.number}/{whole.name}")
    own = {"Content-Security-Policy": _OWN_PAGE if whole.suffix == ".html" else HEADERS["Content-Security-Policy"]}
    is_shown = whole.suffix in {".html", ".pdf"}
    return FileResponse(
        whole, media_type=_TYPES.get(whole.suffix, "application/octet-stream"), headers=own,
        filename=f"{run.number}-{whole.name}", content_disposition_type="inline" if is_shown else "attachment",
    )  # fmt: skip


def _run(session: Session, request: Request) -> Row[Any]:
    row = session.execute(select(_R).where(_R.c.number == request.path_params["number"])).first()
    if row is None:
        raise HTTPException(404)
    return row
