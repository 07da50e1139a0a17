"""``bihuan sla signs``: signs of gaming, a list of what to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bihuan.cli.explain import Language
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import parse_instant

if TYPE_CHECKING:
    from bihuan.services.gaming import Figure

_COUNTED = ("x", "n", "value", "low", "high", "threshold", "verdict")


def signs(
    since: Annotated[str | None, typer.Option("--from", help="Complaints registered from this instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one.")] = None,
    by: Annotated[str | None, typer.Option(help="department, handler, channel, kind or severity.")] = None,
    language: Annotated[Language | None, typer.Option(help="Words of this language; default: the settings'.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Show signs of gaming: late pauses, reopenings, bunching before due, automatic answers; with n and interval.

    A list of things to look at, not an accusation. A sign is worth a look only when its whole interval lies above the
    threshold.
    """
    from bihuan.notify.words import word
    from bihuan.services.gaming import calendars_of
    from bihuan.services.gaming import signs as signs_of_gaming
    from bihuan.store.queries.gaming import Scope

    scope = Scope(parse_instant(since) if since else None, parse_instant(until) if until else None, by)
    with office() as here, here.db.read() as session:
        found = signs_of_gaming(session, here.policy, calendars_of(session, here.policy), scope, here.clock())
    spoken = language or here.settings.language
    if is_json:
        emit([_record(it, by, spoken) for it in found], is_json)
        return
    emit([_line(it, by, spoken) for it in found], is_json)
    for words in _behind(found, spoken):
        typer.echo(words)
    say(word("signs", "lead", spoken) + (f" {word('signs', 'by_chance', spoken)}" if by else ""))


def _record(it: Figure, by: str | None, language: str) -> dict[str, Any]:
    """Everything, and what it says in words."""
    from bihuan.services.gaming import OURS
    from bihuan.services.gaming_words import verdict

    facts = asdict(it)
    key = facts.pop("key")
    return {"sign": it.sign, **({by: key} if by else {}), **facts, "words": verdict(it, OURS, language)}


def _line(it: Figure, by: str | None, language: str) -> dict[str, Any]:
    """What people see of it in a table."""
    from bihuan.notify.words import word

    counted = {name: getattr(it, name) for name in _COUNTED} | {"verdict": word("signs", it.verdict, language)}
    return {"sign": word("signs", it.sign, language), **({by: it.key} if by else {}), **counted}


def _behind(found: Iterable[Figure], language: str) -> Iterable[str]:
    """The complaints behind what is worth a look."""
    from bihuan.analysis.gaming import Verdict
    from bihuan.notify.words import word
    from bihuan.services.gaming_words import behind

    for it in found:
        if it.verdict is Verdict.WORTH_A_LOOK:
            name = " · ".join(filter(None, (word("signs", it.sign, language), it.key)))
            yield f"\n{name} - {behind(it, language)}\n  {', '.join(it.complaints)}"
