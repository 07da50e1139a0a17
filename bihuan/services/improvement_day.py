"""The daily round of improvement: effects whose data are there are judged, watches looked at, lessons kept."""

from __future__ import annotations

from dataclasses import asdict

from bihuan.clock import Clock
from bihuan.policy.models import Policy
from bihuan.services.effect_round import verify_all
from bihuan.services.improvement_due import follow_all
from bihuan.services.lesson import keep_lessons
from bihuan.services.watch_item import watch_all
from bihuan.settings import Settings
from bihuan.store.engine import Database


def live_a_day(db: Database, policy: Policy, settings: Settings, clock: Clock) -> dict[str, dict[str, int]]:
    """Take every item as far as its data go; twice at the same data changes nothing.

    Returns:
        Counts of ``effects``, ``watches``, and what was ``kept``: new or changed lessons, and items whose deadlines
        were brought in line.
    """
    effects = verify_all(db, policy, settings, clock)
    watches = watch_all(db, policy, settings, clock)
    with db.write() as session:
        kept = {"lessons": keep_lessons(session, policy, clock), "followed": follow_all(session, policy, clock())}
    return {"effects": asdict(effects), "watches": asdict(watches), "kept": kept}
