"""A month of half a million complaints, by plain inserts: each with its deadlines, its log and what its people do."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.texts import matter
from bihuan.store.engine import Database
from bihuan.store.rows import insert_rows
from schemas.complaint import Channel, Complaint, ComplaintEvent, ComplaintState, EventKind, Kind, Severity
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.people import Department, Staff
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

START = datetime(2026, 9, 30, 16, tzinfo=UTC)
"""1 October in Shanghai."""
DAYS = 31
_OPEN_RATIO, _FROM_REGISTRATION, _SAD = 0.1, 3, 2
"""Share that is never handled; milestones whose clock starts with the registration; scores up to this are negative."""
_DEPARTMENTS, _STAFF, _PRODUCTS, _REGIONS = 20, 300, 100, 25
_PAGE = 20_000
_HOUR = timedelta(hours=1)
_TARGETS = {"assigned": 2, "first_response": 2, "handled": 48, "result_feedback": 24, "satisfaction_follow_up": 72}
_STEPS = (
    (EventKind.ASSIGNED, "assigned", 1.2), (EventKind.RESPONDED, "first_response", 1.4),
    (EventKind.HANDLED, "handled", 30), (EventKind.RESULT_TOLD, "result_feedback", 10),
    (EventKind.FOLLOWED_UP, "satisfaction_follow_up", 50),
)  # fmt: skip
"""What happens in which order: the event, the milestone it meets, and the hours it takes on average."""

Rows = dict[str, Any]


def fill_month(db: Database, complaints: int, answers: int) -> None:
    """So many complaints registered in October 2026, evenly; one in ten is still open, one in five late."""
    chance = random.Random(2026)
    with db.write() as session:
        insert_rows(session, Department, [_department(number) for number in range(1, _DEPARTMENTS + 1)])
        insert_rows(session, Staff, [_person(number) for number in range(1, _STAFF + 1)])
    made = (_life(number, complaints, chance) for number in range(1, complaints + 1))
    while page := list(islice(made, _PAGE)):
        with db.write() as session:
            insert_rows(session, Complaint, [complaint for complaint, _, _ in page])
            insert_rows(session, ComplaintEvent, [event for _, events, _ in page for event in events])
            insert_rows(session, Deadline, [deadline for _, _, deadlines in page for deadline in deadlines])
    _answer(db, complaints, answers, chance)
    db.analyze()


def _department(number: int) -> Rows:
    return {
        "id": number,
        "code": f"d{number}",
        "name": f"d{number}",
        "name_en": "",
        "language": "zh",
        "is_simulated": True,
    }


def _person(number: int) -> Rows:
    return {
        "id": number, "code": f"s{number}", "name": f"s{number}", "department_id": number % _DEPARTMENTS + 1,
        "is_head": False, "is_active": True, "language": "zh", "timezone": "UTC", "is_simulated": True,
    }  # fmt: skip


def _life(number: int, complaints: int, chance: random.Random) -> tuple[Rows, list[Rows], list[Rows]]:
    registered_at = START + number * (timedelta(days=DAYS) / (complaints + 1))
    steps = len(_STEPS) if chance.random() >= _OPEN_RATIO else chance.randrange(_FROM_REGISTRATION)
    at, events, deadlines = registered_at, [_event(number, EventKind.REGISTERED, registered_at)], []
    for place, (kind, milestone, hours) in enumerate(_STEPS):
        started_at = registered_at if place < _FROM_REGISTRATION else at
        if place < steps:
            at += chance.expovariate(1 / hours) * _HOUR
            events.append(_event(number, kind, at))
        if place < _FROM_REGISTRATION or steps == len(_STEPS):
            deadlines.append(_deadline(number, milestone, started_at, at if place < steps else None))
    is_handled = steps == len(_STEPS)
    handled_at = events[3]["occurred_at"] if is_handled else None
    return _complaint(number, registered_at, handled_at, chance), events, deadlines


def _complaint(number: int, registered_at: datetime, handled_at: datetime | None, chance: random.Random) -> Rows:
    title, said = matter(chance)
    return {
        "number": f"20261001-{number:07d}", "id": number, "source": "bench", "external_id": str(number),
        "channel": chance.choice(list(Channel)), "kind": chance.choice(list(Kind)),
        "severity": chance.choice(list(Severity)), "title": title, "matter": said, "demand": "",
        "product": f"product {chance.randrange(_PRODUCTS)}", "region": f"region {chance.randrange(_REGIONS)}",
        "business_line": f"line {number % 5}", "tier": f"tier {number % 4}", "missing": [], "attributes": {},
        "department_id": number % _DEPARTMENTS + 1, "handler_id": number % _STAFF + 1,
        "state": ComplaintState.HANDLED if handled_at else ComplaintState.ASSIGNED, "round": 1,
        "registered_at": registered_at, "handled_at": handled_at, "is_simulated": True,
    }  # fmt: skip


def _event(number: int, kind: EventKind, at: datetime) -> Rows:
    data = {"handler": f"s{number % _STAFF + 1}"} if kind is EventKind.ASSIGNED else {}
    return {"complaint_id": number, "kind": kind, "occurred_at": at, "recorded_at": at, "actor": "desk",
            "key": f"{kind} {at.isoformat()}", "data": data}  # fmt: skip


def _deadline(number: int, milestone: str, started_at: datetime, met_at: datetime | None) -> Rows:
    due_at = started_at + _TARGETS[milestone] * _HOUR
    is_late = met_at is not None and met_at > due_at
    return {
        "subject_kind": "complaint", "subject_id": number, "milestone": milestone, "round": 1, "leg": 0,
        "mode": Mode.CALENDAR, "target_seconds": _TARGETS[milestone] * 3600.0, "started_at": started_at,
        "due_at": due_at,
        "warn_at": [], "step": 1, "next_at": None, "state": DeadlineState.ENDED if met_at else DeadlineState.RUNNING,
        "met_at": met_at, "breached_at": due_at if is_late else None, "policy_version": "b", "calendar_version": "b",
    }  # fmt: skip


def _answer(db: Database, complaints: int, answers: int, chance: random.Random) -> None:
    """Two invitations for each answer, spread over the complaints."""
    step = max(1, complaints // (2 * answers))
    numbers: Iterator[int] = iter(range(1, 2 * answers + 1))
    while page := list(islice(numbers, _PAGE)):
        with db.write() as session:
            insert_rows(session, Invitation, [_invitation(one, one * step, complaints) for one in page])
            insert_rows(session, Answer, list(_answers(page, step, complaints, chance)))


def _invitation(number: int, complaint: int, complaints: int) -> Rows:
    at = START + complaint * (timedelta(days=DAYS) / (complaints + 1)) + 24 * _HOUR
    is_answered = number % 2 == 0
    return {
        "id": number, "key": f"bench {number}", "subject_kind": "complaint", "subject_id": complaint,
        "duty": "satisfaction_follow_up", "round": 1, "questionnaire": "satisfaction", "policy_version": "b",
        "started_at": at, "send_at": at, "due_at": at + 72 * _HOUR, "expires_at": at + 336 * _HOUR,
        "state": InvitationState.ANSWERED if is_answered else InvitationState.EXPIRED, "reminders": 0, "calls": 0,
        "invited_at": at, "answered_at": at + _HOUR if is_answered else None,
    }  # fmt: skip


def _answers(numbers: Iterable[int], step: int, complaints: int, chance: random.Random) -> Iterator[Rows]:
    for number in numbers:
        if number % 2 == 0:
            invitation = _invitation(number, number * step, complaints)
            csat = chance.choices((1, 2, 3, 4, 5), (1, 1, 2, 4, 6))[0]
            yield {
                "invitation_id": number, "source": "bihuan", "external_id": str(number), "subject_kind": "complaint",
                "subject_id": number * step, "channel": AnswerSource.WEB, "language": "zh",
                "values": {"csat": csat, "why_low": chance.choice(("slow", "rude", "price"))}, "csat": csat,
                "nps": min(10, csat * 2), "index": csat * 20.0, "index_weight": 1.0, "weight": 1.0, "comment": "",
                "is_negative": csat <= _SAD, "answered_at": invitation["answered_at"],
                "changed_at": invitation["answered_at"], "revision": 1,
            }  # fmt: skip
