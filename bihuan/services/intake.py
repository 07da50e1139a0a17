"""Intake 受理: complaints with their history become rows, in batches, and the same news twice changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, tuple_
from sqlmodel import Session

from bihuan.clock import Clock, zone
from bihuan.policy.book import PolicyBook
from bihuan.policy.models import Policy
from bihuan.policy.scope import DIMENSIONS
from bihuan.rules.complaint import LogLine, standing, terms_in_force
from bihuan.rules.terms import severity_in_force
from bihuan.services.policy import in_force
from bihuan.services.projection import fresh_rows, log_lines, rederive
from bihuan.services.registry import Registry, open_registry
from bihuan.services.tally import Tally
from bihuan.settings import Settings
from bihuan.store.ids import reserve_ids
from bihuan.store.lock import hold
from bihuan.store.rows import id_in, insert_new_rows, insert_rows, table_of, update_rows
from schemas.complaint import Complaint, ComplaintEvent, ComplaintIn, EventIn, EventKind
from schemas.deadline import Deadline

_COMPLAINT = table_of(Complaint)
_EVENT = table_of(ComplaintEvent)
_COPIED = ("channel", "kind", "severity", "title", "matter", "demand", "product", "region", "business_line", "tier",
           "attributes")  # fmt: skip
_NAMED = ("department", "handler")
_ERASED = ("title", "matter", "demand", "attributes")
_SCOPED = tuple(name for name in DIMENSIONS if name not in {"severity", "department"})
_TICK = timedelta(microseconds=1)
_WANTED = ("customer", "matter", "demand", "kind")
"""Registration elements 登记要素 whose absence is marked, never a reason to drop a complaint."""


@dataclass(frozen=True, slots=True)
class Intake(Tally):
    """What became of a batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    clock_skew: int = 0
    """Complaints with an event dated before their registration; kept as they are."""


def take_in(session: Session, policy: Policy, settings: Settings, clock: Clock, batch: Sequence[ComplaintIn]) -> Intake:
    """Write a batch: new complaints with log and deadlines, and what is news about known ones.

    A complaint is known by source and external id. Departments the source names are added as they appear; a handler
    the register does not know stays among the attributes. No message is written: history calls nobody.
    """
    hold(session, "intake")  # or two that come in at once would both make the same customer, or be the same complaint
    first, again = _split_repeats(batch)
    known = _known(session, first)
    fresh = [complaint for complaint in first if _identity(complaint) not in known]
    nameless = {identity for identity, row in known.items() if row.customer_id is None and row.erased_at is None}
    unsigned = [complaint for complaint in first if _identity(complaint) in nameless]
    registry = open_registry(session, settings, first, [*fresh, *unsigned])
    book = in_force(session, policy, clock())
    _create(session, book, settings, registry, fresh, clock())
    seen = [(known[_identity(complaint)], complaint) for complaint in first if _identity(complaint) in known]
    updated = _update(session, book, registry, seen, clock())
    skewed = sum(any(event.occurred_at < complaint.registered_at for event in complaint.events) for complaint in first)
    done = Intake(len(fresh), updated, len(seen) - updated, skewed)
    return done + take_in(session, policy, settings, clock, again) if again else done


def event_key(event: EventIn) -> str:
    """The identity of a piece of news within its complaint."""
    return event.key or f"{event.kind}@{event.occurred_at.astimezone(UTC).isoformat()}"


def event_row(complaint_id: int, event: EventIn, recorded_at: datetime) -> dict[str, Any]:
    """The event as a row of the log."""
    return {
        "complaint_id": complaint_id,
        "kind": event.kind,
        "occurred_at": event.occurred_at.astimezone(UTC),
        "recorded_at": recorded_at,
        "actor": event.actor,
        "key": event_key(event),
        "data": event.data,
    }


def _identity(complaint: ComplaintIn) -> tuple[str, str | None]:
    return complaint.source, complaint.external_id


