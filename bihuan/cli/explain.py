"""``bihuan explain``: why each deadline of a complaint is as it is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import zone


class Language(StrEnum):
    """Languages that have words."""

    ZH = "zh"
    EN = "en"


def explain(
    number: str,
    milestone: Annotated[str | None, typer.Option(help="Only this milestone, such as handled.")] = None,
    language: Annotated[Language | None, typer.Option(help="Words of this language; default: the settings'.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Say why each deadline of a complaint is due when it is, and why it was warned, breached or silent.

    Names the event that started it, the line of the policy, each open frame, each holiday, each pause, and each notice.
    """
    from bihuan.notify.words import word
    from bihuan.services.explanation import accounts
    from bihuan.services.explanation_words import passages, title
    from bihuan.store.queries.complaint import holds, one

    with office() as here, here.db.read() as session:
        found = accounts(session, here.policy, number, here.clock(), milestone)
        it = one(session, number)
        hold = next((each for each in holds(session, it.id) if each.released_at is None), None)
    if is_json:
        emit({"number": number, "deadlines": found, "hold": hold, "erased_at": it.erased_at}, is_json)
        return
    spoken = language or here.settings.language
    if not found:
        say(word("explain", "none", spoken))
    if hold or it.erased_at:
        typer.echo(word("explain", "keeping", spoken))
        typer.echo(f"  {_keeping(hold, it.erased_at, spoken, here.settings.timezone)}\n")
    for place, account in enumerate(found):
        typer.echo(("\n" if place else "") + title(account, spoken))
        for passage in passages(account, spoken, here.settings.timezone):
            typer.echo(f"  {passage.heading}")
            for line in passage.lines:
                typer.echo(f"    {line}")


def _keeping(hold: Any, erased_at: datetime | None, language: str, zone_name: str) -> str:
    """What retention may not do to the complaint, or has done."""
    from bihuan.notify.words import word

    since: Any = hold.placed_at if hold else erased_at
    told = {"at": f"{since.astimezone(zone(zone_name)):%Y-%m-%d %H:%M}"}
    if hold:
        return word("explain", "held", language).format(**told, by=hold.placed_by, why=hold.why)
    return word("explain", "erased", language).format(**told)
