"""What a command needs to work: settings, database, policy and clock, opened when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bihuan.clock import Clock, fixed, parse_instant, wall_clock
from bihuan.errors import RefusedError, UnavailableError
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.settings import Settings, settings
from bihuan.store.engine import Database, open_database


@dataclass(frozen=True, slots=True)
class Office:
    """One command's tools."""

    settings: Settings
    db: Database
    policy: Policy
    clock: Clock


@contextmanager
def office(at: str | None = None) -> Iterator[Office]:
    """Open the installation; ``at`` makes its clock stand at that instant.

    Raises:
        BihuanError: A setting, the policy or the database cannot be used.
    """
    setting = settings()
    policy = load_policy(setting.policy_dir)
    clock = fixed(parse_instant(at)) if at else wall_clock
    db = open_database(setting)
    try:
        _require_upgraded(db)
        yield Office(setting, db, policy, clock)
    finally:
        db.close()


def refuse_in_production(setting: Settings, at: str | None) -> None:
    """Stepping the clock would send and decide for an invented present.

    Raises:
        RefusedError: ``at`` is given and the settings say production.
    """
    if at and setting.environment == "production":
        raise RefusedError(
            "--at steps the clock, which production settings refuse",
            cure="leave --at out, or work on a copy with BIHUAN_ENVIRONMENT=development",
        )


def _require_upgraded(db: Database) -> None:
    from bihuan.store.migrations import current, head

    with db.read() as session:
        has, wants = current(session.connection()), head()
    if has != wants:
        raise UnavailableError(
            f"the database stands at {has or 'nothing'}, this version needs {wants}", cure="run `bihuan db upgrade`"
        )
