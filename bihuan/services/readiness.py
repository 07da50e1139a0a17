"""Is an installation ready for work: its database, its policy, its sweeps; each that is not says why, and the cure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from bihuan.errors import BihuanError, UnavailableError
from bihuan.policy.loader import load_policy
from bihuan.services.heartbeat import pulses
from bihuan.store.engine import Database
from bihuan.store.migrations import current, head


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is wrong; it names no address and nobody."""

    check: str
    """``database``, ``revision``, ``policy`` or ``sweeps``."""
    what: str
    cure: str


CHECKS = ("database", "revision", "policy", "sweeps")


def lacks(db: Database, policy_dir: Path | None, at: datetime) -> list[Lack]:
    """What keeps the installation from its work at ``at``; empty where nothing does."""
    return [*_of_policy(policy_dir), *_of_database(db, at)]


def _of_policy(policy_dir: Path | None) -> Iterator[Lack]:
    try:
        load_policy(policy_dir)
    except BihuanError:
        yield Lack("policy", "the policy files cannot be used", "`bihuan policy check` names file, line and key")


def _of_database(db: Database, at: datetime) -> Iterator[Lack]:
    try:
        with db.read() as session:
            has = current(session.connection())
            if has != _head():
                what = f"the database stands at {has or 'nothing'}, this version needs {_head()}"
                yield Lack("revision", what, "run `bihuan db upgrade`, and restart what runs an earlier version")
                return
            silent = [pulse.sweep for pulse in pulses(session) if pulse.is_silent(at)]
    except UnavailableError:
        yield Lack("database", "the database does not answer", "`bihuan doctor` on the server says why")
        return
    if silent:
        what = f"not run for more than three of their intervals: {', '.join(silent)}"
        yield Lack("sweeps", what, "`bihuan doctor` on the server names what is wrong")


@cache
def _head() -> str:
    """Looking through the migrations takes longer than everything else here."""
    return head()
