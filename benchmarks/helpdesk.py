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
from pathlib import Path
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


def ours(db: Database, opened: int, due: int) -> float:
    """Seconds of our sweep over so many due among so many open.

    Raises:
        AssertionError: Not each of them left its notice.
    """
    fill(db, opened - due)
    fill(db, due, first=opened - due + 1, due_from=NOW - timedelta(seconds=due))
    took = seconds(lambda: check_all(db, load_policy(None), NOW))
    with db.read() as session:
        written = session.execute(select(func.count()).select_from(table_of(Message))).scalar_one()
    if written != due:
        raise AssertionError(f"{written} notices for {due} breaches")
    return took


def theirs(python: Path, db: Database, opened: int, due: int, letters: str) -> float:
    """Seconds of their command over as many.

    Raises:
        AssertionError: Not each of them was escalated.
    """
    url = database_beside(db, f"helpdesk_{letters}")
    found = run_peer(python, "helpdesk_side.py", url, str(opened), str(due), letters)
    if (found["followups"], found["changes"]) != (due, due):
        raise AssertionError(f"{found} for {due} due")
    return float(found["seconds"])


def main(opened: int = 20_000, due: int = 500) -> None:
    """Measure on both databases."""
    python = peer("helpdesk", REQUIREMENT)
    if not python:
        return
    told: dict[str, Any] = {"peer": REQUIREMENT, "open": opened, "due": due}
    with databases() as found:
        for name, db in found.items():
            mine = ours(db, opened, due)
            told[f"{name} ours seconds"] = mine
            for letters in ("letters", "none"):
                took = theirs(python, db, opened, due, letters)
                what = "with letters" if letters == "letters" else "without letters"
                told |= {f"{name} helpdesk seconds, {what}": took, f"{name} helpdesk / ours, {what}": took / mine}
    keep("helpdesk", told)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
