"""What the forms of an improvement item do: each one act of a service, once however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.errors import BihuanError, UsageError
from bihuan.services import cause as causes
from bihuan.services import item as items
from bihuan.services import item_field as field
from bihuan.services import measure as measures
from bihuan.services.approval import decide
from bihuan.services.checkpoint import record_review
from bihuan.services.item_people import staff_by_code
from bihuan.services.item_question import refuse_other
from bihuan.services.item_show import show as show_item
from bihuan.services.verification_plan import write_plan
from bihuan.web import improvement_field as form
from bihuan.web.access import Unwelcome, person
from bihuan.web.improvement import Refused, actor
from bihuan.web.improvement_access import OF_LEADERS, OF_MEASURE, may_report, require_sight, rights
from bihuan.web.improvement_asked import Act, Asked
from bihuan.web.improvement_item import find, item_page
from bihuan.web.improvement_standard import STANDARD_ACTS
from bihuan.web.improvement_words import why
from bihuan.web.reader import reader_of
from bihuan.web.security import genuine_form
from bihuan.web.view import site
from schemas.item import Gate, ItemState


async def act(request: Request) -> Response:
    """Do what a form of the item's page says, and show the item again."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_act, request, fields)


def _act(request: Request, fields: Mapping[str, str]) -> Response:
    here, name = site(request), fields.get("act", "")
    if name not in _ACTS:
        raise HTTPException(400)
    statements: dict[str, str] = {}
    try:
        with here.db.write() as session:
            file = find(session, request.path_params["item"])
            statements = {str(one.id): one.statement for one in file.causes}
            require_sight(request, session, file)
            asked = Asked(request, session, file, fields, actor(request, fields))
            _require(asked, name)
            section, where, done = _ACTS[name]
            number = done(asked) or file.item.number
    except BihuanError as error:
        words, status = why(error, name, reader_of(request, here.settings), statements)
        return item_page(request, Refused(words, fields, status))
    said = where or ("approve" if fields.get("answer") == "approve" else "reject")
    return RedirectResponse(f"/improvement/{quote(number, safe='')}?done={said}#{section}", 303)


def _require(asked: Asked, name: str) -> None:
    """Let nobody do what is not theirs to do; who may decide at a gate, the service says."""
    may = rights(asked.request, asked.file)
    is_theirs = may.lead if name in OF_LEADERS else may.work
    if name in OF_MEASURE:
        own = next((one for one in asked.file.measures if str(one.place) == asked.says("key")), None)
        is_theirs = own is not None and may_report(asked.request, asked.file, own)
    if name != "decide" and not is_theirs:
        raise Unwelcome("role")


def _edit(asked: Asked) -> None:
    it = show_item(asked.session, asked.number)
    known = site(asked.request).policy.kpi.indicators.get(it["indicator"])
    before = form.held(it, (*form.ITEM, *form.PRIORITY), is_share=known is not None and known.is_share)
    items.amend(*asked.given, asked.number, form.changed(asked.fields, before), asked.by, asked.revision)


def _add_cause(asked: Asked) -> None:
    told = {name: asked.fields[name] for name in ("statement", "bone", "kind") if asked.says(name)}
    if asked.says("parent"):
        told = {"parent": asked.says("parent")} | {name: text for name, text in told.items() if name != "bone"}
    causes.add_cause(*asked.given, asked.number, told, asked.by)


def _edit_cause(asked: Asked) -> None:
    row = next((one.model_dump() for one in asked.file.causes if one.id == asked.cause_id), None)
    told = form.changed(asked.fields, form.held(row, form.CAUSE))
    causes.edit_cause(*asked.given, asked.cause_id, told, asked.by, asked.revision)


def _confirm_cause(asked: Asked) -> None:
    causes.confirm_cause(*asked.given, asked.cause_id, asked.says("method"), asked.says("evidence"), asked.by)


def _exclude_cause(asked: Asked) -> None:
    causes.exclude_cause(*asked.given, asked.cause_id, asked.says("reason"), asked.by)


def _add_measure(asked: Asked) -> None:
    told: dict[str, Any] = {name: asked.fields[name] for name in form.MEASURE if asked.says(name)}
    measures.add_measure(*asked.given, asked.number, told | {"cause_ids": form.ticked(asked.fields)}, asked.by)


def _edit_measure(asked: Asked) -> None:
    rows = {str(one["place"]): one for one in show_item(asked.session, asked.number)["measures"]}
    row = rows.get(asked.says("key"))
    told: dict[str, Any] = dict(form.changed(asked.fields, form.held(row, form.MEASURE)))
    if row is not None and form.ticked(asked.fields) != sorted(row["cause_ids"]):
        told["cause_ids"] = form.ticked(asked.fields)
    measures.edit_measure(*asked.given, asked.reference, told, asked.by, asked.revision)


