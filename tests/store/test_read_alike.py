"""Several sessions that see one state, whatever others write meanwhile."""

from __future__ import annotations

from sqlalchemy import func, select

from bihuan.store.rows import table_of
from schemas.people import Department

_COUNT = select(func.count()).select_from(table_of(Department))


def hire(db, code):
    with db.write() as session:
        session.add(Department(code=code, name=code))


def test_all_of_them_see_the_state_in_which_they_began(db):
    hire(db, "one")
    with db.read_alike(3) as sessions:
        hire(db, "two")
        assert [session.execute(_COUNT).scalar_one() for session in sessions] == [1, 1, 1]
    with db.read() as session:
        assert session.execute(_COUNT).scalar_one() == 2
