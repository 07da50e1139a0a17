"""What every task needs of this installation, opened once a process: a scheduled run is a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from bihuan.clock import wall_clock
from bihuan.errors import RefusedError
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.settings import Settings, settings
from bihuan.store.engine import Database, open_database


@dataclass(frozen=True)
class Installation:
    """Settings, database and policy that belong together."""

    settings: Settings
    db: Database
    policy: Policy

    def instant(self, at: datetime | None) -> datetime:
        """The instant that a batch looks at: ``at``, or the present.

        Raises:
            RefusedError: ``at`` is given, and the settings say production.
        """
        if at and self.settings.environment == "production":
            raise RefusedError("the clock is not stepped in production", cure="run the flow without `at`")
        return at or wall_clock()


@cache
def installation() -> Installation:
    """The installation the environment names."""
    here = settings()
    return Installation(here, open_database(here), load_policy(here.policy_dir))
