"""Escalation 升级: start a ladder with the breach that calls for it, and climb it rung by rung while nobody answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import update
from sqlmodel import Session

from bihuan.policy.escalation import EscalationPolicy, LadderPolicy
from bihuan.policy.models import Policy
from bihuan.rules.escalation import IS_NO_WORK, Climb, Place, Timing, next_place, read
from bihuan.rules.roster import Roster
from bihuan.services.matter import with_people
from bihuan.services.people import roster
from bihuan.services.policy import escalation_edition, in_force
from bihuan.services.rung import Matter, Step, Tellers, facts_where_asked, rung_messages, urgency_of, write_steps
from bihuan.services.tally import Tally
from bihuan.store.engine import Database
from bihuan.store.queries.escalation import DueEscalation, due_escalations, last_work, told_by
from bihuan.store.rows import id_in, insert_new_alike, table_of
from schemas.escalation import OVERSIGHT, Escalation, EscalationState, Trigger
from schemas.outbox import Audience, Message, MessageState, Notice, Urgency

_E = table_of(Escalation)


@dataclass(frozen=True, slots=True)
class Climbed(Tally):
    """What one batch of the sweep did."""

    taken: int = 0
    told: int = 0
    """Rungs told."""
    messages: int = 0
    ended: int = 0
    """Their matter had ended: nobody is told any more."""
    held: int = 0
    """Put off: acknowledgements that go on, because something has happened since, and rungs out of their hours."""
    exhausted: int = 0
    """Ladders of which nothing is left."""


class _Told(NamedTuple):
    """One rung that is told now."""

    row: DueEscalation
    ladder: LadderPolicy
    matter: Matter
    what: Climb
    next_at: datetime | None

    @property
    def is_new(self) -> bool:
        """Whether it is a place further up; at the very end of a ladder there is none."""
        return (self.row.cycle, self.row.rung) != (self.what.place.cycle, self.what.place.rung)


def climb_all(db: Database, policy: Policy, at: datetime, *, limit: int = 5000) -> Climbed:
    """Climb batch after batch at one instant until no rung is due."""
    total = Climbed()
    while (batch := climb_due(db, policy, at, limit=limit)).taken:
        total += batch
    return total


def climb_due(db: Database, policy: Policy, at: datetime, *, limit: int = 5000) -> Climbed:
    """Tell at most ``limit`` rungs that are due by ``at``, in one transaction with their messages.

    What has ended by then is told nobody. An acknowledgement goes on from the last news of the complaint. One rung of
    a ladder at a time, however late it is. Running it again at the same instant finds nothing.

    Args:
        db: The database.
        policy: Today's; each ladder is climbed as the edition says under which it started.
        at: The present, or the instant a replay stands at; what happened after it does not count.
        limit: Greatest number of escalations in the batch.
    """
    with db.write() as session:
        rows = with_people(session, policy, due_escalations(session, at, limit), at)
        if not rows:
            return Climbed()
        ends = {row.id: end for row in rows if (end := ended_at(row, at))}
        _end(session, ends)
        alive = [row for row in rows if row.id not in ends]
        people = roster(session, policy, at)
        tellers = _tellers(session, policy, [row.complaint_id for row in alive if row.is_complaint], at, people)
        editions = {one: escalation_edition(session, one, policy) for one in {row.policy_version for row in alive}}
        held = _put_off(session, alive, editions, tellers)
        told = list(_rungs(session, [row for row in alive if row.id not in held], editions, tellers))
        count = _tell(session, told, tellers)
        exhausted = sum(one.next_at is None for one in told)
        return Climbed(len(rows), sum(one.is_new for one in told), count, len(ends), len(held), exhausted)


def timing_of(session: Session, policy: Policy, complaint_id: int, at: datetime) -> Timing:
    """The clocks of one complaint."""
    return _tellers(session, policy, [complaint_id], at, Roster({}, {})).timing(complaint_id)


def _tellers(session: Session, policy: Policy, complaint_ids: Sequence[int], at: datetime, people: Roster) -> Tellers:
    """What telling rungs of these complaints at an instant takes."""
    calendars = in_force(session, policy, at).calendar_at(at)
    return Tellers(policy, people, at, calendars, facts_where_asked(session, policy, calendars, complaint_ids))


def ended_at(row: DueEscalation, at: datetime) -> datetime | None:
    """When the matter ended; None while it has not, as far as is known at ``at``."""
    first, other = (row.handled_at, row.reopened_at) if row.duty == OVERSIGHT else (row.met_at, row.cancelled_at)
    if first is None and other is None:
        return None
    return min((end for end in (first, other) if end and end <= at), default=None)


def _end(session: Session, ends: Mapping[int, datetime]) -> None:
    alike: dict[datetime, list[int]] = defaultdict(list)
    for escalation_id, end in ends.items():
        alike[end].append(escalation_id)
    for end, ids in alike.items():
        values = {"state": EscalationState.ENDED, "ended_at": end, "next_at": None}
        session.execute(update(_E).where(id_in(_E.c.id, ids)).values(values))


def _ladder(editions: Mapping[str, EscalationPolicy], row: DueEscalation) -> LadderPolicy:
    return editions[row.policy_version].ladders[row.ladder]


def _put_off(
    session: Session, rows: Sequence[DueEscalation], editions: Mapping[str, EscalationPolicy], tellers: Tellers
) -> set[int]:
    """Let acknowledgements go on where something has happened since, and rungs wait for their hours; the ids of both.

    A rung comes due within its hours; it is out of them where the sweep is late, or where an acknowledgement ran out.
    """
    acknowledged = {row.complaint_id for row in rows if row.state is EscalationState.ACKNOWLEDGED}
    worked = last_work(session, acknowledged, tellers.at, IS_NO_WORK) if acknowledged else {}
    alike: dict[datetime, list[int]] = defaultdict(list)
    for row in rows:
        until = _put_off_until(row, _ladder(editions, row), worked.get(row.complaint_id), tellers)
        if until > tellers.at:
            alike[until].append(row.id)
    for until, ids in alike.items():
        session.execute(update(_E).where(id_in(_E.c.id, ids)).values(next_at=until))
    return {one for ids in alike.values() for one in ids}


def _put_off_until(row: DueEscalation, ladder: LadderPolicy, worked_at: datetime | None, tellers: Tellers) -> datetime:
    """Until when nobody is told; the present where somebody is."""
    if row.acknowledged_at and row.state is EscalationState.ACKNOWLEDGED:
        since = max(row.acknowledged_at, worked_at or row.acknowledged_at)
        until = tellers.timing(row.complaint_id).holds_until(ladder, since)
        if until and until > tellers.at:
            return until
    place = next_place(ladder, Place(row.cycle, row.rung))
    return tellers.opens_at(ladder, place, row.complaint_id) if place else tellers.at


def _rungs(
    session: Session, rows: Sequence[DueEscalation], editions: Mapping[str, EscalationPolicy], tellers: Tellers
) -> Iterator[_Told]:
    before = told_by(session, [row.id for row in rows]) if rows else {}
    for row in rows:
        ladder, place = _ladder(editions, row), Place(row.cycle, row.rung)
        matter = Matter(row.subject_kind, row.subject_id, row.duty, row.occasion, row.handler_id, row.department_id)
        start = next_place(ladder, place)
        if start is None:
            yield _Told(row, ladder, matter, Climb(place, ()), None)
            continue
        what = tellers.climb(ladder, start, frozenset(read(before.get((row.id, start.cycle), ()))), matter)
        yield _Told(row, ladder, matter, what, tellers.next_at(ladder, what, row.complaint_id))


def _tell(session: Session, told: Sequence[_Told], tellers: Tellers) -> int:
    """Write steps, messages and where the escalations stand now; the number of messages."""
    write_steps(session, [Step(one.row.id, one.what, one.row.trigger) for one in told if one.is_new], tellers.at)
    alike: dict[tuple[Place, datetime | None], list[int]] = defaultdict(list)
    for one in told:
        alike[one.what.place, one.next_at].append(one.row.id)
    for (place, next_at), ids in alike.items():
        state = EscalationState.CLIMBING if next_at else EscalationState.EXHAUSTED
        values = {"cycle": place.cycle, "rung": place.rung, "next_at": next_at, "state": state,
                  "trigger": Trigger.SILENCE}  # fmt: skip
        session.execute(update(_E).where(id_in(_E.c.id, ids)).values(values))
    return _write_messages(session, [one for one in told if one.what.told], tellers)


def _write_messages(session: Session, told: Sequence[_Told], tellers: Tellers) -> int:
    late_before, minute = tellers.at - tellers.policy.deadline.late_after, f"{tellers.at:%Y-%m-%dT%H:%MZ}"
    alike: dict[tuple[Notice, Urgency, bool], list[dict[str, Any]]] = defaultdict(list)
    for one in told:
        row, is_late = one.row, one.row.next_at < late_before
        notice = (
            Notice.OVERSIGHT if row.duty == OVERSIGHT else Notice.ESCALATION if row.is_complaint else Notice.WORK_LATE
        )
        rows = rung_messages(one.matter, row.id, row.deadline_id, one.what, minute if is_late else "")
        alike[notice, urgency_of(one.ladder, one.what), is_late] += rows
    for (notice, urgency, is_late), messages in alike.items():
        insert_new_alike(session, Message, messages, ["key"], planned(notice, urgency, is_late, tellers.at))
    return sum(map(len, alike.values()))


def planned(notice: Notice, urgency: Urgency, is_late: bool, at: datetime) -> dict[str, Any]:
    """What the messages of one rung have in common when they are planned."""
    return {
        "notice": notice, "audience": Audience.STAFF, "urgency": urgency, "is_late": is_late,
        "state": MessageState.PLANNED, "reason": None, "planned_at": at, "next_at": at,
    }  # fmt: skip
