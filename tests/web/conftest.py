"""An installation with its pages, and a browser that needs no network: requests go straight into the application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from bihuan.notify.contact import seal
from bihuan.policy.models import Policy
from bihuan.services.approval import decide
from bihuan.services.cause import confirm_cause
from bihuan.services.complaint import record, register
from bihuan.services.cycle import open_month
from bihuan.services.item import amend, draft_from_finding, move
from bihuan.services.item import show as show_item
from bihuan.services.measure import add_measure, implement_measure
from bihuan.services.people import save_department, save_staff
from bihuan.services.verification_plan import write_plan
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.web.app import create_app
from schemas.access import Role
from schemas.complaint import Channel, ComplaintIn, CustomerIn, EventIn, EventKind, Kind, Severity
from schemas.effect import EffectCheck, Standard
from schemas.improvement import AnalysisRun, Bone, Finding, FindingSource, FindingState, Problem
from schemas.item import Gate, Item, ItemState, Verdict
from schemas.kpi import Grain, Snapshot
from schemas.people import Staff, StaffIn
from schemas.tables import METADATA

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""


class Browser:
    """Keeps cookies, follows no redirect, and sends what a browser sends."""

    def __init__(self, app: FastAPI, address: str = "http://127.0.0.1:8700", peer: str = "127.0.0.1") -> None:
        self.app, self.address, self.peer, self.cookies = app, address, peer, httpx.Cookies()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers=headers)

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        return asyncio.run(self._send(method, path, **how))

    def submit(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open ``page``, fill its form in and send it."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.get(page).text))
        return self.send("POST", action, data={**hidden, **fields}, headers={"Origin": self.address})

    def upload(self, page: str, action: str, content: bytes, **fields: str) -> httpx.Response:
        """Open ``page``, and send its form with a file."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.get(page).text))
        return self.send("POST", action, data={**hidden, **fields}, files={"file": ("plan.xlsx", content)},
                         headers={"Origin": self.address})  # fmt: skip

    async def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        inside = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(self.peer, 40_000))
        async with httpx.AsyncClient(transport=inside, base_url=self.address, cookies=self.cookies) as client:
            response = await client.request(method, path, **how)
            self.cookies = client.cookies
            return response


class Office:
    """Two departments and what reaches them, at a time the test sets."""

    def __init__(self, db: Database, policy: Policy, settings: Settings) -> None:
        self.db, self.policy, self.settings, self.at = db, policy, settings, START
        with db.write() as session:
            for code, name, name_en in (("product", "产品部", "Product"), ("service", "服务部", "")):
                save_department(session, code, name, name_en=name_en)
            for code, department in (("li", "product"), ("wang", "product"), ("zhao", "service")):
                save_staff(session, StaffIn(code=code, name=f"{code.title()} 处理", department=department),
                           settings.secret_value())  # fmt: skip

    def clock(self) -> datetime:
        return self.at

    def complaint(self, title: str = "屏幕碎了", **facts: Any) -> str:
        """Register one now; its number."""
        defaults: dict[str, Any] = {"source": "test", "channel": Channel.PHONE, "kind": Kind.PRODUCT,
                                    "severity": Severity.GENERAL}  # fmt: skip
        complaint = ComplaintIn(title=title, registered_at=self.at, **{**defaults, **facts})
        with self.db.write() as session:
            return register(session, self.policy, self.settings, self.clock, complaint)

    def happens(self, number: str, kind: EventKind, **data: Any) -> None:
        with self.db.write() as session:
            record(session, self.policy, self.clock, number, EventIn(kind=kind, occurred_at=self.at, data=data))

    def reach(self, code: str) -> None:
        """Give somebody a contact of their own."""
        sealed = seal(f"json://hooks.example.com/{code}", self.settings.secret_value())
        with self.db.write() as session:
            session.execute(update(Staff).where(Staff.code == code).values(sealed_contact=sealed))

    def roles(self, code: str, *roles: Role, is_head: bool = False) -> None:
        """Let somebody have these roles beside what everyone has."""
        with self.db.write() as session:
            values = {"roles": [role.value for role in roles], "is_head": is_head}
            session.execute(update(Staff).where(Staff.code == code).values(values))

    def stored(self) -> dict[str, int]:
        """Rows by table; that somebody looked is noted apart and changes nothing."""
        with self.db.read() as session:
            return {name: session.execute(select(func.count()).select_from(table)).scalar_one()
                    for name, table in METADATA.tables.items() if name != "access_entry"}  # fmt: skip

    def later(self, **length: float) -> None:
        self.at += timedelta(**length)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "installation", web_url="http://bihuan.example:8700")


