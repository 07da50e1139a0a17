"""``bihuan access``: who saw and exported personal data."""

from __future__ import annotations

from getpass import getuser
from typing import Annotated

import typer

from bihuan.cli.office import Office, office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import parse_instant
from bihuan.errors import UnavailableError
from schemas.access import Seen

app = typer.Typer(help="Who saw and exported what 查看记录, see docs/security.md.", no_args_is_help=True)
_LISTED = ("seen_at", "person", "way", "what", "subject", "page")


@app.command("list")
def list_looks(
    complaint: Annotated[str | None, typer.Option(help="Only of this complaint, by its number, or this file.")] = None,
    person: Annotated[str | None, typer.Option(help="Only by this staff code, or user of this machine.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="From this instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    is_json: JsonOption = False,
) -> None:
    """Who saw which complaint, call, interview or answer, and who took which file out; newest first."""
    from bihuan.services.access import AccessWish, looks

    since_at, until_at = (parse_instant(text) if text else None for text in (since, until))
    with office() as here, here.db.read() as session:
        rows = list(looks(session, AccessWish(complaint, person, since_at, until_at), limit=limit))
    emit(rows, is_json, _LISTED)
    if here.settings.sign_in == "off":
        say("sign-in is off: who looks at the pages is not known, so nothing of that is noted (docs/sign-in.md)")


def note_command(here: Office, what: Seen, command: str, *subjects: str) -> None:
    """Note that the user of this machine sees or takes out something by a command; say so where it cannot be noted."""
    from bihuan.services.access import Looker, note
    from schemas.access import Way

    if not subjects:
        return
    try:
        with here.db.write() as session:
            note(session, Looker(getuser(), Way.COMMAND), what, subjects, f"bihuan {command}", here.clock())
    except UnavailableError as error:
        say(f"that you saw it could not be noted: {error.what}")
