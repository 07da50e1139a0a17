"""The news that people record on a complaint's page: what is offered, how a form is read, why it is not taken."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlmodel import Session
from starlette.exceptions import HTTPException

from bihuan.errors import UsageError
from bihuan.rules.complaint import LogLine, possible, standing
from bihuan.rules.negative import PHONE, PLAN, RESULT, WAY, answers_waiting
from bihuan.store.queries import complaint as queries
from bihuan.store.queries import names
from bihuan.web.form import LIMITS, SOURCE, local_instant
from bihuan.web.reader import Reader
from schemas.complaint import ComplaintState, EventIn, EventKind, Severity

ANSWERING = (EventKind.NEGATIVE_TAKEN_ON, EventKind.NEGATIVE_RESOLVED, EventKind.NEGATIVE_TOLD)
"""What is done about a negative answer: a form of its own, in this order."""
QUICK = (EventKind.RESUMED, EventKind.RESPONDED, EventKind.HANDLED, EventKind.RESULT_TOLD, EventKind.FOLLOWED_UP,
         EventKind.CLOSED, EventKind.REOPENED, EventKind.NOTE)  # fmt: skip
"""One press each, in this order."""
RARE = (EventKind.WAITING, EventKind.SEVERITY_CHANGED, EventKind.TIER_CHANGED, EventKind.DEPARTMENT_CHANGED,
        EventKind.ANSWERED_NEGATIVE, EventKind.REOPENED, EventKind.MERGED, EventKind.WITHDRAWN,
        EventKind.CLOSED)  # fmt: skip
"""A small form each, folded away, in this order."""
SAID_HERE = frozenset({*ANSWERING, *QUICK, *RARE, EventKind.ASSIGNED})
"""What people say on the page; the rest is said by sources and machines."""
ASKS: Mapping[EventKind, str] = {
    EventKind.ASSIGNED: "handler", EventKind.WAITING: "reason", EventKind.SEVERITY_CHANGED: "severity",
    EventKind.TIER_CHANGED: "tier", EventKind.DEPARTMENT_CHANGED: "department", EventKind.MERGED: "into",
    EventKind.NEGATIVE_TAKEN_ON: PLAN, EventKind.NEGATIVE_RESOLVED: RESULT, EventKind.NEGATIVE_TOLD: RESULT,
}  # fmt: skip
"""The field without which a form says nothing."""
MAY_SAY: Mapping[EventKind, str] = {EventKind.HANDLED: RESULT}
"""A field that a form says something by, if it is filled in."""
_ALSO: Mapping[EventKind, Mapping[str, str]] = {EventKind.NEGATIVE_TOLD: {WAY: PHONE}}
"""What a form says without words."""
CASES = ("state", "pauser", "future", "instant", "too_long", "into_unknown", "into_itself", "department_unknown",
         "handler_unknown", "unasked", "reviewed",
         *(f"missing_{name}" for name in dict.fromkeys(ASKS.values())))  # fmt: skip
"""Why news is not taken, each with its word ``refused_…``."""

_ONCE = frozenset({EventKind.RESPONDED, EventKind.RESULT_TOLD, EventKind.FOLLOWED_UP, EventKind.NEGATIVE_TAKEN_ON,
                   EventKind.NEGATIVE_TOLD})  # fmt: skip
_TO_NEGATIVE = frozenset(ANSWERING)
_OVER = frozenset({ComplaintState.CLOSED, ComplaintState.WITHDRAWN, ComplaintState.MERGED})


@dataclass(frozen=True)
class Offer:
    """What can be said of a complaint now: of a negative answer, by a press, by a form folded away, or to assign it."""

    answering: Sequence[EventKind]
    quick: Sequence[EventKind]
    rare: Sequence[EventKind]
    can_assign: bool


class NotRecordedError(Exception):
    """What was filled in makes no sense; ``case`` is one of ``CASES``, ``said`` fills its word in."""

    def __init__(self, case: str, status: int = 400, **said: str) -> None:
        """Keep what the page says about it."""
        super().__init__(case)
        self.case, self.status, self.said = case, status, said

    def words(self, reader: Reader) -> str:
        """The reason in the reader's language."""
        said = {name: reader.word(name, code) if name in {"event", "state"} else code
                for name, code in self.said.items()}  # fmt: skip
        return reader.words[f"refused_{self.case}"].format(**said)


