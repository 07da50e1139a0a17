"""An installation served on loopback with something of everything in it, and the system's Chromium to look at it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from axe_playwright_python.base import AXE_SCRIPT
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from bihuan.clock import Clock
from bihuan.notify.gateway import SendResult
from bihuan.notify.letter import Letter
from bihuan.notify.link import token_of
from bihuan.policy.models import Policy
from bihuan.services import sign_in
from bihuan.services.complaint import record, register
from bihuan.services.deadline import check_all
from bihuan.services.escalation import climb_all
from bihuan.services.link import Refusal
from bihuan.services.month import Due
from bihuan.services.month_report import analyse
from bihuan.services.outbox import deliver_all
from bihuan.services.trend import watch
from bihuan.settings import Settings
from bihuan.simulation import demo
from bihuan.simulation.mail_catcher import mail_folder
from bihuan.store.engine import Database
from bihuan.store.queries import board
from bihuan.store.rows import insert_rows
from bihuan.testing import RecordingGateway
from bihuan.web.__main__ import listen
from bihuan.web.app import create_app
from schemas.access import Purpose
from schemas.complaint import Channel, ComplaintIn, ComplaintState, CustomerIn, EventIn, EventKind, Kind, Severity
from schemas.installation import Heartbeat
from schemas.kpi import Grain, Snapshot
from schemas.outbox import AttemptOutcome, Message

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
"""Wednesday 10:00 in Shanghai."""
LONG = "https://shop.example/orders?" + "&".join(f"line{n}=0123456789abcdef" for n in range(8))
"""No space in it: what it stands in has to break it."""
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync")  # fmt: skip
"""Runs as root and without a screen, and asks the network for nothing of its own."""
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},  # WCAG 2.2: 24 px; axe leaves it out unless asked
    "resultTypes": ["violations"],
}


@dataclass(frozen=True)
class Installation:
    """What is served at ``address``; ``named`` has what the address of a page may need."""

    address: str
    app: FastAPI
    named: dict[str, str]


@dataclass
class Visitor:
    """Somebody with one page open, and everything that went wrong on it."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda line: self._note(line.type in {"error", "warning"}, f"console: {line.text}"))
        self.page.on("pageerror", lambda error: self._note(True, f"script: {error}"))
        self.page.on("requestfailed", self._note_failed)
        self.page.on("request", lambda request: self._note(not self._is_ours(request.url), f"outside: {request.url}"))

    def _note_failed(self, request: Any) -> None:
        """What whoever goes on to the next page breaks off is no fault of the page."""
        self._note("ERR_ABORTED" not in str(request.failure), f"failed: {request.url} {request.failure}")

    def _note(self, is_fault: bool, what: str) -> None:
        if is_fault:
            self.faults.append(what)

    def _is_ours(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.address).netloc

    def open(self, path: str) -> int:
        """Go there; the answer's status."""
        response = self.page.goto(self.address + path, wait_until="load")
        assert response is not None
        return response.status

    def width(self) -> int:
        """Pixels the page takes, however wide the screen."""
        return int(self.page.evaluate("document.scrollingElement.scrollWidth"))

    def unfold(self) -> None:
        """Open what is folded away, so that it is judged too."""
        self.page.evaluate(
            "for (const one of document.querySelectorAll('details')) { one.removeAttribute('name'); one.open = true }"
        )

    def violations(self) -> list[str]:
        """What axe finds, a line each: the rule, and the elements that break it. Needs a browser with scripts on."""
        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("options => axe.run(document, options)", RULES)["violations"]
        return [f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}" for each in found]


