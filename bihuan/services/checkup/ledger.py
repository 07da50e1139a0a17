"""Checks of the database and of what stands in it: shape, contacts, messages, heartbeats."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, select, text
from sqlmodel import Session

from bihuan.rules.heartbeat import Pulse
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.services.contact import unusable
from bihuan.services.heartbeat import pulses
from bihuan.services.letter import NOBODY
from bihuan.store.migrations import current, head
from bihuan.store.queries.letter import readers
from bihuan.store.queries.outbox import audit, counts
from bihuan.store.rows import table_of
from schemas.outbox import Message, MessageState
from schemas.people import Department, Staff

_UPGRADE = "run `bihuan db upgrade`"
_S = table_of(Staff).c
_D = table_of(Department).c
_M = table_of(Message).c


def database(visit: Visit) -> Answer:
    """The database answers and takes a writer; a file that is not there is not made."""
    url = visit.db.engine.url
    if visit.db.is_sqlite and url.database and not Path(url.database).exists():
        return problem(f"there is no database {url.database} yet", _UPGRADE)
    with visit.db.write() as session:
        session.execute(text("SELECT 1"))
    return ok(url.render_as_string(hide_password=True))


def revision(visit: Visit) -> Answer:
    """The tables have the shape that this version expects."""
    with visit.db.read() as session:
        has, wants = current(session.connection()), head()
    if has != wants:
        return problem(f"the database stands at {has or 'nothing'}, this version needs {wants}", _UPGRADE)
    return ok(has)


def integrity(visit: Visit) -> Answer:
    """The engine finds no damage, as far as it can tell quickly."""
    if not visit.db.is_sqlite:
        return ok("PostgreSQL keeps watch itself; `bihuan db check` compares every deadline with its log")
    with visit.db.read() as session:
        found = session.connection().exec_driver_sql("PRAGMA quick_check(3)").scalars().all()
    if list(found) != ["ok"]:
        return problem(f"the file is damaged: {found[0]}", "stop everything and put the last back-up in its place")
    return ok("no damage found; `bihuan db check` looks deeper")


def contacts(visit: Visit) -> Answer:
    """Every stored contact can be opened and sent to, with the secret and the mail account there are."""
    with visit.db.read() as session:
        sealed = [*_sealed(session, Staff), *_sealed(session, Department)]
    if not sealed:
        return ok("none stored")
    faults = Counter(fault for contact in sealed if (fault := unusable(contact, visit.settings)))
    if faults:
        (what, cure), count = faults.most_common(1)[0]
        return problem(f"{count} of {len(sealed)} stored contacts cannot be used: {what}", cure)
    return ok(f"all {len(sealed)} can be opened")


def reach(visit: Visit) -> Answer:
    """Every notice finds a reader: a contact, or else the operator."""
    if visit.settings.operator_url.get_secret_value():
        return ok("BIHUAN_OPERATOR_URL hears what nobody else can be told")
    cure = "enter contacts with `bihuan staff import FILE`, or set BIHUAN_OPERATOR_URL"
    with visit.db.read() as session:
        if unheard := _unheard(session):
            return problem(f"{unheard} messages failed because nobody was reachable, and still nobody is", cure)
        silent = _silent(session)
    return note(f"nobody can be told in: {', '.join(silent)}", cure) if silent else ok("every department has a contact")


def messages(visit: Visit) -> Answer:
    """No message waits for a person to look at it."""
    with visit.db.read() as session:
        found = counts(session, visit.clock())
    waiting = {state: found[state] for state in (MessageState.UNKNOWN, MessageState.FAILED) if found.get(state)}
    if waiting:
        return note(
            ", ".join(f"{count} {state}" for state, count in waiting.items()),
            "see "
            + ", ".join(f"`bihuan outbox list --state {state}`" for state in waiting)
            + ("; decide on the page /outbox" if MessageState.UNKNOWN in waiting else ""),
        )
    return ok(f"{sum(found.values())} wait, none failed or is unknown")


def outbox_audit(visit: Visit) -> Answer:
    """Nothing that was to be sent is missing, nothing is called sent without proof."""
    with visit.db.read() as session:
        result = audit(session, ZoneInfo("UTC"))
    if not result.holds:
        return problem(
            f"{result.missing} decisions without a message, {result.unproved} messages called sent without proof",
            "keep a copy (`bihuan db backup FILE`) and report it, with the output of `bihuan outbox audit`",
        )
    return ok(f"{result.due} due: every one accounted for")


def sweeps(visit: Visit) -> Answer:
    """Each sweep has completed within three of its intervals."""
    at = visit.clock()
    with visit.db.read() as session:
        known = pulses(session)
    if silent := [each for each in known if each.is_silent(at)]:
        says = ", ".join(_silence(each, at) for each in silent)
        cure = "start `bihuan up`; where it runs, look at the runs in Prefect's page"
        if not visit.settings.operator_url.get_secret_value():
            cure += "; set BIHUAN_OPERATOR_URL, so that somebody is told"
        return problem(f"silent: {says}", cure)
    if never := [each.sweep for each in known if each.beat_at is None]:
        return note(f"never ran: {', '.join(never)}", "start `bihuan up` or a worker; each runs at its hour")
    return ok(", ".join(f"{each.sweep} {_span(at - each.beat_at)} ago" for each in known if each.beat_at))


def _silence(pulse: Pulse, at: datetime) -> str:
    since = pulse.quiet_since()
    return f"{pulse.sweep} for {_span(at - since)}" if since else pulse.sweep


def _span(span: timedelta) -> str:
    """In the greatest unit that says it."""
    seconds = span.total_seconds()
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"


def _sealed(session: Session, table: type[Staff | Department]) -> list[str]:
    contact = table_of(table).c.sealed_contact
    return list(session.execute(select(contact).where(contact.is_not(None))).scalars())


def _unheard(session: Session) -> int:
    """Messages that failed for want of a reader and would fail again today."""
    failed = (
        session.execute(select(_M.recipient).where(_M.state == MessageState.FAILED, _M.reason == NOBODY))
        .scalars()
        .all()
    )
    rows = readers(session, set(failed))
    return sum(not getattr(rows.get(recipient), "sealed_contact", None) for recipient in failed)


def _silent(session: Session) -> list[str]:
    """Departments in which some notice would reach nobody, and the company where it has none."""
    mute = exists().where(_S.department_id == _D.id, _S.is_active, _S.sealed_contact.is_(None))
    head_ = exists().where(_S.department_id == _D.id, _S.is_active, _S.is_head)
    silent = select(_D.code).where(mute | and_(~head_, _D.sealed_contact.is_(None))).order_by(_D.code)
    codes = list(session.execute(silent).scalars())
    has_any = session.execute(select(_D.id).limit(1)).first() is not None
    return codes if has_any else ["the whole company (no department is entered)"]
