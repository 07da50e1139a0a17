"""Complaints with their history become rows, and the same news twice changes nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from bihuan.services.intake import Intake
from schemas.complaint import Channel, ComplaintState, CustomerIn, EventIn, EventKind, Kind, Severity
from schemas.deadline import DeadlineState
from schemas.people import Customer, Department
from schemas.tables import METADATA


def event(office, kind: EventKind, hours: float, **facts) -> EventIn:
    return EventIn(kind=kind, occurred_at=office.after(hours), **facts)


def everything(office) -> dict[str, list[tuple]]:
    """The whole database."""
    with office.db.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        }


def test_a_new_complaint_has_row_log_and_deadlines(office):
    told = office.complaint(title="灯不亮", kind=Kind.PRODUCT, channel=Channel.PHONE)
    assert office.take_in(told) == Intake(created=1)
    (row,) = office.complaints
    assert (row.title, row.kind, row.channel, row.state) == (
        "灯不亮", Kind.PRODUCT, Channel.PHONE, ComplaintState.REGISTERED,
    )  # fmt: skip
    assert row.registered_at == told.registered_at
    assert [line.kind for line in office.events] == [EventKind.REGISTERED]
    assert set(office.deadlines) == {("assigned", 1), ("first_response", 1), ("handled", 1)}


def test_its_number_names_the_day_where_the_installation_is(office):
    office.take_in(office.complaint(hours=15.5))  # 00:30 of the next day in Shanghai
    (row,) = office.complaints
    assert row.number == f"20261117-{row.id:06d}"


def test_history_calls_nobody(office, complainant):
    office.staff("anna")
    office.take_in(office.complaint(customer=complainant))
    assert office.messages == []


def test_a_complaint_with_history_stands_where_its_log_has_brought_it(office):
    office.take_in(office.complaint(events=(
        event(office, EventKind.RESPONDED, 1), event(office, EventKind.HANDLED, 5),
        event(office, EventKind.REOPENED, 30), event(office, EventKind.ASSIGNED, 31),
    )), at=office.after(40))  # fmt: skip
    (row,) = office.complaints
    assert (row.state, row.round, row.handled_at) == (ComplaintState.ASSIGNED, 2, None)
    assert office.deadlines["handled", 1].met_at == office.after(5)
    assert office.deadlines["handled", 2].due_at == office.after(30 + 48)


def test_events_keep_when_they_happened_and_when_they_were_recorded(office):
    office.take_in(office.complaint(events=(event(office, EventKind.HANDLED, 5),)), at=office.after(100))
    assert [(line.occurred_at, line.recorded_at) for line in office.events] == [
        (office.after(0), office.after(100)), (office.after(5), office.after(100)),
    ]  # fmt: skip


def test_the_same_batch_twice_changes_nothing(office, complainant):
    batch = [
        office.complaint("1", customer=complainant, events=(event(office, EventKind.HANDLED, 5),)),
        office.complaint("2", hours=1, deadlines={"handled": office.after(9)}, handler="nobody-we-know"),
        office.complaint("3", hours=2, deadlines={}, department=None, attributes={"TYPE": "坑洞", "n": 1}),
    ]
    office.take_in(*batch)
    before = everything(office)
    assert office.take_in(*batch, at=office.after(50)) == Intake(unchanged=3)
    assert everything(office) == before


def test_new_events_of_a_known_complaint_are_added(office):
    office.take_in(office.complaint())
    later = office.complaint(events=(event(office, EventKind.RESPONDED, 1), event(office, EventKind.HANDLED, 5)))
    assert office.take_in(later, at=office.after(6)) == Intake(updated=1)
    (row,) = office.complaints
    assert (row.state, row.handled_at) == (ComplaintState.HANDLED, office.after(5))
    assert office.deadlines["first_response", 1].met_at == office.after(1)
    assert office.deadlines["satisfaction_follow_up", 1].state is DeadlineState.RUNNING


def test_only_what_is_new_of_a_longer_history_is_added(office):
    responded = event(office, EventKind.RESPONDED, 1)
    office.take_in(office.complaint(events=(responded,)))
    office.take_in(office.complaint(events=(responded, event(office, EventKind.HANDLED, 5))), at=office.after(6))
    assert [line.kind for line in office.events] == [EventKind.REGISTERED, EventKind.RESPONDED, EventKind.HANDLED]


def test_a_log_that_says_one_thing_twice_holds_it_once(office):
    twice = event(office, EventKind.HANDLED, 5)
    office.take_in(office.complaint(events=(twice, twice)))
    assert office.take_in(office.complaint(events=(twice, twice))) == Intake(unchanged=1)
    assert [line.kind for line in office.events] == [EventKind.REGISTERED, EventKind.HANDLED]


def test_facts_the_source_states_differently_are_amended_and_logged(office):
    office.take_in(office.complaint(title="before", region="north"))
    assert office.take_in(office.complaint(title="after", region="north"), at=office.after(3)) == Intake(updated=1)
    (row,) = office.complaints
    assert (row.title, row.region) == ("after", "north")
    assert (office.events[-1].kind, office.events[-1].data) == (EventKind.AMENDED, {"fields": ["title"]})


def test_a_severity_changed_here_stays_until_the_source_says_otherwise(office):
    office.record(office.register("1"), EventKind.SEVERITY_CHANGED, severity="urgent")
    office.at = office.after(1)
    assert office.take_in(office.complaint("1")).unchanged == 1
    assert office.complaints[0].severity is Severity.URGENT
    assert office.deadlines["handled", 1].due_at == office.after(24)
    office.take_in(office.complaint("1", severity=Severity.MAJOR), at=office.after(2))
    assert office.complaints[0].severity is Severity.MAJOR


def test_a_severity_that_a_history_changes_is_that_of_the_complaint(office):
    raised = EventIn(kind=EventKind.SEVERITY_CHANGED, occurred_at=office.after(0), data={"severity": "urgent"})
    office.take_in(office.complaint("1", events=(raised,)))
    assert office.complaints[0].severity is Severity.URGENT
    assert office.take_in(office.complaint("1", events=(raised,))).unchanged == 1


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (EventKind.SEVERITY_CHANGED, {}),
        (EventKind.SEVERITY_CHANGED, {"severity": "grave"}),
        (EventKind.DEPARTMENT_CHANGED, {"department": ""}),
        (EventKind.MERGED, {"into": 7}),
    ],
)
def test_an_event_that_does_not_say_what_changed_is_refused(office, kind, data):
    with pytest.raises(ValidationError):
        EventIn(kind=kind, occurred_at=office.at, data=data)


def test_an_amended_severity_moves_what_is_still_open(office):
    office.take_in(office.complaint(severity=Severity.GENERAL))
    office.take_in(office.complaint(severity=Severity.URGENT), at=office.after(0.1))
    assert office.deadlines["handled", 1].due_at == office.after(24)
    assert office.deadlines["first_response", 1].due_at == office.after(0.5)


def test_an_amended_promise_moves_its_deadline(office):
    office.take_in(office.complaint(deadlines={"handled": office.after(9)}))
    office.take_in(office.complaint(deadlines={"handled": office.after(20)}), at=office.after(1))
    assert office.deadlines["handled", 1].due_at == office.after(20)


def test_a_promise_taken_back_cancels_its_deadline(office):
    office.take_in(office.complaint(deadlines={"handled": office.after(9)}))
    office.take_in(office.complaint(deadlines={}), at=office.after(1))
    one = office.deadlines["handled", 1]
    assert (one.state, one.cancelled_at, one.next_at) == (DeadlineState.CANCELLED, office.after(1), None)


def test_facts_that_go_back_and_forth_are_amended_each_time(office):
    for hour, title in enumerate(("a", "b", "a", "b")):
        office.take_in(office.complaint(title=title), at=office.after(hour))
    assert office.complaints[0].title == "b"
    assert [line.kind for line in office.events].count(EventKind.AMENDED) == 3


def test_a_complaint_twice_in_a_batch_is_one_complaint_with_the_news_of_both(office):
    batch = (
        office.complaint(title="first"),
        office.complaint(title="then", events=(event(office, EventKind.HANDLED, 5),)),
    )
    assert office.take_in(*batch) == Intake(created=1, updated=1)
    (row,) = office.complaints
    assert (row.title, row.state) == ("then", ComplaintState.HANDLED)


def test_the_same_id_of_another_source_is_another_complaint(office):
    assert office.take_in(office.complaint(source="desk"), office.complaint(source="shop")).created == 2


def test_complaints_without_an_id_are_never_taken_for_one_another(office):
    assert office.take_in(office.complaint(None), office.complaint(None)) == Intake(created=2)


def test_customers_and_departments_are_made_once(office, complainant):
    one = {"customer": complainant, "department": "new"}
    office.take_in(office.complaint("1", **one), office.complaint("2", **one))
    office.take_in(office.complaint("3", **one))
    assert [row.code for row in office.rows(Department)] == ["service", "new"]
    (customer,) = office.rows(Customer)
    assert {row.customer_id for row in office.complaints} == {customer.id}


def test_customers_without_an_id_are_known_by_their_complaint(office):
    office.take_in(*(office.complaint(number, customer=CustomerIn(name="王女士")) for number in ("1", "2", None, None)))
    assert len(office.rows(Customer)) == 4


def test_the_same_customer_id_of_another_source_is_another_customer(office, complainant):
    office.take_in(*(office.complaint(source=source, customer=complainant) for source in ("desk", "shop")))
    assert [row.source for row in office.rows(Customer)] == ["desk", "shop"]


def test_a_contact_is_stored_sealed(office, complainant):
    office.take_in(office.complaint(customer=complainant))
    (customer,) = office.rows(Customer)
    assert customer.sealed_contact
    assert "example.com" not in customer.sealed_contact


def test_an_event_before_registration_is_kept_and_counted_as_clock_skew(office):
    skewed = office.complaint("1", events=(event(office, EventKind.HANDLED, -0.005),))
    assert office.take_in(skewed, office.complaint("2")) == Intake(created=2, clock_skew=1)
    assert office.complaints[0].handled_at == office.after(-0.005)
    assert office.deadlines["handled", 1].state is not None


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({}, ["customer", "matter", "demand", "kind"]),
        ({"matter": "它坏了", "kind": Kind.PRODUCT}, ["customer", "demand"]),
        ({"customer": CustomerIn(name="王女士"), "matter": "它坏了", "demand": "换", "kind": Kind.PRODUCT}, []),
    ],
    ids=["nothing told", "half told", "all told"],
)
def test_missing_elements_are_marked_and_nothing_is_dropped(office, facts, missing):
    assert office.take_in(office.complaint(**facts)).created == 1
    assert office.complaints[0].missing == missing


def test_an_element_that_comes_later_is_no_longer_missing(office):
    office.take_in(office.complaint())
    office.take_in(office.complaint(matter="它坏了"), at=office.after(1))
    assert office.complaints[0].missing == ["customer", "demand", "kind"]


def test_a_handler_the_register_knows_handles_it(office):
    anna = office.staff("anna")
    office.take_in(office.complaint(handler="anna"))
    assert f"staff:{office.complaints[0].handler_id}" == anna


def test_an_unknown_handler_is_kept_among_the_attributes(office):
    office.take_in(office.complaint(handler="QUEUE-7", attributes={"TYPE": "坑洞"}))
    (row,) = office.complaints
    assert (row.handler_id, row.attributes) == (None, {"TYPE": "坑洞", "handler": "QUEUE-7"})


def test_a_handler_the_register_comes_to_know_takes_over_at_the_next_import(office):
    office.take_in(office.complaint(handler="anna"))
    anna = office.staff("anna")
    assert office.take_in(office.complaint(handler="anna"), at=office.after(1)).updated == 1
    assert f"staff:{office.complaints[0].handler_id}" == anna


def test_a_source_that_names_nobody_does_not_take_our_handler_away(office):
    office.staff("anna")
    number = office.register("1", kind=Kind.SERVICE)
    office.take_in(office.complaint("1", kind=Kind.SERVICE, department=None), at=office.after(1))
    (row,) = office.complaints
    assert row.number == number
    assert row.handler_id is not None
    assert row.department_id is not None


def test_importing_again_does_not_undo_an_assignment_made_here(office):
    """Every night's file still names the handler it always named; whoever was assigned by day stays."""
    office.staff("anna")
    ben = office.staff("ben", "service")
    office.take_in(office.complaint(handler="anna"))
    office.record(office.complaints[0].number, EventKind.ASSIGNED, handler="ben")
    assert office.take_in(office.complaint(handler="anna"), at=office.after(12)) == Intake(unchanged=1)
    assert f"staff:{office.complaints[0].handler_id}" == ben


def test_a_source_that_now_names_another_handler_is_followed(office):
    office.staff("anna")
    ben = office.staff("ben")
    office.take_in(office.complaint(handler="anna"))
    assert office.take_in(office.complaint(handler="ben"), at=office.after(12)) == Intake(updated=1)
    assert f"staff:{office.complaints[0].handler_id}" == ben


def test_an_empty_batch_is_nothing(office):
    assert office.take_in() == Intake()


def test_a_large_batch_is_taken_in_one_go(office):
    batch = [office.complaint(str(n), events=(event(office, EventKind.HANDLED, 5),)) for n in range(2000)]
    assert office.take_in(*batch).created == 2000
    assert office.take_in(*batch, at=office.after(9)).unchanged == 2000


def test_a_complainant_who_becomes_known_later_is_added(office, complainant):
    office.take_in(office.complaint())
    assert office.take_in(office.complaint(customer=complainant)).updated == 1
    (row,) = office.complaints
    assert row.customer_id is not None
    assert "customer" not in row.missing
    assert office.take_in(office.complaint(customer=complainant)).unchanged == 1
