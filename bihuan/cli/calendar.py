"""``bihuan calendar``: a year to look at; deadlines and working time on a calendar that each request brings along.

Requests are JSON objects, one a line; every line is answered by one, in order. A request that cannot be answered gets
an ``error`` instead, the others are answered all the same, and the command exits 1.
"""

from __future__ import annotations

import typer

from bihuan.cli.calendar_show import show
from bihuan.cli.edition import update
from bihuan.cli.json_lines import RequestFile, answer_all, requests
from bihuan.cli.output import JsonOption

app = typer.Typer(help="Working time 工作时间: deadlines and spans on a calendar.", no_args_is_help=True)
app.command("show")(show)
app.command("update")(update)


@app.command()
def due(file: RequestFile = None, is_json: JsonOption = True) -> None:
    """Say when each target is due.

    A line holds timezone, weekly, holidays, extra_workdays, opened_at, pauses, target_minutes and mode; its answer
    holds id and due_at, with the offset of the calendar's zone.
    """
    from bihuan.cli.calendar_request import answer_due

    answer_all(requests(file), answer_due)


@app.command()
def elapsed(file: RequestFile = None, is_json: JsonOption = True) -> None:
    """Count the working seconds between two instants.

    A line holds timezone, weekly, holidays, extra_workdays, from, to, pauses and mode; its answer holds id and
    seconds, negative where "to" lies before "from".
    """
    from bihuan.cli.calendar_request import answer_elapsed

    answer_all(requests(file), answer_elapsed)
