"""What improvements owe by a day: measures and decisions as deadlines, which the sweep and the ladders know as others.

A deadline is one of a measure while its plan is worked on, or of a decision at a gate as long as somebody in that role
owes it. What moves its day, ends it and begins another one; what was decided of it stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import fixed
from bihuan.policy.models import Policy
from bihuan.rules.deadline import next_step
from bihuan.rules.duty_day import due_at, due_on, warn_at
from bihuan.services.approval import APPROVED, REJECTED, waiting_on
from bihuan.services.dossier import Dossier, dossiers, is_held, open_items, today_of
from bihuan.store.lock import hold
from bihuan.store.rows import table_of
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.installation import InstallationFact
from schemas.item import ITEM, Item, ItemEvent, ItemState
from schemas.plan import MEASURE, MeasureState

_READ = "improvement deadlines"
_WORKED_ON = frozenset({ItemState.APPROVED, ItemState.DOING})
_E = table_of(ItemEvent).c
_OBSERVED = frozenset({ItemState.IMPLEMENTED, ItemState.OBSERVING, ItemState.CHECKING})
HARM = "harm_seen"
"""The event of an item's log that says that something got clearly worse."""
AUDIT, HARM_DUTY = "audit", "harm"
"""Milestones of an item beside its gates."""
_DECIDED_WITHIN = timedelta(days=4)
"""So that its owner hears of it the day after, three days before."""
_OVER = frozenset({MeasureState.DONE, MeasureState.CANCELLED})


class Owed(NamedTuple):
    """One thing that somebody owes by a day."""

    subject_kind: str
    subject_id: int
    milestone: str
    """``measure``, ``audit``, ``harm``, or gate and role: ``g2:department_head``."""
    since_at: datetime
    due_on: date


def follow(session: Session, policy: Policy, at: datetime) -> int:
    """Bring the deadlines in line with what happened to items since this was last done; how many items that were.

    Where nothing happened it costs one look at the newest event.
    """
    newest = session.execute(select(func.max(_E.id)).where(_E.occurred_at <= at)).scalar()
    fact = session.get(InstallationFact, _READ)
    if newest is None or (fact is not None and int(fact.value) >= newest):
        return 0
    hold(session, _READ)
    seen = int(fact.value) if fact else 0
    told = select(_E.item_id).distinct().where(_E.id > seen, _E.id <= newest)
    items = session.exec(select_rows(Item).where(col(Item.id).in_(told)).order_by(col(Item.id))).all()
    for file in dossiers(session, items):
        _sync(session, policy, file, at)
    session.merge(InstallationFact(name=_READ, value=str(newest)))
    return len(items)


def follow_all(session: Session, policy: Policy, at: datetime) -> int:
    """Bring the deadlines of every open item in line, also where nothing but time went by; how many items those are.

    A held item goes on, on its day, without anybody doing anything.
    """
    follow(session, policy, at)
    items = open_items(session)
    for file in dossiers(session, items):
        _sync(session, policy, file, at)
    return len(items)


def _sync(session: Session, policy: Policy, file: Dossier, at: datetime) -> None:
    """Bring the deadlines of one item in line with how it stands."""
    wanted = {(one.subject_kind, one.subject_id, one.milestone): one for one in _owed(session, policy, file, at)}
    newest = _newest(session, file.item, [one.id or 0 for one in file.measures])
    for key, row in newest.items():
        if row.state is not DeadlineState.RUNNING:
            continue
        one = wanted.get(key)
        if one is None or due_at(one.due_on, policy.calendars.default) != row.due_at:
            _end(session, policy, file, row, at)
    for key, one in wanted.items():
        before = newest.get(key)
        if before is None or before.state is not DeadlineState.RUNNING:
            session.add(_deadline(policy, one, before.round + 1 if before else 1, at))
    session.flush()


def _owed(session: Session, policy: Policy, file: Dossier, at: datetime) -> Iterator[Owed]:
    item = file.item
    if is_held(item, today_of(policy, at)):
        return
    yield from _of_audits(file)
    yield from _of_harm(policy, file)
    if item.state in _WORKED_ON:
        came = [event.occurred_at for event in file.events if event.to_state == ItemState.APPROVED.value]
        since = came[-1] if came else item.opened_at
        for one in file.measures:
            if one.state not in _OVER and one.due_on:
                yield Owed(MEASURE, one.id or 0, MEASURE, since, one.due_on)
    for it in waiting_on(session, policy, fixed(at), file):
        yield Owed(ITEM, item.id or 0, f"{it.gate.value}:{it.role.value}", it.since_at, it.until_on)


