"""What every table shares: the metadata with stable constraint names, and the column types of ids and documents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String, TypeDecorator
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

Id = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit on PostgreSQL; plain INTEGER on SQLite, where only that spelling makes a row id."""
GREATEST_ID = 2**63 - 1

Document = JSON(none_as_null=True)
"""A small JSON value; no query looks inside it, but for the sources' verdicts in the log and the choices in answers."""


def no_items() -> list[Any]:
    """An empty list, for ``default_factory``.

    Pydantic reads the signature of what makes a default anew for each row: that of ``list`` is parsed from its
    docstring, which takes longer than all the rest of making the row.
    """
    return []


def no_entries() -> dict[str, Any]:
    """An empty document, for ``default_factory``: see `no_items`."""
    return {}


class Word(TypeDecorator[str]):
    """A StrEnum stored as its value: readable in SQL, and a new member needs no migration."""

    impl = String
    cache_ok = True

    def __init__(self, enum: type[Any], length: int = 32) -> None:
        """Store members of ``enum`` in a column of ``length`` characters."""
        self.enum = enum
        super().__init__(length)

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Refuse a word the enum does not know before it reaches the database."""
        return None if value is None else str((value if type(value) is self.enum else self.enum(value)).value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        """Give the member back."""
        return None if value is None else self.enum(value)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Compare as the same type, so that a literal binds as its word."""
        return self
