"""``bihuan kpi signals``: what the control charts of the indicators have said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bihuan.cli.explain import Language
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit

if TYPE_CHECKING:
    from sqlalchemy import Row

    from bihuan.services.trend_words import Names

_LISTED = 50


def signals(
    indicator: Annotated[str | None, typer.Option(help="Of this one only, by its id in kpi.yaml.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="All of them, not the newest fifty only.")] = False,
    language: Annotated[Language | None, typer.Option(help="Words of this language; default: the settings'.")] = None,
    is_json: JsonOption = False,
) -> None:
    """List the signals of control charts, newest first: what changed, since when, with how much evidence.

    A signal says that a process has changed, not why; docs/charts.md says what warns and what never does.
    """
    from bihuan.services.trend_words import department_names
    from bihuan.store.queries import trend

    with office() as here, here.db.read() as session:
        rows = trend.signals(session, indicator=indicator, limit=None if is_all else _LISTED)
        names = department_names(session)
    spoken = language or here.settings.language
    emit([(_record if is_json else _line)(row, names, spoken) for row in rows], is_json)


def _record(row: Row[Any], names: Names, language: str) -> dict[str, Any]:
    """Everything, and what it says in words."""
    return {**dict(row._mapping), "words": _line(row, names, language)}


def _line(row: Row[Any], names: Names, language: str) -> dict[str, Any]:
    """What people see of it in a table."""
    from bihuan.services import trend_words as said

    return {
        "id": row.id, "signal": said.headline(row, names, language), "since": said.since(row, language),
        "evidence": said.evidence(row, language), "changed": said.changed(row, names, language),
        "status": said.status(row, language), "note": row.note,
    }  # fmt: skip