def _of_audits(file: Dossier) -> Iterator[Owed]:
    """The next audit of the standard that nobody has made; also of an item that is closed."""
    row = file.standard
    left = [date.fromisoformat(one["due_on"]) for one in row.audits if not one["done_on"]] if row else []
    if row and left:
        forced = [event.occurred_at for event in file.events if event.kind == "standard_in_force"]
        yield Owed(ITEM, file.item.id or 0, AUDIT, forced[-1] if forced else row.made_at, min(left))


def _of_harm(policy: Policy, file: Dossier) -> Iterator[Owed]:
    """The decision about harm that was seen early: as long as it is observed, and nobody said what was decided."""
    if file.item.state not in _OBSERVED:
        return
    seen = [event for event in file.events if event.kind == HARM]
    answers = [event for event in file.events if _is_answer(event)]
    if seen and not any(one.occurred_at > seen[-1].occurred_at for one in answers):
        since = seen[-1].occurred_at
        yield Owed(ITEM, file.item.id or 0, HARM_DUTY, since, today_of(policy, since) + _DECIDED_WITHIN)


def _is_answer(event: ItemEvent) -> bool:
    return event.kind == "reviewed" or event.to_state == ItemState.DOING.value


def _newest(session: Session, item: Item, measures: Sequence[int]) -> dict[tuple[str, int, str], Deadline]:
    """The last round of each deadline of an item."""
    its = and_(col(Deadline.subject_kind) == ITEM, col(Deadline.subject_id) == item.id)
    theirs = and_(col(Deadline.subject_kind) == MEASURE, col(Deadline.subject_id).in_(measures))
    rows = session.exec(select_rows(Deadline).where(or_(its, theirs)).order_by(col(Deadline.round))).all()
    return {(row.subject_kind, row.subject_id, row.milestone): row for row in rows}


def _end(session: Session, policy: Policy, file: Dossier, row: Deadline, at: datetime) -> None:
    """Say how it ended: met where the measure is done or the decision made, else overtaken."""
    met_at = _met_at(policy, file, row, at)
    row.state = DeadlineState.ENDED if met_at else DeadlineState.CANCELLED
    row.met_at, row.cancelled_at = met_at, None if met_at else at
    if met_at and row.breached_at and met_at <= row.due_at:
        row.corrected_at = at
    warnings = [datetime.fromisoformat(one) for one in row.warn_at]
    row.next_at = next_step(warnings, row.due_at, row.step, met_at or at)
    session.add(row)


def _met_at(policy: Policy, file: Dossier, row: Deadline, at: datetime) -> datetime | None:
    """When what was owed was done; None where it was not, and is overtaken."""
    if row.subject_kind == MEASURE:
        return _done_at(policy, file, row, at)
    if row.milestone == AUDIT:
        return _audited_at(policy, file, row, at)
    if row.milestone == HARM_DUTY:
        return next((one.occurred_at for one in file.events if one.occurred_at > row.started_at and _is_answer(one)),
                    None)  # fmt: skip
    return _decided_at(file, row)


def _audited_at(policy: Policy, file: Dossier, row: Deadline, at: datetime) -> datetime | None:
    """When an audit was made: the end of that day."""
    calendar = policy.calendars.default
    mine, audits = f"{due_on(row.due_at, calendar)}", file.standard.audits if file.standard else []
    done = next((one["done_on"] for one in audits if one["due_on"] == mine), None)
    return min(at, due_at(date.fromisoformat(done), calendar)) if done else None


def _done_at(policy: Policy, file: Dossier, row: Deadline, at: datetime) -> datetime | None:
    """When a measure was done: the end of that day, whenever it was said."""
    one = next(measure for measure in file.measures if measure.id == row.subject_id)
    if one.state is not MeasureState.DONE or one.implemented_on is None:
        return None
    return min(at, due_at(one.implemented_on, policy.calendars.default))


def _decided_at(file: Dossier, row: Deadline) -> datetime | None:
    """When somebody decided at a gate in that role, or refused it for all."""
    gate, _, role = row.milestone.partition(":")
    for event in file.events:
        is_its = event.data.get("gate") == gate and event.occurred_at >= row.started_at
        if is_its and (event.kind == REJECTED or (event.kind == APPROVED and role in event.data.get("roles", ()))):
            return event.occurred_at
    return None


def _deadline(policy: Policy, one: Owed, number: int, at: datetime) -> Deadline:
    calendar = policy.calendars.default
    due, started = due_at(one.due_on, calendar), min(one.since_at, at)
    warnings = warn_at(one.due_on, policy.improvement.cycle.remind, started, calendar)
    return Deadline(
        subject_kind=one.subject_kind, subject_id=one.subject_id, milestone=one.milestone, round=number,
        mode=Mode.CALENDAR, started_at=started, due_at=due, warn_at=[it.isoformat() for it in warnings],
        next_at=next_step(warnings, due, 0, None), state=DeadlineState.RUNNING,
        policy_version=policy.improvement.version, calendar_version=calendar.version,
    )  # fmt: skip
