"""Checks of what keeps an installation going: back-ups, retention, and who may read the metrics."""

from __future__ import annotations

from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from sqlalchemy import select

from bihuan.policy.loader import load_policy
from bihuan.services.api_key import keys
from bihuan.services.backup import last_backup
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.services.retention import preview
from bihuan.settings import is_loopback
from bihuan.store.rows import table_of
from schemas.access import Scope
from schemas.complaint import Complaint
from schemas.installation import Heartbeat

_OLD, _IDLE = timedelta(days=2), timedelta(days=3)
_OK, _SECONDS = 200, 5.0
_HOW = "`python -m deployments.backup FOLDER` from the checkout, every night (docs/operate.md)"


def back_up(visit: Visit) -> Answer:
    """A back-up was made in the last two days, where there is something to lose."""
    at = visit.clock()
    with visit.db.read() as session:
        last = last_backup(session)
        has_any = session.execute(select(table_of(Complaint).c.id).limit(1)).first() is not None
    if last is None:
        return note("none was ever noted", _HOW) if has_any else ok("nothing to lose yet")
    if at - last > _OLD:
        return note(f"the last one is {(at - last).days} days old", _HOW)
    return ok(f"made {last:%Y-%m-%d %H:%M} UTC")


def retention(visit: Visit) -> Answer:
    """What the policy keeps no longer is erased."""
    policy, at = load_policy(visit.settings.policy_dir), visit.clock()
    if not policy.retention.spans:
        return note(
            "the policy erases nothing, ever", "say in retention.yaml what your law asks for (docs/retention.md)"
        )
    with visit.db.read() as session:
        beat = session.get(Heartbeat, "retention")
        if beat is not None and at - beat.beat_at <= _IDLE:
            return ok(f"last run {beat.beat_at:%Y-%m-%d %H:%M} UTC")
        found = preview(session, policy, at)
    due = sum(count for name, count in found.items() if isinstance(count, int) and name != "held")
    if not due:
        return ok("nothing is past its time")
    since = f"not run since {beat.beat_at:%Y-%m-%d}" if beat else "never run"
    return problem(
        f"{since}, and {due} rows are past their time",
        "look with `bihuan retention preview`, then `bihuan run retention`; and see that the deployment retention runs",
    )


def metrics(visit: Visit) -> Answer:
    """Beyond this machine /metrics is read with a key only."""
    with visit.db.read() as session:
        has_key = any(row.scope == Scope.METRICS and row.revoked_at is None for row in keys(session))
    web = urlsplit(visit.settings.web_url)
    if is_loopback(web.hostname or ""):
        return ok("read from this machine" + (", and with a key" if has_key else ""))
    if _status(visit.settings.web_url) == _OK:
        return problem(
            f"{visit.settings.web_url}/metrics answers without a key",
            "let the proxy say for whom it asks (X-Forwarded-For, docs/sign-in.md), or close /metrics in it",
        )
    if not has_key:
        return note("nothing but this machine may read them", "`bihuan key make prometheus --scope metrics` for others")
    return ok("beyond this machine with a key only")


def _status(address: str) -> int:
    """What a stranger gets of the metrics; 0 where nothing answers."""
    web = urlsplit(address)
    kind = HTTPSConnection if web.scheme == "https" else HTTPConnection
    connection = kind(web.hostname or "", web.port, timeout=_SECONDS)
    try:
        connection.request("GET", f"{web.path.rstrip('/')}/metrics")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
