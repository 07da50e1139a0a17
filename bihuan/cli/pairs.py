"""What a person changes, as the command line has it: ``owner=li due_on=2027-03-31``."""

from __future__ import annotations

from collections.abc import Sequence
from getpass import getuser
from typing import Annotated

import typer

from bihuan.errors import UsageError

ByOption = Annotated[str, typer.Option("--by", help="Who says so; the user of this machine if not given.")]
PairsArgument = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="What to write.")]


def changes(pairs: Sequence[str] | None) -> dict[str, str]:
    """The fields and values of ``KEY=VALUE`` words; a value may be empty and may have ``=`` in it.

    Raises:
        UsageError: A word without ``=``, or a field named twice.
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise UsageError(
                f"{pair!r} is no KEY=VALUE", cure="write it as owner=li, and with spaces as 'name=late parts'"
            )
        if key in found:
            raise UsageError(f"{key} is given twice", cure="keep one of them")
        found[key] = value
    return found


def who(by: str) -> str:
    """Who acts: whom the option names, else the user of this machine."""
    return by or getuser()
