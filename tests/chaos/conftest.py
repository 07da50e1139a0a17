"""A house under fire: complaints arrive, people answer some, and the workers that look after it die or are cut off."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.crew import Crew, Order, Post
from bihuan.clock import fixed, zone
from bihuan.notify.gateway import AppriseGateway
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.services.integrity import inspect_database
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings, settings
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import Audit, attempts_at, audit, listing
from bihuan.store.rows import table_of
from bihuan.testing import SmtpServer
from schemas.complaint import Complaint, ComplaintIn, CustomerIn, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.outbox import AttemptOutcome, Audience, Message, MessageState
from schemas.people import Customer, StaffIn

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
SECRET = "for tests only"
LEASE = timedelta(seconds=300)
ROUND = LEASE + timedelta(minutes=1)
"""Longer than a lease: what was cut off in one round is the next one's."""
WORKERS = 3
_NUMBER = re.compile(r"\d{8}-\d{6}")
_M, _C, _D, _P = map(table_of, (Message, Complaint, Deadline, Customer))


@dataclass
class House:
    """Two handlers and their head with mail on loopback; time goes on round by round."""

    db: Database
    url: str
    mail: SmtpServer
    policy: Policy
    settings: Settings
    each: int = 3
    """Complaints that arrive in a round; 0: nobody complains any more."""
    at: datetime = MONDAY
    numbers: list[str] = field(default_factory=list)

    def post(self) -> Post:
        return Post(self.url, self.policy, self.settings, AppriseGateway(self.settings))

    def address(self, who: str) -> str:
        return self.mail.url.replace("staff@", f"{who}@")

    def move_in(self) -> None:
        with self.db.write() as session:
            save_department(session, "service", "服务部")
            for code in ("li", "wang", "head"):
                person = StaffIn(code=code, name=code, department="service", contact_url=self.address(code),
                                 is_head=code == "head")  # fmt: skip
                save_staff(session, person, SECRET)

    def goes_on(self) -> None:
        """One round further: some complain, and some of those who did before are answered, or helped."""
        self.at += ROUND
        for _ in range(self.each):
            number = len(self.numbers)
            at = self.at - ROUND / 2
            customer = CustomerIn(external_id=f"c{number}", contact_url=self.address(f"customer{number}"))
            complaint = ComplaintIn(source="chaos", external_id=str(number), registered_at=at, title=f"matter {number}",
                                    department="service", customer=customer)  # fmt: skip
            with self.db.write() as session:
                self.numbers.append(register(session, self.policy, self.settings, fixed(at), complaint))
        ago = 10 * self.each
        for number, place in ((len(self.numbers) - ago + one, one) for one in range(self.each or 0)):
            if number >= 0 and place % 3 < 2:
                self.happens(number, EventKind.RESPONDED if place % 3 else EventKind.HANDLED)

    def happens(self, number: int, kind: EventKind) -> None:
        with self.db.write() as session:
            record(session, self.policy, fixed(self.at), self.numbers[number], EventIn(kind=kind, occurred_at=self.at))

    def lives(self, crew: Crew, rounds: int) -> None:
        """So many rounds in which all look at it at once, in batches small enough to meet."""
        for _ in range(rounds):
            self.goes_on()
            crew.sweep(Order(self.at, limit=7))

    def settles(self, crew: Crew, rounds: int = 20) -> None:
        """Nobody dies any more, and time goes on until whatever was put off has had its turn."""
        self.each = 0
        for _ in range(rounds):
            self.goes_on()
            crew.sweep(Order(self.at))

    def rows(self, *columns: Any) -> list[Any]:
        with self.db.read() as session:
            return list(session.execute(select(*columns)))

    @property
    def audit(self) -> Audit:
        with self.db.read() as session:
            return audit(session, zone("Asia/Shanghai"))

    @property
    def breaches(self) -> set[tuple[Any, ...]]:
        """Every promise that was found broken: decided from the log, whenever somebody looks."""
        d = _D.c
        return {tuple(row[:4]) for row in self.rows(d.subject_id, d.milestone, d.round, d.leg, d.breached_at) if row[4]}

    @property
    def told(self) -> set[tuple[Any, ...]]:
        """Every promise of which a notice was written."""
        d = _D.c
        rows = self.rows(d.subject_id, d.milestone, d.round, d.leg, d.warned_at, d.breached_at)
        return {tuple(row[:4]) for row in rows if row[4] or row[5]}

    @property
    def owed(self) -> set[str]:
        """Every letter to a complainant, by key."""
        return {row.key for row in self.rows(_M.c.key, _M.c.audience) if row.audience is Audience.CUSTOMER}


