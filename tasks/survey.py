"""One batch of the follow-up: news of handled complaints, and invitations that have come due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import get_run_logger

from bihuan.services import survey
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(120)
def follow_up_batch(at: datetime | None = None) -> dict[str, int]:
    """Plan one batch of invitations and look at one batch of those that are due, with the messages that follow.

    Args:
        at: Follow up as of this instant instead of now; refused in production.

    Returns:
        Counts: taken, planned, invited, reminded and the rest of ``FollowedUp``. None taken: nothing is due any more.
    """
    here = installation()
    done = asdict(survey.follow_up_due(here.db, here.policy, here.settings, here.instant(at)))
    get_run_logger().info("invitations: %s", ", ".join(f"{name} {count}" for name, count in done.items()))
    return done
