"""``bihuan retention``: what would be erased, and what a legal hold keeps."""

from __future__ import annotations

import typer

from bihuan.cli.office import office
from bihuan.cli.output import AtOption, JsonOption, emit, say

app = typer.Typer(help="Retention 保留期限, see docs/retention.md.", no_args_is_help=True)


@app.command()
def preview(at: AtOption = None, is_json: JsonOption = False) -> None:
    """Count what a run would erase, now or at a given instant; nothing is changed."""
    from bihuan.services.retention import preview as preview_of

    with office(at) as here, here.db.read() as session:
        found = preview_of(session, here.policy, here.clock())
    emit(found, is_json)
    if not found["before"]:
        say("the policy has no line in retention.yaml that erases anything")
    else:
        say("next: bihuan run retention, or let the deployment retention do it at night")


@app.command()
def holds(is_json: JsonOption = False) -> None:
    """Every complaint under legal hold 法务保全: since when, by whom, why."""
    from bihuan.services.hold import holds_standing

    with office() as here, here.db.read() as session:
        emit(holds_standing(session), is_json)
