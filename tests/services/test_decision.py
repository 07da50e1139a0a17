"""What a person says of an unknown message: on record, once, and never a second letter to a customer by accident."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from bihuan.errors import RefusedError, UsageError
from bihuan.services.claim import CUT_OFF
from bihuan.services.deadline import ENDED
from bihuan.services.decision import ASKED_AGAIN, CONFIRMED, Statement, UnconfirmedError, decide, waiting
from bihuan.services.heartbeat import beat
from bihuan.services.outbox import Delivered
from bihuan.services.watchdog import look
from bihuan.store.engine import Database
from bihuan.testing import RecordingGateway
from schemas.complaint import EventKind
from schemas.outbox import AttemptOutcome, Message, MessageState, Verdict

ARRIVED = Statement(Verdict.ARRIVED, "王芳", "电话核实")
AGAIN = Statement(Verdict.AGAIN, "王芳")
SURE = Statement(Verdict.AGAIN, "王芳", "no mail in the log", is_sure=True)


@pytest.fixture(autouse=True)
def _the_ledger_holds(office) -> Iterator[None]:
    """After each decision, whatever it was."""
    yield
    audit = office.audit()
    assert audit.holds, audit
    assert audit.due == len(office.messages)


def say(office, message_id: int, said: Statement) -> int:
    with office.db.write() as session:
        return decide(session, office.clock, message_id, said)


def known(office) -> list[Any]:
    with office.db.read() as session:
        return waiting(session, office.settings, 20)


@pytest.fixture
def receipt(office, complainant) -> int:
    """A customer's receipt that perhaps arrived, by id; an hour has passed since."""
    office.register(customer=complainant)
    office.deliver(outcomes=[AttemptOutcome.AMBIGUOUS])
    office.mail = RecordingGateway()
    office.at += timedelta(hours=1)
    (row,) = office.messages
    assert row.state is MessageState.UNKNOWN
    return row.id


def unsure(office, *external_ids: str) -> list[int]:
    """Staff letters of overdue deadlines, one bundle, that went unknown together; by id."""
    office.staff("anna")
    for number in external_ids:
        office.register(number, 0, handler="anna", deadlines={"handled": office.after(10)})
    office.check(50)
    for _ in range(6):
        office.deliver(outcomes=[AttemptOutcome.AMBIGUOUS])
        office.at += timedelta(hours=2)
    office.mail = RecordingGateway()
    assert {row.state for row in office.messages} == {MessageState.UNKNOWN}
    return [row.id for row in office.messages]


def test_what_is_known_of_an_unknown_message_is_shown(office, receipt):
    (it,) = known(office)
    assert (it.row.id, it.target, it.error) == (receipt, "json://hooks.example.com/***", "scripted: ambiguous")
    assert it.tried_at == office.after(0)


def test_of_one_cut_off_it_is_known_where_it_would_go_but_not_when_it_went(office, complainant):
    office.register(customer=complainant)
    with office.db.write() as session:
        session.execute(update(Message).values(state=MessageState.UNKNOWN, reason=CUT_OFF, next_at=None, attempts=1))
    (it,) = known(office)
    assert (it.target, it.tried_at, it.error) == ("json://hooks.example.com/***", None, CUT_OFF)
    assert say(office, it.row.id, ARRIVED) == 1


def test_what_arrived_is_sent_when_it_was_tried_and_who_says_so_stands_in_an_attempt(office, receipt):
    assert say(office, receipt, ARRIVED) == 1
    (row,) = office.messages
    assert (row.state, row.sent_at, row.reason, row.next_at) == (MessageState.SENT, office.after(0), CONFIRMED, None)
    word = office.attempts[-1]
    assert (word.outcome, word.error, word.started_at) == (AttemptOutcome.SENT, "王芳: 电话核实", office.at)
    assert office.deliver() == Delivered()


def test_a_customer_is_not_written_to_again_without_the_word_that_it_did_not_arrive(office, receipt):
    with pytest.raises(UnconfirmedError, match="may have arrived"):
        say(office, receipt, AGAIN)
    assert office.messages[0].state is MessageState.UNKNOWN
    assert len(office.attempts) == 1


