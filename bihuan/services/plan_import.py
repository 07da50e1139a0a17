"""A plan table brought back in: what people changed in it is written, in one transaction, and every cell is told.

Nothing that was changed here meanwhile is overwritten. The same file again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.inbound.plan_cell import Vocabulary
from bihuan.inbound.plan_row import NEW, Cell
from bihuan.inbound.plan_table import Headings, PlanFile, read_plan
from bihuan.notify.words import LANGUAGES, words
from bihuan.policy.models import Policy
from bihuan.rules.gantt import ordered
from bihuan.rules.plan_table import (
    CAUSES,
    MEASURES,
    PLAN,
    SHEETS,
    WORK,
    Became,
    judged,
    labels,
    person_label,
    records,
    stored,
)
from bihuan.services.item_log import VOIDED, find
from bihuan.services.item_people import active_staff, staff_by_code
from bihuan.services.item_show import show
from bihuan.services.plan_act import Tools, amend_cause, amend_item, plan_measure, work_on
from bihuan.services.plan_attempt import Act, attempt
from bihuan.services.plan_book import people
from bihuan.services.plan_new import add_rows
from bihuan.services.plan_outcome import Imported, refusal, told_of
from schemas.item import Item, ItemEvent
from schemas.plan import Cause


def import_plan(
    session: Session, policy: Policy, clock: Clock, file: Path, by: str, *, is_dry_run: bool = False
) -> Imported:  # fmt: skip
    """Write what was changed in a plan table that `bihuan improvement export` made.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        file: The workbook.
        by: Code of whoever brings it in.
        is_dry_run: Say what would become of every cell, and write nothing.

    Raises:
        UsageError: The file cannot be read or is no such workbook, or there is no such member of staff.
    """
    actor = staff_by_code(session, by).code
    told = read_plan(file, vocabulary(session), headings())
    tools, trial = Tools(session, policy, clock, actor), session.begin_nested()
    done = Imported(told.cycle, told.made_at, is_dry_run, left_out=told.left_out)
    done.missing = [number for _, number in told.missing]
    before = session.exec(select_rows(ItemEvent.id).order_by(col(ItemEvent.id).desc())).first() or 0
    for number, cells in _by_item(session, told).items():
        _take_in(tools, done, number, cells)
    done.voided = _voided(session, before)
    order = {cell.address: at for at, cell in enumerate(told.cells)}
    done.cells.sort(key=lambda one: order[one.address])
    if is_dry_run:
        trial.rollback()
    else:
        trial.commit()
    return done


def vocabulary(session: Session) -> Vocabulary:
    """What the words of a sheet stand for: people also by code or a name that is one's, codes in either language."""
    everybody = people(session)
    known = labels(everybody, [one.code for one in active_staff(session)])
    gone = {person_label(everybody, code): code for code in everybody}
    listed = {one.words: one.codes for sheet in SHEETS.values() for one in sheet.columns if one.words}
    called = {
        name: {word: code for code in codes for one in LANGUAGES for word in (code, *_words(name, code, one))}
        for name, codes in listed.items()
    }
    return Vocabulary(gone | known, called)


def _words(group: str, code: str, language: str) -> tuple[str, str]:
    """What a code is called, and that without what explains it: nobody types 强（防错、自动化）."""
    word = words(language)[group][code]
    return word, re.split(r"[（(]", word)[0].strip()


def headings() -> Headings:
    """By sheet: every heading in either language, to the key of its column."""
    return {
        name: {words(one)["plan_table"][f"head_{column.key}"]: column.key for one in LANGUAGES
               for column in sheet.columns}
        for name, sheet in SHEETS.items()
    }  # fmt: skip


