"""One worker and four: processes of their own that check, climb, ask and deliver at once leave the same ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, select, text

from benchmarks.crew import Crew, Done, Order, Post
from benchmarks.lives import Lives
from bihuan.clock import fixed, zone
from bihuan.policy.models import Policy
from bihuan.services.intake import take_in
from bihuan.services.integrity import inspect_database
from bihuan.settings import Settings
from bihuan.simulation import arrival, demo
from bihuan.simulation.arrival import Arrival, Way
from bihuan.simulation.company import STAFF
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import Audit, audit
from bihuan.store.rows import table_of
from schemas.complaint import ComplaintEvent, ComplaintIn
from schemas.deadline import Deadline
from schemas.escalation import Escalation, EscalationStep
from schemas.outbox import Message, Notice
from schemas.survey import Invitation

MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = Settings(secret="for tests only", mail_url="mailto://127.0.0.1:25/?from=care@example.com",
                    send_per_minute=100_000)  # fmt: skip
INHERITED = 150
_M, _D, _E, _S, _I, _L = map(table_of, (Message, Deadline, Escalation, EscalationStep, Invitation, ComplaintEvent))


@dataclass
class Told:
    """What a company that was looked after by so many workers has to show."""

    db: Database
    policy: Policy
    done: Done

    def rows(self, *columns: Any) -> Counter[tuple[Any, ...]]:
        with self.db.read() as session:
            return Counter(map(tuple, session.execute(select(*columns))))

    @property
    def ledger(self) -> Counter[tuple[Any, ...]]:
        """Every message; not when it left: where two workers write to one reader, the second letter is held a while."""
        return self.rows(_M.c.key, _M.c.notice, _M.c.rung, _M.c.planned_at, _M.c.is_late, _M.c.state)

    @property
    def states(self) -> Counter[tuple[Any, ...]]:
        return self.rows(_M.c.notice, _M.c.state)

    @property
    def decisions(self) -> Counter[tuple[Any, ...]]:
        d = _D.c
        return self.rows(d.subject_id, d.milestone, d.round, d.leg, d.due_at, d.state, d.warned_at, d.breached_at,
                         d.met_at)  # fmt: skip

    @property
    def rungs(self) -> Counter[tuple[Any, ...]]:
        told = _S.join(_E, _E.c.id == _S.c.escalation_id)
        with self.db.read() as session:
            rows = session.execute(
                select(_E.c.key, _S.c.cycle, _S.c.rung, _S.c.told_at, _S.c.trigger, _E.c.state).select_from(told)
            )
            return Counter(map(tuple, rows))

    @property
    def asked(self) -> Counter[tuple[Any, ...]]:
        return self.rows(_I.c.key, _I.c.state, _I.c.reason, _I.c.invited_at, _I.c.reminders)

    @property
    def log(self) -> Counter[tuple[Any, ...]]:
        return self.rows(_L.c.complaint_id, _L.c.kind, _L.c.occurred_at, _L.c.actor)

    @property
    def audit(self) -> Audit:
        with self.db.read() as session:
            return audit(session, zone("Asia/Shanghai"))


def _inherited(number: int) -> ComplaintIn:
    """A complaint that was there before, and that nobody works on."""
    handlers = [person for person in STAFF if person.department == "service"]
    return ComplaintIn(
        source="before", external_id=str(number), registered_at=MONDAY - DAY, department="service",
        handler=handlers[number % len(handlers)].code, deadlines={"handled": MONDAY + number * 5 * MINUTE},
    )  # fmt: skip


def lived(url: str, policy: Policy, workers: int, arrivals: Sequence[Arrival], passes: int, every: timedelta) -> Told:
    """So long in the simulated company, with a pass of all workers at once after each ``every``."""
    db, at, total = Database(url), MONDAY, Done()
    lives = Lives(db, policy, SETTINGS, arrivals)
    lives.move_in(MONDAY)
    with db.write() as session:
        take_in(session, policy, SETTINGS, fixed(MONDAY), [_inherited(number) for number in range(INHERITED)])
    with Crew(Post(url, policy, SETTINGS), workers) as crew:
        for _ in range(passes):
            at += every
            lives.until(at)
            total.update(crew.sweep(Order(at, limit=9)))
        assert (crew.killed, crew.refused) == (0, 0), crew.said
    return Told(db, policy, total)


@pytest.fixture
def towns(postgresql_url: str, policy: Policy) -> Iterator[Callable[..., Sequence[Told]]]:
    """The same days with one worker and with four, each in a PostgreSQL database of its own."""
    other = make_url(postgresql_url).set(database=f"{make_url(postgresql_url).database}_crowd")
    admin = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {other.database} TEMPLATE bihuan_template STRATEGY file_copy"))
    calm = policy.model_copy(update={"loaded_at": None})
    urls = {1: postgresql_url, 4: other.render_as_string(hide_password=False)}
    opened: list[Told] = []

    def lives(**how: Any) -> Sequence[Told]:
        opened.extend(lived(url, calm, workers, **how) for workers, url in urls.items())
        return opened

    yield lives
    for told in opened:
        told.db.close()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {other.database} WITH (FORCE)"))
    admin.dispose()


def _assert_same(alone: Told, crowd: Told) -> None:
    assert crowd.decisions == alone.decisions
    assert crowd.rungs == alone.rungs
    assert crowd.asked == alone.asked
    assert crowd.states == alone.states
    assert crowd.ledger == alone.ledger
    assert crowd.log == alone.log
    counts = [
        name for name in alone.done if name.partition(".")[2] in {"decided", "breached", "told", "sent", "invited"}
    ]
    counts.remove("follow-up.told")  # whoever comes first writes it into the log: who sent the letter, or a sweep
    assert {name: crowd.done[name] for name in counts} == {name: alone.done[name] for name in counts}
    for told in (alone, crowd):
        assert told.audit.holds
        assert told.audit.failed == told.audit.unknown == 0
        assert inspect_database(told.db, told.policy).is_sound


def test_four_workers_leave_the_ledger_of_one(towns):
    arrivals = [Arrival(Way.LIVE, MONDAY + number * 5 * MINUTE) for number in range(24)]
    alone, crowd = towns(arrivals=arrivals, passes=8, every=2 * HOUR)
    assert {Notice.RECEIPT, Notice.WARNING, Notice.BREACH, Notice.RESULT} <= {notice for notice, _ in alone.states}
    assert sum(alone.states.values()) > 300
    assert alone.done["climb.told"] > 50
    _assert_same(alone, crowd)


@pytest.mark.chaos
def test_four_workers_leave_the_ledger_of_one_after_a_month(towns):
    until = MONDAY + 30 * DAY
    arrivals = list(arrival.history(demo.SEED, until, days=30, per_day=15))
    alone, crowd = towns(arrivals=arrivals, passes=360, every=2 * HOUR)
    assert alone.done["check.breached"] > 100
    assert alone.done["climb.told"] > 50
    _assert_same(alone, crowd)
