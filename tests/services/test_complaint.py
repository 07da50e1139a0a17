"""One complaint at a time: registered once with all that belongs to it, and its log kept sensible."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services.complaint import record, register
from bihuan.store.engine import Database
from schemas.complaint import ComplaintIn, ComplaintState, CustomerIn, EventIn, EventKind, Kind, Severity
from schemas.deadline import DeadlineState
from schemas.outbox import Audience, MessageState, Notice
from schemas.people import Customer, Department

ASSIGNED, RESPONDED, HANDLED, REOPENED, CLOSED = (
    EventKind.ASSIGNED,
    EventKind.RESPONDED,
    EventKind.HANDLED,
    EventKind.REOPENED,
    EventKind.CLOSED,
)


def kinds(office) -> list[EventKind]:
    return [line.kind for line in office.events]


def only(office):
    (row,) = office.complaints
    return row


# --- register ---


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"kind": Kind.PRODUCT}, "product"),
        ({}, "front_desk"),
        ({"kind": Kind.PRODUCT, "severity": Severity.MAJOR}, "special_group"),
    ],
    ids=["by kind", "by default", "major"],
)
def test_policy_names_the_department_of_a_complaint_that_names_none(office, policy, facts, code):
    office.register(department=None, **facts)
    department = next(row for row in office.rows(Department) if row.id == only(office).department_id)
    names = policy.routing.departments[code]
    assert (department.code, department.name, department.name_en) == (code, names.zh, names.en)


def test_a_department_that_was_named_here_keeps_its_name(office):
    office.register(kind=Kind.SERVICE, department=None)
    assert [(row.code, row.name) for row in office.rows(Department)] == [("service", "service 部")]


def test_the_handler_with_the_fewest_open_complaints_gets_it(office):
    anna, ben = office.staff("anna"), office.staff("ben")
    office.register("1", handler="anna")
    office.register("2")
    assert [f"staff:{row.handler_id}" for row in office.complaints] == [anna, ben]


def test_what_policy_assigned_stands_in_the_log(office):
    office.staff("anna")
    office.register()
    line = office.events[-1]
    assert (line.kind, line.occurred_at, line.actor, line.data) == (ASSIGNED, office.at, "policy", {"handler": "anna"})
    assert only(office).state is ComplaintState.ASSIGNED
    assert office.deadlines["assigned", 1].met_at == office.at


def test_a_complaint_that_names_its_handler_is_not_assigned_again(office):
    office.staff("anna")
    ben = office.staff("ben")
    office.register(handler="ben")
    assert f"staff:{only(office).handler_id}" == ben
    assert ASSIGNED not in kinds(office)


def test_where_nobody_is_there_it_waits_for_assignment(office):
    office.register()
    assert (only(office).handler_id, only(office).state) == (None, ComplaintState.REGISTERED)
    assert office.deadlines["assigned", 1].state is DeadlineState.RUNNING


def test_a_complaint_that_comes_handled_is_not_assigned(office):
    office.staff("anna")
    office.at = office.after(9)
    office.register(hours=0, events=(EventIn(kind=HANDLED, occurred_at=office.after(5)),))
    assert kinds(office) == [EventKind.REGISTERED, HANDLED]


def test_one_receipt_is_planned_for_who_can_be_reached(office, complainant):
    office.register(customer=complainant)
    (message,) = office.messages
    assert (message.notice, message.audience, message.state) == (
        Notice.RECEIPT,
        Audience.CUSTOMER,
        MessageState.PLANNED,
    )
    assert (message.recipient, message.next_at) == (f"customer:{only(office).customer_id}", office.at)


@pytest.mark.parametrize("customer", [None, CustomerIn(name="王女士")], ids=["anonymous", "no contact"])
def test_who_cannot_be_reached_gets_no_receipt(office, customer):
    office.register(customer=customer)
    assert office.messages == []


def test_the_same_external_id_is_the_same_number_and_one_receipt(office, complainant):
    office.staff("anna")
    first = office.register("1", customer=complainant)
    before = (office.complaints, office.events, office.messages)
    office.at = office.after(1)
    assert office.register("1", hours=0, customer=complainant) == first
    assert (office.complaints, office.events, office.messages) == before


def test_registering_again_does_not_move_it_back_to_the_department_policy_names(office):
    office.department("product")
    ben = office.staff("ben", "product")
    number = office.register("1", department=None, kind=Kind.SERVICE)
    office.record(number, ASSIGNED, handler="ben")
    moved = only(office)
    office.register("1", department=None, kind=Kind.SERVICE)
    assert only(office) == moved
    assert f"staff:{moved.handler_id}" == ben


def test_complaints_without_an_id_are_registered_each(office):
    assert office.register(None) != office.register(None)


def register_at_once(office, url: str, *told: ComplaintIn) -> list[str]:
    """Each from a process of its own, as far as the database can tell; their numbers."""
    start = Barrier(len(told))

    def work(complaint: ComplaintIn) -> str:
        own = Database(url)
        try:
            start.wait()
            with own.write() as session:
                return register(session, office.policy, office.settings, office.clock, complaint)
        finally:
            own.close()

    with ThreadPoolExecutor(len(told)) as pool:
        return list(pool.map(work, told))


def test_two_who_register_at_once_make_their_department_and_customer_once(office, database_url, complainant):
    told = [office.complaint(number, department="new", customer=complainant) for number in ("1", "2")]
    assert len(set(register_at_once(office, database_url, *told))) == 2
    assert [row.code for row in office.rows(Department)] == ["service", "new"]
    assert len(office.rows(Customer)) == 1


def test_two_who_register_the_same_complaint_at_once_get_one_number_and_one_receipt(office, database_url, complainant):
    told = office.complaint("1", customer=complainant)
    assert len(set(register_at_once(office, database_url, told, told))) == 1
    assert len(office.messages) == 1


# --- record ---


def test_a_complaint_goes_its_way(office):
    number = office.register()
    for hour, kind, state in (
        (1, ASSIGNED, ComplaintState.ASSIGNED),
        (2, RESPONDED, ComplaintState.RESPONDED),
        (5, HANDLED, ComplaintState.HANDLED),
        (6, CLOSED, ComplaintState.CLOSED),
    ):
        office.at = office.after(hour)
        office.record(number, kind)
        assert only(office).state is state
    assert only(office).handled_at == office.after(5)


def test_what_is_recorded_meets_its_deadlines(office):
    number = office.register()
    office.at = office.after(1)
    office.record(number, RESPONDED)
    met = {name for (name, _), row in office.deadlines.items() if row.met_at == office.after(1)}
    assert met == {"assigned", "first_response"}


def test_handling_opens_the_next_milestones(office):
    number = office.register()
    office.at = office.after(5)
    office.record(number, HANDLED)
    assert office.deadlines["result_feedback", 1].due_at == office.after(5 + 24)
    assert office.deadlines["satisfaction_follow_up", 1].due_at == office.after(5 + 72)


def test_reopening_begins_a_round(office):
    number = office.register()
    for hour, kind in ((5, HANDLED), (30, REOPENED)):
        office.at = office.after(hour)
        office.record(number, kind)
    row = only(office)
    assert (row.state, row.round, row.handled_at) == (ComplaintState.ASSIGNED, 2, None)
    assert office.deadlines["handled", 2].due_at == office.after(30 + 48)
    assert office.deadlines["satisfaction_follow_up", 1].state is DeadlineState.CANCELLED


def test_an_assignment_names_handler_and_department(office):
    product = office.department("product")
    ben = office.staff("ben", "product")
    number = office.register()
    office.record(number, ASSIGNED, handler="ben")
    assert (f"staff:{only(office).handler_id}", only(office).department_id) == (ben, product)


def test_an_assignment_to_nobody_known_is_refused(office):
    number = office.register()
    with pytest.raises(UsageError, match="no staff 'zoe'"):
        office.record(number, ASSIGNED, handler="zoe")
    assert kinds(office) == [EventKind.REGISTERED]


@pytest.mark.parametrize(
    ("history", "kind"),
    [
        ((), REOPENED),
        ((), EventKind.RESULT_TOLD),
        ((RESPONDED,), EventKind.FOLLOWED_UP),
        ((HANDLED,), RESPONDED),
        ((HANDLED,), ASSIGNED),
        ((HANDLED, CLOSED), CLOSED),
        ((), EventKind.REGISTERED),
        ((), EventKind.AMENDED),
    ],
    ids=str,
)
def test_news_that_make_no_sense_are_refused_with_what_would(office, history, kind):
    number = office.register()
    for hour, past in enumerate((*history, None), start=1):
        office.at = office.after(hour)
        if past:
            office.record(number, past)
    before = office.events
    with pytest.raises(RefusedError, match="makes no sense") as refused:
        office.record(number, kind)
    assert refused.value.cure.startswith("possible: ")
    assert office.events == before


def test_news_from_the_future_are_refused(office):
    number = office.register()
    with pytest.raises(UsageError, match="future"):
        office.record(number, HANDLED, at=office.after(1))


def test_an_unknown_number_is_refused(office):
    with pytest.raises(UsageError, match="no complaint '1'"):
        office.record("1", HANDLED)


def test_back_dated_news_count_from_when_they_happened(office):
    number = office.register()
    office.at = office.after(60)
    office.record(number, HANDLED, at=office.after(5))
    assert only(office).handled_at == office.after(5)
    assert office.deadlines["result_feedback", 1].due_at == office.after(29)
    assert (office.events[-1].occurred_at, office.events[-1].recorded_at) == (office.after(5), office.after(60))


def test_back_dated_news_are_judged_by_how_things_stood_then(office):
    """Handled on Tuesday, and only then does somebody enter that they answered on Monday."""
    number = office.register()
    office.at = office.after(24)
    office.record(number, HANDLED)
    office.record(number, RESPONDED, at=office.after(1))
    assert only(office).state is ComplaintState.HANDLED
    assert office.deadlines["first_response", 1].met_at == office.after(1)


def test_an_earlier_handling_that_comes_to_light_moves_what_it_started(office):
    number = office.register()
    office.at = office.after(24)
    office.record(number, HANDLED)
    office.record(number, HANDLED, at=office.after(20))
    assert only(office).handled_at == office.after(20)
    assert office.deadlines["result_feedback", 1].due_at == office.after(44)


@pytest.mark.parametrize("kind", [RESPONDED, HANDLED])
def test_the_same_news_twice_change_nothing(office, kind):
    number = office.register()
    office.record(number, kind)
    before = (office.complaints, office.events, office.deadlines)
    office.record(number, kind)
    assert (office.complaints, office.events, office.deadlines) == before


def test_a_form_sent_twice_is_known_by_its_key_though_time_went_on(office):
    number = office.register()
    for hour in (1, 2):
        office.at = office.after(hour)
        event = EventIn(kind=HANDLED, occurred_at=office.at, key="web:form-1")
        with office.db.write() as session:
            record(session, office.policy, office.clock, number, event)
    assert kinds(office) == [EventKind.REGISTERED, HANDLED]
    assert only(office).handled_at == office.after(1)


def test_a_refused_record_leaves_nothing_of_its_transaction(office):
    number = office.register()

    def both() -> None:
        with office.db.write() as session:
            for kind in (HANDLED, RESPONDED):
                record(session, office.policy, office.clock, number, EventIn(kind=kind, occurred_at=office.at))

    with pytest.raises(RefusedError):
        both()
    assert kinds(office) == [EventKind.REGISTERED]
    assert only(office).state is ComplaintState.REGISTERED
