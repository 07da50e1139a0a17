"""Dossiers of improvement items: each is what it is alone, and many cost as many statements as one."""

from __future__ import annotations

from sqlalchemy import event
from sqlmodel import select

from bihuan.services.dossier import dossier, dossiers
from bihuan.services.item import draft
from schemas.item import Item


def statements(works, act):
    """How many statements an act takes."""
    said = []
    engine = works.office.db.engine
    event.listen(engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    with works.office.db.read() as session:
        items = session.exec(select(Item).order_by(Item.number)).all()
        said.clear()
        act(session, items)
    return len(said)


def test_many_are_read_by_as_many_statements_as_one_and_each_is_what_it_is_alone(works):
    approved = works.approved()
    cycle = works.show(approved)["cycle"]
    for name in ("late parts", "rude calls", "no parking"):
        works(draft, cycle, "qian", {"name": name, "owner": "li"})
    one = statements(works, lambda session, items: dossiers(session, items[:1]))
    assert statements(works, dossiers) == one
    with works.office.db.read() as session:
        items = session.exec(select(Item).order_by(Item.number)).all()
        assert dossiers(session, items) == [dossier(session, item) for item in items]
        assert [len(file.measures) > 0 for file in dossiers(session, items)] == [True, False, False, False]