def _split_repeats(batch: Sequence[ComplaintIn]) -> tuple[list[ComplaintIn], list[ComplaintIn]]:
    """First mention of each complaint, and later mentions of the same."""
    first: dict[tuple[str, str | None], ComplaintIn] = {}
    again: list[ComplaintIn] = []
    nameless: list[ComplaintIn] = []
    for complaint in batch:
        if complaint.external_id is None:
            nameless.append(complaint)
        elif first.setdefault(_identity(complaint), complaint) is not complaint:
            again.append(complaint)
    return [*first.values(), *nameless], again


def _known(session: Session, batch: Sequence[ComplaintIn]) -> dict[tuple[str, str | None], Row[Any]]:
    """The complaints of the batch that are there, locked: their logs must not grow while they are read."""
    names = [_identity(complaint) for complaint in batch if complaint.external_id is not None]
    if not names:
        return {}
    is_named = tuple_(_COMPLAINT.c.source, _COMPLAINT.c.external_id).in_(names)
    rows = session.execute(select(_COMPLAINT).where(is_named).order_by(_COMPLAINT.c.id).with_for_update())
    return {(row.source, row.external_id): row for row in rows}


def _terms(complaint: ComplaintIn) -> dict[str, Any]:
    """What the log must remember: what deadlines are derived from, and whom the source named."""
    facts = {name: str(word) for name in (*_SCOPED, *_NAMED) if (word := _fact(complaint, name))}
    terms: dict[str, Any] = {"severity": complaint.severity.value, **facts}
    if complaint.deadlines is not None:
        terms["deadlines"] = {name: at.astimezone(UTC).isoformat() if at else None
                              for name, at in complaint.deadlines.items()}  # fmt: skip
    return terms


def _fact(complaint: ComplaintIn, name: str) -> Any:
    """A fact of the complaint; its tier is that of the customer where it names none."""
    found = getattr(complaint, name)
    return complaint.customer.tier if name == "tier" and not found and complaint.customer else found


def _create(
    session: Session, book: PolicyBook, settings: Settings, registry: Registry, batch: Sequence[ComplaintIn],
    at: datetime,
) -> None:  # fmt: skip
    here = zone(settings.timezone)
    complaints: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    deadlines: list[dict[str, Any]] = []
    for complaint_id, complaint in zip(reserve_ids(session, Complaint, len(batch)), batch, strict=True):
        registered = EventIn(kind=EventKind.REGISTERED, occurred_at=complaint.registered_at, data=_terms(complaint))
        log = {event_key(event): event_row(complaint_id, event, at) for event in (registered, *complaint.events)}
        lines = _lines(log.values())
        events.extend(log.values())
        row = _new_row(complaint_id, complaint, registry, lines, f"{complaint.registered_at.astimezone(here):%Y%m%d}")
        complaints.append(row)
        deadlines.extend(fresh_rows(book, complaint_id, row["department_id"], lines))
    insert_rows(session, Complaint, complaints)
    insert_rows(session, ComplaintEvent, events)
    insert_rows(session, Deadline, deadlines)


def _lines(rows: Iterable[Mapping[str, Any]]) -> list[LogLine]:
    return [LogLine(row["kind"], row["occurred_at"], row["recorded_at"], row["data"]) for row in rows]


def _new_row(
    complaint_id: int, complaint: ComplaintIn, registry: Registry, log: Sequence[LogLine], day: str
) -> dict[str, Any]:
    now = standing(log)
    return {
        "id": complaint_id,
        "number": f"{day}-{complaint_id:06d}",
        "source": complaint.source,
        "external_id": complaint.external_id,
        **_facts(complaint, registry),
        "severity": severity_in_force(log),
        "missing": _missing(complaint, registry.customer_id(complaint)),
        "customer_id": registry.customer_id(complaint),
        "state": now.state,
        "round": now.round,
        "registered_at": complaint.registered_at.astimezone(UTC),
        "handled_at": now.handled_at,
        "is_simulated": complaint.is_simulated,
    }


def _missing(complaint: ComplaintIn, customer_id: int | None) -> list[str]:
    return [name for name in _WANTED if not (customer_id if name == "customer" else getattr(complaint, name))]


def _facts(complaint: ComplaintIn, registry: Registry) -> dict[str, Any]:
    facts = {name: _fact(complaint, name) for name in _COPIED}
    if complaint.handler and registry.handler_id(complaint.handler) is None:
        facts["attributes"] = {**complaint.attributes, "handler": complaint.handler}
    return facts | {
        "department_id": registry.department_id(complaint.department),
        "handler_id": registry.handler_id(complaint.handler),
    }


