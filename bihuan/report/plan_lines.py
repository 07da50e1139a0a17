"""The rows of the plan table's sheets: what stands in each cell, by its column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from bihuan.clock import zone
from bihuan.report.plan_wording import PlanWording, kept
from bihuan.rules.plan_table import (
    CAUSES,
    MEASURES,
    PLAN,
    VERIFICATION,
    Column,
    Kind,
    Sheet,
    branches,
    held,
    records,
    stored,
)

BASE = "base"
"""The key under which a row has the cells that people may change, as text to compare by."""
Values = dict[str, Any]
"""By key: text, number, day or None."""


def rows(sheet: Sheet, wording: PlanWording) -> Iterator[Values]:
    """The rows of a sheet, item by item."""
    for item in wording.book.items:
        yield from _ROWS[sheet.name](item, wording)


def written(column: Column, value: Any, wording: PlanWording) -> Any:
    """What stands in a cell that people may change, for a value as it is kept."""
    if column.kind is Kind.PERSON:
        return wording.person(value or "")
    if column.kind is Kind.PEOPLE:
        return ", ".join(wording.person(code) for code in value or ())
    if column.kind is Kind.NUMBERS:
        return ", ".join(str(one) for one in value or ())
    return wording.code(column.words, value) if column.kind is Kind.WORD else value


def _editable(sheet: Sheet, record: Mapping[str, Any], wording: PlanWording) -> Values:
    cells = {one.key: written(one, held(record, one.key), wording) for one in sheet.columns if one.is_editable}
    return cells | {BASE: stored(sheet, record)}


def _plan(item: Mapping[str, Any], wording: PlanWording) -> Iterator[Values]:
    measures = kept(item)
    costs = [one["budget"] for one in measures if one["budget"] is not None]
    yield _editable(PLAN, item, wording) | {
        "number": item["number"], "state": wording.code("item_state", item["state"]),
        "baseline": wording.baseline(item),
        "measures": "\n".join(wording.measure_line(one) for one in measures),
        "collaborators": wording.collaborators(item),
        "resources": wording.clauses(dict.fromkeys(one["resources"] for one in measures)),
        "cost": sum(costs) if costs else None, "progress": item["progress_ratio"], "planned": item["planned_ratio"],
        "effect": wording.effect(item), "revision": item["revision"], "unit": wording.unit(item["indicator"]),
    }  # fmt: skip


def _measures(item: Mapping[str, Any], wording: PlanWording) -> Iterator[Values]:
    for reference, one in records(MEASURES, item).items():
        yield _editable(MEASURES, one, wording) | {"number": reference, "item": item["number"]}


def _causes(item: Mapping[str, Any], wording: PlanWording) -> Iterator[Values]:
    for one in branches(item["causes"]):
        yield _editable(CAUSES, one, wording) | {
            "number": one["id"], "item": item["number"], "level": one["level"], "parent": one["parent_id"],
            "state": wording.code("cause_state", one["state"]), "decided_by": wording.name(one["decided_by"]),
            "decided_on": _day(one["decided_at"], wording),
        }  # fmt: skip


def _verification(item: Mapping[str, Any], wording: PlanWording) -> Iterator[Values]:
    plan = item["verification"]
    if plan is None:
        return
    plain = {one.key: plan.get(one.key) for one in VERIFICATION.columns}
    yield plain | {
        "number": item["number"], "indicator": wording.indicator(plan["indicator"]), "slice": wording.slice_of(plan),
        "excluded": wording.listed([month[:7] for month in plan["excluded"]]),
        "method": plan["method"].replace("_", " "),
        **{key: wording.listed([wording.indicator(one) for one in plan[key]]) for key in ("secondary", "guardrails")},
        "frozen_on": _day(plan["frozen_at"], wording),
    }  # fmt: skip


def _day(at: datetime | None, wording: PlanWording) -> date | None:
    return at.astimezone(zone(wording.book.timezone)).date() if at else None


_ROWS = {"plan": _plan, "measures": _measures, "causes": _causes, "verification": _verification}
