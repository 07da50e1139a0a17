"""The same overdue complaints by django-helpdesk's ``escalate_tickets`` and by our sweep, on both databases.

Theirs, for each overdue ticket: the ticket saved with a higher priority, a follow-up and a change record inserted, and
the letter to its owner rendered and handed to Django's dummy mail backend; once more without letter templates, where
nothing is rendered. Ours, for each overdue deadline: the breach decided and recorded, its ladder begun, the first rung
recorded, and a message row written, all in transactions of five thousand; rendering and sending are another sweep's
work, and `benchmarks.delivery` measures them. Each side has a fresh database on the same server, or a file in the same
folder. Run: ``python -m benchmarks.helpdesk [OPEN [DUE]]``.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, select

from benchmarks.ground import NOW, databases, fill, keep, seconds
from benchmarks.peers.install import database_beside, peer, run_peer
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from schemas.outbox import Message

REQUIREMENT = "django-helpdesk==2.6.1"
ROUNDS = 3


def ours(db: Database, opened: int, due: int) -> float:
    """Seconds of our sweep over so many due among so many open, the median of all rounds.

    Raises:
        AssertionError: Not each of them left its notice.
    """
    policy, times = load_policy(None), []
    fill(db, opened)
    for turn in range(ROUNDS):
        at = NOW + timedelta(minutes=turn)
        fill(db, due, first=opened + turn * due + 1, due_from=at - timedelta(seconds=due))
        times.append(seconds(partial(check_all, db, policy, at)))
    with db.read() as session:
        written = session.execute(select(func.count()).select_from(table_of(Message))).scalar_one()
    if written != due * ROUNDS:
        raise AssertionError(f"{written} notices for {due * ROUNDS} breaches")
    return median(times)


def theirs(python: Path, db: Database, opened: int, due: int) -> dict[str, float]:
    """Seconds of their command over as many, the medians with letters and without.

    Raises:
        AssertionError: Not each of them was escalated.
    """
    arguments = (str(number) for number in (opened, due, ROUNDS))
    found = run_peer(python, "helpdesk_side.py", database_beside(db, "helpdesk"), *arguments)
    if found["done"] != [due * ROUNDS * 2] * 2:
        raise AssertionError(f"{found['done']} for {due * ROUNDS * 2} due")
    return {what: median(found[what]) for what in ("with letters", "without letters")}


def main(opened: int = 20_000, due: int = 300) -> None:
    """Measure on both databases."""
    python = peer("helpdesk", REQUIREMENT)
    if not python:
        return
    told: dict[str, Any] = {"peer": REQUIREMENT, "open": opened, "due": due, "rounds": ROUNDS}
    with databases() as found:
        for name, db in found.items():
            mine = ours(db, opened, due)
            told[f"{name} ours seconds"] = mine
            for what, took in theirs(python, db, opened, due).items():
                told |= {f"{name} helpdesk seconds, {what}": took, f"{name} helpdesk / ours, {what}": took / mine}
    keep("helpdesk", told)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
