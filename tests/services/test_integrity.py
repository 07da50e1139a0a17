"""Is the database sound: what differs from the log is found, and what may differ is left alone."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bihuan.policy.deadline import DeadlinePolicy
from bihuan.services.integrity import inspect_database
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, EventIn, EventKind, Severity
from schemas.deadline import Deadline

HANDLED = EventKind.HANDLED


def inspect(office):
    return inspect_database(office.db, office.policy)


def spoil(office, statement: str) -> None:
    with office.db.write() as session:
        session.execute(text(statement))


@pytest.fixture
def lived_in(office, complainant):
    """An office in which all kinds of things have happened."""
    office.staff("anna")
    office.register("1", customer=complainant)
    office.register("2", events=(EventIn(kind=HANDLED, occurred_at=office.after(0)),))
    office.take_in(office.complaint("3", deadlines={}), office.complaint("4", hours=-500))
    number = office.register("5", deadlines={"handled": office.after(9)})
    for hour, kind in ((5, HANDLED), (30, EventKind.REOPENED), (100, HANDLED)):
        office.check(hour)
        office.record(number, kind)
    office.record(number, HANDLED, at=office.after(99))
    office.take_in(office.complaint("4", hours=-500, severity=Severity.URGENT))
    return office


def test_a_database_that_was_only_used_is_sound(lived_in):
    report = inspect(lived_in)
    assert report.is_sound, report
    assert (report.complaints, report.deadlines) == (5, len(lived_in.rows(Deadline)))


def test_an_empty_database_is_sound(office):
    report = inspect(office)
    assert (report.is_sound, report.complaints, report.deadlines) == (True, 0, 0)


def test_it_looks_beyond_the_first_page(office, monkeypatch):
    monkeypatch.setattr("bihuan.services.integrity._PAGE", 2)
    office.take_in(*(office.complaint(str(n)) for n in range(5)))
    assert inspect(office).complaints == 5


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE deadline SET due_at = '2030-01-01 00:00:00+00:00' WHERE milestone = 'handled'", "due_at"),
        ("UPDATE deadline SET met_at = due_at WHERE milestone = 'handled'", "met_at"),
        ("UPDATE deadline SET state = 'paused' WHERE milestone = 'handled'", "state"),
        ("DELETE FROM deadline WHERE milestone = 'handled'", "due_at"),
        ("DELETE FROM complaint_event WHERE kind = 'responded'", "met_at"),
        ("UPDATE deadline SET milestone = 'invented' WHERE milestone = 'handled'", "row"),
        ("UPDATE deadline SET complaint_department_id = 7 WHERE milestone = 'handled'", "complaint_department_id"),
    ],
    ids=["due moved", "met made up", "state wrong", "deadline lost", "event lost", "deadline invented", "astray"],
)
def test_what_the_log_does_not_say_is_found(office, statement, name):
    number = office.register()
    office.record(number, EventKind.RESPONDED)
    spoil(office, statement)
    report = inspect(office)
    assert not report.is_sound
    assert any(name in difference for difference in report.differences)


def test_an_index_that_is_missing_is_found(office):
    index = next(index for index in table_of(Complaint).indexes if index.name == "ix_complaint_registered_at")
    index.drop(office.db.engine)
    report = inspect(office)
    index.create(office.db.engine)  # other tests live in the same PostgreSQL
    assert (report.is_sound, len(report.shape_differences)) == (False, 1)


def test_only_the_first_differences_are_listed_and_all_are_counted(office):
    office.take_in(*(office.complaint(str(n), deadlines={"handled": None}) for n in range(60)))
    spoil(office, "UPDATE deadline SET state = 'paused'")
    report = inspect(office)
    assert (report.deadlines_differing, len(report.differences)) == (60, 50)


def test_another_policy_of_today_makes_no_difference_to_what_an_earlier_one_set(lived_in):
    written = lived_in.policy.written()["deadline"]
    written["milestones"]["handled"]["severity"]["general"]["target"] = "30h"
    lived_in.policy = lived_in.policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(written)})
    report = inspect(lived_in)
    assert report.is_sound, report
