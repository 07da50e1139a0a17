"""``bihuan staff``: who handles complaints, and how they are reached."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say

app = typer.Typer(help="Departments and staff 部门与人员.", no_args_is_help=True)


@app.command("import")
def import_staff(
    file: Annotated[
        Path, typer.Argument(help="XLSX with sheets staff, departments, duty, absence; or CSV: the sheet of staff.")
    ],
    is_json: JsonOption = False,
) -> None:
    """Add staff, departments, shifts and absences from a table, or bring them up to date; docs/staff.md.

    One wrong line stops all of it. Who is not named, and what a line does not state, stays. A rota named is stated
    whole, and so are the absences of a person named.
    """
    from bihuan.inbound.roster import read_book
    from bihuan.services.roster import save_book

    book = read_book(file)
    with office() as here, here.db.write() as session:
        saved = save_book(session, here.policy, book, here.settings.secret_value(), here.clock())
    if book.left_out:
        say(f"sheets left out: {', '.join(book.left_out)}")
    emit({sheet: asdict(tally) for sheet, tally in saved.items()}, is_json)


@app.command("list")
def list_staff(is_json: JsonOption = False) -> None:
    """Staff by department, with their open complaints and whether a contact is known."""
    from bihuan.store.queries.people import staff_listing

    with office() as here, here.db.read() as session:
        emit(list(staff_listing(session)), is_json)
