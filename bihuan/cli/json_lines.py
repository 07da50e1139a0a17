"""Requests as JSON objects, one a line; every line is answered by one, in order, and a bad one spoils no other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from bihuan.errors import BihuanError, UsageError

RequestFile = Annotated[Path | None, typer.Argument(metavar="FILE", help="JSON lines; without one, standard input.")]
Request = dict[str, Any]


def requests(file: Path | None) -> Iterator[Request | UsageError]:
    """The objects of a file or of standard input, in order; for a line that is none, the error.

    Raises:
        UsageError: The file cannot be read.
    """
    for line in filter(bytes.strip, _lines(file)):
        yield _parsed(line)


def answer_all(asked: Iterable[Request | UsageError], answer: Callable[[Request], dict[str, object]]) -> None:
    """Print an answer for each request, beside its id; exit 1 where one is an error."""
    has_error = False
    for request in asked:
        reply = _reply(request, answer)
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


def _parsed(line: bytes) -> Request | UsageError:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return UsageError("the line is not JSON", cure="write one object a line, in UTF-8")
    if not isinstance(request, dict):
        return UsageError("the line is not a JSON object", cure="write one object a line")
    return request


def _reply(request: Request | UsageError, answer: Callable[[Request], dict[str, object]]) -> dict[str, object]:
    if isinstance(request, UsageError):
        return {"id": None, "error": str(request)}
    try:
        return {"id": request.get("id"), **answer(request)}
    except BihuanError as error:
        return {"id": request.get("id"), "error": str(error)}
