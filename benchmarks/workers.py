"""One, two and four workers over one PostgreSQL: what they decide and send in a second, and what held them up.

A heap of promises has just been broken, each of which starts a ladder. The workers, processes of their own, first
decide all at once until nothing is due, then send what follows through a gateway that costs nothing, each notice as a
letter of its own. Every number of workers has the same heap in a database of its own. Meanwhile ``pg_stat_activity`` is
looked at every twenty milliseconds: what the server's processes wait for, or that they work; and the time that workers
and server had on the cores is counted.

    python -m benchmarks.workers [PROMISES]
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import psutil
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, select, text, update

from benchmarks.crew import Crew, Done, Order, Part, Post
from benchmarks.ground import NOW, databases, fill, keep
from bihuan.notify.contact import seal
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.services.claim import NOTHING_SET
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.rows import table_of
from schemas.deadline import Deadline
from schemas.people import Staff

_SECRET = "benchmark"  # noqa: S105 - seals addresses that nobody has
_LOOK_SECONDS = 0.02
_BATCH = 200
_WAITS = text(
    "SELECT coalesce(wait_event_type || ' ' || wait_event, 'works') FROM pg_stat_activity"
    " WHERE datname = :name AND pid <> pg_backend_pid() AND state <> 'idle'"
)


class Watch:
    """What a database server does while somebody else is at work."""

    def __init__(self, admin: Engine, name: str) -> None:
        self.seen: Counter[str] = Counter()
        self._admin, self._name, self._over = admin, name, Event()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look again and again meanwhile."""
        thread = Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        with self._admin.connect() as connection:
            while not self._over.wait(_LOOK_SECONDS):
                self.seen.update(connection.execute(_WAITS, {"name": self._name}).scalars())

    @property
    def said(self) -> str:
        """The most frequent, with their shares."""
        total = self.seen.total() or 1
        return ", ".join(f"{event} {count / total:.0%}" for event, count in self.seen.most_common(4))


def _without_reminders(policy: Policy) -> Policy:
    escalation = policy.escalation.model_copy(update={"reminders": NOTHING_SET})
    return policy.model_copy(update={"escalation": escalation, "loaded_at": None})


def _heap(db: Database, promises: int) -> None:
    """So many promises broken a minute ago; everybody can be reached."""
    upgrade(db)
    fill(db, promises)
    staff, deadline = table_of(Staff), table_of(Deadline)
    with db.write() as session:
        for (number,) in session.execute(select(staff.c.id)).all():
            contact = seal(f"mailto:s{number}@example.com", _SECRET)
            session.execute(update(staff).where(staff.c.id == number).values(sealed_contact=contact))
        due_at = NOW - timedelta(minutes=1)
        session.execute(update(deadline).values(due_at=due_at, next_at=due_at))
    db.analyze()


def _server_seconds(postmaster: int) -> float:
    """Time on the cores of all processes that a server has now."""
    return sum(sum(one.cpu_times()[:2]) for one in psutil.Process(postmaster).children())


def _busy() -> float:
    """Time on the cores of everybody on this machine."""
    now = psutil.cpu_times()
    return sum(now) - now.idle - now.iowait


def _part(crew: Crew, watch: Watch, postmaster: int, part: Part) -> tuple[Done, float, str]:
    """All at once until nothing is due: counts, seconds, and the shares of the cores that we and others had."""
    crew.sweep(Order(NOW - timedelta(days=9), (part,)))  # finds nothing, and makes connections and statements
    before, busy = _server_seconds(postmaster), _busy()
    with watch.looking():
        done = crew.sweep(Order(NOW, (part,), limit=_BATCH))
    seconds = done["wall"] / crew.size
    whole = seconds * (os.cpu_count() or 1)
    ours, theirs = done["cpu"], _server_seconds(postmaster) - before
    others = max(0.0, _busy() - busy - ours - theirs)
    return done, seconds, f"workers {ours / whole:.0%}, server {theirs / whole:.0%}, others {others / whole:.0%}"


def main(promises: int = 4000) -> None:
    """Measure one, two and four."""
    figures: dict[str, Any] = {"promises": promises, "cores": os.cpu_count()}
    policy = _without_reminders(load_policy(None))
    settings = Settings(secret=SecretStr(_SECRET), mail_url=SecretStr("mailto://127.0.0.1/?from=care@example.com"),
                        send_per_minute=1_000_000)  # fmt: skip
    with databases() as found:
        admin = create_engine(found["postgresql"].engine.url, isolation_level="AUTOCOMMIT")
        for size in (1, 2, 4):
            name = f"workers_{size}"
            with admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
                postmaster = _postmaster(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
            url = admin.url.set(database=name).render_as_string(hide_password=False)
            db = Database(url)
            _heap(db, promises)
            db.close()
            with Crew(Post(url, policy, settings), size) as crew:
                for part, what, word in (("check", "decided", "decisions"), ("deliver", "sent", "messages")):
                    watch = Watch(admin, name)
                    done, seconds, used = _part(crew, watch, postmaster, part)  # type: ignore[arg-type]
                    count = done[f"{part}.{what}"]
                    if count < promises:
                        raise AssertionError(f"{count} {word} of {promises}")
                    figures |= {
                        f"{size} workers: {word} a second": count / seconds,
                        f"{size} workers: cores while {part}": used,
                        f"{size} workers: server while {part}": watch.said,
                    }
        admin.dispose()
    keep("workers", figures)


def _postmaster(backend: int) -> int:
    return psutil.Process(backend).ppid()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
