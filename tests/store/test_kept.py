"""The millions of the benchmark stand as the product counts them: closed, open, overdue and due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from benchmarks.ground import NOW
from benchmarks.kept import forget_after, keep_closed, keep_due, keep_open, last_id, model
from benchmarks.table import table
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.store.queries import board
from bihuan.store.queries.sla import SlaStatus, status
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline

_OPENED = 100


@pytest.fixture
def kept(db):
    """One copy of the closed ones and a hundred open ones."""
    if db.is_sqlite:
        pytest.skip("the copies are made by PostgreSQL's own SQL; on SQLite nobody keeps ten million")
    model(db)
    keep_closed(db, 1)
    keep_open(db, _OPENED)
    return db


def stood(db) -> SlaStatus:
    with db.read() as session:
        return status(session, NOW)


def test_copies_stand_as_the_product_counts_them(kept):
    found = stood(kept)
    assert found.open >= _OPENED
    assert 0 < found.overdue <= found.open // 5
    assert found.breached > found.overdue
    with kept.read() as session:
        total = sum(board.by_department(session, NOW), board.Figures())
        closed = session.execute(select(func.count()).where(table_of(Complaint).c.handled_at.is_not(None))).scalar_one()
        logged = session.execute(select(func.count()).select_from(table_of(ComplaintEvent))).scalar_one()
    assert (total.open, total.overdue, total.breached) == (found.open, found.overdue, found.breached)
    assert closed > found.open
    assert logged > closed


def test_nothing_is_due_before_it_is_asked_for_and_then_just_that(kept):
    policy = load_policy(None)
    assert check_all(kept, policy, NOW).decided == 0
    before, last = stood(kept), last_id(kept)
    count = keep_due(kept, 50, NOW)
    done = check_all(kept, policy, NOW)
    assert (done.breached, done.decided) == (count, count)
    assert stood(kept).breached == before.breached + count
    forget_after(kept, last)
    assert stood(kept) == before


def test_every_copy_has_promises_of_its_own(kept):
    d = table_of(Deadline).c
    with kept.read() as session:
        running = select(func.count(), func.count(d.subject_id.distinct())).where(d.met_at.is_(None), d.due_at > NOW)
        deadlines, complaints = session.execute(running.where(d.cancelled_at.is_(None))).one()
        soonest = session.execute(select(func.min(d.next_at))).scalar_one()
    assert deadlines == complaints >= _OPENED - _OPENED // 20
    assert soonest > NOW + timedelta(minutes=30)


def test_every_figure_of_every_result_stands_in_the_table(tmp_path):
    (tmp_path / "b.json").write_text('{"benchmark": "b", "python": "3.11.7", "few | many": "0 | 0"}', "utf-8")
    (tmp_path / "a.json").write_text('{"benchmark": "a", "ratio": 2.34567, "open": 20000, "seconds": 1234.5}', "utf-8")
    assert table(tmp_path).splitlines() == [
        "| benchmark | figure | value |",
        "| --- | --- | ---: |",
        "| **a** |  | |",
        "| a | ratio | 2.35 |",
        "| a | open | 20,000 |",
        "| a | seconds | 1,234 |",
        "| **b** | 3.11.7 | |",
        "| b | few \\| many | 0 \\| 0 |",
    ]
