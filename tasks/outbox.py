"""One batch of messages from the outbox."""

from __future__ import annotations

from dataclasses import asdict

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from bihuan.clock import wall_clock
from bihuan.notify.gateway import AppriseGateway
from bihuan.services import outbox
from tasks.installation import installation


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=1,
    timeout_seconds=900,  # fifty targets that all let it wait
)
def deliver_batch() -> dict[str, int]:
    """Claim and send one batch of messages; each ends in a row that says how it went.

    Returns:
        Counts by what became of them. None claimed: nothing is due any more.
    """
    here = installation()
    gateway = AppriseGateway(here.settings)
    reminders = here.policy.escalation.reminders
    delivered = asdict(outbox.deliver_due(
        here.db, gateway, here.settings, wall_clock, owner=outbox.worker_name(), reminders=reminders,
        contact=here.policy.survey.contact,
    ))  # fmt: skip
    get_run_logger().info("messages: %s", ", ".join(f"{name} {count}" for name, count in delivered.items()))
    return delivered
