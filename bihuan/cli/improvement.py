"""``bihuan improvement``: what each month says is to be made better, and how it is made so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bihuan.cli import improvement_cycle, improvement_item, improvement_plan, improvement_result, improvement_table
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.errors import RefusedError, UsageError

app = typer.Typer(help="Improvement 改进: what each month says is to be made better, and the PDCA cycle.",
                  no_args_is_help=True)  # fmt: skip
app.command("open")(improvement_cycle.open_cycle)
app.command("list")(improvement_cycle.list_cycles)
app.command("show")(improvement_cycle.show)
app.command("close")(improvement_cycle.close)
app.command("waiting")(improvement_item.list_waiting)
app.command("approve")(improvement_item.approve)
app.command("draft")(improvement_item.draft)
app.command("dispose")(improvement_item.dispose)
app.command("amend")(improvement_item.amend)
app.command("move")(improvement_item.move)
app.command("hold")(improvement_item.hold)
app.command("resume")(improvement_item.resume)
app.command("contain")(improvement_item.contain)
app.command("cancel")(improvement_item.cancel)
app.command("child")(improvement_item.child)
app.command("verification-plan")(improvement_plan.verification_plan)
app.command("export")(improvement_table.export_plan)
app.command("import")(improvement_table.import_plan)
app.command("review")(improvement_table.review)
app.add_typer(improvement_plan.cause_app, name="cause")
app.add_typer(improvement_plan.measure_app, name="measure")
app.command("verify")(improvement_result.verify)
app.command("deviation")(improvement_result.deviation)
app.command("scoreboard")(improvement_result.scoreboard)
app.command("lessons")(improvement_result.lessons)
app.command("trace")(improvement_result.trace)
app.add_typer(improvement_result.standard_app, name="standard")


_SHOWN = ("rank", "indicator", "dimension", "element", "state", "n0", "n1", "size", "low", "high", "q")
_LISTED = ("rank", "element", "count", "previous", "share_ratio", "late", "negative", "stage")


@app.command("months")
def list_months(is_json: JsonOption = False) -> None:
    """The months that were analysed, newest first."""
    from bihuan.services.month import months

    with office() as here, here.db.read() as session:
        rows = [_told(row) for row in months(session)]
    emit(rows, is_json)


def _told(row: Any) -> dict[str, Any]:
    outcomes = {one["indicator"]: one["outcome"] for one in row.conclusion["rates"]}
    return {"number": row.number, "month": f"{row.period_on:%Y-%m}", "scope": row.scope, "complaints": row.complaints,
            "answers": row.answers, **outcomes, "made_at": row.made_at.isoformat()}  # fmt: skip


@app.command("month")
def month(
    name: Annotated[str, typer.Argument(help="2026-10", metavar="MONTH")],
    scope: Annotated[str, typer.Option(help="A scope of improvement.yaml; empty: the whole house.")] = "",
    is_json: JsonOption = False,
) -> None:
    """Analyse one month now if it has not been; print its problems and candidates."""
    from bihuan.rules.month import next_month
    from bihuan.services.month import Due, kept, month_start
    from bihuan.services.month_report import analyse

    month_on = month_start(name)
    with office() as here:
        with here.db.read() as session:
            found = kept(session, month_on, scope)
        if found is None:
            if datetime.combine(next_month(month_on), datetime.min.time(), UTC) > here.clock():
                raise RefusedError(f"{name} is not over", cure="wait until its last day has ended")
            number = analyse(here.db, here.policy, here.settings, Due(month_on, scope), here.clock())
            say(f"analysed: {number}")
            with here.db.read() as session:
                found = kept(session, month_on, scope)
    if found is None:
        raise UsageError(f"{name} could not be kept", cure="run it again")
    if is_json:
        emit(found, is_json)
        return
    emit(found["rates"], is_json)
    typer.echo()
    emit([{name: row[name] for name in _SHOWN} for row in found["candidates"]], is_json)
    typer.echo()
    emit([{name: row[name] for name in _LISTED} for row in found["problems"]], is_json)


@app.command("reproduce")
def reproduce(
    file: Annotated[Path, typer.Argument(help="pack.zip of a month.", exists=True, dir_okay=False)],
    is_json: JsonOption = False,
) -> None:
    """Make every figure of a month again from its data pack; exit 1 where one differs."""
    from bihuan.report.pack import packed, reviewed_again

    content = file.read_bytes()
    try:
        again = packed(reviewed_again(content))
    except ValueError as error:
        raise UsageError(f"{file}: {error}", cure="take the pack.zip as it was written") from error
    is_same = again.zipped() == content
    emit({"sha256": again.sha256, "is_same": is_same}, is_json)
    if not is_same:
        raise typer.Exit(1)
