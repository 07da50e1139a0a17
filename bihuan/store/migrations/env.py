"""Alembic's entry: runs on the connection it is handed, inside the caller's transaction."""

from alembic import context
from sqlalchemy import Connection

from schemas.tables import METADATA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
