"""Two looks at one state: in one process or in two, whatever others write meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from bihuan.errors import RefusedError, UnavailableError
from bihuan.store.beside import beside
from bihuan.store.rows import table_of
from schemas.people import Department

_COUNT = select(func.count()).select_from(table_of(Department))
APART = pytest.mark.parametrize("is_apart", [False, True], ids=["shared", "apart"])


def hire(db, code):
    with db.write() as session:
        session.add(Department(code=code, name=code))


def departments(session: Session, factor: int) -> Iterator[tuple[int, int]]:
    """How many there are, looked up twice, and in which process."""
    for _ in range(2):
        yield session.execute(_COUNT).scalar_one() * factor, os.getpid()


def refuse(_: Session) -> Iterator[int]:
    yield 1
    raise RefusedError("not that", cure="something else")


def vanish(_: Session) -> Iterator[int]:
    yield 1
    os._exit(3)


@APART
def test_both_see_the_state_in_which_they_began(db, is_apart):
    hire(db, "one")
    with beside(db, departments, 10, is_apart=is_apart) as (session, told):
        first = session.execute(_COUNT).scalar_one()
        hire(db, "two")
        found = list(told)
        assert (first, session.execute(_COUNT).scalar_one()) == (1, 1)
    assert [count for count, _ in found] == [10, 10]
    assert {process != os.getpid() for _, process in found} == {is_apart}
    with db.read() as session:
        assert session.execute(_COUNT).scalar_one() == 2


@APART
def test_what_the_look_refuses_is_heard_as_it_was_said(db, is_apart):
    with beside(db, refuse, is_apart=is_apart) as (_, told):
        assert next(told) == 1
        with pytest.raises(RefusedError, match="not that - something else") as caught:
            next(told)
    assert (caught.value.what, caught.value.cure) == ("not that", "something else")


def test_a_process_that_goes_away_is_told_of(db):
    with beside(db, vanish) as (_, told):
        assert next(told) == 1
        with pytest.raises(UnavailableError, match="has gone"):
            next(told)


def test_who_stops_listening_leaves_nobody_behind(db):
    with beside(db, departments, 1) as (_, told):
        _, process = next(told)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
