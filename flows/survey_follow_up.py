"""Survey follow-up: ask the complainants of handled complaints, and deliver what follows from it in the same run."""

from __future__ import annotations

from functools import partial

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.outbox import deliver_batch
from tasks.survey import follow_up_batch

SWEEP = "survey-follow-up"


@flow(name=SWEEP)
def survey_follow_up(at: str | None = None) -> dict[str, dict[str, int]]:
    """Plan and send the invitations that are due, batch by batch, then send what waits in the outbox.

    Args:
        at: Follow up as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        Counts of both parts: invitations and messages.
    """
    invitations = until_none(partial(follow_up_batch, parse_instant(at) if at else None), "taken")
    messages = until_none(deliver_batch, "claimed")
    beat(SWEEP, invitations["invited"] + invitations["reminded"])
    counts = {"invitations": invitations, "messages": messages}
    show_counts(SWEEP, counts)
    return counts
