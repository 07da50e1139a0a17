"""Improvement month: analyse the month that ended from the first working day after it on, and tell who is to know."""

from __future__ import annotations

from prefect import flow

from bihuan.clock import parse_instant
from tasks.batches import until_none
from tasks.heartbeat import beat, show_counts
from tasks.improvement import analyse_months, show_conclusions
from tasks.outbox import deliver_batch

SWEEP = "improvement-month"


@flow(name=SWEEP)
def improvement_month(at: str | None = None) -> dict[str, object]:
    """Analyse every month that is to be and has not been, then send what waits in the outbox and show what they say.

    Args:
        at: Look as of this instant, ISO 8601 with an offset or a zone name; empty: now.

    Returns:
        The numbers of the analyses, and counts of the messages.
    """
    kept = analyse_months(parse_instant(at) if at else None)
    messages = until_none(deliver_batch, "claimed") if kept else {}
    beat(SWEEP, len(kept))
    show_conclusions(kept)
    show_counts(SWEEP, {"months": {"analysed": len(kept)}, "messages": messages})
    return {"months": kept, "messages": messages}
