"""``bihuan outbox``: the sending ledger."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from getpass import getuser
from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import zone
from schemas.base import GREATEST_ID
from schemas.outbox import MessageState, Verdict

app = typer.Typer(help="The sending ledger 发送台账.", no_args_is_help=True)


_COUNTED = ("day", "due", "sent", "suppressed", "failed", "unknown", "pending", "holds")
_LISTED = (
    "id",
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


class By(StrEnum):
    """What the audit may be told by."""

    DAY = "day"


@app.command()
def audit(
    by: Annotated[By | None, typer.Option(help="A row for each day of planning, in the installation's zone.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Prove that due = sent + suppressed + failed + unknown + pending; exit 1 where it does not hold."""
    from bihuan.store.queries.outbox import audit as audit_ledger

    with office() as here, here.db.read() as session:
        result = audit_ledger(session, zone(here.settings.timezone))
    if by:
        emit(result.days, is_json, _COUNTED)
    else:
        emit({"holds": result.holds, **asdict(result)}, is_json, {"days": _COUNTED})
    if not result.holds:
        say(f"{result.missing} decisions without a message, {result.unproved} messages called sent without proof, "
            f"{result.doubled} sent to a complainant twice")  # fmt: skip
        raise typer.Exit(1)


@app.command()
def decide(
    message_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=GREATEST_ID, help="As `bihuan outbox list` has it.")
    ],
    verdict: Annotated[Verdict, typer.Argument(help="It arrived; or send it again.")],
    by: Annotated[str, typer.Option(help="Who says so; the user of this machine if not given.")] = "",
    how: Annotated[str, typer.Option(help="How it is known: a call, the mail server's log.")] = "",
    not_arrived: Annotated[
        bool, typer.Option("--not-arrived", help="It certainly did not arrive: needed to contact a customer again.")
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Say what became of a message whose fate is unknown: it arrived, or it is to be sent again.

    Who says so, when, and how it is known stays on record. Messages that went out as one letter are decided together.
    """
    from bihuan.services.decision import Statement
    from bihuan.services.decision import decide as decide_it

    said = Statement(verdict, by or getuser(), how, is_sure=not_arrived)
    with office() as here, here.db.write() as session:
        decided = decide_it(session, here.clock, message_id, said)
    emit({"id": message_id, "verdict": verdict, "decided": decided}, is_json)
    if not decided:
        say("that was said before; nothing changed")
