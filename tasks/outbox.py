"""One batch of messages from the outbox."""

from __future__ import annotations

from dataclasses import asdict

from prefect import get_run_logger

from bihuan.clock import wall_clock
from bihuan.notify.gateway import AppriseGateway
from bihuan.services import outbox
from tasks.installation import installation
from tasks.sweep import sweep_task


@sweep_task(900)  # fifty targets that all let it wait
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
