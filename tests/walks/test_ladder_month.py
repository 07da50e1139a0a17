"""March of a real city with ladders: hour by hour, by one worker and by two, and both tell the same people the same."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, String, cast, func, select, update

from bihuan.clock import fixed
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.spreadsheet import Reject, read_complaints
from bihuan.policy.escalation import EscalationPolicy
from bihuan.policy.models import Policy
from bihuan.services.acknowledgement import Standing, acknowledge
from bihuan.services.deadline import Checked, check_all, check_due
from bihuan.services.escalation import Climbed, climb_all, climb_due
from bihuan.services.intake import take_in
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.queries.outbox import audit
from bihuan.store.rows import table_of
from schemas.access import Role
from schemas.complaint import Complaint, ComplaintIn, EventKind
from schemas.deadline import Deadline
from schemas.escalation import Escalation, EscalationState, EscalationStep, Trigger
from schemas.outbox import Message
from schemas.people import Staff, StaffIn

pytestmark = pytest.mark.long

BOSTON = ZoneInfo("America/New_York")
SNAPSHOT = datetime(2016, 1, 12, 22, 22, 40, tzinfo=BOSTON)
MARCH, APRIL = (datetime(2015, month, 1, tzinfo=BOSTON).astimezone(UTC) for month in (3, 4))
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
MAPPING = Path(__file__).parents[2] / "examples" / "mappings" / "boston_311.yaml"
SECRET = "for tests only"
SEED = "march"
NOTHING_CHECKED, NOTHING_CLIMBED = Checked(), Climbed()
HANDLERS = 3
"""In each department, beside its head."""
LADDER = {
    "acknowledgement": {"holds": "24h", "clock": "calendar"},
    "repeat": {"from": 2, "every": "96h", "clock": "calendar", "at_most": 1},
    "rungs": [
        {"tell": ["handler"]},
        {"tell": ["department_head"], "wait": "8h", "clock": "calendar", "hours": ["07:00", "21:00"]},
        {"tell": ["executive"], "wait": "24h", "clock": "calendar", "weekdays": ["mon", "tue", "wed", "thu", "fri"]},
    ],
}

FIGURES = {(0, 1): 2_653, (0, 2): 2_465, (0, 3): 2_175, (1, 2): 1_575, (1, 3): 1_475}
"""Steps told, by round of the ladder and rung."""
NOT_TOLD = 20
"""Breaches of matters that had ended by the next full hour."""
ACKNOWLEDGED = {Standing.STOPPED: 1_881, Standing.ENDED: 107}

_E, _S, _M, _C, _D, _P = map(table_of, (Escalation, EscalationStep, Message, Complaint, Deadline, Staff))


def dice(*words: object) -> int:
    """A number that depends on nothing but these words: neither on ids, nor on who works when."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, (SEED, *words))).encode()).digest()[:4])


