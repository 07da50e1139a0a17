"""Several workers over one database, each a process of its own: all sweep at once, and any may be told where to die.

Each does what the flows do – check, climb, follow up, deliver – at the instant it is given. They are forked from a
server that has loaded the product already, so a new one costs milliseconds: a crew can lose two hundred.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Literal, Self

from sqlalchemy import Engine, event

from bihuan.clock import fixed
from bihuan.errors import UnavailableError
from bihuan.notify.gateway import Gateway, Sender, SendResult
from bihuan.notify.letter import Letter
from bihuan.policy.models import Policy
from bihuan.services.deadline import check_due
from bihuan.services.escalation import climb_due
from bihuan.services.outbox import deliver_due, worker_name
from bihuan.services.survey import follow_up_due
from bihuan.settings import Settings
from bihuan.store.engine import Database
from schemas.outbox import AttemptOutcome

Part = Literal["check", "climb", "follow-up", "deliver"]
ALL: tuple[Part, ...] = ("check", "climb", "follow-up", "deliver")
DECIDE, DELIVER = ALL[:3], ALL[3:]
"""Deciding and sending apart, for whoever wants everything decided before the first letter goes."""
Done = Counter[str]
"""Counts as ``check.decided``, and under ``wall`` and ``cpu`` the seconds it took."""


class NullGateway:
    """Sends nothing at no cost: every letter has arrived."""

    def send(self, url: str, letter: Letter) -> SendResult:
        """It went out."""
        del url, letter
        return SendResult(AttemptOutcome.SENT, None, "null://")

    def session(self) -> AbstractContextManager[Sender]:
        """Itself."""
        return nullcontext(self)


@dataclass(frozen=True, slots=True)
class Order:
    """One pass.

    Attributes:
        at: The instant it looks at.
        parts: What is done, in this order.
        limit: Size of a batch: small ones let workers meet.
        dies_at: The step at which SIGKILL comes, from 1; a step is a statement, a commit, or either side of a sending.
            0: it lives.
        file_bytes: Beyond this size no file grows: a full disk. 0: there is room.
    """

    at: datetime
    parts: tuple[Part, ...] = ALL
    limit: int = 500
    dies_at: int = 0
    file_bytes: int = 0


@dataclass(frozen=True)
class Post:
    """What a worker is given to work with."""

    url: str
    policy: Policy
    settings: Settings
    gateway: Gateway = field(default_factory=NullGateway)


@dataclass
class Crew:
    """So many workers; used as a context, they end with it.

    ``killed`` counts those that died where they were told to, each replaced at once; ``refused`` the passes that ended
    because the database did not answer or did not keep what was written.
    """

    post: Post
    size: int
    killed: int = 0
    refused: int = 0
    said: list[str] = field(default_factory=list)
    """Why passes were refused."""
    _seats: list[tuple[BaseProcess, Connection]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._seats = [_hire(self.post) for _ in range(self.size)]
        return self

    def __exit__(self, *_: object) -> None:
        for process, pipe in self._seats:
            pipe.close()
            process.join(20)
            process.close()

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [process.pid or 0 for process, _ in self._seats]

    def work(self, orders: Sequence[Order], meanwhile: Callable[[], object] = lambda: None) -> Done:
        """Give each worker its order, all at once, and wait for all; what those did that lived to tell."""
        for (_, pipe), order in zip(self._seats, orders, strict=True):
            pipe.send(order)
        meanwhile()
        total: Done = Counter()
        for seat in range(self.size):
            total.update(self._hear(seat))
        return total

    def sweep(self, order: Order) -> Done:
        """The same order for all."""
        return self.work([order] * self.size)

    def _hear(self, seat: int) -> Done:
        process, pipe = self._seats[seat]
        try:
            answer: Done | str = pipe.recv()
        except EOFError:
            process.join()
            if process.exitcode != -signal.SIGKILL:
                raise AssertionError(f"a worker ended with {process.exitcode}") from None
            self.killed += 1
            pipe.close()
            process.close()
            self._seats[seat] = _hire(self.post)
            return Counter()
        if isinstance(answer, str):
            self.refused += 1
            self.said.append(answer)
            return Counter()
        return answer


def _hire(post: Post) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crew", "bihuan.notify.delivery"])
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(post, there), daemon=True)
    process.start()
    there.close()
    return process, here


def _serve(post: Post, pipe: Connection) -> None:
    """Work through orders until nobody gives any."""
    steps = _Steps()
    post = replace(post, gateway=_Watched(post.gateway, steps))
    db = Database(post.url)
    while True:
        try:
            order: Order = pipe.recv()
        except EOFError:
            db.close()
            return
        steps.start(order.dies_at)
        with _room(order.file_bytes):
            try:
                pipe.send(sweep_here(db, post, order))
            except UnavailableError as error:
                pipe.send(str(error))


def sweep_here(db: Database, post: Post, order: Order) -> Done:
    """One pass by this very process."""
    done: Done = Counter()
    wall, cpu = time.perf_counter(), time.process_time()
    owner = worker_name()
    for part in order.parts:
        batch, taken = _batch(db, post, order, part, owner)
        while True:
            counts = batch()
            done.update({f"{part}.{name}": count for name, count in counts.items()})
            if not counts[taken]:
                break
    done.update(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)  # type: ignore[arg-type]
    return done


def _batch(
    db: Database, post: Post, order: Order, part: Part, owner: str
) -> tuple[Callable[[], dict[str, int]], str]:  # fmt: skip
    at, policy, limit = order.at, post.policy, order.limit
    match part:
        case "check":
            return lambda: asdict(check_due(db, policy, at, limit=limit)), "decided"
        case "climb":
            return lambda: asdict(climb_due(db, policy, at, limit=limit)), "taken"
        case "follow-up":
            return lambda: asdict(follow_up_due(db, policy, post.settings, at, limit=limit)), "taken"
        case "deliver":
            how: dict[str, Any] = {"owner": owner, "reminders": policy.escalation.reminders,
                                   "contact": policy.survey.contact, "limit": min(limit, 50)}  # fmt: skip
            return lambda: asdict(deliver_due(db, post.gateway, post.settings, fixed(at), **how)), "claimed"


class _Steps:
    """Counts the steps of this process and kills it at the one it was told."""

    def __init__(self) -> None:
        self._steps, self._last = count(1), 0
        event.listen(Engine, "before_cursor_execute", self.take)
        event.listen(Engine, "commit", self.take)

    def start(self, last: int) -> None:
        self._steps, self._last = count(1), last

    def take(self, *_: object) -> None:
        if next(self._steps) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class _Watched:
    """A gateway for which either side of a sending is a step: before it leaves, and before that can be recorded."""

    gateway: Gateway
    steps: _Steps
    sender: Sender | None = None

    def send(self, url: str, letter: Letter) -> SendResult:
        self.steps.take()
        result = (self.sender or self.gateway).send(url, letter)
        self.steps.take()
        return result

    @contextmanager
    def session(self) -> Iterator[Sender]:
        with self.gateway.session() as sender:
            yield replace(self, sender=sender)


@contextmanager
def _room(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes meanwhile, as on a full disk; 0: any size."""
    import resource  # noqa: PLC0415 - not on every system, and for one test only

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size or usual[0], usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
