"""``bihuan kpi``: indicators with n and interval."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.trend import signals
from bihuan.clock import parse_instant, zone
from bihuan.errors import UsageError

_ALWAYS = ("indicator", "value", "n", "low", "high", "target", "is_enough")
_COLUMNS = (
    "survey", "value", "low", "high", "n", "is_enough", "target", "censored", "ended_only", "open_overdue", "open",
    "too_early", "not_applicable", "no_sla", "unknown", "corrected", "awaited", "promoters", "passives", "detractors",
    "missing_weight", "weighted", "weighted_low", "weighted_high",
)  # fmt: skip
"""What people see, in this order, as far as any indicator has anything of it."""

app = typer.Typer(help="Indicators 指标, each with n and interval.", no_args_is_help=True)
app.command()(signals)


@app.command()
def show(
    since: Annotated[
        str | None, typer.Option("--from", help="Complaints registered, answers given from this instant on.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="month, day, department, handler, channel, kind, severity, region, product, business_line, tier, "
            "source, attribute:NAME"
        ),
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """On-time rates, resolution, reopening, first contact, times in hours, and scores of surveys, with n and interval.

    What is still open, withdrawn, or has no promise is counted apart. Each survey stands by itself; bihuan is our own.
    """
    from bihuan.services.kpi import show as show_indicators
    from bihuan.store.queries.cut import Cut

    Cut(by=by)  # refuses a dimension that there is not before anything is opened
    with office() as here, here.db.read() as session:
        rows = show_indicators(
            session,
            here.policy,
            zone(here.settings.timezone),
            parse_instant(since) if since else None,
            parse_instant(until) if until else None,
            by,
            here.clock(),
        )
    if is_json:
        emit(rows, is_json)
    else:
        _print(rows, by)
    if rows and not all(row["is_enough"] for row in rows):
        say("is_enough False: n is below the least n of the policy; read the interval, not the value")


@app.command()
def complaints(
    indicator: Annotated[str, typer.Argument(help="Which, by its name in kpi.yaml: on_time_handled.")],
    since: Annotated[str | None, typer.Option("--from", help="As with `show`.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="DIMENSION=VALUE, once or more; nothing after = for those without one.")
    ] = None,
    side: Annotated[
        str, typer.Option(help="counted (n), missed, apart, or what is counted apart: no_sla, open_overdue, unknown …")
    ] = "counted",
    survey: Annotated[str | None, typer.Option(help="Only the answers of this survey; bihuan is our own.")] = None,
    is_json: JsonOption = False,
) -> None:
    """The complaints behind a number: one row for each thing that is counted, latest first.

    `missed` are those that keep the indicator from its target: late ones, reopened ones, scores below it.
    """
    from bihuan.services.kpi import Look
    from bihuan.services.kpi_behind import complaints_behind, named
    from bihuan.store.queries.cut import Cut

    with office() as here, here.db.read() as session:
        cut = Cut(parse_instant(since) if since else None, parse_instant(until) if until else None, where=_where(where))
        look = Look(session, zone(here.settings.timezone), cut, here.clock())
        rows = complaints_behind(look, named(here.policy, indicator), side, survey)
    emit(rows, is_json)


def _where(said: list[str] | None) -> dict[str, str | None]:
    pairs = [one.partition("=") for one in said or []]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError(f"--where {name!r} has no value", cure="write it as --where channel=phone")
    return {name: value or None for name, _, value in pairs}


def _print(rows: list[dict[str, Any]], by: str | None) -> None:
    """The figures as one table, and below it what was chosen in the questions behind a net promoter score."""
    columns = ["indicator", *([by] if by else []), *_COLUMNS]
    whole = [{name: row.get(name) for name in columns} for row in rows]
    emit(
        whole,
        False,
        [name for name in columns if name in {*_ALWAYS, by} or any(row[name] for row in whole)],
    )
    reasons = [
        {**{name: row.get(name) for name in ("indicator", by, "survey") if name}, **reason}
        for row in rows
        for reason in row.get("reasons", [])
    ]
    if reasons:
        typer.echo()
        emit(reasons, False)
