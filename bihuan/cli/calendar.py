"""``bihuan calendar``: a year to look at; deadlines and working time on a calendar that each request brings along.

Requests are JSON objects, one a line; every line is answered by one, in order. A request that cannot be answered gets
an ``error`` instead, the others are answered all the same, and the command exits 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from bihuan.cli.calendar_show import show
from bihuan.cli.edition import update
from bihuan.cli.output import JsonOption
from bihuan.errors import BihuanError, UsageError

app = typer.Typer(help="Working time 工作时间: deadlines and spans on a calendar.", no_args_is_help=True)
app.command("show")(show)
app.command("update")(update)

RequestFile = Annotated[Path | None, typer.Argument(metavar="FILE", help="JSON lines; without one, standard input.")]


@app.command()
def due(file: RequestFile = None, is_json: JsonOption = True) -> None:
    """Say when each target is due.

    A line holds timezone, weekly, holidays, extra_workdays, opened_at, pauses, target_minutes and mode; its answer
    holds id and due_at, with the offset of the calendar's zone.
    """
    from bihuan.cli.calendar_request import answer_due

    _answer_all(file, answer_due)


@app.command()
def elapsed(file: RequestFile = None, is_json: JsonOption = True) -> None:
    """Count the working seconds between two instants.

    A line holds timezone, weekly, holidays, extra_workdays, from, to, pauses and mode; its answer holds id and
    seconds, negative where "to" lies before "from".
    """
    from bihuan.cli.calendar_request import answer_elapsed

    _answer_all(file, answer_elapsed)


def _answer_all(file: Path | None, answer: Callable[[dict[str, Any]], dict[str, object]]) -> None:
    has_error = False
    for line in filter(bytes.strip, _lines(file)):
        reply = _reply(line, answer)
        has_error = has_error or "error" in reply
        typer.echo(json.dumps(reply))
    if has_error:
        raise typer.Exit(1)


def _lines(file: Path | None) -> Iterator[bytes]:
    """As bytes, so that a line in another encoding spoils no other."""
    if file is None or str(file) == "-":
        yield from sys.stdin.buffer
        return
    try:
        with file.open("rb") as lines:
            yield from lines
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", cure="name a file of JSON lines") from error


def _reply(line: bytes, answer: Callable[[dict[str, Any]], dict[str, object]]) -> dict[str, object]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return {"id": None, "error": "the line is not JSON - write one object a line, in UTF-8"}
    if not isinstance(request, dict):
        return {"id": None, "error": "the line is not a JSON object - write one object a line"}
    try:
        return {"id": request.get("id"), **answer(request)}
    except BihuanError as error:
        return {"id": request.get("id"), "error": str(error)}