def offer(state: ComplaintState, events: Sequence[Row[Any]]) -> Offer:
    """What makes sense in ``state``, without what was already said since the complaint was last opened."""
    said = _said(events)
    done = said & _ONCE
    if state is ComplaintState.WAITING:
        done |= {EventKind.WAITING}
    if EventKind.ANSWERED_NEGATIVE not in said or EventKind.NEGATIVE_TOLD in said:
        done |= _TO_NEGATIVE
    if EventKind.NEGATIVE_RESOLVED in said:
        done |= {EventKind.NEGATIVE_TAKEN_ON}
    allowed = possible(state) - done
    is_rare = {EventKind.REOPENED: state not in _OVER, EventKind.CLOSED: state is not ComplaintState.HANDLED}
    quick = [kind for kind in QUICK if kind in allowed and not is_rare.get(kind, False)]
    rare = [kind for kind in RARE if kind in allowed and is_rare.get(kind, True)]
    answering = [kind for kind in ANSWERING if kind in allowed]
    return Offer(answering, quick, rare, EventKind.ASSIGNED in allowed)


def is_bad(events: Sequence[Row[Any]]) -> bool:
    """Whether the complainant ever gave a bad answer, so that the complaint stands on the board of those."""
    return any(event.kind is EventKind.ANSWERED_NEGATIVE or "invitation" in event.data for event in events)


def _said(events: Sequence[Row[Any]]) -> set[EventKind]:
    said: set[EventKind] = set()
    for event in events:
        if event.kind is EventKind.REOPENED:
            said = set()
        elif event.kind is EventKind.ANSWERED_NEGATIVE:
            said -= _TO_NEGATIVE
        said.add(event.kind)
    return said


def read_event(fields: Mapping[str, str], at: datetime, entry: str, local: ZoneInfo, actor: str = SOURCE) -> EventIn:
    """What a form says has happened: now, or at the local time of ``local`` that it names; ``actor`` says so.

    The same form sent twice has the same key; another form of the same page has its own.

    Raises:
        NotRecordedError: Something is missing, too long, or lies in the future.
        HTTPException: 400, an event or a severity that no form here offers.
    """
    kind = fields.get("kind", "")
    if kind not in SAID_HERE or (kind == EventKind.SEVERITY_CHANGED and fields.get("severity", "") not in _SEVERITIES):
        raise HTTPException(400)
    asked = ASKS.get(EventKind(kind))
    names = (asked, MAY_SAY.get(EventKind(kind)), "note")
    data = {name: value for name in names if name and (value := fields.get(name, ""))}
    data |= _ALSO.get(EventKind(kind), {})
    for name, value in data.items():
        if name in LIMITS and len(value) > LIMITS[name]:
            raise NotRecordedError("too_long", limit=str(LIMITS[name]))
    if asked and asked not in data:
        raise NotRecordedError(f"missing_{asked}")
    when = fields.get("when", "")
    digest = hashlib.sha256(repr((kind, sorted(data.items()), when)).encode()).hexdigest()[:12]
    return EventIn(kind=EventKind(kind), occurred_at=_instant(when, at, local), actor=actor,
                   key=f"{SOURCE}:{entry}:{digest}", data=data)  # fmt: skip


_SEVERITIES = {"", *Severity}


def _instant(when: str, at: datetime, local: ZoneInfo) -> datetime:
    """``at`` where nothing is named, else the local time of the form."""
    if not when:
        return at
    instant = local_instant(when, local)
    if instant is None:
        raise NotRecordedError("instant", when=when[:40])
    if instant > at:
        raise NotRecordedError("future", when=when.replace("T", " "))
    return instant


def why_refused(session: Session, number: str, event: EventIn) -> NotRecordedError | None:
    """Why the service did not take ``event``, for a reader; None where only its own words can say."""
    log = [LogLine(row.kind, row.occurred_at, row.recorded_at, row.data)
           for row in queries.events(session, queries.one(session, number).id)]  # fmt: skip
    before = [line for line in log if line.occurred_at <= event.occurred_at or line.kind is EventKind.REGISTERED]
    state = standing(before).state
    if event.kind not in possible(state):
        return NotRecordedError("state", 409, event=event.kind, state=state)
    said = str(event.data.get(ASKS.get(event.kind, ""), ""))
    match event.kind:
        case EventKind.WAITING:
            return NotRecordedError("pauser", 409)
        case EventKind.NEGATIVE_RESOLVED if not answers_waiting(log):
            return NotRecordedError("unasked", 409)
        case EventKind.MERGED if said == number:
            return NotRecordedError("into_itself")
        case EventKind.MERGED if not _is_registered(session, said):
            return NotRecordedError("into_unknown", into=said)
        case EventKind.DEPARTMENT_CHANGED if said not in {row.code for row in names.departments(session)}:
            return NotRecordedError("department_unknown", department=said)
        case EventKind.ASSIGNED if said not in names.staff_names(session, [said]):
            return NotRecordedError("handler_unknown", handler=said)
    return None


def _is_registered(session: Session, number: str) -> bool:
    try:
        queries.one(session, number)
    except UsageError:
        return False
    return True
