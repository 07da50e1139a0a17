"""``bihuan doctor``: everything an operator would check, each with the cure."""

from __future__ import annotations

import typer

from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import wall_clock
from bihuan.settings import settings
from bihuan.up_lock import as_up


def doctor(is_json: JsonOption = False) -> None:
    """Look at everything an operator would, and say the cure; exit 1 when something is a problem."""
    from bihuan.services.checkup import check_up

    findings = check_up(as_up(settings()), wall_clock)
    problems = [finding.name for finding in findings if not finding.is_fine]
    emit({"is_fine": not problems, "findings": findings} if is_json else findings, is_json)
    if problems:
        say(f"to be mended: {', '.join(problems)}")
        raise typer.Exit(1)
