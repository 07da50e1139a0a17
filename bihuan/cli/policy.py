"""`bihuan policy`: look at the rules of the business before they count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bihuan.cli.edition import apply, history, moved
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.rehearsal import pilot, rehearse

SHIPPED = "shipped"

app = typer.Typer(help="Policies 政策: check and compare them, rehearse them, let them count.", no_args_is_help=True)
app.command()(apply)
app.command()(history)
app.command()(moved)
app.command()(rehearse)
app.command()(pilot)

Directory = Annotated[str, typer.Argument(help=f"A policy directory, or the word {SHIPPED} for the shipped policy.")]


@app.command()
def check(
    directory: Annotated[
        Path | None, typer.Argument(help="A policy directory; without one, that of BIHUAN_POLICY_DIR.")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Load a policy and say which files it came from, with the version of each."""
    from bihuan.policy.loader import load_policy, policy_files
    from bihuan.settings import settings

    directory = directory or settings().policy_dir
    policy, files = load_policy(directory), policy_files(directory)
    rows = [
        {"section": section, "version": policy.versions[section], "file": SHIPPED if file.is_default else file.name}
        for section, file in files.items()
    ]
    emit({"version": policy.version, "sections": rows}, is_json)


@app.command()
def schema(is_json: JsonOption = True) -> None:
    """Print the JSON schema of each policy file, for editors that complete and check while typing."""
    from bihuan.policy.loader import schemas

    emit(schemas(), is_json=True)


@app.command()
def diff(old: Directory, new: Directory, is_json: JsonOption = False) -> None:
    """List the keys in which two policies differ, old value and new; exit 1 when there are any."""
    from dataclasses import asdict

    from bihuan.policy.difference import differences
    from bihuan.policy.loader import load_policy

    found = differences(*(load_policy(None if name == SHIPPED else Path(name)) for name in (old, new)))
    if is_json:
        emit([asdict(difference) for difference in found], is_json)
    else:
        for difference in found:
            typer.echo(f"{difference.key}: {difference.old or '-'} → {difference.new or '-'}")
        if not found:
            say("no difference")
    raise typer.Exit(1 if found else 0)