@pytest.fixture
def office(db: Database, policy: Policy, settings: Settings) -> Office:
    return Office(db, policy, settings)


@pytest.fixture
def app(office: Office) -> FastAPI:
    return create_app(office.settings, office.db, office.policy, office.clock)


@pytest.fixture
def browse(app: FastAPI) -> Callable[..., Browser]:
    """Makes a browser; by another address if one is given."""
    return lambda *address: Browser(app, *address)


@pytest.fixture
def browse_other(office: Office) -> Callable[..., Browser]:
    """Makes a browser at the same installation with settings of its own."""

    def browse(
        address: str = "http://127.0.0.1:8700", peer: str = "127.0.0.1", policy: Policy = office.policy, **changed: Any
    ) -> Browser:
        settings = office.settings.model_copy(update=changed)
        return Browser(create_app(settings, office.db, policy, office.clock), address, peer)

    return browse


@pytest.fixture
def empty(db: Database, policy: Policy, settings: Settings) -> Browser:
    """A browser at an installation where nothing has happened yet."""
    return Browser(create_app(settings, db, policy, lambda: START))


@pytest.fixture
def cut_off(policy: Policy, settings: Settings, tmp_path: Path) -> Browser:
    """A browser at an installation whose database is gone."""
    return Browser(create_app(settings, Database(f"sqlite:///{tmp_path}/nowhere/none.db"), policy, lambda: START))


@pytest.fixture
def browser(app: FastAPI) -> Browser:
    return Browser(app)


@pytest.fixture
def customer() -> CustomerIn:
    return CustomerIn(name="张三丰", contact_url="mailto://zhangsanfeng@mail.example")


