"""``bihuan sla``: how the deadlines stand."""

from __future__ import annotations

import typer

from bihuan.cli.office import office
from bihuan.cli.output import AtOption, JsonOption, emit
from bihuan.cli.signs import signs

app = typer.Typer(help="Deadlines 时限: how they stand, and signs of gaming.", no_args_is_help=True)
app.command()(signs)

_SHOWN = ("department", "name", "open", "overdue", "due_within_24h", "breached")


@app.command()
def status(at: AtOption = None, is_json: JsonOption = False) -> None:
    """Open complaints; deadlines overdue, due within 24 h and breached, by milestone and department."""
    from bihuan.store.queries.sla import status as sla_status

    with office(at) as here, here.db.read() as session:
        emit(sla_status(session, here.clock()), is_json, {"by_department": _SHOWN})