def test_with_that_word_it_is_sent_again_and_marked_so(office, receipt):
    assert say(office, receipt, SURE) == 1
    (row,) = office.messages
    assert (row.state, row.is_repeated, row.reason) == (MessageState.PLANNED, True, ASKED_AGAIN)
    assert office.audit().holds
    assert office.deliver() == Delivered(claimed=1, sent=1)
    assert [attempt.outcome for attempt in office.attempts] == [
        AttemptOutcome.AMBIGUOUS, AttemptOutcome.RETRY, AttemptOutcome.SENT,
    ]  # fmt: skip
    assert office.audit().repeated == 1


@pytest.mark.parametrize("said", [ARRIVED, SURE], ids=["arrived", "again"])
def test_saying_it_twice_changes_nothing_the_second_time(office, receipt, said):
    say(office, receipt, said)
    before = (office.messages, office.attempts)
    assert say(office, receipt, said) == 0
    assert (office.messages, office.attempts) == before


@pytest.mark.parametrize(("first", "second"), [(ARRIVED, SURE), (SURE, ARRIVED)], ids=["arrived first", "again first"])
def test_what_is_decided_is_not_decided_otherwise(office, receipt, first, second):
    say(office, receipt, first)
    with pytest.raises(RefusedError, match="not unknown"):
        say(office, receipt, second)


def test_what_went_out_as_one_letter_is_decided_together(office):
    ids = unsure(office, "1", "2", "3")
    assert say(office, ids[1], ARRIVED) == 3
    assert {row.state for row in office.messages} == {MessageState.SENT}
    assert say(office, ids[0], ARRIVED) == 0


def test_staff_are_sent_it_again_as_one_letter_without_further_ado(office):
    ids = unsure(office, "1", "2")
    assert say(office, ids[0], AGAIN) == 2
    assert office.deliver() == Delivered(claimed=2, sent=2)
    assert len(office.mail.sent) == 1


def test_of_a_matter_that_ended_nobody_is_told_again_without_the_word(office):
    (only,) = unsure(office, "1")
    office.record(office.complaints[0].number, EventKind.HANDLED)
    with pytest.raises(UnconfirmedError):
        say(office, only, AGAIN)
    say(office, only, SURE)
    assert office.deliver() == Delivered(claimed=1, suppressed=1)
    assert office.messages[0].reason == ENDED


def test_a_message_that_does_not_exist_is_wrong_use(office):
    with pytest.raises(UsageError, match="no message 7"):
        say(office, 7, ARRIVED)


@pytest.mark.parametrize("said", [Statement(Verdict.ARRIVED, " "), Statement(Verdict.ARRIVED, "x" * 61),
                                  Statement(Verdict.ARRIVED, "x", "y" * 301)])  # fmt: skip
def test_a_word_without_a_name_or_too_long_is_wrong_use(office, receipt, said):
    with pytest.raises(UsageError, match="who says so"):
        say(office, receipt, said)


def test_two_people_at_once_are_heard_once(office, receipt, database_url):
    start = Barrier(2)

    def person(said: Statement) -> str:
        own = Database(database_url)
        start.wait()
        try:
            with own.write() as session:
                return str(decide(session, office.clock, receipt, said))
        except RefusedError:
            return "refused"
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(person, (ARRIVED, SURE))) == ["1", "refused"]
    assert len(office.attempts) == 2


def test_what_the_watchdog_said_can_be_decided_too(office, monkeypatch):
    two = {"sla-check": timedelta(minutes=2), "outbox-delivery": timedelta(minutes=2)}
    monkeypatch.setattr("bihuan.services.heartbeat.intervals", lambda: two)
    office.settings = office.settings.model_copy(update={"operator_url": SecretStr("json://example.com/operator")})
    with office.db.write() as session:
        for sweep in ("sla-check", "outbox-delivery"):
            beat(session, office.clock, sweep, 0)
    office.mail = RecordingGateway([AttemptOutcome.AMBIGUOUS] * 12)
    for _ in range(6):
        office.at += timedelta(hours=2)
        look(office.db, lambda: office.mail, office.settings, office.clock)
    first, second = known(office)
    say(office, first.row.id, ARRIVED)
    say(office, second.row.id, AGAIN)
    assert look(office.db, RecordingGateway, office.settings, office.clock).told == 1
    assert {row.state for row in office.messages} == {MessageState.SENT}