class Improving:
    """The office improves: zhao leads quality, han heads product with li and wang, eve is an executive.

    October's analysis found that washing machines are late; ``number`` is the item that works on it.
    """

    number = "PDCA-2026-12-01"

    def __init__(self, office: Office) -> None:
        self.office = office
        with office.db.write() as session:
            for code, department, how in (
                ("han", "product", {"is_head": True}), ("eve", "service", {"roles": [Role.EXECUTIVE]}),
                ("bo", "service", {"is_head": True}),
            ):  # fmt: skip
                told = StaffIn(code=code, name=f"{code.title()} 负责", department=department, **how)
                save_staff(session, told, office.settings.secret_value())
        office.roles("zhao", Role.QUALITY_MANAGER)
        self.evidence = [office.complaint(f"洗衣机维修超时 {place}", product="洗衣机") for place in (1, 2)]
        self._analysis()

    def __call__(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do one act of a service."""
        with self.office.db.write() as session:
            return act(session, self.office.policy, self.office.clock, *given, **named)

    def show(self, number: str | None = None) -> dict[str, Any]:
        with self.office.db.read() as session:
            return dict(show_item(session, number or self.number))

    def keep(self, *rows: Any) -> None:
        with self.office.db.write() as session:
            session.add_all(rows)

    def _analysis(self) -> None:
        run = AnalysisRun(
            number="M-2026-11", period_on=date(2026, 11, 1), until_on=date(2026, 12, 1), as_of=self.office.at,
            sha256="0" * 64, complaints=240, answers=40, params={"baseline": 3}, conclusion={"rates": []},
            policy_version="1", code_version="1", made_at=self.office.at,
        )  # fmt: skip
        place = {"dimension": "product", "element": "洗衣机", "rank": 1}
        with self.office.db.write() as session:
            session.add(run)
            session.flush()
            session.add(Problem(
                run_id=run.id, count=48, share_ratio=0.2, low=0.1, high=0.3, severity_weight=90.0, tier_weight=1,
                late=33, negative=1, people=40, kind="product", stage="working", **place,
            ))  # fmt: skip
            session.add(Finding(
                number="F-2026-11-01", run_id=run.id, source=FindingSource.SLICE, indicator="late",
                state=FindingState.LOCALIZED, bone=Bone.PROCESS, x0=14, n0=140, x1=33, n1=48, q=0.001,
                evidence=self.evidence, **place,
            ))  # fmt: skip
            session.add(Snapshot(
                grain=Grain.MONTH, starts_on=date(2026, 10, 1), indicator="on_time_handled", x=230, n=240, value=0.96,
                counted_at=self.office.at,
            ))  # fmt: skip

    def drafted(self) -> str:
        """With a goal that lacks nothing."""
        self(draft_from_finding, self(open_month, "M-2026-11", "zhao"), "F-2026-11-01", "zhao")
        goal = {"owner": "li", "target_value": 0.95, "due_on": "2027-03-31", "department": "product"}
        self(amend, self.number, goal, "zhao")
        return self.number

    def agree(self, gate: Gate, *codes: str) -> None:
        ids = {one.code: one.id for one in self.rows(Staff)}
        for code in codes:
            self(decide, self.number, gate, ids[code], True)

    def rows(self, table: Any) -> list[Any]:
        with self.office.db.read() as session:
            return list(session.execute(select(table.__table__).order_by(table.id)))

    def analysing(self) -> str:
        self.drafted()
        self.agree(Gate.G1, "zhao")
        self(move, self.number, ItemState.ANALYSING, "li")
        return self.number

    def planning(self) -> str:
        """With one confirmed cause, agreed to."""
        self.analysing()
        self(confirm_cause, self.show()["causes"][0]["id"], "data", "48 台中有 33 台在等配件", "li")
        self.agree(Gate.G2, "zhao", "han")
        self(move, self.number, ItemState.PLANNED, "li")
        return self.number

    def reviewed(self) -> str:
        """With a measure of wang's and a verification plan, handed in."""
        self.planning()
        plan = {"what": "门店备齐十种常用配件", "kind": "corrective", "strength": "strong", "owner": "wang",
                "cause_ids": [self.show()["causes"][0]["id"]], "start_on": "2026-11-17", "due_on": "2026-12-10",
                }  # fmt: skip
        self(add_measure, self.number, plan, "li")
        self(write_plan, self.number, {"weekly_n": 60}, "li")
        self(move, self.number, ItemState.PLAN_REVIEW, "li")
        return self.number

    def doing(self) -> str:
        self.reviewed()
        self.agree_plan()
        return self.number

    def agree_plan(self) -> None:
        self.agree(Gate.G3, "han", "eve")

    def judged(self, verdict: Verdict = Verdict.EFFECTIVE, **facts: Any) -> str:
        """With a final check that was agreed to."""
        self.doing()
        self.office.at = datetime(2026, 12, 10, 2, 0, tzinfo=UTC)
        told = {"implemented_on": date(2026, 12, 9), "coverage": 0.9, "evidence": "库存清单"}
        self(implement_measure, f"{self.number}.1", "wang", **told)
        for state in (ItemState.IMPLEMENTED, ItemState.OBSERVING):
            self(move, self.number, state, "li")
        self.office.at = datetime(2027, 2, 10, 2, 0, tzinfo=UTC)
        self(move, self.number, ItemState.CHECKING, "zhao")
        seen = {"x0": 126.0, "n0": 140, "x1": 388.0, "n1": 400, "estimate": 0.07, "low": 0.025, "high": 0.131,
                "p": 0.0004, "limitations": ["no_control", "two_windows_only"],
                "attribution": "target_reached"}  # fmt: skip
        self.keep(EffectCheck(
            item_id=self.rows(Item)[0].id, checked_at=self.office.at, until_on=date(2027, 2, 10), is_final=True,
            plan_hash="p", sha256="s", method="two_windows", verdict=verdict, fidelity_ratio=0.9, **(seen | facts),
        ))  # fmt: skip
        self.agree(Gate.G4, "bo", "zhao")
        return self.number

    def standard(self, **facts: Any) -> str:
        """With the standard that it left behind."""
        self.judged()
        self(move, self.number, ItemState.STANDARDISING, "li")
        told = {"content": "门店常备十种配件，每周一盘点。", "difference": "+ 门店常备十种配件", "trained_ratio": 0.95,
                "effective_on": date(2027, 2, 1), "elsewhere": "洗碗机同样处理", "told_at": self.office.at}  # fmt: skip
        self.keep(Standard(
            number="SOP-2027-001", item_id=self.rows(Item)[0].id, title="门店备件", made_at=self.office.at,
            **(told | facts),
        ))  # fmt: skip
        return "SOP-2027-001"


@pytest.fixture
def improving(office: Office) -> Improving:
    return Improving(office)
