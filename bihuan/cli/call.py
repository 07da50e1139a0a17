"""``bihuan survey calls`` and ``bihuan survey call``: the telephone worklist, and what came of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.errors import UsageError
from schemas.base import GREATEST_ID
from schemas.survey import CallOutcome

if TYPE_CHECKING:
    from bihuan.services.call import Listed

_LISTED = (
    "id",
    "number",
    "title",
    "duty",
    "reason",
    "attempt",
    "at_most",
    "call_at",
    "due_at",
    "is_owed",
    "department",
)


def calls(
    department: Annotated[str | None, typer.Option(help="Of this department's code only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    is_json: JsonOption = False,
) -> None:
    """Who is to be called 电话回访, the call that was due first on top. Numbers stand on the page of a call only."""
    from bihuan.services.call import call_list
    from bihuan.store.queries.call import CallWish

    with office() as here, here.db.read() as session:
        found = call_list(session, here.policy, here.clock(), CallWish(department, limit=limit))
    emit([_line(one) for one in found], is_json, _LISTED)


def _line(it: Listed) -> dict[str, Any]:
    row = it.row
    return {
        "id": row.id, "number": row.number, "title": row.title, "duty": row.duty, "questionnaire": row.questionnaire,
        "reason": row.reason, "attempt": row.calls + 1, "at_most": it.at_most, "call_at": row.call_at,
        "due_at": row.due_at, "is_owed": row.number is not None and row.met_at is None, "expires_at": row.expires_at,
        "department": row.department, "handler": row.handler,
    }  # fmt: skip


def call(
    invitation_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=GREATEST_ID, help="As `bihuan survey calls` has it.")
    ],
    outcome: Annotated[CallOutcome, typer.Argument(help="How the call ended.")],
    attempt: Annotated[
        int | None, typer.Option(min=1, max=99, help="Which try it was: told twice it counts once; default: the next.")
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="With `reached`: NAME=VALUE, as often as there are answers.")
    ] = None,
    note: Annotated[str, typer.Option(help="A remark for the house.")] = "",
    actor: Annotated[str, typer.Option(help="Who called: a staff code.")] = "cli",
    is_opting_out: Annotated[
        bool, typer.Option("--no-more", help="The person wants to be asked no more 退订.")
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Record how a call about an invitation ended: what it leads to is what the page's buttons lead to."""
    from bihuan.services.call import Call, call_sheet, record_call

    with office() as here:
        with here.db.read() as session:
            row = call_sheet(session, here.policy, here.settings, invitation_id, here.clock()).row
        told = Call(attempt or row.calls + 1, outcome, actor, note, dict(map(_pair, answer or ())),
                    row.language or here.settings.language, is_opting_out)  # fmt: skip
        with here.db.write() as session:
            done = record_call(session, here.policy, here.settings, here.clock, invitation_id, told)
    if done.problems:
        name, problem = next(iter(done.problems.items()))
        raise UsageError(f"{name}: {problem.value.replace('_', ' ')}", cure="see the questionnaire in survey.yaml")
    after = done.after
    emit({"id": invitation_id, "attempt": told.number, "outcome": outcome, "recorded": int(after is not None),
          "is_told": bool(after and after.is_told), "call_at": after and after.call_at}, is_json)  # fmt: skip
    if after is None:
        say("it was recorded before: nothing changed")


def _pair(said: str) -> tuple[str, str]:
    name, sign, value = said.partition("=")
    if not sign:
        raise UsageError(f"{said!r} is no answer", cure="write --answer solved=yes")
    return name, value
