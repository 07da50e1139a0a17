"""``bihuan explain``: why each deadline of a complaint is as it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say


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

    with office() as here, here.db.read() as session:
        found = accounts(session, here.policy, number, here.clock(), milestone)
    if is_json:
        emit({"number": number, "deadlines": found}, is_json)
        return
    spoken = language or here.settings.language
    if not found:
        say(word("explain", "none", spoken))
    for place, account in enumerate(found):
        typer.echo(("\n" if place else "") + title(account, spoken))
        for passage in passages(account, spoken, here.settings.timezone):
            typer.echo(f"  {passage.heading}")
            for line in passage.lines:
                typer.echo(f"    {line}")
