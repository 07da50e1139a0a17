"""The plan table 改进计划表 as a spreadsheet has it: its sheets and columns, and what became of a cell that came back.

What was written into a cell, what stands in it when it comes back and what is kept by then are compared as text: days
in ISO 8601, shares and numbers plainly, people, causes and words by their codes, several of them with ``, `` between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from schemas.improvement import Bone
from schemas.item import Priority
from schemas.plan import CauseKind, CauseMethod, MeasureKind, MeasureState, Strength

JOINT = ", "
FORMAT = 1
"""Of the hidden sheet that says what was written; another one is not read."""
BASE_SHEET = "_base"


class Kind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    SHARE = "share"
    """0 to 1, shown as a percentage."""
    VALUE = "value"
    """In the unit of the item's indicator."""
    DAY = "day"
    PERSON = "person"
    PEOPLE = "people"
    WORD = "word"
    """Of an enumeration."""
    NUMBERS = "numbers"


class Column(NamedTuple):
    """One column of a sheet."""

    key: str
    kind: Kind = Kind.TEXT
    is_editable: bool = True
    width: int = 12
    """Characters."""
    words: str = ""
    """The section of the word files that has the words of its codes."""
    codes: tuple[str, ...] = ()
    group: str = ""
    """Which of the nine columns of the plan table it belongs to."""


class Sheet(NamedTuple):
    """One sheet: a row a record, told apart by the column ``number``."""

    name: str
    columns: tuple[Column, ...]

    def column(self, key: str) -> Column:
        """The column of that key."""
        return next(one for one in self.columns if one.key == key)


def _codes(enum: type[Enum]) -> tuple[str, ...]:
    return tuple(str(one.value) for one in enum)


def _locked(key: str, kind: Kind = Kind.TEXT, width: int = 12, group: str = "") -> Column:
    return Column(key, kind, is_editable=False, width=width, group=group)


PLAN = Sheet("plan", (
    _locked("number", width=17), _locked("state", width=11),
    Column("priority", Kind.WORD, width=8, words="priority", codes=_codes(Priority)),
    Column("name", width=24, group="item"),
    Column("problem", width=34, group="problem"), _locked("baseline", width=22, group="problem"),
    Column("target_text", width=24, group="target"), Column("target_value", Kind.VALUE, width=9, group="target"),
    Column("target_on", Kind.DAY, group="target"), Column("target_reason", width=20, group="target"),
    _locked("measures", width=44, group="measures"),
    Column("owner", Kind.PERSON, width=14, group="people"), _locked("collaborators", width=14, group="people"),
    _locked("resources", width=16, group="people"), Column("budget", Kind.NUMBER, width=11, group="people"),
    _locked("cost", Kind.NUMBER, width=11, group="people"),
    Column("start_on", Kind.DAY, group="dates"), Column("due_on", Kind.DAY, group="dates"),
    _locked("progress", Kind.SHARE, 8, "progress"), _locked("planned", Kind.SHARE, 8, "progress"),
    _locked("effect", width=30, group="effect"),
    Column("remarks", width=24, group="remarks"),
    *(Column(key, Kind.WHOLE, width=8, group="priority") for key in ("importance", "urgency", "feasibility")),
    Column("priority_reason", width=22, group="priority"),
    _locked("revision", Kind.WHOLE, 7),
))  # fmt: skip
"""计划表: an item a row, in the nine columns of a plan, each of one column or more."""
MEASURES = Sheet("measures", (
    _locked("number", width=19), Column("item", is_editable=False, width=17),
    Column("what", width=36),
    Column("kind", Kind.WORD, words="measure_kind", codes=_codes(MeasureKind)),
    Column("strength", Kind.WORD, width=10, words="strength", codes=_codes(Strength)),
    Column("cause_ids", Kind.NUMBERS, width=9),
    Column("owner", Kind.PERSON, width=14), Column("collaborators", Kind.PEOPLE, width=16),
    Column("resources", width=16), Column("budget", Kind.NUMBER, width=11), Column("spent", Kind.NUMBER, width=11),
    Column("start_on", Kind.DAY), Column("due_on", Kind.DAY), Column("depends_on", Kind.NUMBERS, width=9),
    Column("effort", Kind.NUMBER, width=7),
    Column("state", Kind.WORD, width=9, words="measure_state", codes=_codes(MeasureState)),
    Column("ratio", Kind.SHARE, width=8), Column("implemented_on", Kind.DAY),
    Column("coverage", Kind.SHARE, width=8), Column("evidence", width=24), Column("reason", width=20),
    Column("why", width=20), Column("place_of_work", width=16), Column("how", width=24),
))  # fmt: skip
"""措施: a measure a row; one without a number is new."""
CAUSES = Sheet("causes", (
    _locked("number", Kind.WHOLE, 8), _locked("item", width=17), _locked("level", Kind.WHOLE, 7),
    _locked("parent", Kind.WHOLE, 8), Column("statement", width=48),
    Column("bone", Kind.WORD, words="bone", codes=_codes(Bone)),
    Column("kind", Kind.WORD, words="cause_kind", codes=_codes(CauseKind)),
    _locked("state", width=10), Column("method", Kind.WORD, words="cause_method", codes=_codes(CauseMethod)),
    Column("evidence", width=40), _locked("decided_by", width=14), _locked("decided_on", Kind.DAY),
))  # fmt: skip
"""原因: a cause a row, the whys below what they explain."""
VERIFICATION = Sheet("verification", tuple(_locked(key, kind, width) for key, kind, width in (
    ("number", Kind.TEXT, 17), ("indicator", Kind.TEXT, 22), ("slice", Kind.TEXT, 20), ("control", Kind.TEXT, 16),
    ("baseline_on", Kind.DAY, 12), ("baseline_until_on", Kind.DAY, 12), ("excluded", Kind.TEXT, 20),
    ("method", Kind.TEXT, 18), ("secondary", Kind.TEXT, 20), ("guardrails", Kind.TEXT, 20), ("alpha", Kind.NUMBER, 7),
    ("power", Kind.NUMBER, 7), ("n_required", Kind.WHOLE, 9), ("weekly_n", Kind.NUMBER, 9),
    ("lag_days", Kind.WHOLE, 8), ("least_days", Kind.WHOLE, 8), ("ready_on", Kind.DAY, 12), ("fallback", Kind.TEXT, 24),
    ("frozen_on", Kind.DAY, 12),
)))  # fmt: skip
"""验证: how an item's effect is judged; locked as a whole, as it is frozen with the plan."""
SHEETS = {one.name: one for one in (PLAN, MEASURES, CAUSES, VERIFICATION)}
NEEDED = ("item", "what", "kind", "strength")
"""What a new measure has to have."""
WORK = ("state", "ratio", "spent", "implemented_on", "coverage", "evidence", "reason")
"""Columns of a measure that tell of its work; the others are its plan."""
_NAMES = {"ratio": "progress_ratio", "coverage": "coverage_ratio"}
"""Columns that are called otherwise than the field they show."""


