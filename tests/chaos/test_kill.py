"""The command itself killed at seeded steps: nothing lost, nothing decided twice, nobody contacted twice unnoticed.

One process at a time; `test_crew.py` has several, also in short.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.clock import fixed, zone
from bihuan.policy.models import Policy
from bihuan.rules.outbox import MAX_ATTEMPTS
from bihuan.services.complaint import register
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import Audit, audit
from bihuan.store.rows import table_of
from bihuan.testing import SmtpServer
from schemas.complaint import ComplaintIn, CustomerIn
from schemas.deadline import Deadline
from schemas.outbox import Audience, Message, MessageState, Notice
from schemas.people import StaffIn

MORTAL = Path(__file__).with_name("mortal.py")
MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
COMPLAINTS = 12
_NUMBER = re.compile(r"\d{8}-\d{6}")
SECRET = "for tests only"
STEPS_OF_A_SWEEP = 9
"""Opening the database takes three or four, deciding the rest."""
STEPS_OF_A_DELIVERY = 30
"""Claiming takes about ten, each letter six more: a process gets as far as its third or fourth letter."""
LEASE = timedelta(seconds=300)


class World:
    """A small house with mail on loopback, and processes that die in it."""

    def __init__(self, url: str, mail: SmtpServer, policy: Policy, seed: int) -> None:
        self.url, self.mail, self.policy = url, mail, policy
        self.dice = random.Random(seed)
        self.settings = Settings(secret=SECRET)
        self.killed = 0

    def address(self, who: str) -> str:
        return self.mail.url.replace("staff@", f"{who}@")

    def move_in(self) -> None:
        """Two handlers with mail; complaints a second apart, each with a receipt owed."""
        db = Database(self.url)
        with db.write() as session:
            save_department(session, "service", "服务部")
            for code in ("li", "wang"):
                save_staff(session, StaffIn(code=code, name=code, department="service",
                                            contact_url=self.address(code)), SECRET)  # fmt: skip
        for number in range(COMPLAINTS):
            at = MONDAY + timedelta(seconds=number)
            customer = CustomerIn(external_id=f"c{number}", contact_url=self.address(f"customer{number}"))
            complaint = ComplaintIn(source="chaos", external_id=str(number), registered_at=at, title=f"matter {number}",
                                    department="service", customer=customer)  # fmt: skip
            with db.write() as session:
                register(session, self.policy, self.settings, fixed(at), complaint)
        db.close()

    def run(self, flow: str, at: datetime, last_step: int = 0) -> None:
        """One pass as a process of its own, killed at ``last_step`` if it gets there."""
        environment = os.environ | {
            "BIHUAN_DATABASE_URL": self.url, "BIHUAN_SECRET": SECRET, "BIHUAN_ALLOW_PRIVATE_TARGETS": "true",
            "BIHUAN_SEND_PER_MINUTE": "100000", "BIHUAN_LEASE_SECONDS": str(int(LEASE.total_seconds())),
        }  # fmt: skip
        command = [sys.executable, str(MORTAL), str(last_step), "run", flow, "--at", at.isoformat(), "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        self.killed += done.returncode == -signal.SIGKILL

    def rows(self, table: type[Any]) -> list[Any]:
        db = Database(self.url)
        with db.read() as session:
            found = list(session.execute(select(table_of(table))))
        db.close()
        return found

    def audit(self) -> Audit:
        db = Database(self.url)
        with db.read() as session:
            found = audit(session, zone("Asia/Shanghai"))
        db.close()
        return found


@pytest.fixture
def world(_prompt_policy: None, seed: int, database_url: str, policy: Policy) -> Iterator[World]:
    with SmtpServer() as mail:
        built = World(database_url, mail, policy, seed)
        built.move_in()
        yield built


def _kill_and_recover(world: World, kills: int) -> None:
    # 97 minutes of the first response's two hours have passed: every complaint is due for exactly one warning.
    at = MONDAY + timedelta(minutes=97)
    for _ in range(kills // 2):
        world.run("sla-check", at, world.dice.randint(1, STEPS_OF_A_SWEEP))
    world.run("sla-check", at)
    decided = [(row.subject_id, row.milestone) for row in world.rows(Deadline) if row.warned_at]
    warnings = [row for row in world.rows(Message) if row.notice is Notice.WARNING]
    assert sorted((row.subject_id, "first_response") for row in warnings) == sorted(decided)
    assert len(decided) == COMPLAINTS
    while world.killed < kills and at < MONDAY + timedelta(days=1):
        world.run("outbox-delivery", at, world.dice.randint(1, STEPS_OF_A_DELIVERY))
        at += LEASE + timedelta(seconds=1)
    world.run("outbox-delivery", at)
    world.run("outbox-delivery", at + LEASE + timedelta(seconds=1))


def _received(world: World) -> Counter[tuple[str, str]]:
    """Mails by address and complaint number: everybody is owed one a complaint."""
    return Counter((str(mail["To"]), _NUMBER.findall(str(mail["Subject"]))[0]) for mail in world.mail.messages)


def _assert_promises_kept(world: World) -> None:
    messages = world.rows(Message)
    assert {row.state for row in messages} <= {MessageState.SENT, MessageState.UNKNOWN}
    assert len(messages) == COMPLAINTS * 2
    customers = [row for row in messages if row.audience is Audience.CUSTOMER]
    staff = [row for row in messages if row.audience is Audience.STAFF]
    to_customers = {key: n for key, n in _received(world).items() if "customer" in key[0]}
    to_staff = {key: n for key, n in _received(world).items() if "customer" not in key[0]}
    assert max(to_customers.values()) == 1
    unknown = sum(row.state is MessageState.UNKNOWN for row in customers)
    assert COMPLAINTS - unknown <= len(to_customers) <= COMPLAINTS
    assert all(row.state is MessageState.SENT for row in staff)
    assert len(to_staff) == COMPLAINTS
    assert sum(n > 1 for n in to_staff.values()) <= sum(row.is_repeated for row in staff)
    assert max(row.attempts for row in messages) <= MAX_ATTEMPTS
    assert world.audit().holds


@pytest.mark.chaos
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.usefixtures("seed")
def test_twenty_kills_lose_and_repeat_nothing(world: World) -> None:
    _kill_and_recover(world, 20)
    assert world.killed == 20
    _assert_promises_kept(world)
