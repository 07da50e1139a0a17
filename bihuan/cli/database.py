"""``bihuan db``: migrations, integrity, online copy."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.errors import RefusedError, UsageError
from bihuan.settings import settings
from bihuan.store.engine import Database, open_database
from bihuan.store.sound_copy import copy_sound

app = typer.Typer(help="The database: upgrade, check, backup, copy, another secret.", no_args_is_help=True)


@app.command()
def upgrade(is_json: JsonOption = False) -> None:
    """Bring the database to this version's shape; running it again changes nothing."""
    from alembic.util import CommandError

    from bihuan.store.migrations import head
    from bihuan.store.migrations import upgrade as upgrade_database

    with closing(open_database(settings())) as db:
        where = db.engine.url.render_as_string(hide_password=True)
        try:
            emit({"database": where, "revision": upgrade_database(db)}, is_json)
        except CommandError as error:
            raise RefusedError(
                f"database {where} was made by a newer version than this one, which ends at {head()}",
                cure="bring the program up to date: git pull, make install",
            ) from error


@app.command()
def check(is_json: JsonOption = False) -> None:
    """Integrity of the database, and every deadline rebuilt from its log and compared; exit 1 on a difference."""
    from bihuan.services.integrity import inspect_database

    with office() as here:
        report = inspect_database(here.db, here.policy)
    emit(report, is_json)
    if not report.is_sound:
        say("differences found: keep a backup, then see docs/operate.md")
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; must not exist.")], is_json: JsonOption = False
) -> None:
    """Copy the embedded database while it is in use."""
    from bihuan.services.backup import note_backup

    if file.exists():
        raise RefusedError(f"{file} exists", cure="name a new file")
    with office() as here:
        if not here.db.is_sqlite:
            raise RefusedError("a PostgreSQL database is copied by its own tool", cure="run `pg_dump --format=custom`")
        _copy(here.db, file)
        with here.db.write() as session:
            note_backup(session, here.clock())
    emit({"file": str(file), "bytes": file.stat().st_size}, is_json)


@app.command()
def reseal(
    file: Annotated[
        Path, typer.Argument(help="Holds the earlier secret, as an old secret.key does; - for standard input.")
    ],
    is_json: JsonOption = False,
) -> None:
    """Seal every contact anew after BIHUAN_SECRET, or secret.key of the data folder, was changed.

    Stop everything else first. Exit 1 where neither secret opens some. Run again it changes nothing.
    """
    from bihuan.services.reseal import reseal as reseal_all

    try:
        earlier = (sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}", cure="name the file that holds the earlier secret") from error
    with office() as here:
        done = reseal_all(here.db, earlier, here.settings.secret_value())
    emit(done, is_json)
    if done.lost:
        say(f"{done.lost} contacts open with neither secret: enter them again, or find the one they were sealed with")
        raise typer.Exit(1)


@app.command()
def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.")
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same; without tables, or with empty ones.")],
    is_json: JsonOption = False,
) -> None:
    """Copy a whole database into an empty one, also from SQLite to PostgreSQL and back.

    Every table is counted and compared by hash; whatever stops it leaves the target empty. Stop the flows and the page
    first: what is entered meanwhile is not in the copy.
    """
    from bihuan.store.transfer import copy_database

    _require_file(source)
    with closing(Database(source)) as old, closing(Database(target)) as new:
        done = copy_database(old, new, say if sys.stderr.isatty() else lambda _: None)
    rows = sum(table.rows for table in done)
    emit({"rows": rows, "tables": done} if is_json else done, is_json)
    say(f"{rows} rows copied and compared; next: set BIHUAN_DATABASE_URL, keep the secret, `bihuan db check`")


def _require_file(url: str) -> None:
    """Refuse a source that does not exist: SQLite would make it."""
    from sqlalchemy import make_url

    name = (make_url(url).database or "") if url.startswith("sqlite:///") else ""
    if name and not Path(name).is_file():
        raise UsageError(f"there is no file {name}", cure="name the database with sqlite:///FILE")


def _copy(db: Database, file: Path) -> None:
    """Write the copy beside its place first, so that a full disk leaves no half of one."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        copy_sound(db, part)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