def next_moment(log: Sequence[LogLine], now: datetime) -> datetime:
    """When news are recorded: now, but after all that the log holds, so that each transaction has its own instant."""
    return max(now, max(line.recorded_at for line in log) + _TICK)


def _update(
    session: Session, book: PolicyBook, registry: Registry, seen: Sequence[tuple[Row[Any], ComplaintIn]], now: datetime
) -> int:
    """Write what is new about known complaints; how many changed."""
    ids = [row.id for row, _ in seen]
    theirs = select(_EVENT).where(id_in(_EVENT.c.complaint_id, ids)).order_by(_EVENT.c.id)
    stored = session.execute(theirs).all() if ids else []
    keys = {(event.complaint_id, event.key) for event in stored}
    logs = log_lines(stored)
    events: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for row, complaint in seen:
        at = next_moment(logs[row.id], now)
        moved = _moved(_terms(complaint), logs[row.id])
        facts = _merged(row, _facts(complaint, registry), moved)
        facts |= _kept_erased(row, registry, complaint)
        amended = _amendment(row, facts, moved, at)
        news = [event_row(row.id, event, at) for event in (*complaint.events, *amended)]
        news = [event for event in news if (row.id, event["key"]) not in keys]
        if news:
            events.extend(news)
            logs[row.id].extend(_lines(news))
            stands = standing(logs[row.id])
            changed.append(
                {
                    "id": row.id,
                    **facts,
                    "severity": severity_in_force(logs[row.id]),
                    "missing": row.missing if row.erased_at else _missing(complaint, facts["customer_id"]),
                    "erased_at": None,
                    "state": stands.state,
                    "round": stands.round,
                    "handled_at": stands.handled_at,
                }
            )
    insert_new_rows(session, ComplaintEvent, events, ["complaint_id", "key"])
    update_rows(session, Complaint, changed)
    if changed:
        rederive(session, book, {change["id"]: logs[change["id"]] for change in changed})
    return len(changed)


def _kept_erased(row: Row[Any], registry: Registry, complaint: ComplaintIn) -> dict[str, Any]:
    """The complainant; and where retention erased the complaint, what is left of it: a file brings nothing back.

    What it says of news is news: the complaint counts as not erased from then on.
    """
    if row.erased_at is None:
        return {"customer_id": row.customer_id or registry.customer_id(complaint)}
    return {name: getattr(row, name) for name in ("customer_id", *_ERASED)}


def _moved(terms: Mapping[str, Any], log: Sequence[LogLine]) -> dict[str, Any]:
    """The terms that the source now states otherwise than it did last."""
    last = terms_in_force(log)
    names = [*terms, *(name for name in _SCOPED if name in last and name not in terms)]
    return {name: terms.get(name) for name in names if last.get(name) != terms.get(name)}


def _merged(row: Row[Any], facts: dict[str, Any], moved: Mapping[str, Any]) -> dict[str, Any]:
    """The facts to keep: what was decided here stays until the source says otherwise than before.

    That is the severity, the tier, the department and the handler.
    """
    for name in ("severity", "tier"):
        if name not in moved:
            facts[name] = getattr(row, name)
    for name in _NAMED:
        ours = getattr(row, f"{name}_id")
        if ours is not None and (name not in moved or facts[f"{name}_id"] is None):
            facts[f"{name}_id"] = ours
    return facts


def _amendment(row: Row[Any], facts: Mapping[str, Any], moved: Mapping[str, Any], at: datetime) -> list[EventIn]:
    """The event that says which facts or terms the source now states differently; none where they agree."""
    differing = sorted(name for name, value in facts.items() if getattr(row, name) != value)
    if not moved and not differing:
        return []
    digest = hashlib.sha256(repr(([facts[name] for name in differing], moved)).encode()).hexdigest()[:12]
    key = f"{EventKind.AMENDED}@{at.isoformat()} {digest}"
    return [EventIn(kind=EventKind.AMENDED, occurred_at=at, key=key, data={"fields": differing, **moved})]