class UnsureGateway(RecordingGateway):
    """Refuses one member of staff, and cannot say whether the complainant of ``_special`` was reached."""

    def send(self, url: str, letter: Letter) -> SendResult:
        result = super().send(url, letter)
        outcomes = {"hao": AttemptOutcome.REFUSED, "w": AttemptOutcome.AMBIGUOUS}
        outcome = outcomes.get(url.rpartition("=")[2].partition("@")[0], result.outcome)
        return replace(result, outcome=outcome, error=None if outcome is result.outcome else f"scripted: {outcome}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window. As long as it runs, this thread's event loop is Playwright's."""
    file = shutil.which("chromium") or shutil.which("google-chrome")
    if file is None:
        pytest.skip("no Chromium on this machine: .ci/run installs it (apt-get install chromium fonts-wqy-microhei)")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=file, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, installation: Installation) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; each has a browser profile of its own."""
    with ExitStack() as opened:

        def make(language: str = "zh", *, width: int = 390, scheme: Any = "light", scripts: bool = False) -> Visitor:
            is_phone = width < 700
            context = chromium.new_context(
                locale={"zh": "zh-CN", "en": "en-GB"}[language], is_mobile=is_phone, has_touch=is_phone,
                viewport={"width": width, "height": 844}, color_scheme=scheme, java_script_enabled=scripts,
            )  # fmt: skip
            opened.callback(context.close)
            return Visitor(context.new_page(), installation.address)

        yield make


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, policy: Policy, _sqlite_template: Path, made_once: Any
) -> Iterator[Any]:
    """A demo with two weeks behind it, served as a user would be."""

    def lived(folder: Path) -> None:
        shutil.copyfile(_sqlite_template, folder / "bihuan.db")
        settings = _settings(folder)
        db = Database(settings.database())
        (folder / "named.json").write_text(json.dumps(_live(db, policy, settings)), encoding="utf-8")
        db.close()

    folder = tmp_path_factory.mktemp("installation") / "copy"
    shutil.copytree(made_once("lived", lived), folder)
    named = json.loads((folder / "named.json").read_text(encoding="utf-8"))
    settings = _settings(folder)
    db = Database(settings.database())
    app = create_app(settings, db, policy, lambda: NOW)
    with _served(app) as address:
        yield Installation(address, app, named)
    db.close()


def _settings(folder: Path) -> Settings:
    """Of an installation in that folder, whatever the developer's shell says."""
    with pytest.MonkeyPatch.context() as shell:
        for name in [name for name in os.environ if name.startswith("BIHUAN_")]:
            shell.delenv(name)
        return Settings(data_dir=folder, mail_url="mailto://relay.example")


@pytest.fixture(scope="module")
def door(installation: Installation) -> Iterator[Installation]:
    """The same installation where people sign in; ``named`` has a link, one that was used, and a session."""
    site = installation.app.state.site
    settings = site.settings.model_copy(update={"sign_in": "link"})
    app = create_app(settings, site.db, site.policy, site.clock, RecordingGateway)
    links = [_link(site.db, settings) for _ in range(2)]
    with site.db.write() as session:
        begun = sign_in.begin(session, links[0], NOW, timedelta(hours=12))
        assert not isinstance(begun, Refusal)
    named = {"used": links[0], "link": _link(site.db, settings), "session": begun.token}
    with _served(app) as address:
        yield Installation(address, app, installation.named | named)


