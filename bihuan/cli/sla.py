"""``bihuan sla``: how the deadlines stand."""

from __future__ import annotations

import typer

from bihuan.cli.office import office
from bihuan.cli.output import AtOption, JsonOption, emit

app = typer.Typer(help="Deadlines 时限: how they stand.", no_args_is_help=True)


_SHOWN = ("department", "name", "open", "overdue", "due_within_24h", "breached")


@app.callback()
def _noun() -> None:
    """Keep ``status`` a verb of its own."""


@app.command()
def status(at: AtOption = None, is_json: JsonOption = False) -> None:
    """Open complaints; deadlines overdue, due within 24 h and breached, by milestone and department."""
    from bihuan.store.queries.sla import status as sla_status

    with office(at) as here, here.db.read() as session:
        emit(sla_status(session, here.clock()), is_json, {"by_department": _SHOWN})
