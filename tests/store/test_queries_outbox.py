"""The ledger's audit: it holds while every decision has its row and every claim its proof, and finds what is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from bihuan.store.engine import Database
from bihuan.store.queries.outbox import attempts_at, audit, counts, listing
from schemas.complaint import Channel, Complaint, ComplaintState, Severity
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.escalation import Escalation, EscalationState, EscalationStep, Trigger
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice

AT = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


class Ledger:
    """One complaint, and rows written by hand: also those that no service would write."""

    def __init__(self, db: Database) -> None:
        self.db, self.numbers = db, count(1)
        self.complaint_id = self.add(Complaint(
            number="20261116-000001", source="desk", channel=Channel.PHONE, severity=Severity.GENERAL,
            state=ComplaintState.REGISTERED, registered_at=AT,
        ))  # fmt: skip

    def add(self, row) -> int:
        with self.db.write() as session:
            session.add(row)
            session.flush()
            return row.id

    def deadline(self, **facts) -> int:
        return self.add(Deadline(
            subject_id=self.complaint_id, milestone="handled", round=next(self.numbers), mode=Mode.CALENDAR,
            started_at=AT, due_at=AT, state=DeadlineState.RUNNING, policy_version="p", calendar_version="c", **facts,
        ))  # fmt: skip

    def message(self, state: MessageState, deadline_id: int | None = None, **facts) -> int:
        told = {"notice": Notice.BREACH, "audience": Audience.STAFF, "recipient": "operator", "planned_at": AT}
        return self.add(Message(
            key=f"{next(self.numbers)}", subject_id=self.complaint_id, deadline_id=deadline_id, state=state,
            **{**told, **facts},
        ))  # fmt: skip

    def attempt(self, message_id: int, outcome: AttemptOutcome = AttemptOutcome.SENT, number: int = 1) -> None:
        self.add(DeliveryAttempt(message_id=message_id, number=number, started_at=AT, ended_at=AT, outcome=outcome))

    def audit(self, here: ZoneInfo = SHANGHAI):
        with self.db.read() as session:
            return audit(session, here)


@pytest.fixture
def ledger(db) -> Ledger:
    return Ledger(db)


def test_every_state_has_its_place_and_together_they_are_what_was_due(ledger):
    for state in MessageState:
        sent = ledger.message(state)
        if state is MessageState.SENT:
            ledger.attempt(sent)
    found = ledger.audit()
    assert found.holds
    assert (found.due, found.sent, found.suppressed, found.failed, found.unknown, found.pending) == (7, 1, 1, 1, 1, 3)


def test_an_empty_ledger_holds(ledger):
    assert ledger.audit().holds
    assert ledger.audit().due == 0


@pytest.mark.parametrize(("fact", "notice"), [("warned_at", Notice.WARNING), ("breached_at", Notice.BREACH)])
def test_a_decision_without_its_message_is_missing(ledger, fact, notice):
    decided = ledger.deadline(**{fact: AT})
    other = {Notice.WARNING, Notice.BREACH} - {notice}
    ledger.message(MessageState.PLANNED, decided, notice=other.pop())
    found = ledger.audit()
    assert (found.holds, found.missing, found.due) == (False, 1, 2)
    ledger.message(MessageState.PLANNED, decided, notice=notice)
    assert ledger.audit().holds


def test_a_deadline_that_nothing_was_decided_of_owes_no_message(ledger):
    ledger.deadline()
    assert ledger.audit().holds


@pytest.mark.parametrize("outcome", [None, AttemptOutcome.RETRY, AttemptOutcome.AMBIGUOUS])
def test_what_is_called_sent_needs_an_attempt_that_says_so(ledger, outcome):
    message = ledger.message(MessageState.SENT)
    if outcome:
        ledger.attempt(message, outcome)
    assert (ledger.audit().holds, ledger.audit().unproved) == (False, 1)
    ledger.attempt(message)
    assert ledger.audit().holds


def test_the_attempt_of_a_bundle_proves_all_of_it_and_no_other(ledger):
    first = ledger.message(MessageState.SENT, bundle="one")
    ledger.message(MessageState.SENT, bundle="one")
    ledger.attempt(first)
    assert ledger.audit().holds
    ledger.message(MessageState.SENT, bundle="another")
    assert ledger.audit().unproved == 1


def test_a_person_who_says_of_a_sending_that_it_arrived_makes_no_second_one(ledger):
    message = ledger.message(MessageState.SENT, audience=Audience.CUSTOMER)
    ledger.attempt(message)
    ledger.attempt(message)
    assert ledger.audit().holds
    ledger.attempt(message, number=2)
    assert ledger.audit().doubled == 1


def test_what_was_sent_again_is_listed(ledger):
    ledger.message(MessageState.PLANNED, is_repeated=True)
    ledger.message(MessageState.PLANNED)
    assert ledger.audit().repeated == 1


def test_days_are_those_of_the_installation(ledger):
    late = AT.replace(hour=16)  # midnight in Shanghai
    for planned_at in (AT, late - timedelta(microseconds=1), late):
        ledger.message(MessageState.PLANNED, planned_at=planned_at)
    assert [(day["day"], day["due"], day["pending"]) for day in ledger.audit().days] == [
        ("2026-11-16", 2, 2),
        ("2026-11-17", 1, 1),
    ]
    assert [day["due"] for day in ledger.audit(ZoneInfo("UTC")).days] == [3]


def test_each_day_is_its_own_conservation_and_names_what_does_not_hold(ledger):
    next_day = AT + timedelta(days=1)
    ledger.attempt(ledger.message(MessageState.SENT))
    ledger.message(MessageState.FAILED)
    ledger.message(MessageState.SENT, planned_at=next_day)  # without proof
    ledger.deadline(breached_at=next_day + timedelta(days=1))  # without a message
    doubled = ledger.message(MessageState.SENT, audience=Audience.CUSTOMER, planned_at=AT - timedelta(days=1))
    ledger.attempt(doubled)
    ledger.attempt(doubled, number=2)
    result = ledger.audit()
    assert [(day["day"], day["due"], day["sent"], day["failed"], day["holds"]) for day in result.days] == [
        ("2026-11-15", 1, 1, 0, False), ("2026-11-16", 2, 1, 1, True), ("2026-11-17", 1, 1, 0, False),
        ("2026-11-18", 1, 0, 0, False),
    ]  # fmt: skip
    assert [(day["doubled"], day["unproved"], day["missing"]) for day in result.days] == [
        (1, 0, 0), (0, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip
    for word in ("due", "sent", "failed", "missing", "unproved", "doubled"):
        assert sum(day[word] for day in result.days) == getattr(result, word)


def test_every_attempt_of_a_letter_belongs_to_each_of_its_messages(ledger):
    first, second, other = (ledger.message(MessageState.UNKNOWN, bundle=bundle) for bundle in ("b", "b", None))
    ledger.attempt(first, AttemptOutcome.RETRY)
    ledger.attempt(first, AttemptOutcome.AMBIGUOUS)
    with ledger.db.read() as session:
        found = attempts_at(session, [first, second, other])
    assert [attempt.outcome for attempt in found[second]] == [AttemptOutcome.RETRY, AttemptOutcome.AMBIGUOUS]
    assert (len(found[first]), found[other]) == (2, [])


def test_a_listing_names_what_a_message_is_about_newest_first(ledger):
    ledger.message(MessageState.FAILED, ledger.deadline(), reason="no such mailbox")
    ledger.message(MessageState.PLANNED, notice=Notice.RECEIPT)
    with ledger.db.read() as session:
        newest, oldest = listing(session)
        (failed,) = listing(session, state=MessageState.FAILED)
        (second,) = listing(session, limit=1, offset=1)
    assert (newest.number, newest.milestone, newest.notice) == ("20261116-000001", None, Notice.RECEIPT)
    assert (oldest.milestone, oldest.reason) == ("handled", "no such mailbox")
    assert failed.id == second.id == oldest.id


def test_messages_are_counted_by_state_and_settled_ones_only_since_an_instant(ledger):
    for state in (MessageState.FAILED, MessageState.FAILED, MessageState.SENT):
        ledger.message(state)
    ledger.message(MessageState.PLANNED, next_at=AT)
    with ledger.db.read() as session:
        assert counts(session, AT) == {"failed": 2, "planned": 1, "sent": 1}
        assert counts(session, AT + timedelta(seconds=1)) == {"failed": 2, "planned": 1}


# --- rungs ---


def rung(ledger: Ledger, *told: str, deadline_id: int | None = None, cycle: int = 0, written: int | None = None) -> int:
    """A rung that told these, with a message for the first so many of them, else for all."""
    at = AT + timedelta(hours=cycle)
    escalation_id = ledger.add(Escalation(
        key=f"{next(ledger.numbers)}", subject_id=ledger.complaint_id, deadline_id=deadline_id, duty="handled",
        occasion="1.0@x", ladder="general", policy_version="p", started_at=AT, state=EscalationState.CLIMBING,
        trigger=Trigger.SILENCE,
    ))  # fmt: skip
    trigger = Trigger.BREACH if deadline_id else Trigger.SILENCE
    ledger.add(EscalationStep(
        escalation_id=escalation_id, cycle=cycle, rung=2, trigger=trigger, told_at=at, told=list(told)
    ))  # fmt: skip
    notice = Notice.BREACH if deadline_id else Notice.ESCALATION
    for recipient in told[:written]:
        ledger.message(
            MessageState.PLANNED, deadline_id, notice=notice, escalation_id=escalation_id, rung=2,
            recipient=recipient.split()[0], planned_at=at,
        )  # fmt: skip
    return escalation_id


def test_a_rung_whose_recipients_all_have_their_rows_holds(ledger):
    rung(ledger, "staff:1", "staff:1 sms", "department:2")
    rung(ledger)
    found = ledger.audit()
    assert (found.holds, found.due) == (True, 3)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_recipient_of_a_rung_without_a_row_is_missing_on_its_day(ledger, written):
    rung(ledger, "staff:1", "staff:1 sms", "department:2", cycle=20, written=written)
    found = ledger.audit()
    assert (found.holds, found.missing, found.due) == (False, 3 - written, 3)
    assert [(day["day"], day["missing"], day["holds"]) for day in found.days] == [("2026-11-17", 3 - written, False)]


def test_another_message_of_the_same_ladder_is_no_row_of_a_rung(ledger):
    escalation_id = rung(ledger, "staff:1", written=0)
    facts = {"escalation_id": escalation_id, "rung": 2}
    ledger.message(MessageState.PLANNED, notice=Notice.HANDED_OVER, **facts)
    ledger.message(MessageState.PLANNED, notice=Notice.ESCALATION, planned_at=AT + timedelta(hours=1), **facts)
    assert ledger.audit().missing == 1


@pytest.mark.parametrize("written", [0, 1])
def test_a_breach_that_began_a_ladder_is_counted_once_for_each_whom_it_told(ledger, written):
    rung(ledger, "staff:1", "staff:2", deadline_id=ledger.deadline(breached_at=AT), written=written)
    found = ledger.audit()
    assert (found.missing, found.due) == (2 - written, 2)


def test_a_breach_whose_ladder_told_nobody_is_missing(ledger):
    rung(ledger, deadline_id=ledger.deadline(breached_at=AT))
    assert ledger.audit().missing == 1
