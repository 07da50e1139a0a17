"""An importer that repeats itself and mixes up the order: in the end all stands as if it had told it straight."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.crew import Crew, Order
from bihuan.clock import fixed
from bihuan.services.intake import take_in
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, ComplaintEvent, ComplaintIn, CustomerIn, EventIn, EventKind
from schemas.deadline import Deadline

pytestmark = pytest.mark.long

LIFE = {
    EventKind.RESPONDED: 30, EventKind.WAITING: 40, EventKind.RESUMED: 60, EventKind.HANDLED: 90,
    EventKind.REOPENED: 150,
}  # fmt: skip
"""What becomes of each complaint, minutes after its registration; of every third, only as far as its first answer."""
MINUTE = timedelta(minutes=1)
LATE = 60
OWN = ("first_response", "handled")
_C, _V, _D = table_of(Complaint).c, table_of(ComplaintEvent).c, table_of(Deadline).c


def _told(house: Any, number: int) -> ComplaintIn:
    """The complaint with its whole life."""
    at = house.at + number * MINUTE
    kinds = list(LIFE)[: 1 if number % 3 == 0 else None]
    data: dict[EventKind, dict[str, Any]] = {EventKind.WAITING: {"reason": "parts"}}
    events = (EventIn(kind=kind, occurred_at=at + LIFE[kind] * MINUTE, data=data.get(kind, {})) for kind in kinds)
    return ComplaintIn(
        source="chaos", external_id=str(number), registered_at=at, department="service",
        handler=("li", "wang")[number % 2], events=tuple(events),
        customer=CustomerIn(external_id=f"c{number}", contact_url=house.address(f"customer{number}")),
    )  # fmt: skip


def _straight(whole: ComplaintIn) -> Iterator[tuple[datetime, ComplaintIn]]:
    """Each event by itself, when it happens."""
    yield whole.registered_at, whole.model_copy(update={"events": ()})
    for event in whole.events:
        yield event.occurred_at, whole.model_copy(update={"events": (event,)})


def _garbled(whole: ComplaintIn, dice: random.Random) -> Iterator[tuple[datetime, ComplaintIn]]:
    """Up to an hour late, in any order, alone or with others, and most of it twice."""
    for _ in range(3):
        events = [event for event in whole.events if dice.random() < 2 / 3]
        dice.shuffle(events)
        last = max((event.occurred_at for event in events), default=whole.registered_at)
        yield last + dice.randrange(LATE) * MINUTE, whole.model_copy(update={"events": tuple(events)})
    yield max(event.occurred_at for event in whole.events) + LATE * MINUTE, whole


def _import(house: Any, crew: Crew, said: list[tuple[datetime, ComplaintIn]], dice: random.Random) -> None:
    waiting = sorted(said, key=lambda one: one[0])
    while waiting:
        house.goes_on()
        now = [complaint for at, complaint in waiting if at <= house.at]
        waiting = waiting[len(now) :]
        dice.shuffle(now)
        with house.db.write() as session:
            take_in(session, house.policy, house.settings, fixed(house.at), now)
        crew.sweep(Order(house.at, limit=7))


def _standing(house: Any) -> set[tuple[Any, ...]]:
    of = table_of(Deadline).join(table_of(Complaint), _C.id == _D.subject_id)
    columns = (_C.external_id, _C.state, _D.milestone, _D.round, _D.due_at, _D.met_at, _D.cancelled_at, _D.state)
    with house.db.read() as session:
        return set(map(tuple, session.execute(select(*columns).select_from(of).where(_D.milestone.in_(OWN)))))


def _log(house: Any) -> list[tuple[Any, ...]]:
    of = table_of(ComplaintEvent).join(table_of(Complaint), _C.id == _V.complaint_id)
    rows = select(_C.external_id, _V.kind, _V.occurred_at).select_from(of).where(_V.kind.in_(list(LIFE)))
    with house.db.read() as session:
        return sorted(map(tuple, session.execute(rows)))


@pytest.mark.parametrize("count", [12, pytest.param(120, marks=pytest.mark.chaos)])
def test_events_twice_and_in_any_order_end_where_the_straight_ones_do(
    house_in, sqlite_url, postgresql_url, account, count, dice
):  # fmt: skip
    houses = house_in(postgresql_url), house_in(sqlite_url)
    for house, garbles in zip(houses, (True, False), strict=True):
        house.each = 0
        told = [_told(house, number) for number in range(count)]
        said = [one for whole in told for one in (_garbled(whole, dice) if garbles else _straight(whole))]
        with Crew(house.post(), 3 if garbles else 1) as crew:
            _import(house, crew, said, dice)
            while house.at < houses[0].at:
                house.goes_on()
                crew.sweep(Order(house.at))
            house.settles(crew, 6)
    garbled, straight = houses
    assert _log(garbled) == _log(straight)
    assert _standing(garbled) == _standing(straight)
    assert {one for one in garbled.breaches if one[1] in OWN} >= {one for one in straight.breaches if one[1] in OWN}
    assert account(garbled).customers_twice == account(straight).customers_twice == 0
