"""``bihuan kpi``: indicators with n and interval."""

from __future__ import annotations

from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import parse_instant, zone
from bihuan.errors import UsageError

app = typer.Typer(help="Indicators 指标, each with n and interval.", no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Keep ``show`` a verb of its own."""


@app.command()
def show(
    since: Annotated[str | None, typer.Option("--from", help="Complaints registered from this instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one.")] = None,
    by: Annotated[
        str | None, typer.Option(help="month, department, channel, kind, severity, region, product …")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """On-time rates of what was met; what is still open, or has no such milestone, is counted apart."""
    from bihuan.services.kpi import show as show_indicators
    from bihuan.store.queries.kpi import DIMENSIONS

    if by is not None and by not in DIMENSIONS:
        raise UsageError(f"no dimension {by!r}", cure=f"one of {', '.join(DIMENSIONS)}")
    with office() as here, here.db.read() as session:
        rows = show_indicators(
            session,
            here.policy,
            zone(here.settings.timezone),
            parse_instant(since) if since else None,
            parse_instant(until) if until else None,
            by,
        )
    emit(rows, is_json)
    if rows and not all(row["is_enough"] for row in rows):
        say("is_enough False: n is below the least n of the policy; read the interval, not the value")
