"""``bihuan improvement export | import | review``: a cycle's plan table in Excel, out and back, and its weekly pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bihuan.cli.access import note_command
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.private_file import keep
from bihuan.errors import UsageError
from bihuan.settings import settings
from schemas.access import Seen

CycleArgument = Annotated[str, typer.Argument(metavar="CYCLE", help="PDCA-2026-11")]
LanguageOption = Annotated[Literal["zh", "en"] | None, typer.Option(help="That of the installation if not given.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
_SHOWN = ("address", "number", "field", "became", "base", "theirs", "ours", "why", "cure")


def export_plan(
    cycle: CycleArgument,
    file: Annotated[Path, typer.Argument(help="Where to: plan.xlsx.")],
    language: LanguageOption = None,
    is_forced: ForceOption = False,
    is_json: JsonOption = False,
) -> None:
    """Write a cycle's plan table, to be edited and brought back with `import`; docs/plan.md.

    It names people; the file is readable by its owner only.
    """
    from bihuan.notify.words import words
    from bihuan.report.plan_workbook import xlsx
    from bihuan.services.plan_book import plan_book

    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file} is no .xlsx", cure="name it plan.xlsx")
    with office() as here:
        with here.db.read() as session:
            book = plan_book(session, here.policy, here.clock, cycle)
        note_command(here, Seen.EXPORT, "improvement export", f"{book.number}/{file.name}")
    keep(xlsx(book, words(language or settings().language)), file, is_forced=is_forced)
    counts = {"items": len(book.items), "measures": sum(len(item["measures"]) for item in book.items)}
    emit({"cycle": book.number, "file": str(file), **counts}, is_json)
    say(f"next: edit it, then bihuan improvement import {file} --dry-run --as STAFF")


def import_plan(
    file: Annotated[Path, typer.Argument(help="XLSX that `export` wrote and somebody edited.")],
    staff: Annotated[str, typer.Option("--as", help="Code of whoever brings it in.")],
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it; write nothing.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Bring an edited plan table back in; exit 1 where a cell was refused or is in conflict, the others are written.

    What was changed here since the export is not overwritten. The same file again changes nothing. Edits of what was
    agreed to void that: `voided` names the gates. A deleted row cancels nothing.
    """
    from bihuan.services import plan_import as service

    with office() as here, here.db.write() as session:
        done = service.import_plan(session, here.policy, here.clock, file, staff, is_dry_run=is_dry_run)
    emit(_summary(done), is_json, {"rows": _SHOWN})
    _tell(done)
    if not done.is_clean:
        raise typer.Exit(1)


def _summary(done: Any) -> dict[str, Any]:
    counts = {name: done.count(name.removesuffix("s")) for name in ("changed", "unchanged", "conflicts", "refused")}
    rows = [one._asdict() for one in done.cells if one.became != "unchanged"]
    return {
        "cycle": done.cycle, "exported_at": done.exported_at, "dry_run": done.is_dry_run, "read": len(done.cells),
        **counts, "added": done.added, "missing": done.missing, "left_out": done.left_out, "voided": done.voided,
        "rows": rows,
    }  # fmt: skip


def _tell(done: Any) -> None:
    if done.is_dry_run:
        say("nothing was written: this was a dry run")
    for one in done.voided:
        say(f"{one['number']}: what was agreed to at {one['gate'].upper()} and later has to be agreed to again")
    if done.missing:
        say(f"rows that are gone, nothing was cancelled by that: {', '.join(done.missing)}")
    if done.left_out:
        say(f"columns that nothing reads: {', '.join(done.left_out)}")


def review(
    cycle: CycleArgument,
    output: Annotated[Path, typer.Option(help="Where to: review.html.")],
    week: Annotated[str, typer.Option(help="Any day of the week, 2026-11-25; this week if not given.")] = "",
    language: LanguageOption = None,
    is_forced: ForceOption = False,
    is_json: JsonOption = False,
) -> None:
    """Write the pack for a weekly review 周例会: decisions owed, late measures, deviations, and the Gantt chart.

    Of a week that has passed it tells the checkpoints that were kept; states and decisions are always those of now.
    """
    from bihuan.notify.words import words
    from bihuan.report.review_pack import html
    from bihuan.rules.week import week_of
    from bihuan.services.item_field import needed_day
    from bihuan.services.plan_book import plan_book

    with office() as here:
        with here.db.read() as session:
            day = needed_day(session, week) if week else None
            book = plan_book(session, here.policy, here.clock, cycle)
        note_command(here, Seen.EXPORT, "improvement review", f"{book.number}/{output.name}")
    if day and week_of(day, book.today).first_on > book.today:
        raise UsageError(f"{day} has not come", cure="name a day of this week or an earlier one")
    page = html(book, words(language or settings().language), day or book.today)
    keep(page.encode(), output, is_forced=is_forced)
    emit({"cycle": book.number, "file": str(output), "week": f"{day or book.today:%G-W%V}"}, is_json)