def _by_item(session: Session, told: PlanFile) -> dict[str, list[Cell]]:
    """The cells by the number of their item; of a new row, of the item that it names."""
    causes = dict(session.exec(select_rows(Cause.id, Item.number).where(Cause.item_id == Item.id)).all())
    named = {cell.number: cell.theirs for cell in told.cells if cell.number.startswith(NEW) and cell.key == "item"}
    found: dict[str, list[Cell]] = {}
    for cell in told.cells:
        if cell.sheet == CAUSES.name:
            number = causes.get(int(cell.number) if cell.number.isdecimal() else 0, "")
        elif cell.sheet == MEASURES.name:
            number = named.get(cell.number, "") if cell.number.startswith(NEW) else cell.number.rpartition(".")[0]
        else:
            number = cell.number
        found.setdefault(number, []).append(cell)
    return found


def _take_in(tools: Tools, done: Imported, number: str, cells: list[Cell]) -> None:
    """Everything about one item: first what was worked, which a changed plan would stop; then what is planned."""
    known = tools.session.exec(select_rows(Item.id).where(Item.number == number)).first() is not None
    if not known:
        why = ("belongs to no improvement item there is", "choose the item from the list")
        done.cells += [told_of(cell, "", Became.REFUSED, *(cell.flaw or why)) for cell in cells]
        return
    find(tools.session, number)  # locked: nobody edits it until this import ends
    item = show(tools.session, number)
    ours = {
        (sheet.name, name): stored(sheet, record)
        for sheet in (PLAN, MEASURES, CAUSES) for name, record in records(sheet, item).items()
    }  # fmt: skip
    new = [cell for cell in cells if cell.number.startswith(NEW)]
    changed = _judge(done, [cell for cell in cells if not cell.number.startswith(NEW)], ours)
    for (sheet, name), act, keys in _acts(tools, item):
        mine = [cell for cell in changed.get((sheet, name), ()) if keys is None or (cell.key in WORK) is keys]
        _write(tools.session, done, act, mine, ours)
    add_rows(tools, done, item, new)


def _acts(tools: Tools, item: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str], Act, bool | None]]:
    """What is done in which order: sheet and number, how, and whether of its work or of its plan."""
    measures = [str(one["reference"]) for one in ordered(item["measures"])]
    for one in measures:
        yield (MEASURES.name, one), partial(work_on, tools, one), True
    yield (PLAN.name, item["number"]), partial(amend_item, tools, item["number"]), None
    for cause in item["causes"]:
        yield (CAUSES.name, str(cause["id"])), partial(amend_cause, tools, str(cause["id"])), None
    for one in measures:
        yield (MEASURES.name, one), partial(plan_measure, tools, one), False


Ours = Mapping[tuple[str, str], Mapping[str, str]]


def _judge(done: Imported, cells: Iterable[Cell], ours: Ours) -> dict[tuple[str, str], list[Cell]]:
    """Tell what needs no writing; the rest by sheet and number."""
    changed: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        now = ours.get((cell.sheet, cell.number), {}).get(cell.key, cell.base)
        became = Became.REFUSED if cell.flaw else judged(cell.base, cell.theirs, now)
        if became is Became.CHANGED:
            changed.setdefault((cell.sheet, cell.number), []).append(cell)
        elif became is Became.CONFLICT:
            why = "was changed here since the export, to something else"
            done.cells.append(told_of(cell, now, became, why, "look at both, then write it in a fresh export"))
        else:
            done.cells.append(told_of(cell, now, became, *(cell.flaw or ("", ""))))
    return changed


def _write(session: Session, done: Imported, act: Act, cells: list[Cell], ours: Ours) -> None:
    refused = attempt(session, act, {cell.key: cell.theirs for cell in cells})
    for cell in cells:
        now = ours[cell.sheet, cell.number][cell.key]
        error = refused.get(cell.key)
        done.cells.append(refusal(cell, now, error) if error else told_of(cell, now, Became.CHANGED))


def _voided(session: Session, before: int) -> list[dict[str, str]]:
    voided = select_rows(ItemEvent, Item.number).where(
        ItemEvent.item_id == Item.id, ItemEvent.kind == VOIDED, col(ItemEvent.id) > before
    ).order_by(col(ItemEvent.id))  # fmt: skip
    return [{"number": number, "gate": event.data["gate"]} for event, number in session.exec(voided)]