def _link(db: Database, settings: Settings) -> str:
    """The token of a link to sign in that 甄靠谱 was just sent."""
    with db.write() as session:
        message = session.get(Message, sign_in.plan_link(session, settings, NOW, "zhen"))
        assert message is not None
        return token_of(settings.secret_value(), Purpose.SIGN_IN, message.key)


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[FastAPI], str]]:
    """Serves an application until the module's tests are over; gives its address."""
    with ExitStack() as opened:
        yield lambda app: opened.enter_context(_served(app))


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    """The address at which ``app`` answers until left."""
    listener = listen(0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


def _live(db: Database, policy: Policy, settings: Settings) -> dict[str, str]:
    """Two weeks of the demo, then an hour in which all that a page can show happens; names for what happened."""
    demo.prepare(db, policy, settings, lambda: NOW - timedelta(hours=1), days=14, per_day=12)
    named = _special(db, policy, settings, lambda: NOW - timedelta(minutes=50))
    for minutes in (40, 20, 0):
        check_all(db, policy, NOW - timedelta(minutes=minutes))
        climb_all(db, policy, NOW - timedelta(minutes=minutes))
    deliver_all(db, gateway := UnsureGateway(), settings, lambda: NOW)
    month = analyse(db, policy, settings, Due(date(2026, 11, 1)), NOW)
    chart_snapshots(db)
    month_snapshots(db)
    watch(db, policy, settings, NOW)
    with db.write() as session:
        session.add(Heartbeat(sweep="sla-check", beat_at=NOW - timedelta(minutes=1)))
    with db.read() as session:
        for state in ComplaintState:
            found = board.complaints(session, board.Wish(state=state, limit=1))
            named |= {str(state): row.number for row in found}
    return named | _links(gateway) | {"month": str(month), "mail": _catch_mail(mail_folder(settings))}


def chart_snapshots(db: Database) -> None:
    """Thirty-five weeks of days, of which the last three are bad, because of one department; scores are steady."""
    rows = []
    for place in range(35 * 7):
        day, is_bad = (NOW - timedelta(days=35 * 7 - place)).date(), place >= 32 * 7
        for indicator, dimension, element, share in (
            ("on_time_handled", "", "", 0.7 if is_bad else 0.92), ("on_time_handled", "department", "service", 0.92),
            ("on_time_handled", "department", "product", 0.5 if is_bad else 0.92), ("csat_mean", "", "", 0.82),
        ):  # fmt: skip
            is_share, n = indicator != "csat_mean", 24 + place * 7 % 9 - (18 if place % 7 > 4 else 0)
            x = round(n * share + (place * 5 % 7 - 3) / 2)
            x = min(x, n)
            rows.append({
                "grain": Grain.DAY, "starts_on": day, "indicator": indicator, "dimension": dimension,
                "element": element, "survey": "" if is_share else "bihuan", "x": float(x) if is_share else None, "n": n,
                "value": x / n if is_share else 5 * x / n, "apart": {}, "counted_at": NOW,
            })  # fmt: skip
    with db.write() as session:
        insert_rows(session, Snapshot, rows)


def month_snapshots(db: Database) -> None:
    """Three months of some indicators: one corrected by late news, one without a median, one with too few cases."""
    told = (("on_time_handled", 400, 0.93, None), ("handling_time", 380, 21.5, NOW),
            ("first_response_time", 9, None, None), ("nps", 120, 31.0, None))  # fmt: skip
    rows = [
        {"grain": Grain.MONTH, "starts_on": date(2026, month, 1), "indicator": name, "dimension": "", "element": "",
         "survey": "bihuan" if name == "nps" else "", "n": n, "value": value and value * (1 + (month - 10) / 50),
         "low": value and value * 0.9, "high": value and value * 1.05, "apart": {"open": 3}, "counted_at": NOW,
         "first_value": value, "corrected_at": corrected_at}
        for month in (9, 10, 11) for name, n, value, corrected_at in told
    ]  # fmt: skip
    with db.write() as session:
        insert_rows(session, Snapshot, rows)


def _links(gateway: RecordingGateway) -> dict[str, str]:
    """The token of a letter to staff about one complaint, and of one about several."""
    found = {}
    for _, letter in gateway.sent:
        if token := re.search(r"/a/([\w-]{22})", letter.body):
            is_one = len(set(re.findall(r"\d{8}-\d{6}", letter.body))) == 1
            found["link" if is_one else "links"] = token[1]
    return found


def _special(db: Database, policy: Policy, settings: Settings, clock: Clock) -> dict[str, str]:
    """Complaints that no script of the demo makes: one full of long words, one merged into it, one withdrawn."""
    full = ComplaintIn(
        source="test", channel=Channel.EMAIL, kind=Kind.PRODUCT, severity=Severity.MAJOR, registered_at=clock(),
        title=LONG, matter=f"{LONG}\n\n第二段。" + "屏幕又碎了。" * 40, demand=LONG, product="P" * 60, region="R" * 60,
        customer=CustomerIn(name="Wolfeschlegelsteinhausen" * 2, contact_url="mailto:w@mail.example", tier="vip"),
    )  # fmt: skip
    brief = full.model_copy(update={"title": "同一件事", "matter": "", "severity": Severity.GENERAL})
    with db.write() as session:
        numbers = [register(session, policy, settings, clock, one) for one in (full, brief, brief, brief)]
        for number, kind, data in (
            (numbers[0], EventKind.WAITING, {"reason": LONG}),
            (numbers[0], EventKind.NOTE, {"note": "客户说明早再打。" * 30}),
            (numbers[1], EventKind.MERGED, {"into": numbers[0]}),
            (numbers[2], EventKind.WITHDRAWN, {"note": "客户撤回"}),
        ):
            record(session, policy, clock, number, EventIn(kind=kind, occurred_at=clock(), data=data))
    return {"full": numbers[0]}


def _catch_mail(folder: Path) -> str:
    """Put one mail where the demo's catcher leaves them; its name."""
    folder.mkdir()
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = f"投诉已受理 {LONG}", "bihuan@heyu.example", "customer001@mail.example"
    mail["Date"] = NOW
    mail.set_content(f"您好：\n\n我们已收到您的投诉。{LONG}\n" + "我们会尽快处理。" * 40)
    file = folder / "20261118T020000000000-0123abcd.eml"
    file.write_bytes(mail.as_bytes())
    return file.name