@dataclass
class City:
    """Its departments, and the complaints of March, one database after the other."""

    db: Database
    policy: Policy
    settings: Settings = field(default_factory=lambda: Settings(secret=SECRET))
    acknowledged: Counter[Standing] = field(default_factory=Counter)
    checked: Checked = NOTHING_CHECKED
    climbed: Climbed = NOTHING_CLIMBED

    def move_in(self, complaints: Sequence[ComplaintIn]) -> None:
        """Staff of every department there is, and one executive; then the complaints with their handlers."""
        with self.db.write() as session:
            for code in sorted({one.department for one in complaints if one.department}):
                save_department(session, code, code)
                for number in range(HANDLERS + 1):
                    person = _person(f"{code}-{number}", code, is_head=number == HANDLERS)
                    save_staff(session, person, SECRET)
            save_department(session, "city_hall", "City Hall")
            save_staff(session, _person("mayor", "city_hall"), SECRET)
            session.execute(update(_P).where(_P.c.code == "mayor").values(roles=[Role.EXECUTIVE]))
            take_in(session, self.policy, self.settings, fixed(SNAPSHOT), [_handled(one) for one in complaints])

    def lives_through(self, until: datetime, sweep: Callable[[datetime], tuple[Checked, Climbed]]) -> None:
        """Every hour of March up to ``until``: whoever made up their mind acknowledges, and then the sweep runs."""
        at, planned, last = MARCH, defaultdict[datetime, list[int]](list), 0
        while at < until:
            at += HOUR
            self.acknowledge(planned.pop(at, []), at)
            checked, climbed = sweep(at)
            self.checked, self.climbed = self.checked + checked, self.climbed + climbed
            for row in self.told_since(last):
                last = max(last, row.id)
                mind = dice(row.key, row.cycle, row.rung)
                if mind % 5 == 0:  # one rung in five is acknowledged, within a day and a half
                    planned[at + (1 + mind // 5 % 36) * HOUR].append(row.message_id)

    def acknowledge(self, messages: Sequence[int], at: datetime) -> None:
        if messages:
            with self.db.write() as session:
                for one in messages:
                    self.acknowledged[acknowledge(session, self.policy, fixed(at), one).standing] += 1

    def told_since(self, last: int) -> Sequence[Row[Any]]:
        """Steps written after that one, with a message of each."""
        is_its = (_M.c.escalation_id == _S.c.escalation_id) & (_M.c.planned_at == _S.c.told_at)
        rows = (
            select(_S.c.id, _E.c.key, _S.c.cycle, _S.c.rung, func.min(_M.c.id).label("message_id"))
            .join(_E, _E.c.id == _S.c.escalation_id).join(_M, is_its).where(_S.c.id > last)
            .group_by(_S.c.id, _E.c.key, _S.c.cycle, _S.c.rung)
        )  # fmt: skip
        return self.all(rows)

    def all(self, statement: Any) -> Sequence[Row[Any]]:
        with self.db.read() as session:
            return session.execute(statement).all()

    def ledger(self) -> set[tuple[Any, ...]]:
        """Every message: about what, on which rung of which round of the ladder, to whom, when, and how it stands."""
        rows = self.all(
            select(_C.c.external_id, _E.c.duty, _D.c.round, _M.c.rung, _M.c.key, _P.c.code, _M.c.planned_at, _M.c.state)
            .select_from(_M).join(_C, _C.c.id == _M.c.subject_id).join(_D, _D.c.id == _M.c.deadline_id)
            .outerjoin(_E, _E.c.id == _M.c.escalation_id)
            .outerjoin(_P, "staff:" + cast(_P.c.id, String) == _M.c.recipient)
        )  # fmt: skip
        told = {(*row[:4], row.key.rpartition("@")[2].partition(" ")[2], *row[5:]) for row in rows}
        assert len(told) == len(rows)
        return told

    def ladders(self) -> set[tuple[Any, ...]]:
        """How every ladder stands in the end."""
        rows = self.all(
            select(_C.c.external_id, _E.c.duty, _E.c.state, _E.c.cycle, _E.c.rung, _E.c.next_at, _E.c.acknowledged_at,
                   _E.c.ended_at).join(_C, _C.c.id == _E.c.subject_id)
        )  # fmt: skip
        return set(map(tuple, rows))


def _person(code: str, department: str, **facts: Any) -> StaffIn:
    return StaffIn(code=code, name=code, department=department, contact_url=f"json://hooks.example.com/{code}", **facts)


def _handled(complaint: ComplaintIn) -> ComplaintIn:
    number = dice("handler", complaint.external_id) % HANDLERS
    return complaint.model_copy(update={"handler": f"{complaint.department}-{number}"})


def alone(city: City) -> Callable[[datetime], tuple[Checked, Climbed]]:
    """One worker."""
    return lambda at: (check_all(city.db, city.policy, at), climb_all(city.db, city.policy, at))


def taking_turns(city: City, other: Database) -> Callable[[datetime], tuple[Checked, Climbed]]:
    """Two workers that take small batches in turn."""

    def sweep(at: datetime) -> tuple[Checked, Climbed]:
        checked, climbed = Checked(), Climbed()
        while (batches := [check_due(db, city.policy, at, limit=9) for db in (city.db, other)])[0].decided:
            checked += batches[0] + batches[1]
        while (rungs := [climb_due(db, city.policy, at, limit=9) for db in (other, city.db)])[0].taken:
            climbed += rungs[0] + rungs[1]
        return checked, climbed

    return sweep


def side_by_side(city: City, other: Database) -> Callable[[datetime], tuple[Checked, Climbed]]:
    """Two workers at once, in small batches."""
    start = Barrier(2)

    def work(db: Database, at: datetime) -> tuple[Checked, Climbed]:
        start.wait()
        return check_all(db, city.policy, at, limit=9), climb_all(db, city.policy, at, limit=9)

    def sweep(at: datetime) -> tuple[Checked, Climbed]:
        with ThreadPoolExecutor(2) as pool:
            (one, its), (another, their) = pool.map(work, (city.db, other), (at, at))
        return one + another, its + their

    return sweep


# --- the month ---


@pytest.fixture(scope="module")
def ladders(policy: Policy) -> Policy:
    """The shipped policy, with a ladder of three rungs for everything."""
    said = policy.written()["escalation"]
    said["ladders"]["general"] = LADDER
    changed = {"escalation": EscalationPolicy.model_validate(said), "loaded_at": None}
    return policy.model_copy(update=changed)


@pytest.fixture(scope="module")
def broken(real_data: Path) -> list[ComplaintIn]:
    """The complaints whose promise came due in March and was not kept by then."""
    rows = read_complaints(real_data / "boston311_2015h1.csv.gz", load_mapping(MAPPING))
    return [row for row in rows if not isinstance(row, Reject) and _is_broken(row)]


def _is_broken(complaint: ComplaintIn) -> bool:
    due_at = (complaint.deadlines or {}).get("handled")
    handled_at = min((one.occurred_at for one in complaint.events if one.kind is EventKind.HANDLED), default=None)
    return due_at is not None and MARCH <= due_at < APRIL and (handled_at is None or handled_at > due_at)


@pytest.fixture(scope="module")
def moved_in(broken: list[ComplaintIn], ladders: Policy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("city") / "city.db"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    City(db, ladders).move_in(broken)
    db.close()
    return path


@pytest.fixture(scope="module")
def month(moved_in: Path, ladders: Policy) -> Iterator[City]:
    """March lived through by one worker."""
    city = City(Database(f"sqlite:///{shutil.copyfile(moved_in, moved_in.with_name('alone.db'))}"), ladders)
    city.lives_through(APRIL, alone(city))
    yield city
    city.db.close()


def test_every_broken_promise_of_march_is_told_and_climbs(month):
    assert month.checked.breached == 2_673
    rows = month.all(select(_S.c.cycle, _S.c.rung, _S.c.told, _S.c.trigger))
    assert Counter((row.cycle, row.rung) for row in rows) == FIGURES
    assert (month.checked.suppressed, month.acknowledged) == (NOT_TOLD, ACKNOWLEDGED)


def test_each_rung_is_told_once_a_cycle(month):
    told = [tuple(row) for row in month.all(select(_S.c.escalation_id, _S.c.cycle, _S.c.rung))]
    assert len(set(told)) == len(told)
    messages = [tuple(row) for row in month.all(
        select(_M.c.escalation_id, _M.c.rung, _M.c.planned_at, _M.c.recipient).where(_M.c.escalation_id.is_not(None))
    )]  # fmt: skip
    assert len(set(messages)) == len(messages) == month.climbed.messages + month.checked.breached - NOT_TOLD


def test_nobody_is_told_after_the_end_of_a_matter(month):
    ended_at = func.coalesce(_D.c.met_at, _D.c.cancelled_at)
    told = select(_S.c.told_at, ended_at.label("ended_at")).join(_E, _E.c.id == _S.c.escalation_id)
    rows = month.all(told.join(_D, _D.c.id == _E.c.deadline_id).where(ended_at.is_not(None)))
    assert len(rows) > 1_000
    assert [row for row in rows if row.told_at >= row.ended_at] == []


def test_rungs_wait_for_silence_and_for_their_hours(month):
    rows = month.all(select(_S.c.escalation_id, _S.c.cycle, _S.c.rung, _S.c.told_at).order_by(_S.c.id))
    zone = ZoneInfo("Asia/Shanghai")
    assert all(7 <= row.told_at.astimezone(zone).hour < 21 for row in rows if row.rung == 2)
    assert all(row.told_at.astimezone(zone).weekday() < 5 for row in rows if row.rung == 3)
    by_ladder = defaultdict(list)
    for row in rows:
        by_ladder[row.escalation_id].append(row)
    waits = {2: 8 * HOUR, 3: 24 * HOUR}
    for steps in by_ladder.values():
        for lower, upper in pairwise(steps):
            wait = waits[upper.rung] if lower.cycle == upper.cycle else 96 * HOUR
            assert upper.told_at - lower.told_at >= wait


def test_what_was_acknowledged_and_forgotten_climbs_on(month):
    rows = month.all(select(_S.c.trigger, func.count()).group_by(_S.c.trigger))
    assert dict(map(tuple, rows))[Trigger.EXPIRED] > 100
    standing = {state for (state,) in month.all(select(_E.c.state).distinct())}
    assert standing == set(EscalationState)


def test_the_audit_holds(month):
    with month.db.read() as session:
        found = audit(session, BOSTON)
    assert found.holds
    assert found.due == len(month.ledger())


# --- the first week, by two ---


@pytest.fixture(scope="module")
def first(broken: list[ComplaintIn]) -> list[ComplaintIn]:
    return [one for one in broken if one.deadlines and (one.deadlines["handled"] or APRIL) < MARCH + WEEK]


@pytest.fixture(scope="module")
def week(first: list[ComplaintIn], ladders: Policy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The first week of March lived through by one worker."""
    db = Database(f"sqlite:///{tmp_path_factory.mktemp('week') / 'alone.db'}")
    upgrade(db)
    city = City(db, ladders)
    city.move_in(first)
    city.lives_through(MARCH + WEEK, alone(city))
    assert len(city.ledger()) > 1_000
    yield city
    db.close()


@pytest.mark.parametrize("way", [taking_turns, side_by_side], ids=["in turn on SQLite", "at once on PostgreSQL"])
def test_two_workers_leave_the_ledger_of_one(week, first, ladders, way, request):
    url = request.getfixturevalue("sqlite_url" if way is taking_turns else "postgresql_url")
    city, other = City(Database(url), ladders), Database(url)
    city.move_in(first)
    city.lives_through(MARCH + WEEK, way(city, other))
    assert city.ledger() == week.ledger()
    assert city.ladders() == week.ladders()
    assert (city.checked, city.climbed, city.acknowledged) == (week.checked, week.climbed, week.acknowledged)
    with city.db.read() as session:
        assert audit(session, BOSTON).holds
    for db in (city.db, other):
        db.close()