def _progress(asked: Asked) -> None:
    told: dict[str, Any] = {name: asked.fields[name] for name in ("ratio", "spent") if asked.says(name)}
    measures.record_progress(*asked.given, asked.reference, asked.by, **told)


def _done(asked: Asked) -> None:
    told: dict[str, Any] = {"evidence": asked.says("evidence"), "implemented_on": asked.says("implemented_on")}
    if asked.says("coverage"):
        told["coverage"] = asked.says("coverage").rstrip("%") + "%"
    measures.implement_measure(*asked.given, asked.reference, asked.by, **told)


def _cancel_measure(asked: Asked) -> None:
    measures.cancel_measure(*asked.given, asked.reference, asked.says("reason"), asked.by)


def _plan(asked: Asked) -> None:
    row = show_item(asked.session, asked.number)["verification"]
    known = site(asked.request).policy.kpi.indicators.get(asked.file.item.indicator)
    before = form.held(row, form.VERIFICATION, is_share=known is not None and known.is_share)
    write_plan(*asked.given, asked.number, form.changed(asked.fields, before), asked.by, asked.says("reason"))


def _deviation(asked: Asked) -> None:
    record_review(*asked.given, asked.number, asked.says("deviation"), asked.says("decision"), asked.by)


def _move(asked: Asked) -> None:
    try:
        to = ItemState(asked.says("to"))
    except ValueError as error:
        raise HTTPException(400) from error
    items.move(*asked.given, asked.number, to, asked.by, asked.says("reason"))


def _hold(asked: Asked) -> None:
    until_on = field.needed_day(asked.session, asked.says("until_on"))
    items.hold(*asked.given, asked.number, until_on, asked.by, asked.says("reason"))


def _resume(asked: Asked) -> None:
    items.resume(*asked.given, asked.number, asked.by, asked.says("reason"))


def _contain(asked: Asked) -> None:
    items.contain(*asked.given, asked.number, asked.by, asked.says("reason"))


def _cancel(asked: Asked) -> None:
    who = person(asked.request)
    approver = who.code if who else asked.says("approver")
    items.cancel(*asked.given, asked.number, asked.by, asked.says("reason"), approver)


def _child(asked: Asked) -> str:
    return items.child(*asked.given, asked.number, asked.says("what_changed"), asked.by, asked.says("reason"))


def _recur(asked: Asked) -> str:
    return items.recur(*asked.given, asked.number, asked.says("reason"), asked.by)


def _decide(asked: Asked) -> None:
    """Decide as whoever signed in, else as whom the form names; only about what was shown.

    Raises:
        UsageError: Nobody is named.
    """
    try:
        gate = Gate(asked.says("gate"))
    except ValueError as error:
        raise HTTPException(400) from error
    if asked.says("answer") not in {"approve", "reject"}:
        raise HTTPException(400)
    who = person(asked.request)
    if who is None and not asked.says("who"):
        raise UsageError("who decides is missing", cure="name the person")
    staff_id = who.id if who else staff_by_code(asked.session, asked.says("who")).id or 0
    refuse_other(asked.file, gate, asked.says("hash"))
    decide(*asked.given, asked.number, gate, staff_id, asked.says("answer") == "approve", asked.says("comment"))


_ACTS: Mapping[str, Act] = {
    "edit": Act("goal", "edit", _edit), "priority": Act("priority", "priority", _edit),
    "cause_add": Act("causes", "cause_add", _add_cause), "cause_edit": Act("causes", "cause_edit", _edit_cause),
    "cause_confirm": Act("causes", "cause_confirm", _confirm_cause),
    "cause_exclude": Act("causes", "cause_exclude", _exclude_cause),
    "measure_add": Act("measures", "measure_add", _add_measure),
    "measure_edit": Act("measures", "measure_edit", _edit_measure), "progress": Act("measures", "progress", _progress),
    "done": Act("measures", "done", _done), "measure_cancel": Act("measures", "measure_cancel", _cancel_measure),
    "plan": Act("plan", "plan", _plan), "deviation": Act("measures", "deviation", _deviation),
    "move": Act("now", "move", _move), "hold": Act("now", "hold", _hold),
    "resume": Act("now", "resume", _resume), "contain": Act("now", "contain", _contain),
    "cancel": Act("now", "cancel", _cancel), **STANDARD_ACTS,
    "child": Act("now", "child", _child), "recur": Act("now", "recur", _recur), "decide": Act("now", "", _decide),
}  # fmt: skip
"""By the form's ``act``: the part of the page to show then, what it says was done, and what does it."""
