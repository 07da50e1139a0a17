"""The plan table 改进计划表 of a cycle on a page: its Gantt chart, the workbook, and what came back of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.errors import BihuanError, UsageError
from bihuan.notify.words import words
from bihuan.report.drawing import NARROW
from bihuan.report.gantt import WHOLE, gantt_label, gantt_note, gantt_of
from bihuan.report.plan_wording import PlanWording
from bihuan.report.plan_workbook import xlsx
from bihuan.rules.plan_table import Became
from bihuan.services.cycle_file import find_cycle
from bihuan.services.item_people import active_staff
from bihuan.services.item_show import show as show_item
from bihuan.services.plan_book import plan_book
from bihuan.services.plan_import import import_plan
from bihuan.services.plan_outcome import Imported
from bihuan.web.access import person
from bihuan.web.improvement import Refused
from bihuan.web.improvement_access import require_sight
from bihuan.web.improvement_gantt import item_book
from bihuan.web.improvement_item import find
from bihuan.web.improvement_words import why
from bihuan.web.look import note
from bihuan.web.reader import reader_of
from bihuan.web.upload import Upload, genuine_upload
from bihuan.web.view import page, site
from schemas.access import Seen
from schemas.plan_book import PlanBook

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_FILE = 5 * 1024 * 1024
"""Bytes that may be handed in; a plan of a hundred items takes a tenth of it."""
_SHOWN = 500
"""Cells of an answer; whoever changed more reads the rest from the command line."""


@dataclass(frozen=True)
class _Answer:
    """What became of a file, or why nothing did."""

    imported: Imported | None = None
    refused: Refused | None = None


def show(request: Request) -> Response:
    """The plan of a cycle."""
    return _page(request, _Answer())


def _page(request: Request, answer: _Answer) -> Response:
    here, reader = site(request), reader_of(request, site(request).settings)
    with here.db.read() as session:
        book = _book(session, request)
        staff = [(one.code, one.name) for one in active_staff(session)]
    wording = PlanWording.of(book, words(reader.language))
    done, refused = answer.imported, answer.refused
    told = [one for one in done.cells if one.became is not Became.UNCHANGED] if done else []
    values = {
        "book": book, "staff": staff, "label": gantt_label(wording), "note": gantt_note(wording), "done": done,
        "told": told[:_SHOWN], "more": max(len(told) - _SHOWN, 0), "refused": refused,
        "head": words(reader.language)["plan_table"], "largest": LARGEST_FILE // (1024 * 1024),
    }  # fmt: skip
    return page(request, "improvement_plan.html", values, status=refused.status if refused else 200)


def _book(session: Session, request: Request) -> PlanBook:
    here, number = site(request), request.path_params["cycle"]
    try:
        return plan_book(session, here.policy, here.clock, number)
    except UsageError as error:
        raise HTTPException(404) from error


def workbook(request: Request) -> Response:
    """The plan table in the reader's language, to be edited and brought back."""
    reader = reader_of(request, site(request).settings)
    with site(request).db.read() as session:
        book = _book(session, request)
    name = f"{book.number}-{reader.language}.xlsx"
    note(request, Seen.EXPORT, f"{book.number}/{name}")
    own = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}"}
    return Response(xlsx(book, words(reader.language)), media_type=_XLSX, headers=own)


def drawing(request: Request) -> Response:
    """The Gantt chart of a cycle as a picture."""
    with site(request).db.read() as session:
        return _drawn(request, _book(session, request))


def item_drawing(request: Request) -> Response:
    """That of one item."""
    here = site(request)
    with here.db.read() as session:
        file = find(session, request.path_params["item"])
        require_sight(request, session, file)
        return _drawn(request, item_book(here.policy, here.clock(), show_item(session, file.item.number)))


def _drawn(request: Request, book: PlanBook) -> Response:
    wording = PlanWording.of(book, words(reader_of(request, site(request).settings).language))
    drawn = gantt_of(wording, WHOLE if request.query_params.get("width") == "wide" else NARROW)
    if drawn is None:
        raise HTTPException(404)
    return Response(drawn, media_type="image/svg+xml")


async def bring_back(request: Request) -> Response:
    """Take in an edited plan table, or only say what would become of it."""
    sent = await genuine_upload(request, site(request).secret, LARGEST_FILE)
    return await run_in_threadpool(_bring_back, request, sent)


def _bring_back(request: Request, sent: Upload) -> Response:
    reader = reader_of(request, site(request).settings)
    try:
        return _page(request, _Answer(imported=_imported(request, sent)))
    except BihuanError as error:
        said, status = why(error, "plan_import", reader)
        return _page(request, _Answer(refused=Refused(said, sent.fields, status)))


def _imported(request: Request, sent: Upload) -> Imported:
    """What became of it; nothing is written of a file that belongs to another cycle."""
    here, who = site(request), person(request)
    by, cycle = who.code if who else sent.fields.get("who", ""), request.path_params["cycle"]
    if not by or not sent.content:
        raise UsageError("the person is missing" if sent.content else "the file is missing", cure="choose one")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.xlsx"
        file.write_bytes(sent.content)
        with here.db.write() as session:
            find_cycle(session, cycle)
            done = import_plan(session, here.policy, here.clock, file, by,
                               is_dry_run=sent.fields.get("dry") == "yes")  # fmt: skip
            if done.cycle != cycle:
                raise UsageError(f"the file is of {done.cycle}", cure=f"bring it in at {done.cycle}")
    return done
