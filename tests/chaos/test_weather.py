"""Bad weather: the database dies, servers fail, lie or are slow, and clocks disagree."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread
from typing import Any, get_args

import pytest
from sqlalchemy import make_url, select, update

from benchmarks.crew import DECIDE, DELIVER, Crew, Order
from bihuan.clock import fixed
from bihuan.services.intake import take_in
from bihuan.services.people import save_staff
from bihuan.store.rows import table_of
from bihuan.testing import Answer, HttpServer, MailBehaviour
from schemas.complaint import ComplaintIn
from schemas.outbox import DeliveryAttempt, Message, MessageState, Urgency
from schemas.people import StaffIn
from tests.chaos.mortal_postgres import MortalPostgres, mortal_postgres, place, wait

pytestmark = pytest.mark.long

MINUTE = timedelta(minutes=1)
_M, _A = table_of(Message).c, table_of(DeliveryAttempt).c


def in_short_on(kind: str, few: int, many: int) -> pytest.MarkDecorator:
    """A few rounds on one database in each run, many on both in ``make chaos``."""
    long = [pytest.param(one, many, marks=pytest.mark.chaos) for one in ("sqlite", "postgresql")]
    return pytest.mark.parametrize(("kind", "rounds"), [(kind, few), *long])


# --- the server of the database ---


@pytest.fixture
def postgres() -> Iterator[MortalPostgres]:
    with place() as folder, mortal_postgres(folder) as server:
        yield server


@pytest.mark.parametrize("kills", [1, pytest.param(12, marks=pytest.mark.chaos)])
def test_a_postgresql_killed_under_the_workers_comes_back_and_nothing_is_lost(
    house_in, postgres, account, kills, dice
):  # fmt: skip
    house = house_in(postgres.url)
    with Crew(house.post(), 3) as crew:
        for _ in range(kills):
            house.lives(crew, 4)
            house.goes_on()
            crew.work([Order(house.at, limit=7)] * 3, meanwhile=lambda: _kill_soon(postgres, dice))
            _comes_back(postgres, house)
        house.settles(crew, 12)
    assert crew.killed == 0
    assert all("docs/operate.md" in why or "BIHUAN_DATABASE_URL" in why for why in crew.said), crew.said
    assert account(house).customers_twice == 0


def test_three_hours_without_a_database_are_made_up_for_in_one_sweep_and_without_a_burst(house_in, postgres, account):
    house = house_in(postgres.url)
    with Crew(house.post(), 2) as crew:
        house.lives(crew, 12)
        postgres.kill()
        before, each, house.each = len(house.mail.messages), house.each, 0
        for _ in range(30):
            house.goes_on()
            if house.at.minute % 30 < 6:
                crew.sweep(Order(house.at))
        assert crew.refused > 0
        _comes_back(postgres, house)
        house.each = each
        crew.sweep(Order(house.at))
        letters = [mail for mail in house.mail.messages[before:] if not str(mail["To"]).startswith("customer")]
        rows = house.rows(_M.recipient, _M.is_late, _M.deadline_id, _M.planned_at, _M.state)
        told = [row for row in rows if row.planned_at == house.at and row.state is MessageState.SENT]
        late = [row for row in told if row.is_late]
        assert len(late) > 10
        assert len(letters) == len({row.recipient for row in late}) + len(told) - len(late), "the late ones share one"
        assert max(Counter((row.deadline_id, row.recipient) for row in late).values()) == 1, "slots collapse"
        house.settles(crew, 10)
    account(house)


def _comes_back(postgres: MortalPostgres, house: Any) -> None:
    postgres.start()
    house.db.close()  # this process keeps connections too, and uses them too often to try them first


def _kill_soon(postgres: MortalPostgres, dice: random.Random) -> None:
    wait(dice.uniform(0, 0.25))
    postgres.kill()


# --- whoever else has the database ---


def test_a_database_that_somebody_else_holds_for_a_second_is_waited_for(house_in, sqlite_url, account):
    house = house_in(sqlite_url)
    with Crew(house.post(), 2) as crew:
        house.lives(crew, 3)
        house.goes_on()
        holder = Thread(target=_hold, args=(make_url(sqlite_url).database,))
        holder.start()
        crew.sweep(Order(house.at))
        holder.join()
        house.settles(crew, 4)
    assert crew.refused == 0
    account(house)


def _hold(file: str) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    wait(1.2)
    connection.execute("COMMIT")
    connection.close()


# --- servers ---


LIES = (
    Answer(body='{"code": 0}'), Answer(body='{"code": "isv.BUSY"}'), Answer(body='{"code": 17}'), Answer(500),
    Answer(429, headers={"Retry-After": "60"}), Answer(is_cut=True), Answer(delay=2), Answer(body="<html>busy"),
)  # fmt: skip
TRUTH = LIES[0]


@in_short_on("sqlite", 4, 60)
def test_servers_that_fail_lie_or_are_slow_lose_nothing_and_tell_no_customer_twice(
    house_in, url_of, kind, rounds, dice
):  # fmt: skip
    house = house_in(url_of(kind))
    house.settings = house.settings.model_copy(update={"send_timeout_seconds": 1})
    with HttpServer(TRUTH) as hook, Crew(house.post(), 3) as crew:
        _reads_short_messages(house, "li", hook)
        for _ in range(rounds):
            house.mail.behaviour = dice.choice(get_args(MailBehaviour))
            hook.answer = dice.choice(LIES)
            house.lives(crew, 1)
        house.mail.behaviour, hook.answer = "accept", TRUTH
        house.settles(crew)
        taken = _taken(hook)
    _assert_told_truly(house, taken)


def _reads_short_messages(house: Any, code: str, hook: HttpServer) -> None:
    """This handler is told by a gateway that answers 200 whatever becomes of it; the truth is in the body."""
    url = f"sms://127.0.0.1:{hook.port}/send?to=13800138000&code=code&ok=0&busy=isv.BUSY"
    with house.db.write() as session:
        person = StaffIn(code=code, name=code, department="service", contact_url=url)
        save_staff(session, person, house.settings.secret_value())


def _taken(hook: HttpServer) -> int:
    return len(hook.requests)


def _assert_told_truly(house: Any, requests: int) -> None:
    rows = house.rows(_M.state, _M.reason, _M.audience, _M.attempts, _M.id)
    assert {row.state for row in rows} <= {MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED,
                                           MessageState.SUPPRESSED}  # fmt: skip
    assert all(row.reason for row in rows if row.state is not MessageState.SENT), "whatever did not go out says why"
    assert house.audit.holds
    assert requests <= sum(row.attempts for row in rows)
    got = Counter((str(mail["To"]), str(mail["Subject"])) for mail in house.mail.messages)
    assert max(times for (to, _), times in got.items() if to.startswith("customer")) == 1


# --- clocks ---


@in_short_on("postgresql", 8, 100)
def test_clocks_that_go_back_and_forth_tell_nobody_twice(house_in, url_of, account, kind, rounds, dice):
    """Each worker has a clock of its own, up to an hour off, and another one each round."""
    house = house_in(url_of(kind))
    with Crew(house.post(), 3) as crew:
        for _ in range(rounds):
            house.goes_on()
            crew.work([Order(house.at + dice.randint(-60, 60) * MINUTE, limit=7) for _ in range(3)])
        house.settles(crew, 30)
    found = account(house)
    assert found.customers_twice == 0
    keys = [row.key for row in house.rows(_M.key)]
    assert len(set(keys)) == len(keys)


# --- pace ---


def test_a_target_gets_its_share_of_a_minute_however_many_workers_write_to_it(house_in, postgresql_url):
    """Three workers, one robot that everybody reads, and a heap of urgent letters that go out alone."""
    house = house_in(postgresql_url)
    house.settings = house.settings.model_copy(update={"send_per_minute": 9})
    with HttpServer() as robot, Crew(house.post(), 3) as crew:
        with house.db.write() as session:
            for code in ("li", "wang", "head"):
                save_staff(session, StaffIn(code=code, name=code, department="service", contact_url=robot.url),
                           house.settings.secret_value())  # fmt: skip
        _owe_letters(house, 40)
        crew.work([Order(house.at, DECIDE, limit=7)] * 3)
        with house.db.write() as session:
            session.execute(update(table_of(Message)).values(bundle=None, urgency=Urgency.URGENT))
        for minute in range(4):
            before = len(robot.requests)
            crew.sweep(Order(house.at + minute * 61 * timedelta(seconds=1), DELIVER, limit=7))
            assert len(robot.requests) - before == 9
    with house.db.read() as session:
        assert len(session.execute(select(_A.id)).all()) >= 36


def _owe_letters(house: Any, count: int) -> None:
    """So many promises that have just been broken."""
    house.goes_on()
    rows = [
        ComplaintIn(source="robot", external_id=str(number), registered_at=house.at - 60 * MINUTE, department="service",
                    handler=("li", "wang")[number % 2], deadlines={"handled": house.at - MINUTE})
        for number in range(count)
    ]  # fmt: skip
    with house.db.write() as session:
        take_in(session, house.policy, house.settings, fixed(house.at), rows)
