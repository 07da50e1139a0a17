"""``bihuan staff``: who handles complaints, and how they are reached."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bihuan.cli.access import note_command
from bihuan.cli.office import office
from bihuan.cli.output import AtOption, JsonOption, emit, say
from bihuan.cli.private_file import keep
from bihuan.errors import UsageError
from schemas.access import Seen

_LISTED = (
    "department",
    "code",
    "name",
    "is_head",
    "roles",
    "substitute",
    "away_until",
    "on_duty",
    "open",
    "has_contact",
)

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
    say("next: bihuan staff check")


@app.command("export")
def export_staff(
    file: Annotated[Path, typer.Argument(help="XLSX: everything; CSV: the sheet of staff.")],
    has_contacts: Annotated[bool, typer.Option("--with-contacts", help="Contacts in clear, not masked.")] = False,
    is_forced: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Write what `bihuan staff import` reads: the same file brought in again changes nothing.

    Contacts are masked, and a masked one stays as it is when it is read. The file is readable by its owner only.
    """
    from bihuan.report import roster
    from bihuan.services.staff_book import staff_book

    writer = {".xlsx": roster.xlsx, ".csv": roster.staff_csv}.get(file.suffix.lower())
    if writer is None:
        raise UsageError(f"{file} is neither .xlsx nor .csv", cure="name it staff.xlsx: it then has every sheet")
    with office() as here:
        with here.db.read() as session:
            book = staff_book(session, here.settings.secret_value(), here.clock(), has_contacts=has_contacts)
        note_command(here, Seen.EXPORT, f"staff export{' --with-contacts' if has_contacts else ''}", file.name)
    keep(writer(book), file, is_forced=is_forced)
    if has_contacts:
        say(f"{file} holds passwords and tokens of contacts: keep it as you keep a password")
    counts = {name: len(getattr(book, name)) for name in ("staff", "departments", "duty", "absence")}
    emit({"file": str(file), **(counts if file.suffix.lower() == ".xlsx" else {"staff": counts["staff"]})}, is_json)


@app.command("list")
def list_staff(is_json: JsonOption = False) -> None:
    """Staff by department: what they are, who stands in, who is away or on duty now, and their open complaints."""
    from bihuan.services.staff_book import staff_now

    with office() as here, here.db.read() as session:
        emit(staff_now(session, here.clock()), is_json, _LISTED)


@app.command("check")
def check_staff(
    at: AtOption = None,
    has_rungs: Annotated[bool, typer.Option("--all", help="Also whom every rung would tell.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Find rungs of ladders that would reach nobody now or at an instant; exit 1 where there is a problem.

    Looks at every department, every ladder a complaint of it can be on and every rung, and at the rotas of the next
    seven days, substitutes, contacts and quiet hours. A note says what matters only once somebody is away.
    """
    from bihuan.services.reach import reach

    with office(at) as here, here.db.read() as session:
        found = reach(session, here.policy, here.settings, here.clock())
    if is_json:
        emit({"at": found.at, "is_fine": found.is_fine, "faults": found.faults, "rungs": found.rungs}, is_json)
    else:
        for table in (found.faults, *([found.rungs] if has_rungs else [])):
            if table:
                emit(table, is_json)
    if not found.faults:
        say(f"all {len(found.rungs)} rungs reach somebody")
    if not found.is_fine:
        raise typer.Exit(1)