class Became(StrEnum):
    """What became of a cell that came back."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    CONFLICT = "conflict"
    """It was changed here meanwhile, to something else; nothing is overwritten."""
    REFUSED = "refused"


def judged(base: str, theirs: str, ours: str) -> Became:
    """What becomes of a cell: as it was written, as it came back, and what is kept now."""
    if theirs in {base, ours}:
        return Became.UNCHANGED
    return Became.CHANGED if ours == base else Became.CONFLICT


def canonical(kind: Kind, value: Any) -> str:
    """A value as text to compare by; empty for nothing."""
    if value is None or value == "":
        return ""
    if kind in {Kind.NUMBER, Kind.SHARE, Kind.VALUE}:
        return f"{float(value):.12g}"
    if kind is Kind.WHOLE:
        return str(int(value))
    if kind in {Kind.PEOPLE, Kind.NUMBERS}:
        return JOINT.join(str(one) for one in value)
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, Enum):
        return str(value.value)
    return "\n".join(line.rstrip() for line in str(value).replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()


def held(record: Mapping[str, Any], key: str) -> Any:
    """What a record holds for a column that people may change."""
    return record.get(_NAMES.get(key, key))


def stored(sheet: Sheet, record: Mapping[str, Any]) -> dict[str, str]:
    """The cells of a record that people may change, as they are kept now, by key.

    Args:
        sheet: Which.
        record: An item, a measure or a cause as ``bihuan.services.item.show`` has it.
    """
    return {
        one.key: canonical(one.kind, held(record, one.key)) for one in sheet.columns
        if one.is_editable
    }  # fmt: skip


def records(sheet: Sheet, item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The records of an item on a sheet, by what the column ``number`` says of them."""
    if sheet is PLAN:
        return {item["number"]: item}
    if sheet is MEASURES:
        return {one["reference"]: one | {"reason": _dropped(item, one["place"])} for one in item["measures"]}
    return {str(one["id"]): one for one in item["causes"]} if sheet is CAUSES else {}


def _dropped(item: Mapping[str, Any], place: int) -> str:
    """Why a measure was cancelled."""
    told = (
        one for one in item["events"] if one["kind"] == "measure_cancelled" and f"measure {place} state" in one["data"]
    )
    return next((str(one["reason"]) for one in told), "")


def branches(causes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Causes as a tree reads: each before its whys, otherwise in their order."""
    below: dict[int | None, list[Mapping[str, Any]]] = {}
    known = list(causes)
    ids = {one["id"] for one in known}
    for one in known:
        below.setdefault(one["parent_id"] if one["parent_id"] in ids else None, []).append(one)

    def walk(parent: int | None) -> list[Mapping[str, Any]]:
        return [each for one in below.get(parent, ()) for each in (one, *walk(one["id"]))]

    return walk(None)


def labels(people_by_code: Mapping[str, str], codes: Sequence[str]) -> dict[str, str]:
    """What people are called on a sheet, to their code: ``Li (li)``; also by code alone, and by a name that is one's.

    Args:
        people_by_code: The name of everybody.
        codes: Those who may be named.
    """
    found: dict[str, str] = {}
    by_name: dict[str, list[str]] = {}
    for code in codes:
        by_name.setdefault(people_by_code[code], []).append(code)
    found |= {name: mine[0] for name, mine in by_name.items() if len(mine) == 1}
    found |= {code: code for code in codes}
    return found | {person_label(people_by_code, code): code for code in codes}


def person_label(people_by_code: Mapping[str, str], code: str) -> str:
    """What somebody is called on a sheet."""
    name = people_by_code.get(code, "")
    return f"{name} ({code})" if name and name != code else code
