"""One complaint at a time: register it as it comes in, and record what happens to it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import bindparam, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.deadline import Pauser
from bihuan.policy.models import Policy
from bihuan.policy.scope import Facts
from bihuan.rules.complaint import LogLine, possible, standing
from bihuan.rules.negative import PLAN, RESULT, answers_waiting
from bihuan.rules.outbox import message_key
from bihuan.rules.routing import department_for
from bihuan.rules.terms import facts_in_force, severity_in_force
from bihuan.services.intake import event_key, event_row, next_moment, take_in
from bihuan.services.ladder import open_oversight
from bihuan.services.negative_letter import STOPS_LETTER, plan_letter, stop_letter
from bihuan.services.people import least_loaded
from bihuan.services.policy import in_force
from bihuan.services.projection import logs_of, rederive
from bihuan.settings import Settings
from bihuan.store.rows import insert_new_rows, insert_rows
from schemas.complaint import Complaint, ComplaintEvent, ComplaintIn, EventIn, EventKind
from schemas.outbox import Audience, Message, MessageState, Notice
from schemas.people import TELEPHONE, Customer, Department, Staff

log = logging.getLogger(__name__)

RESULT_CHARACTERS = 500
"""The most that the letter to the complainant says of what was done."""
_NUMBERED = select_rows(Complaint).where(col(Complaint.number) == bindparam("number")).with_for_update()
_KNOWN = select(col(ComplaintEvent.id)).where(
    col(ComplaintEvent.complaint_id) == bindparam("id"), col(ComplaintEvent.key) == bindparam("its_key")
)
_OPENS_OVERSIGHT = frozenset({EventKind.SEVERITY_CHANGED, EventKind.REOPENED})


def register(session: Session, policy: Policy, settings: Settings, clock: Clock, complaint: ComplaintIn) -> str:
    """Take a complaint in as it arrives: row, log, deadlines, department, handler and receipt, in this transaction.

    Policy names the department where the complaint names none; the handler is whoever there has the fewest open
    complaints. The complainant gets a receipt where a contact is known.

    Returns:
        The complaint number; the known one where this complaint is already registered.
    """
    if complaint.external_id is None:
        complaint = complaint.model_copy(update={"external_id": uuid4().hex})
    if complaint.department is None:
        code = department_for(policy.routing, complaint.kind, complaint.severity)
        complaint = complaint.model_copy(update={"department": code})
    intake = take_in(session, policy, settings, clock, [complaint])
    row = session.exec(
        select_rows(Complaint).where(
            Complaint.source == complaint.source, Complaint.external_id == complaint.external_id
        )
    ).one()
    if intake.created:
        _name_department(session, policy, row)
        _assign(session, policy, clock, row)
        open_oversight(session, policy, row, clock())
        _receipt(session, row, clock())
        log.debug("complaint registered", extra={"complaint": row.number})
    return row.number


def record(session: Session, policy: Policy, clock: Clock, number: str, event: EventIn) -> None:
    """Add one piece of news to a complaint's log and bring its state and deadlines in line, in this transaction.

    The same news again (by its key, else by kind and instant) changes nothing.

    Raises:
        UsageError: No such complaint, or the news is dated in the future.
        RefusedError: It makes no sense of the complaint as it stood then, such as reopening what was not handled.
    """
    at = clock()
    row = find(session, number)
    assert row.id is not None
    if event.occurred_at > at:
        raise UsageError(
            f"{event.occurred_at.isoformat()} lies in the future", cure="give the instant at which it happened"
        )
    if is_known(session, row.id, event):
        return
    lines = logs_of(session, [row.id])[row.id]
    _refuse_senseless(number, event, lines)
    _append(session, policy, row, lines, event, at)
    log.debug("recorded", extra={"complaint": number, "event": event.kind.value})


def find(session: Session, number: str) -> Complaint:
    """The complaint of that number, locked for this transaction.

    Raises:
        UsageError: There is none.
    """
    row = session.exec(_NUMBERED, params={"number": number}).first()
    if row is None:
        raise UsageError(f"no complaint {number!r}", cure="see `bihuan complaint list`")
    return row


def is_known(session: Session, complaint_id: int, event: EventIn) -> bool:
    """Whether that very news stands in the complaint's log."""
    return session.execute(_KNOWN, {"id": complaint_id, "its_key": event_key(event)}).first() is not None


def _refuse_senseless(number: str, event: EventIn, log: list[LogLine]) -> None:
    before = [line for line in log if line.occurred_at <= event.occurred_at or line.kind is EventKind.REGISTERED]
    state = standing(before).state
    allowed = possible(state)
    if event.kind not in allowed:
        raise RefusedError(
            f"{number} was {state} then: {event.kind} makes no sense of it",
            cure=f"possible: {', '.join(sorted(allowed))}",
        )


