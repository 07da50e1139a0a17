"""Every deadline knows whose its complaint is: however the complaint came there, and wherever it goes."""

from __future__ import annotations

import pytest

from bihuan.services.integrity import inspect_database
from bihuan.store.queries import board
from bihuan.store.queries.sla import status
from schemas.complaint import EventKind
from schemas.deadline import Deadline
from schemas.people import Department


def known_by(office) -> set[str | None]:
    """The departments that the deadlines of complaints name."""
    codes = {row.id: row.code for row in office.rows(Department)} | {None: None}
    return {codes[row.complaint_department_id] for row in office.rows(Deadline)}


def counted(office) -> tuple[list[tuple[str | None, int]], list[tuple[str | None, int]]]:
    """Department and what it is late with: on the board, and in the status."""
    with office.db.read() as session:
        lines = [(line.code, line.overdue) for line in board.by_department(session, office.clock())]
        rows = [(row["department"], row["overdue"]) for row in status(session, office.clock()).by_department]
    return [line for line in lines if line[1]], [row for row in rows if row[1]]


@pytest.fixture
def moved(office):
    """A complaint of the service department, taken in with it."""
    office.department("product")
    office.staff("anna", "service")
    office.staff("paul", "product")
    return office.register("1", department="service", deadlines={"handled": office.after(9)})


@pytest.fixture
def ways(office, moved):
    """How a complaint gets to the product department."""
    return {
        "handed over": lambda: office.record(moved, EventKind.DEPARTMENT_CHANGED, department="product"),
        "assigned": lambda: office.record(moved, EventKind.ASSIGNED, handler="paul"),
        "imported again": lambda: office.take_in(
            office.complaint("1", department="product", deadlines={"handled": office.after(9)})
        ),
    }


@pytest.mark.parametrize("way", ["handed over", "assigned", "imported again"])
def test_a_deadline_goes_with_its_complaint(office, ways, way):
    assert known_by(office) == {"service"}
    office.at = office.after(1)  # the policy assigned it in the minute of its registration
    ways[way]()
    assert known_by(office) == {"product"}
    office.check(20)
    assert counted(office) == ([("product", 1)], [("product", 1)])
    assert inspect_database(office.db, office.policy).is_sound


def test_a_deadline_of_nobodys_complaint_is_nobodys(office):
    office.take_in(office.complaint(department=None, deadlines={"handled": office.after(9)}))
    assert known_by(office) == {None}
    office.check(20)
    assert counted(office) == ([(None, 1)], [(None, 1)])


def test_a_deadline_that_starts_later_knows_it_too(office, moved):
    office.record(moved, EventKind.DEPARTMENT_CHANGED, department="product")
    office.record(moved, EventKind.HANDLED)
    office.record(moved, EventKind.REOPENED)
    assert len({row.round for row in office.rows(Deadline)}) == 2
    assert known_by(office) == {"product"}
