"""The figures by which a machine watches an installation: how late it is, what waits, and which sweeps run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bihuan.rules.heartbeat import Pulse
from bihuan.services.heartbeat import pulses
from bihuan.store.queries import metric as queries
from schemas.outbox import MessageState


@dataclass(frozen=True, slots=True)
class Heap:
    """Messages in one state: how many (to `queries.MOST`), and how long the oldest has been planned, seconds."""

    state: MessageState
    count: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """A sweep: its pulse, how many rows its last run took and how many seconds that lasted, where it is known."""

    pulse: Pulse
    done: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands at one instant. Counts end at `queries.MOST`.

    Attributes:
        at: The instant.
        due_lag_seconds: How long the oldest step of a deadline has been due and is not decided.
        delivery_lag_seconds: How long the oldest message has been free to go out.
        open: Deadlines that are neither met nor cancelled.
        overdue: Those of them that are past due.
        heaps: Messages by state; those that are sent or suppressed need nobody's eye.
        runs: Every sweep that is to run.
    """

    at: datetime
    due_lag_seconds: float
    delivery_lag_seconds: float
    open: int
    overdue: int
    heaps: Sequence[Heap]
    runs: Sequence[Run]


def figures(session: Session, at: datetime) -> Figures:
    """The figures at the present ``at``: six looks by index, whatever is stored."""
    oldest = queries.answered(session, queries.oldest_undecided(at))
    waiting = {row[0]: row[1:] for row in session.execute(queries.waiting(at))}
    may_go = [first for state, (_, _, first) in waiting.items() if state is MessageState.PLANNED]
    overdue = queries.answered(session, queries.overdue(at))
    heaps = [Heap(state, waiting[state][0], _age(at, waiting[state][1])) if state in waiting else Heap(state)
             for state in queries.PENDING]  # fmt: skip
    heaps += [_troubled(session, state, at) for state in queries.TROUBLE]
    return Figures(
        at, _age(at, oldest), _age(at, may_go[0] if may_go else None),
        overdue + queries.answered(session, queries.ahead(at, queries.MOST - overdue)), overdue, heaps, _runs(session),
    )  # fmt: skip


def _troubled(session: Session, state: MessageState, at: datetime) -> Heap:
    count, oldest = session.execute(queries.troubled(state)).one()
    return Heap(state, count, _age(at, oldest))


def _runs(session: Session) -> list[Run]:
    beats = {row.sweep: row for row in session.execute(queries.beats())}
    return [
        Run(pulse, beats[pulse.sweep].done, beats[pulse.sweep].seconds) if pulse.sweep in beats else Run(pulse)
        for pulse in pulses(session)
    ]


def _age(at: datetime, since: datetime | None) -> float:
    """Seconds since then; 0 where there is nothing."""
    return max((at - since).total_seconds(), 0.0) if since else 0.0
