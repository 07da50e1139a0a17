"""New rows of a plan table: each a measure, taken whole or not at all; one that is there already is not added again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bihuan.inbound.plan_row import Cell
from bihuan.rules.plan_table import MEASURES, Became, canonical, records, stored
from bihuan.services.plan_act import Changes, Tools, plan_new
from bihuan.services.plan_attempt import faults
from bihuan.services.plan_outcome import Imported, refusal, told_of

_WHOLE = ("its row is not added: a measure is taken whole or not at all", "mend the other cells of the row")


def add_rows(tools: Tools, done: Imported, item: Mapping[str, Any], cells: Sequence[Cell]) -> None:
    """Plan what new rows say of an item."""
    known = {
        canonical(MEASURES.column("what").kind, record["what"]): (number, stored(MEASURES, record))
        for number, record in records(MEASURES, item).items()
    }
    for number in dict.fromkeys(cell.number for cell in cells):
        row = [cell for cell in cells if cell.number == number]
        what = next((cell.theirs for cell in row if cell.key == "what"), "")
        if what in known and not any(cell.flaw for cell in row):
            _compare(done, row, *known[what])
        elif any(cell.flaw for cell in row):
            done.cells += [told_of(cell, "", Became.REFUSED, *(cell.flaw or _WHOLE)) for cell in row]
        else:
            _add(tools, done, item["number"], row)


def _compare(done: Imported, row: Sequence[Cell], number: str, ours: Mapping[str, str]) -> None:
    """A row whose measure is there: by this file, brought in before, or by somebody else."""
    for cell in row:
        now = ours.get(cell.key, cell.theirs)  # the item is the same one
        if cell.theirs == now:
            done.cells.append(told_of(cell, now, Became.UNCHANGED))
        else:
            why = f"its measure is there as {number}, with something else"
            done.cells.append(told_of(cell, now, Became.CONFLICT, why, "look at both, then write it in a fresh export"))


def _add(tools: Tools, done: Imported, item_number: str, row: Sequence[Cell]) -> None:
    needed = {cell.key: cell.theirs for cell in row if cell.key != "item"}
    refused = faults(tools.session, partial(_plan, tools, item_number, needed), needed)
    for cell in row:
        error = refused.get(cell.key)
        if error:
            done.cells.append(refusal(cell, "", error))
        elif refused:
            done.cells.append(told_of(cell, "", Became.REFUSED, *_WHOLE))
        else:
            done.cells.append(told_of(cell, "", Became.CHANGED))
    if not refused:
        done.added.append(plan_new(tools, item_number, needed))


def _plan(tools: Tools, item_number: str, row: Changes, changes: Changes) -> None:
    """Try some cells of a row; what a measure has to have is always among them."""
    plan_new(tools, item_number, {key: row[key] for key in ("what", "kind", "strength")} | dict(changes))
