"""A thousand mails from the ledger to a mail server on loopback, against a fresh Apprise object for each message.

Both ways are `deliver_all` with everything it writes; they differ in what hands the letter over. The peer is the least
that Apprise needs: an object, its URL, one call. Each way delivers messages of its own, in one run, and counts only
where every message has its own result and arrived once. No reminders are set, so nothing waits or shares a letter. The
server is a process of its own.

    python -m benchmarks.delivery [MAILS]
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from apprise import Apprise
from apprise.manager_plugins import NotificationManager
from apprise.plugins.email import NotifyEmail
from pydantic import SecretStr
from sqlalchemy import func, select, update

from benchmarks.ground import NOW, databases, fill, keep, seconds
from bihuan.clock import fixed
from bihuan.notify import mail
from bihuan.notify.contact import masked, seal
from bihuan.notify.gateway import AppriseGateway, Gateway, Sender, SendResult
from bihuan.notify.letter import Letter
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.services.outbox import deliver_all
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from bihuan.testing import SmtpServer
from schemas.outbox import AttemptOutcome, DeliveryAttempt, Message, MessageState
from schemas.people import Staff

_SECRET = "benchmark"  # noqa: S105 - seals addresses that nobody has
_PAGE = 500
"""Deadlines due within one page of seconds: above a quarter of an hour notices would be late and share letters."""


class FreshApprise:
    """A new Apprise object for each message."""

    def send(self, url: str, letter: Letter) -> SendResult:
        """Add the URL and notify."""
        apprise = Apprise()
        apprise.add(url)
        is_taken = apprise.notify(body=letter.body, title=letter.title)
        outcome = AttemptOutcome.SENT if is_taken else AttemptOutcome.AMBIGUOUS
        return SendResult(outcome, None if is_taken else "not taken", masked(url))

    @contextmanager
    def session(self) -> Iterator[Sender]:
        """Itself, with Apprise's own mail service."""
        NotificationManager().add(NotifyEmail, force=True)
        try:
            yield self
        finally:
            mail.register()


@dataclass
class Post:
    """Delivers what is due, and asks the mail server what came."""

    db: Database
    settings: Settings
    server: Connection
    done: int = 0

    def deliver(self, gateway: Gateway, mails: int) -> tuple[float, int]:
        """Plan so many notices and deliver them; seconds, and connections the server saw."""
        at = NOW + timedelta(seconds=self.done)
        self._plan(mails, at)
        took = seconds(lambda: deliver_all(self.db, gateway, self.settings, fixed(at)))
        self.server.send(None)
        titles, connections = self.server.recv()
        if len(titles) != mails or len(set(titles)) != mails or self._sent(at) != (mails, mails):
            raise AssertionError(f"{len(titles)} mails, {len(set(titles))} letters, results {self._sent(at)}")
        return took, connections

    def _plan(self, mails: int, at: datetime) -> None:
        for first in range(self.done + 1, self.done + mails + 1, _PAGE):
            count = min(_PAGE, self.done + mails + 1 - first)
            fill(self.db, count, first=first, due_from=at - timedelta(seconds=count))
            if first == 1:
                self._give_addresses()
        check_all(self.db, load_policy(None), at)
        self.done += mails

    def _give_addresses(self) -> None:
        staff = table_of(Staff)
        with self.db.write() as session:
            for (number,) in session.execute(select(staff.c.id)).all():
                contact = seal(f"mailto:s{number}@example.com", _SECRET)
                session.execute(update(staff).where(staff.c.id == number).values(sealed_contact=contact))

    def _sent(self, at: datetime) -> tuple[int, int]:
        """Messages planned at ``at`` that are sent, and successful attempts that say so of one message each."""
        message, attempt = table_of(Message).c, table_of(DeliveryAttempt).c
        proved = (
            select(func.count(message.id), func.count(message.id.distinct()))
            .join(table_of(DeliveryAttempt), attempt.message_id == message.id)
            .where(message.planned_at == at, message.state == MessageState.SENT, attempt.outcome == AttemptOutcome.SENT)
        )
        with self.db.read() as session:
            attempts, messages = session.execute(proved).one()
        return attempts, messages


@contextmanager
def _mail_server() -> Iterator[Connection]:
    """A mail server in another process: says its port, then what came since it was last asked."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    with SmtpServer() as server:
        pipe.send(server.port)
        while True:
            pipe.recv()
            pipe.send(([str(message["Subject"]) for message in server.messages], server.connections))
            server.messages.clear()
            server.connections = 0


def main(mails: int = 1000) -> None:
    """Measure on both databases."""
    figures: dict[str, Any] = {"mails": mails}
    with _mail_server() as server, databases() as found:
        settings = Settings(
            secret=SecretStr(_SECRET),
            mail_url=SecretStr(f"mailto://127.0.0.1:{server.recv()}/?from=bihuan@example.com&format=text"),
            allow_private_targets=True,
            send_per_minute=mails,
        )
        for name, db in found.items():
            post = Post(db, settings, server)
            fresh, often = post.deliver(FreshApprise(), mails)
            ours, seldom = post.deliver(AppriseGateway(settings), mails)
            figures |= {
                f"{name} seconds, fresh Apprise object": fresh, f"{name} seconds, ours": ours,
                f"{name} times faster": fresh / ours, f"{name} connections": f"{often} | {seldom}",
            }  # fmt: skip
    keep("delivery", figures)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
