"""The fatigue guard, over any stream of touchpoints and complaints: nobody is asked too often, nothing is lost."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bihuan.services.survey import follow_up
from bihuan.services.touchpoint import take_touchpoints
from bihuan.store.rows import table_of
from schemas.complaint import ComplaintIn, CustomerIn, EventIn, EventKind
from schemas.outbox import MessageState
from schemas.people import Customer
from schemas.survey import Invitation, InvitationState
from schemas.touchpoint import TouchpointIn

EVERY = timedelta(days=30)
KINDS = ("order_completed", "after_sales_done")
EXAMPLES = count()
_I = table_of(Invitation).c

hours = st.integers(0, 24 * 75)
people = st.integers(0, 1)
touches = st.tuples(hours, people, st.sampled_from(KINDS), st.integers(0, 24 * 5))
"""When it is told, of whom, what, and how many hours before that it happened."""
handlings = st.tuples(hours, people, st.just(EventKind.HANDLED), st.just(0))
streams = st.lists(touches | touches | handlings, min_size=1, max_size=14)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough for what the rules decide; its statements run on both in the other tests."""
    return sqlite_url


def happens(office: Any, name: str, stream: list[tuple]) -> None:
    """Live through the stream: sweep whenever something is told or comes due, until nothing is."""
    for number, (hour, person, kind, age) in enumerate(sorted(stream, key=lambda one: one[0])):
        sweep_until(office, office.after(hour))
        office.at = office.after(hour)
        told = {"source": name, "external_id": str(number)}
        contact = {"contact_url": f"mailto://127.0.0.1/?to={name.replace(' ', '')}.{person}@example.com"}
        with office.db.write() as session:
            if kind in KINDS:
                one = TouchpointIn(kind=kind, customer_id=str(person), occurred_at=office.at - timedelta(hours=age),
                                   **told, **contact)  # fmt: skip
                take_touchpoints(session, office.policy, office.settings, office.clock, [one])
        if kind is EventKind.HANDLED:
            handled = EventIn(kind=kind, occurred_at=office.at)
            office.take_in(ComplaintIn(
                registered_at=office.at - timedelta(hours=1), customer=CustomerIn(external_id=str(person), **contact),
                events=(handled,), department="service", **told,
            ))  # fmt: skip
        sweep(office)
    sweep_until(office, office.after(24 * 130))


def sweep_until(office: Any, until: datetime) -> None:
    while (due := next_due(office)) is not None and due <= until:
        office.at = max(office.at, due)
        sweep(office)


def next_due(office: Any) -> datetime | None:
    waiting = _I.state.in_([InvitationState.PLANNED, InvitationState.INVITED])
    with office.db.read() as session:
        return session.execute(select(func.min(_I.next_at)).where(waiting)).scalar()


def sweep(office: Any) -> None:
    follow_up(office.db, office.policy, office.settings, office.at)
    office.deliver()


@given(streams)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_asked_unsolicited_twice_in_thirty_days_and_every_touchpoint_is_accounted_for(office, stream):
    name = f"example {next(EXAMPLES)}"
    office.at = office.after(0)
    happens(office, name, stream)
    mine = {row.id for row in office.rows(Customer) if row.source == name}
    rows = [row for row in office.rows(Invitation) if row.customer_id in mine]
    letters, unasked = defaultdict(list), defaultdict(list)
    for row in rows:
        if row.contacted_at:
            letters[row.customer_id].append(row.contacted_at)
            if row.subject_kind == "touchpoint":
                unasked[row.customer_id].append(row)
    for person, asked in unasked.items():
        for row in asked:
            before = [at for at in letters[person] if at < row.contacted_at]
            assert all(at + EVERY <= row.contacted_at for at in before), (person, row.contacted_at, before)
        assert len({row.contacted_at for row in asked}) == len(asked)
    messages = {row.invitation_id: row for row in office.messages if row.invitation_id}
    told = [row for row in rows if row.subject_kind == "touchpoint"]
    assert len(told) == sum(one[2] in KINDS for one in stream)
    for row in told:
        if row.state is InvitationState.SUPPRESSED:
            message = messages[row.id]
            assert (message.state, message.reason) == (MessageState.SUPPRESSED, row.reason)
            assert row.reason in {"fatigue", "too_late"}
        else:
            assert (row.state, messages[row.id].state) == (InvitationState.EXPIRED, MessageState.SENT)
    assert office.audit().holds
