"""Ladders lived through: what users of other systems reported of escalations, hour by hour, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Row, event, select, update

from bihuan.clock import fixed, zone
from bihuan.policy.escalation import EscalationPolicy
from bihuan.policy.models import Policy
from bihuan.services.acknowledgement import Standing, acknowledge
from bihuan.services.complaint import record, register
from bihuan.services.deadline import check_all
from bihuan.services.escalation import Climbed, climb_all
from bihuan.services.intake import take_in
from bihuan.services.outbox import deliver_all
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import audit
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.access import Role
from schemas.complaint import ComplaintIn, EventIn, EventKind
from schemas.escalation import Escalation, EscalationState, EscalationStep, Trigger
from schemas.outbox import Message, MessageState, Notice
from schemas.people import Absence, Staff, StaffIn

MONDAY = datetime.fromisoformat("2026-11-16T09:00+08:00")
SECRET = "for tests only"
NOTHING = Climbed()
EVERY_HOUR = {"clock": "calendar"}
TWO_HOURS = [
    {"tell": ["handler"]},
    {"tell": ["department_head"], "wait": "2h", **EVERY_HOUR},
    {"tell": ["executive"], "wait": "2h", **EVERY_HOUR},
]
"""Handler at once, head after two hours, executive after two more, by day and night."""


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


@dataclass
class Tower:
    """A department with a handler, a head and an executive above, and one complaint after the other."""

    db: Database
    policy: Policy
    settings: Settings
    at: datetime = MONDAY

    def __post_init__(self) -> None:
        self.mail = RecordingGateway()
        # These days are no real ones: nothing read from a file today is older or newer than they.
        self.policy = self.policy.model_copy(update={"loaded_at": None})
        self.climbs(TWO_HOURS)
        with self.db.write() as session:
            save_department(session, "service", "客服部")
        self.people = {name: self.hire(name, is_head=name == "head") for name in ("anna", "head", "chief")}
        self.appoint("chief", Role.EXECUTIVE)

    def clock(self) -> datetime:
        return self.at

    def hire(self, code: str, **facts: Any) -> str:
        url = f"json://hooks.example.com/{code}"
        person = StaffIn(code=code, name=code.title(), department="service", contact_url=url, **facts)
        with self.db.write() as session:
            return f"staff:{save_staff(session, person, SECRET)}"

    def appoint(self, code: str, role: Role) -> None:
        with self.db.write() as session:
            session.execute(update(Staff).where(Staff.code == code).values(roles=[role]))

    def leaves(self, code: str, since: float, until: float) -> None:
        with self.db.write() as session:
            row = session.execute(select(Staff.id).where(Staff.code == code)).scalar_one()
            session.add(Absence(staff_id=row, starts_at=after(since), ends_at=after(until)))

    def climbs(self, rungs: list[dict[str, Any]], **said: Any) -> None:
        """The ladder of general complaints from now on."""
        written = self.policy.written()["escalation"]
        written["ladders"]["general"] = {"rungs": rungs, **said}
        self.policy = self.policy.model_copy(update={"escalation": EscalationPolicy.model_validate(written)})

    def arrives(self, name: str = "1", due: float = 0.9, **facts: Any) -> ComplaintIn:
        told = {"department": "service", "handler": "anna", "deadlines": {"handled": after(due)}} | facts
        return ComplaintIn(source="desk", external_id=name, registered_at=MONDAY, **told)

    def register(self, name: str = "1", due: float = 0.9, **facts: Any) -> str:
        with self.db.write() as session:
            return register(session, self.policy, self.settings, self.clock, self.arrives(name, due, **facts))

    def imports(self, *complaints: ComplaintIn) -> None:
        with self.db.write() as session:
            take_in(session, self.policy, self.settings, self.clock, complaints)

    def happens(self, number: str, kind: EventKind, hours: float) -> None:
        self.at = after(hours)
        with self.db.write() as session:
            record(session, self.policy, self.clock, number, EventIn(kind=kind, occurred_at=self.at))

    def acknowledges(self, hours: float) -> Standing:
        """Whoever was told last presses the button."""
        self.at = after(hours)
        with self.db.write() as session:
            return acknowledge(session, self.policy, self.clock, self.rows(Message)[-1].id).standing

    def sweep(self, hours: float, db: Database | None = None) -> Climbed:
        """Check, climb and deliver, as one run of the flow does."""
        at = self.at = after(hours)
        check_all(db or self.db, self.policy, at)
        climbed = climb_all(db or self.db, self.policy, at)
        deliver_all(db or self.db, self.mail, self.settings, fixed(at))
        return climbed

    def rows(self, table: Any) -> list[Row[Any]]:
        with self.db.read() as session:
            return list(session.execute(select(table_of(table)).order_by(table.id)))

    @property
    def told(self) -> list[tuple[int, str]]:
        """Rung and name of everybody who was told."""
        names = {recipient: name for name, recipient in self.people.items()}
        return [(row.rung, names.get(row.recipient, row.recipient)) for row in self.rows(Message)]

    @property
    def letters(self) -> Counter[str]:
        """Letters that went out, by name."""
        return Counter(url.rpartition("/")[2] for url, _ in self.mail.sent)

    def is_sound(self) -> bool:
        with self.db.read() as session:
            return audit(session, zone("Asia/Shanghai")).holds


@pytest.fixture
def tower(db: Database, policy: Policy) -> Tower:
    return Tower(db, policy, Settings(secret=SECRET))


def at_once(url: str, work: Callable[[Database], Any]) -> list[Any]:
    """What two give who start together, each with a database of its own."""
    start = Barrier(2)

    def one(_: int) -> Any:
        own = Database(url)
        start.wait()
        try:
            return work(own)
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(2)))


class PowerCut(BaseException):
    """The process is gone: nothing catches this."""


@contextmanager
def cut_off_at(db: Database, number: int) -> Iterator[None]:
    """The power fails at the so many-th statement."""
    left = [number]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise PowerCut

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


# --- once, whatever happens ---


def test_two_workers_at_the_same_instant_tell_everybody_once(tower, database_url):
    count = 12  # a target takes twenty letters a minute
    tower.imports(*(tower.arrives(str(number)) for number in range(count)))
    for hours, rung in ((1, 1), (3, 2), (5, 3)):
        at_once(database_url, lambda own, hours=hours: tower.sweep(hours, own))
        assert Counter(row.rung for row in tower.rows(EscalationStep))[rung] == count
    assert Counter(tower.told) == {(1, "anna"): count, (2, "head"): count, (3, "chief"): count}
    assert {row.state for row in tower.rows(Message)} == {MessageState.SENT}
    assert sum(tower.letters.values()) == 3 * count
    assert tower.is_sound()


@pytest.mark.parametrize("hours", [1, 3], ids=["the breach", "a rung"])
def test_a_run_that_is_killed_while_it_decides_has_decided_nothing(tower, hours):
    tower.register()
    tower.sweep(0)
    if hours > 1:
        tower.sweep(1)
    before = [tower.rows(table) for table in (Escalation, EscalationStep, Message)]
    for number in range(1, 200):
        try:
            with cut_off_at(tower.db, number):
                check_all(tower.db, tower.policy, after(hours))
                climb_all(tower.db, tower.policy, after(hours))
            break
        except PowerCut:
            assert [tower.rows(table) for table in (Escalation, EscalationStep, Message)] in (
                before,
                kept(tower, before),
            )
    assert number > 10
    assert tower.told == [(1, "anna"), (2, "head")][: 1 if hours == 1 else 2]
    assert tower.sweep(hours) == NOTHING
    assert tower.letters == {"anna": 1} if hours == 1 else {"anna": 1, "head": 1}
    assert tower.is_sound()


def kept(tower: Tower, before: list[list[Row[Any]]]) -> list[list[Row[Any]]]:
    """What is there, if the first transaction was over by then and it was whole: a step and a message more."""
    now = [tower.rows(table) for table in (Escalation, EscalationStep, Message)]
    more = [len(rows) - len(old) for rows, old in zip(now, before, strict=True)]
    return now if more[1] == more[2] == 1 else []


def test_a_run_that_is_killed_between_sending_and_recording_says_so_and_staff_are_told_again(tower):
    class Dying(RecordingGateway):
        def send(self, url, letter):
            super().send(url, letter)
            raise PowerCut

    tower.register()
    tower.sweep(1)
    climb_all(tower.db, tower.policy, after(3))
    dying = Dying()
    with pytest.raises(PowerCut):
        deliver_all(tower.db, dying, tower.settings, fixed(after(3)))
    assert tower.rows(Message)[-1].state is MessageState.SENDING
    assert tower.sweep(3.01) == NOTHING
    tower.sweep(3.2)
    message = tower.rows(Message)[-1]
    assert (message.rung, message.state, message.is_repeated, message.attempts) == (2, MessageState.SENT, True, 2)
    assert tower.letters["head"] == 1
    assert len(tower.rows(EscalationStep)) == 2


def test_three_hours_of_outage_collapse_into_one_late_notice(tower):
    for name in "123":
        tower.register(name)
    tower.sweep(1)
    assert tower.sweep(6).told == 3, "the executive was due by then too, and waits"
    late = [row for row in tower.rows(Message) if row.rung == 2]
    assert [row.is_late for row in late] == [True] * 3
    assert len({row.bundle for row in late}) == 1
    assert tower.letters["head"] == 1
    assert {row.next_at for row in tower.rows(Escalation)} == {after(8)}
    tower.sweep(8)
    assert Counter(rung for rung, _ in tower.told) == {1: 3, 2: 3, 3: 3}


@pytest.mark.parametrize("count", [101, 1_001])
def test_however_many_are_due_at_once_all_are_told(tower, count):
    tower.imports(*(tower.arrives(str(number)) for number in range(count)))
    check_all(tower.db, tower.policy, after(1))
    assert climb_all(tower.db, tower.policy, after(3), limit=100).told == count
    assert Counter(tower.told) == {(1, "anna"): count, (2, "head"): count}


def test_a_due_time_that_is_changed_on_the_same_day_notifies_again(tower):
    """Zammad 4348: the second escalation of a day was swallowed."""
    tower.register(due=4)
    tower.sweep(3.5)
    tower.imports(tower.arrives(due=6))
    tower.sweep(5.5)
    tower.sweep(6.1)
    assert [row.notice for row in tower.rows(Message)] == [Notice.WARNING, Notice.WARNING, Notice.BREACH]
    (row,) = tower.rows(Escalation)
    assert row.occasion == f"1.0@{after(6).astimezone(zone('UTC')).isoformat()}"
    tower.sweep(8.1)
    assert tower.told == [(0, "anna"), (0, "anna"), (1, "anna"), (2, "head")]


def test_a_rung_with_nobody_reachable_falls_through(tower):
    tower.leaves("head", 0, 24)
    tower.register()
    tower.sweep(1)
    tower.sweep(3)
    assert tower.told == [(1, "anna"), (3, "chief")]
    assert tower.rows(EscalationStep)[-1].passed == ["2 department_head away"]
    assert tower.letters == {"anna": 1, "chief": 1}


# --- acknowledged ---


def test_acknowledged_and_then_silent_the_ladder_resumes(tower):
    """OnCall 3111: an acknowledged alert was forgotten, and paged months later."""
    tower.climbs(TWO_HOURS, acknowledgement={"holds": "4h", **EVERY_HOUR})
    tower.register()
    tower.sweep(1)
    assert tower.acknowledges(2) is Standing.STOPPED
    assert [tower.sweep(hours) for hours in (3, 4, 5, 5.9)] == [NOTHING] * 4
    assert tower.sweep(6).told == 1
    assert tower.acknowledges(6.5) is Standing.STOPPED
    assert tower.sweep(8) == NOTHING
    assert tower.sweep(10.5).told == 1
    assert tower.told == [(1, "anna"), (2, "head"), (3, "chief")]
    assert [row.trigger for row in tower.rows(EscalationStep)] == [Trigger.BREACH, Trigger.EXPIRED, Trigger.EXPIRED]


@pytest.mark.parametrize("is_acknowledged_first", [True, False])
def test_acknowledged_in_the_second_in_which_it_is_handled_it_is_over(tower, is_acknowledged_first):
    tower.climbs(TWO_HOURS, acknowledgement={"holds": "4h", **EVERY_HOUR})
    number = tower.register()
    tower.sweep(1)
    if is_acknowledged_first:
        assert tower.acknowledges(2) is Standing.STOPPED
    tower.happens(number, EventKind.HANDLED, 2)
    if not is_acknowledged_first:
        assert tower.acknowledges(2) is Standing.ENDED
    for hours in (3, 6, 30, 300):
        assert tower.sweep(hours).told == 0
    assert tower.told == [(1, "anna")]
    assert [row.state for row in tower.rows(Escalation)] == [EscalationState.ENDED]


# --- waiting ---


def test_a_restart_while_a_rung_waits_forgets_nothing(tower, database_url):
    """OnCall 1206: a restart lost the waiting steps of running escalations."""
    tower.register()
    tower.sweep(1)
    tower.db.close()
    tower.db = Database(database_url)
    assert tower.sweep(2.9) == NOTHING
    assert tower.sweep(3).told == 1
    tower.db.close()
    tower.db = Database(database_url)
    assert tower.sweep(5).told == 1
    assert tower.told == [(1, "anna"), (2, "head"), (3, "chief")]
    tower.db.close()


def test_the_weekday_of_a_rung_counts(tower):
    """OnCall 558: escalations were told on days that the step left out."""
    weekend = {"tell": ["executive"], "wait": "2h", "weekdays": ["sat", "sun"], **EVERY_HOUR}
    tower.climbs([{"tell": ["handler"]}, weekend])
    tower.register()
    tower.sweep(1)
    saturday = 5 * 24 - 9
    assert [tower.sweep(hours) for hours in range(2, saturday)] == [NOTHING] * (saturday - 2)
    assert tower.sweep(saturday).told == 1
    assert tower.told == [(1, "anna"), (2, "chief")]


def test_a_repeat_begins_at_the_rung_it_names_and_has_a_cap(tower):
    """OnCall 3760: repeat an escalation, but not from the start and not for ever."""
    tower.climbs(TWO_HOURS, repeat={"from": 2, "every": "3h", "at_most": 2, **EVERY_HOUR})
    tower.register()
    for hours in range(1, 100):
        tower.sweep(hours)
    assert tower.told == [(1, "anna"), *[(2, "head"), (3, "chief")] * 3]
    assert [row.told_at for row in tower.rows(EscalationStep)] == [after(hours) for hours in (1, 3, 5, 8, 10, 13, 15)]
    assert tower.letters == {"anna": 1, "head": 3, "chief": 3}


def test_only_those_whom_a_rung_names_are_alerted(tower):
    """Chatwoot PR 15407: every administrator was alerted of every breach."""
    for number, role in enumerate(Role):
        if role is not Role.EXECUTIVE:
            tower.hire(f"other{number}")
            tower.appoint(f"other{number}", role)
    tower.hire("elsewhere", is_head=False)
    tower.register()
    for hours in (1, 3, 5, 24):
        tower.sweep(hours)
    assert tower.letters == {"anna": 1, "head": 1, "chief": 1}
