"""One improvement item 改进项 on a page: its whole chain, who must decide now, and what can be done next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.policy.kpi import DIMENSIONS
from bihuan.policy.models import Policy
from bihuan.rules.item import CHILD_OF, ENDED
from bihuan.services.dossier import Dossier, dossier, is_held, today_of
from bihuan.services.effect_harm import harmed
from bihuan.services.item import show as show_item
from bihuan.services.item_board import is_late
from bihuan.services.item_child import CHANGES
from bihuan.services.item_edit import matrix
from bihuan.services.item_people import active_staff
from bihuan.services.item_question import Outlook, outlook
from bihuan.services.item_show import part
from bihuan.store.queries import names
from bihuan.web import improvement_field as form
from bihuan.web.access import person
from bihuan.web.improvement import Refused
from bihuan.web.improvement_access import may_report, require_sight, rights
from bihuan.web.improvement_effect import check_line, goal_words, indicator_name, too_few
from bihuan.web.improvement_fishbone import HEAD, HEIGHT, SPINE, WIDTH, clipped, fishbone, tree
from bihuan.web.improvement_gantt import gantt_said
from bihuan.web.improvement_words import changes, groups, refusal
from bihuan.web.reader import Reader, reader_of
from bihuan.web.view import page, site
from schemas.improvement import Bone
from schemas.item import Item, ItemState, Priority
from schemas.people import Department
from schemas.plan import CauseKind, CauseMethod, MeasureKind, Strength
from schemas.verification import Method

DONE = frozenset({
    "edit", "priority", "cause_add", "cause_edit", "cause_confirm", "cause_exclude", "measure_add", "measure_edit",
    "progress", "done", "measure_cancel", "plan", "move", "hold", "resume", "contain", "cancel", "approve", "reject",
    "child", "recur", "draft", "judge", "standard", "in_force", "train", "audit", "tell", "deviation",
})  # fmt: skip
"""What the page says was done; the words are ``done_…``."""
SCALE = range(1, 6)


def show(request: Request) -> Response:
    """One item."""
    return item_page(request)


def find(session: Session, number: str) -> Dossier:
    """Everything kept of the item of that number.

    Raises:
        HTTPException: 404, there is none.
    """
    item = session.exec(select(Item).where(Item.number == number)).first()
    if item is None:
        raise HTTPException(404)
    return dossier(session, item)


def item_page(request: Request, refused: Refused | None = None) -> Response:
    """The page of the item that is asked for; where something was refused, with the reason and what was typed."""
    here, reader = site(request), reader_of(request, site(request).settings)
    done = request.query_params.get("done")
    with here.db.read() as session:
        file = find(session, request.path_params["item"])
        require_sight(request, session, file)
        it = show_item(session, file.item.number)
        ahead = outlook(session, here.policy, here.clock, file)
        values = _people(session, here.policy, file, reader) | _chain(here.policy, it, reader)
        values |= _forms(session, here.policy, it, reader)
        today = today_of(here.policy, here.clock())
        values |= {
            "it": it, "today": today, "is_held": is_held(file.item, today), "is_simulated": file.item.is_simulated,
            "gantt_said": gantt_said(here.policy, here.clock(), it, reader.language),
            "harmed": harmed(file) if file.check is None else [],
            "too_few": too_few(here.policy, file, reader), "matrix": matrix(file.item), "rights": rights(request, file),
            "reports": {one.place for one in file.measures if may_report(request, file, one)},
            "late": {one.place for one in file.measures if is_late(part(one), today)},
        }  # fmt: skip
    deciders = _deciders(request, ahead)
    values |= _next(it, ahead, values["staff_by_id"], reader) | {
        "refused": refused, "done": done if done in DONE else None, "is_open": it["state"] not in ENDED,
        "has_child_way": it["state"] is ItemState.VERDICT and it["verdict"] in CHILD_OF, "what_changed": CHANGES,
        "deciders": deciders, "decider_options": [(code, values["people"].get(code, code)) for code in deciders],
    }  # fmt: skip
    return page(request, "improvement_item.html", values, status=refused.status if refused else 200)


def _people(session: Session, policy: Policy, file: Dossier, reader: Reader) -> dict[str, Any]:
    """Names by code and by id, of everybody who may be chosen or is spoken of."""
    everybody = active_staff(session)
    known = names.staff_names(session, _codes(file) | {one.code for one in everybody})
    departments = names.departments(session)
    by_id: dict[Any, str] = {("owner_id", one.id or 0): one.name for one in everybody}
    by_id |= {("cause", one.id or 0): one.statement for one in file.causes}
    by_id |= {("indicator", name): indicator_name(policy, name, reader) for name in policy.kpi.indicators}
    if file.department_id and (owned := session.get(Department, file.department_id)):
        by_id["department_id", file.department_id] = reader.department(owned.name, owned.name_en)
    return {
        "people": known, "staff": [(one.code, one.name) for one in everybody], "staff_by_id": by_id,
        "departments": [(row.code, reader.department(row.name, row.name_en)) for row in departments],
    }  # fmt: skip


def _codes(file: Dossier) -> set[str]:
    """Of those who did something to the item, some of whom may have left."""
    return {*(event.actor for event in file.events), *(one.decided_by for one in file.causes),
            *(one.checked_by for one in file.checks)}  # fmt: skip


def _chain(policy: Policy, it: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    roots = tree(it["causes"])
    return {
        "goal": goal_words(policy, it, reader), "roots": roots, "ribs": fishbone(roots),
        "drawing": {"width": WIDTH, "height": HEIGHT, "spine": SPINE, "head": HEAD, "said": clipped(it["name"])},
        "checks": [check_line(policy, it, row, reader) for row in it["checks"]],
        "indicator_name": lambda name: indicator_name(policy, name, reader),
        "indicators_said": lambda found: reader.section("improvement")["comma"].join(
            indicator_name(policy, name, reader) for name in found),
        "changes_of": lambda event: changes(event["data"], reader),
    }  # fmt: skip


def _forms(session: Session, policy: Policy, it: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """What the forms hold, and what can be chosen in them."""
    del session
    known = policy.kpi.indicators.get(it["indicator"])
    is_share = known is not None and known.is_share
    return {
        "held": {
            "edit": form.held(it, form.ITEM, is_share=is_share), "priority": form.held(it, form.PRIORITY),
            "plan": form.held(it["verification"], form.VERIFICATION, is_share=is_share),
            "causes": {one["id"]: form.held(one, form.CAUSE) for one in it["causes"]},
            "measures": {one["place"]: form.held(one, form.MEASURE) for one in it["measures"]},
            "new_measure": form.held({"kind": "corrective", "strength": "medium", "effort": 1}, form.MEASURE),
        },
        "options": {
            "indicators": [(name, indicator_name(policy, name, reader)) for name in policy.kpi.indicators],
            "dimensions": [(one, reader.word("dimension", one)) for one in DIMENSIONS],
            "bones": _words(reader, "bone", Bone), "cause_kinds": _words(reader, "cause_kind", CauseKind),
            "methods": _words(reader, "cause_method", CauseMethod),
            "measure_kinds": _words(reader, "measure_kind", MeasureKind),
            "strengths": _words(reader, "strength", Strength), "priorities": _words(reader, "priority", Priority),
            "effect_methods": _words(reader, "effect_method", Method), "scale": [(one, one) for one in SCALE],
        },
    }  # fmt: skip


def _words(reader: Reader, section: str, codes: Any) -> list[tuple[str, str]]:
    return [(one.value, reader.word(section, one.value)) for one in codes]


def _next(it: Mapping[str, Any], ahead: Outlook, staff: Mapping[Any, str], reader: Reader) -> dict[str, Any]:
    """The moves, the gate with what is agreed to there, and what the goal lacks, all in words."""
    causes = {str(one["id"]): one["statement"] for one in it["causes"]}
    question = ahead.question
    lacks: dict[str, list[str]] = {letter: [] for letter in "smart"}
    for letter, word in ahead.lacks_of_goal:
        lacks[letter].append(reader.section("goal_lack")[word])
    return {
        "steps": [(one.to, [refusal(each, reader, causes) for each in one.refusals], one.needs_reason)
                  for one in ahead.steps],
        "question": question, "lacks_of_goal": lacks,
        "gate_lacks": [refusal(one, reader, causes) for one in question.lacks] if question else [],
        "agreed": groups(question.content, reader, staff) if question else [],
    }  # fmt: skip


def _deciders(request: Request, ahead: Outlook) -> Sequence[str]:
    """Codes of those who may decide now: whoever asks, if they may; all who may, where nobody signs in."""
    if ahead.question is None:
        return []
    who = person(request)
    codes = dict.fromkeys(code for one in ahead.question.waiting for code in one.staff)
    return [code for code in codes if who is None or code == who.code]