def _append(
    session: Session, policy: Policy, row: Complaint, log: list[LogLine], event: EventIn, now: datetime
) -> None:
    assert row.id is not None
    match event.kind:
        case EventKind.ASSIGNED:
            event = _take_handler(session, row, event)
        case EventKind.DEPARTMENT_CHANGED:
            _hand_over(session, row, event)
        case EventKind.WAITING:
            _refuse_pauser(session, policy, facts_in_force(log), event.actor)
        case EventKind.MERGED:
            _refuse_unknown(session, row, event.data["into"])
        case EventKind.NEGATIVE_TAKEN_ON:
            _refuse_wordless(event, PLAN, "say what is going to be done, with --reason or in the form")
        case EventKind.NEGATIVE_RESOLVED:
            _refuse_wordless(event, RESULT, "say what was done, in words for the complainant, with --result")
            _refuse_unasked(row.number, log)
    book = in_force(session, policy, now)  # before the news: a calendar that was replaced knows nothing of them yet
    at = next_moment(log, now)
    insert_new_rows(session, ComplaintEvent, [event_row(row.id, event, at)], ["complaint_id", "key"])
    log = [*log, LogLine(event.kind, event.occurred_at.astimezone(UTC), at, event.data)]
    stands = standing(log)
    row.state, row.round, row.handled_at = stands.state, stands.round, stands.handled_at
    row.severity, row.tier = severity_in_force(log), facts_in_force(log).tier
    row.erased_at = None  # what is entered now is kept for its own time
    session.add(row)
    session.flush()
    rederive(session, book, {row.id: log})
    if event.kind in _OPENS_OVERSIGHT:
        open_oversight(session, policy, row, now)
    if event.kind is EventKind.NEGATIVE_RESOLVED:
        plan_letter(session, policy, row, answers_waiting(log), now)
    elif event.kind in STOPS_LETTER:
        stop_letter(session, row.id)


def _refuse_pauser(session: Session, policy: Policy, facts: Facts, actor: str) -> None:
    """Let only those stop the clock whom the policy names."""
    who = policy.deadline.terms(facts).pause.who
    if not who:
        return
    staff = session.exec(select_rows(Staff).where(Staff.code == actor, Staff.is_active)).first() if actor else None
    may = staff is not None and (Pauser.HANDLER in who or staff.is_head)
    if not may:
        raise RefusedError(
            f"{actor or 'nobody named'} may not stop the clock",
            cure=f"by policy {' or '.join(who)} may: name one with --actor, see `bihuan staff list`",
        )


def _refuse_wordless(event: EventIn, name: str, cure: str) -> None:
    """Let nobody take a negative answer on, or answer it, without a word."""
    said = str(event.data.get(name) or "").strip()
    if not said:
        raise UsageError(f"{event.kind} without its {name}", cure=cure)
    if len(said) > RESULT_CHARACTERS:
        raise UsageError(f"the {name} is longer than {RESULT_CHARACTERS} characters", cure="say it more briefly")


def _refuse_unasked(number: str, log: list[LogLine]) -> None:
    """Let nobody answer what nobody asked, or answer it twice."""
    if not answers_waiting(log):
        cure = "record answered_negative first, or a note"
        raise RefusedError(f"{number} has no negative answer that waits for word", cure=cure)


def _take_handler(session: Session, row: Complaint, event: EventIn) -> EventIn:
    """Hand the complaint to whom the event names; the event says so where that is another department."""
    code = event.data.get("handler")
    if not code:
        return event
    staff = session.exec(select_rows(Staff).where(Staff.code == code)).first()
    if staff is None:
        raise UsageError(f"no staff {code!r}", cure="see `bihuan staff list`")
    is_elsewhere = row.department_id not in {None, staff.department_id}
    row.handler_id, row.department_id = staff.id, staff.department_id
    if not is_elsewhere:
        return event
    department = session.get_one(Department, staff.department_id)
    return event.model_copy(update={"data": {**event.data, "department": department.code}})


def _hand_over(session: Session, row: Complaint, event: EventIn) -> None:
    """Give the complaint to another department, where nobody handles it yet."""
    code = event.data["department"]
    department = session.exec(select_rows(Department).where(Department.code == code)).first()
    if department is None:
        raise UsageError(f"no department {code!r}", cure="see `bihuan staff list`")
    row.department_id, row.handler_id = department.id, None


def _refuse_unknown(session: Session, row: Complaint, into: str) -> None:
    if into == row.number:
        raise UsageError(f"{into} cannot be merged into itself", cure="name the complaint that goes on")
    if session.exec(select_rows(col(Complaint.id)).where(Complaint.number == into)).first() is None:
        raise UsageError(f"no complaint {into!r} to merge into", cure="see `bihuan complaint list`")


def _name_department(session: Session, policy: Policy, row: Complaint) -> None:
    """Give a department that the register just met through policy the names policy knows it by."""
    department = session.get_one(Department, row.department_id)
    names = policy.routing.departments.get(department.code)
    if names and department.name == department.code:
        department.name, department.name_en = names.zh, names.en
        session.add(department)


def _assign(session: Session, policy: Policy, clock: Clock, row: Complaint) -> None:
    """Assign a complaint that nobody handles yet to the least loaded handler of its department."""
    if row.handler_id is not None or row.department_id is None or row.handled_at is not None:
        return
    handler_id = least_loaded(session, row.department_id, clock())
    if handler_id is None:
        return
    handler = session.get_one(Staff, handler_id)
    event = EventIn(
        kind=EventKind.ASSIGNED,
        occurred_at=max(clock(), row.registered_at),
        actor="policy",
        data={"handler": handler.code},
    )
    assert row.id is not None
    _append(session, policy, row, logs_of(session, [row.id])[row.id], event, clock())


def _receipt(session: Session, row: Complaint, at: datetime) -> None:
    """Plan the receipt in the transaction that registers the complaint."""
    customer = session.get(Customer, row.customer_id) if row.customer_id else None
    if customer is None or (customer.sealed_contact or TELEPHONE).startswith(TELEPHONE):
        return
    recipient = f"customer:{customer.id}"
    insert_rows(session, Message, [{
        "key": message_key(f"complaint:{row.id}", "receipt", recipient, "preferred", "registered"),
        "subject_kind": "complaint", "subject_id": row.id, "notice": Notice.RECEIPT, "audience": Audience.CUSTOMER,
        "recipient": recipient, "channel": "preferred", "is_late": False, "is_repeated": False,
        "state": MessageState.PLANNED, "planned_at": at, "next_at": at, "attempts": 0,
    }])  # fmt: skip
