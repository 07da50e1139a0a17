"""One batch of retention."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.services import retention
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(600, backoff_seconds=10)
def erase_batch(at: datetime | None = None) -> dict[str, int]:
    """Erase one batch of what the policy keeps no longer.

    Args:
        at: As of this instant instead of now; refused in production.

    Returns:
        Counts of rows by what they are, and ``taken``, all of them; 0: nothing is left.
    """
    here = installation()
    erased = retention.erase_batch(here.db, here.policy, here.instant(at))
    done = asdict(erased)
    get_run_logger().info("erased: %s", ", ".join(f"{name} {count}" for name, count in done.items()))
    return done | {"taken": erased.taken}
