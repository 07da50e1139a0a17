"""``bihuan staff``: who handles complaints, and how they are reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit

app = typer.Typer(help="Departments and staff 部门与人员.", no_args_is_help=True)


@app.command("import")
def import_staff(
    file: Annotated[
        Path, typer.Argument(help="CSV or XLSX: code, name, department, is_head, contact_url, language, timezone.")
    ],
    is_json: JsonOption = False,
) -> None:
    """Add departments and staff from a table, or bring them up to date; a wrong row stops all of it."""
    from bihuan.inbound.roster import read_roster
    from bihuan.services.people import save_roster

    roster = read_roster(file)
    with office() as here, here.db.write() as session:
        saved = save_roster(session, here.policy, roster, here.settings.secret_value())
    emit({"staff": saved}, is_json)


@app.command("list")
def list_staff(is_json: JsonOption = False) -> None:
    """Staff by department, with their open complaints and whether a contact is known."""
    from bihuan.store.queries.people import staff_listing

    with office() as here, here.db.read() as session:
        emit(list(staff_listing(session)), is_json)
