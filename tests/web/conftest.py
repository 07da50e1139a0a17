"""An installation with its pages, and a browser that needs no network: requests go straight into the application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from bihuan.notify.contact import seal
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.services.people import save_department, save_staff
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.web.app import create_app
from schemas.access import Role
from schemas.complaint import Channel, ComplaintIn, CustomerIn, EventIn, EventKind, Kind, Severity
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
        """Rows by table."""
        with self.db.read() as session:
            return {name: session.execute(select(func.count()).select_from(table)).scalar_one()
                    for name, table in METADATA.tables.items()}  # fmt: skip

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
