"""Bring a database to the shape this version expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bihuan.store.engine import Database
from schemas.tables import METADATA


def upgrade(db: Database, revision: str = "head") -> str:
    """Apply what is missing, in one transaction; running it again changes nothing.

    Returns:
        The revision the database now stands at.
    """
    with db.write() as session:
        connection = session.connection()
        command.upgrade(_config(connection), revision)
        return current(connection)


def downgrade(db: Database, revision: str) -> None:
    """Take revisions back, down to ``revision`` ("base": all of them)."""
    with db.write() as session:
        command.downgrade(_config(session.connection()), revision)


def current(connection: Connection) -> str:
    """The revision a database stands at; "" where it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def head() -> str:
    """The revision this version expects."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def differences(connection: Connection) -> list[object]:
    """What differs between the tables as they are and as the models say; empty where nothing does."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
