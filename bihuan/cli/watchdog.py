"""``bihuan watchdog``: one look at the heartbeats, for a timer that knows nothing of Prefect."""

from __future__ import annotations

import typer

from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import wall_clock
from bihuan.settings import settings


def watchdog(is_json: JsonOption = False) -> None:
    """Look once whether every sweep still runs, and tell the operator where one has stopped; exit 1 when one has.

    Each silence is told once, to BIHUAN_OPERATOR_URL, directly; and once more when the sweep runs again. The web page
    looks every minute by itself; a timer of the system beside it also notices when everything is down.
    """
    from bihuan.notify.gateway import AppriseGateway
    from bihuan.services.watchdog import look
    from bihuan.store.engine import open_database

    here = settings()
    db = open_database(here)
    try:
        seen = look(db, lambda: AppriseGateway(here), here, wall_clock)
    finally:
        db.close()
    rows = [
        {"sweep": pulse.sweep, "is_silent": pulse in seen.silent, "beat_at": pulse.beat_at,
         "watched_since": pulse.watched_since, "interval_seconds": int(pulse.interval.total_seconds())}
        for pulse in seen.pulses
    ]  # fmt: skip
    whole = {"is_fine": not seen.silent, "at": seen.at, "told": seen.told, "untold": seen.untold, "sweeps": rows}
    emit(whole if is_json else rows, is_json, ("sweep", "is_silent", "beat_at", "watched_since"))
    if seen.untold:
        say("the operator could not be told; `bihuan outbox list` says why")
    if seen.silent:
        say(f"silent: {', '.join(pulse.sweep for pulse in seen.silent)}")
        raise typer.Exit(1)
