"""``bihuan key``: keys with which other systems may write to us."""

from __future__ import annotations

from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from schemas.access import Scope

app = typer.Typer(help="Keys of other systems 接口密钥, see docs/api.md.", no_args_is_help=True)
_LISTED = ("name", "scope", "created_at", "used_at", "revoked_at")


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="Of the system that will use it, such as shop.")],
    scope: Annotated[Scope, typer.Option(help="What it opens.")] = Scope.TOUCHPOINTS,
    is_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: only a hash of it is kept."""
    from bihuan.services.api_key import make_key

    with office() as here, here.db.write() as session:
        key = make_key(session, name, scope, here.clock())
    emit({"name": name, "scope": scope, "key": key}, is_json)
    say(f"keep it now, it is not shown again; next: bihuan key revoke {name} once it is not needed any more")


@app.command("list")
def list_keys(is_json: JsonOption = False) -> None:
    """Every key: what it opens, when it was last used (to the hour), whether it is revoked."""
    from bihuan.services.api_key import keys

    with office() as here, here.db.read() as session:
        emit(list(keys(session)), is_json, _LISTED)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As `bihuan key list` has it.")], is_json: JsonOption = False
) -> None:
    """Let a key open nothing from now on."""
    from bihuan.services.api_key import revoke_key

    with office() as here, here.db.write() as session:
        was_good = revoke_key(session, name, here.clock())
    emit({"name": name, "revoked": was_good}, is_json)
    if not was_good:
        say(f"{name} was revoked already")
