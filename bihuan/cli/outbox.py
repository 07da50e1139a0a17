"""``bihuan outbox``: the sending ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import zone
from schemas.outbox import MessageState

app = typer.Typer(help="The sending ledger 发送台账.", no_args_is_help=True)


_COUNTED = ("day", "due", "sent", "suppressed", "failed", "unknown", "pending")
_LISTED = (
    "planned_at",
    "number",
    "milestone",
    "notice",
    "recipient",
    "state",
    "reason",
    "attempts",
    "next_at",
    "sent_at",
)


@app.command("list")
def list_messages(
    state: Annotated[MessageState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 20,
    is_json: JsonOption = False,
) -> None:
    """Messages, newest first."""
    from bihuan.store.queries.outbox import listing

    with office() as here, here.db.read() as session:
        emit(list(listing(session, state=state, limit=limit)), is_json, _LISTED)


@app.command()
def audit(is_json: JsonOption = False) -> None:
    """Prove that due = sent + suppressed + failed + unknown + pending; exit 1 where it does not hold."""
    from bihuan.store.queries.outbox import audit as audit_ledger

    with office() as here, here.db.read() as session:
        result = audit_ledger(session, zone(here.settings.timezone))
    emit({"holds": result.holds, **asdict(result)}, is_json, {"days": _COUNTED})
    if not result.holds:
        say(f"{result.missing} decisions without a message, {result.unproved} messages called sent without proof, "
            f"{result.doubled} sent to a complainant twice")  # fmt: skip
        raise typer.Exit(1)
