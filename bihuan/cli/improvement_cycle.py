"""``bihuan improvement open | list | show | close``: PDCA cycles 改进循环 and what is in them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.pairs import ByOption, who
from bihuan.errors import UsageError

NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help="PDCA-2026-11-03")]
_CYCLES = ("number", "kind", "title", "phase", "open", "ended", "carried", "closed_at")
_ITEMS = ("number", "cycle", "name", "state", "priority", "owner", "due_on", "progress_ratio", "verdict", "carry_count")
_SHOWN = {
    "complaints": ("number", "title", "severity", "state"),
    "causes": ("id", "parent_id", "level", "bone", "kind", "statement", "state", "method", "evidence"),
    "measures": ("reference", "what", "kind", "strength", "owner", "start_on", "due_on", "state", "progress_ratio"),
    "approvals": ("gate", "role", "staff", "is_approved", "comment", "decided_at", "voided_at"),
    "checks": ("until_on", "is_final", "method", "estimate", "low", "high", "verdict", "checked_by"),
    "checkpoints": ("week_on", "planned_ratio", "actual_ratio", "deviation", "decision"),
    "events": ("occurred_at", "kind", "from_state", "to_state", "actor", "reason"),
}


def open_cycle(
    month: Annotated[str, typer.Option(help="The analysed month, 2026-10: its cycle is that of the month after.")] = "",
    special: Annotated[str, typer.Option(help="A cycle for one matter 专项: what it is about.")] = "",
    complaint: Annotated[str, typer.Option(help="With --special: the complaint that it is for.")] = "",
    scope: Annotated[str, typer.Option(help="A scope of improvement.yaml; empty: the whole house.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Open a cycle: a month's, into which what has not ended is carried forward, or one for a single matter.

    Done again it changes nothing.
    """
    from bihuan.services.cycle import carry_forward, open_month, open_special
    from bihuan.services.month import month_start

    if bool(month) == bool(special):
        raise UsageError("neither a month nor a matter, or both", cure="give --month 2026-10, or --special TITLE")
    if complaint and not special:
        raise UsageError("a month's cycle is for no single complaint", cure="give --special TITLE with --complaint")
    carried: list[Any] = []
    with office() as here, here.db.write() as session:
        if special:
            number = open_special(session, here.policy, here.clock, special, who(by), complaint or None, scope)
        else:
            run = f"M-{month_start(month):%Y-%m}" + (f"-{scope}" if scope else "")
            number = open_month(session, here.policy, here.clock, run, who(by))
            carried = carry_forward(session, here.policy, here.clock, number, who(by))
    rows = [one._asdict() for one in carried]
    emit({"number": number, "carried": rows}, is_json)
    say(f"next: bihuan improvement draft {number} --finding NUMBER")


def list_cycles(
    cycle: Annotated[str, typer.Option(help="Only what is worked on in this one.")] = "", is_json: JsonOption = False
) -> None:
    """The cycles, newest first, and the items by number."""
    from bihuan.services.cycle import cycles
    from bihuan.services.item import items

    with office() as here, here.db.read() as session:
        told = {"cycles": [one for one in cycles(session) if cycle in {"", one["number"]}],
                "items": items(session, cycle or None)}  # fmt: skip
    if cycle and not told["cycles"]:
        raise UsageError(f"no improvement cycle {cycle!r}", cure="see `bihuan improvement list`")
    if is_json:
        emit(told, is_json)
        return
    emit(told["cycles"], is_json, _CYCLES)
    if told["items"]:
        typer.echo()
        emit(told["items"], is_json, _ITEMS)


def show(number: NumberArgument, is_json: JsonOption = False) -> None:
    """One item with its whole chain: complaints, causes, measures, approvals, checks, standard, and what happened."""
    from bihuan.services.item import show as show_item

    with office() as here, here.db.read() as session:
        told = show_item(session, number)
    emit(told, is_json, _SHOWN)


def close(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="PDCA-2026-11")],
    summary: Annotated[str, typer.Option(help="What came of it.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Close a cycle in which nothing is open any more."""
    from bihuan.services.cycle import close_cycle

    with office() as here, here.db.write() as session:
        close_cycle(session, here.policy, here.clock, cycle, who(by), summary)
    emit({"number": cycle, "closed": True}, is_json)