@dataclass
class Account:
    """What became of everybody, from the mail that came and the ledger."""

    house: House
    customers_twice: int = 0
    staff_twice: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, house: House) -> Account:
        found = cls(house)
        found.check_ledger()
        found.check_customers()
        found.check_staff()
        return found

    def check_ledger(self) -> None:
        m = _M.c
        rows = self.house.rows(m.id, m.key, m.state, m.reason, m.audience, m.attempts)
        final = {MessageState.SENT, MessageState.UNKNOWN, MessageState.SUPPRESSED}
        assert {row.state for row in rows} <= final, Counter((row.state, row.reason) for row in rows)
        unknown = [row for row in rows if row.state is MessageState.UNKNOWN]
        assert all(row.reason for row in unknown), "every unknown says why"
        with self.house.db.read() as session:
            listed = {row.id for row in listing(session, state=MessageState.UNKNOWN, limit=10_000)}
            tried = attempts_at(session, [row.id for row in unknown])
        assert listed == {row.id for row in unknown}
        assert all(tried[row.id][-1].outcome is AttemptOutcome.AMBIGUOUS for row in unknown), "and when it was tried"
        self.unknown = len(unknown)
        assert self.house.audit.holds, self.house.audit
        assert inspect_database(self.house.db, self.house.policy).is_sound

    def check_customers(self) -> None:
        """Each letter at most once; and once at least where the ledger says so."""
        got = Counter((to, str(mail["Subject"])) for to, mail in self._mails() if to.startswith("customer"))
        self.customers_twice = sum(times > 1 for times in got.values())
        by_person = Counter(to.partition("@")[0] for to, _ in got.elements())
        m = _M.c
        states: dict[str, Counter[MessageState]] = {}
        for row in self.house.rows(m.recipient, m.state, m.audience):
            if row.audience is Audience.CUSTOMER:
                states.setdefault(row.recipient, Counter())[row.state] += 1
        names = {f"customer:{row.id}": f"customer{row.external_id[1:]}"
                 for row in self.house.rows(_P.c.id, _P.c.external_id)}  # fmt: skip
        for recipient, count in states.items():
            sent, perhaps = count[MessageState.SENT], count[MessageState.UNKNOWN]
            assert sent <= by_person[names[recipient]] <= sent + perhaps, (recipient, count)

    def check_staff(self) -> None:
        """Everything called sent arrived; what arrived twice is marked as repeated."""
        came: dict[str, Counter[str]] = {}
        for to, mail in self._mails():
            came.setdefault(to.partition("@")[0], Counter()).update(set(_NUMBER.findall(str(mail))))
        letters = Counter((to, str(mail["Subject"]), mail.get_content()) for to, mail in self._mails()
                          if not to.startswith("customer"))  # fmt: skip
        self.staff_twice = sum(times - 1 for times in letters.values())
        m = _M.c
        rows = self.house.rows(m.recipient, m.state, m.audience, m.is_repeated, m.subject_id)
        staff = [row for row in rows if row.audience is Audience.STAFF]
        assert self.staff_twice <= sum(row.is_repeated for row in staff)
        numbers = {row.id: row.number for row in self.house.rows(_C.c.id, _C.c.number)}
        who = {f"staff:{number}": code for number, code in enumerate(("li", "wang", "head"), 1)}
        for row in staff:
            if row.state is MessageState.SENT:
                assert came[who[row.recipient]][numbers[row.subject_id]] > 0

    def _mails(self) -> list[tuple[str, Any]]:
        return [(str(mail["To"]), mail) for mail in self.house.mail.messages]


@pytest.fixture
def house_in(_prompt_policy: None) -> Iterator[Callable[[str], House]]:
    """A house in the database of that URL, with a mail server of its own."""
    opened: list[House] = []
    policy = load_policy(settings().policy_dir).model_copy(update={"loaded_at": None})
    here = Settings(secret=SECRET, allow_private_targets=True, send_per_minute=100_000, send_timeout_seconds=2,
                    lease_seconds=int(LEASE.total_seconds()), operator_url="json://hooks.example.com/")  # fmt: skip

    def move_in(url: str) -> House:
        house = House(Database(url), url, SmtpServer().__enter__(), policy, here)
        opened.append(house)
        house.move_in()
        return house

    yield move_in
    for house in opened:
        house.db.close()
        house.mail.__exit__(None, None, None)


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chance that is the same each time for the same test."""
    return random.Random(request.node.name)


@pytest.fixture
def account() -> Callable[[House], Account]:
    """Takes account of everything that a house promised, and fails where it does not add up."""
    return Account.of


@pytest.fixture
def url_of(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A fresh database of that kind, by URL."""
    return lambda kind: str(request.getfixturevalue(f"{kind}_url"))
