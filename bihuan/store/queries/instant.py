"""Instants as numbers, which both databases compare and subtract alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, case, cast, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class Seconds(GenericFunction[float]):
    """An instant as seconds since an epoch of the database's own, exact to a few hundredths of a millisecond: quick."""

    type = Float()
    inherit_cache = True


class Microseconds(GenericFunction[int]):
    """An instant as whole microseconds since 1970, exact."""

    type = BigInteger()
    inherit_cache = True


@compiles(Seconds, "sqlite")
def _seconds_in_sqlite(element: Seconds, compiler: Any, **how: Any) -> str:
    return f"((julianday({compiler.process(element.clauses, **how)}) - 2440587.5) * 86400)"


@compiles(Microseconds, "sqlite")
def _microseconds_in_sqlite(element: Microseconds, compiler: Any, **how: Any) -> str:
    """Text of 26 characters, the second and its fraction apart; twice as quick as strftime."""
    at = compiler.process(element.clauses, **how)
    seconds = f"CAST(round((julianday(substr({at}, 1, 19)) - 2440587.5) * 86400) AS INTEGER)"
    return f"({seconds} * 1000000 + substr({at}, 21, 6))"


@compiles(Seconds, "postgresql")
def _seconds_in_postgresql(element: Seconds, compiler: Any, **how: Any) -> str:
    return f"CAST(extract(epoch FROM {compiler.process(element.clauses, **how)}) AS DOUBLE PRECISION)"


@compiles(Microseconds, "postgresql")
def _microseconds_in_postgresql(element: Microseconds, compiler: Any, **how: Any) -> str:
    return f"CAST(extract(epoch FROM {compiler.process(element.clauses, **how)}) * 1000000 AS BIGINT)"


def minutes(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[int]:
    """From one instant to another, to the nearest minute; 0 where a source's clock puts the end first."""
    found = cast(func.round((Seconds(end) - Seconds(start)) / 60), BigInteger)
    return case((found < 0, 0), else_=found)
