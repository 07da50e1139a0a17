"""An installation that is served: two servers at one database, as two processes are, and mails that are caught."""

from __future__ import annotations

import email
import email.policy
import logging
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlencode

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from bihuan.notify.gateway import AppriseGateway
from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.settings import Settings
from bihuan.simulation.mail_catcher import MailCatcher
from bihuan.store.rows import table_of
from bihuan.web.__main__ import listen
from bihuan.web.app import create_app
from schemas.complaint import CustomerIn, EventKind
from schemas.survey import Invitation
from schemas.tables import METADATA

WANG = "wang@mail.example"
LARGEST = 120_000
"""Bytes of the largest answer there may be."""


@dataclass
class House:
    """An office whose pages are served at two addresses, and its complainants' mailboxes."""

    office: Any
    settings: Settings
    addresses: list[str]
    client: httpx.Client
    folder: Path
    gateway: AppriseGateway = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = AppriseGateway(self.settings)

    def handled(self, mailbox: str = WANG, **facts: Any) -> str:
        """A complaint that is handled an hour after it came in; its number."""
        customer = CustomerIn(external_id=mailbox, name="王女士", contact_url=f"mailto:{mailbox}")
        number: str = self.office.complaint(customer=customer, **facts)
        self.office.later(hours=1)
        self.office.happens(number, EventKind.HANDLED)
        return number

    def sweep(self, *, hours: float = 0, delivers: bool = True) -> None:
        """Let so many hours pass, then do what the schedule does: plan, write and send."""
        self.office.later(hours=hours)
        follow_up(self.office.db, self.office.policy, self.settings, self.office.at)
        if delivers:
            self.deliver()

    def deliver(self) -> None:
        contact = self.office.policy.survey.contact
        deliver_all(self.office.db, self.gateway, self.settings, self.office.clock, contact=contact)

    def mails(self, mailbox: str = WANG) -> list[EmailMessage]:
        """What is in a mailbox beside receipts, oldest first."""
        caught = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                  for file in sorted(self.folder.glob("*.eml"))]  # fmt: skip
        return [mail for mail in caught if mailbox in str(mail["To"]) and re.search(r"/[so]/", self.words(mail))]

    def words(self, mail: EmailMessage) -> str:
        """What a mail says."""
        part = mail.get_body(("plain",))
        return part.get_content() if part else ""

    def link(self, kind: str = "s", mailbox: str = WANG, *, mail: int = -1, place: int = 0) -> str:
        """The address of a survey, or of the opt-out, in a mail, the latest by default."""
        return str(
            re.findall(rf"https?://\S+?/{kind}/[\w-]{{22}}(?![\w-])", self.words(self.mails(mailbox)[mail]))[place]
        )

    def answer(self, address: str, **fields: str) -> httpx.Response:
        """Send the form of a page, as a browser does: an empty one too is a form."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.client.post(address, content=urlencode(fields), headers=form)

    def rows(self, table: Any) -> list[Any]:
        with self.office.db.read() as session:
            return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))

    def everything(self) -> dict[str, list[Any]]:
        """Every row of every table, but for when somebody looked and when a key was used last."""
        kept = {name: [column for column in table.c if name != "api_key" or column.name != "used_at"]
                for name, table in METADATA.tables.items() if name != "access_entry"}  # fmt: skip
        with self.office.db.read() as session:
            return {name: sorted(map(repr, session.execute(select(*columns)))) for name, columns in kept.items()}

    def invitations(self, duty: str = "result_feedback") -> list[tuple[str, str | None]]:
        return [(row.state, row.reason) for row in self.rows(Invitation) if row.duty == duty]


@contextmanager
def served(make: Callable[[str], Any]) -> Iterator[str]:
    """The address at which the application that ``make`` gives for it answers, until left."""
    with listen(0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(make(address), log_level="warning", access_log=False))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield address
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    mail_url = f"mailto://127.0.0.1:{port}/?from=bihuan@mail.example&mode=insecure&format=text"
    return Settings(data_dir=tmp_path / "installation", mail_url=mail_url, allow_private_targets=True,
                    send_per_minute=1000)  # fmt: skip


@pytest.fixture
def house(office: Any, settings: Settings, tmp_path: Path) -> Iterator[House]:
    port, folder = int(settings.mail_url.get_secret_value().split(":")[2].split("/")[0]), tmp_path / "mail"
    known: list[Settings] = []

    def make(address: str) -> Any:
        known.append(settings.model_copy(update={"web_url": address}))
        return create_app(known[0], office.db, office.policy, office.clock)

    with (
        MailCatcher(folder, port, office.clock), served(make) as first, served(make) as second,
        httpx.Client(timeout=30) as client,
    ):  # fmt: skip
        yield House(office, known[0], [first, second], client, folder)


@pytest.fixture
def asked(house: House) -> House:
    """A complainant who has the mail that asks whether it is solved."""
    house.handled()
    house.sweep()
    return house


class Victim:
    """The installation in this process, with and without sign-in, and how it answered."""

    def __init__(self, house: House) -> None:
        self.house, self.statuses = house, Counter[int]()
        self.apps = [self._app(house, way) for way in ("off", "link")]
        self.app = self.apps[0]

    def _app(self, house: House, sign_in: str) -> Any:
        settings = house.settings.model_copy(update={"sign_in": sign_in})
        return create_app(settings, house.office.db, house.office.policy, house.office.clock)

    async def take(self, raw: tuple[str, bytes, dict[str, str], list[bytes]]) -> None:
        """Send a request as uvicorn hands it on, its body in the pieces in which it comes; judge the answer."""
        method, target, headers, pieces = raw
        path, _, query = target.partition(b"?")
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
                 "path": unquote(path.decode("latin-1")), "raw_path": path, "query_string": query, "root_path": "",
                 "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()],
                 "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 8700)}  # fmt: skip
        coming, answer = iter(pieces), list[Any]()

        async def receive() -> dict[str, Any]:
            piece = next(coming, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Any) -> None:
            answer.append(message)

        await self.apps[self.statuses.total() % 2](scope, receive, send)
        self.house.office.later(seconds=6)  # so that nobody is put off for asking too often
        size = sum(len(message.get("body", b"")) for message in answer)
        self.statuses[answer[0]["status"]] += 1
        assert answer[0]["status"] < 500, raw
        assert size < LARGEST, raw


@pytest.fixture
def victim(asked: House, caplog: pytest.LogCaptureFixture) -> Iterator[Victim]:
    """With an open survey, whose links the requests know; afterwards nothing may have changed or been logged."""
    before, found = asked.everything(), Victim(asked)
    yield found
    assert asked.everything() == before
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info
    ] == []
    assert found.statuses.keys() > {400, 403, 404}
