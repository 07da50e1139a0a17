"""Delivery: every message ends in a row that says how, nothing is lost, and nobody hears twice what they need not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr

from bihuan.notify.gateway import SendResult
from bihuan.notify.letter import Letter
from bihuan.rules.outbox import MAX_ATTEMPTS
from bihuan.services.claim import CUT_OFF
from bihuan.services.deadline import ENDED
from bihuan.services.decision import CONFIRMED, Statement, decide
from bihuan.services.letter import NOBODY
from bihuan.services.outbox import Delivered, deliver_all, deliver_due
from bihuan.store.engine import Database
from bihuan.testing import RecordingGateway
from schemas.complaint import CustomerIn, EventKind
from schemas.outbox import AttemptOutcome, MessageState, Verdict
from schemas.people import Customer

SENT, REFUSED, RETRY, AMBIGUOUS = (
    AttemptOutcome.SENT,
    AttemptOutcome.REFUSED,
    AttemptOutcome.RETRY,
    AttemptOutcome.AMBIGUOUS,
)
ANNA, WANG = "json://hooks.example.com/anna", "json://hooks.example.com/wang"
NOTHING = Delivered()


class Crash(BaseException):
    """The process is gone: no handler runs."""


class MortalGateway(RecordingGateway):
    """Hands the letter over and dies before anybody can write that down."""

    def send(self, url: str, letter: Letter) -> SendResult:
        super().send(url, letter)
        raise Crash


@pytest.fixture(autouse=True)
def _the_ledger_holds(office) -> Iterator[None]:
    """Whatever a test did: nothing is lost, and nothing is called sent that was not."""
    yield
    audit = office.audit()
    assert audit.holds, audit
    assert audit.due == len(office.messages)


def warned(office, *external_ids: str, handler: str = "anna") -> list[str]:
    """Complaints whose handler is to be warned now, each with a letter of its own; their numbers."""
    office.at = max(office.at, office.after(8.01))
    numbers = [
        office.register(number, 0, handler=handler, deadlines={"handled": office.after(10)})
        for number in external_ids or ("1",)
    ]
    office.check()
    return numbers


def overdue(office, *external_ids: str, handler: str = "anna") -> list[str]:
    """Complaints long overdue: their handler is told in one letter."""
    numbers = [
        office.register(number, 0, handler=handler, deadlines={"handled": office.after(10)}) for number in external_ids
    ]
    office.check(50)
    return numbers


def crash(office) -> None:
    office.mail = MortalGateway()
    with pytest.raises(Crash):
        deliver_due(office.db, office.mail, office.settings, office.clock, owner="mortal")
    office.mail = RecordingGateway()


def later(office, **span: float) -> None:
    office.at += timedelta(**span)


def states(office) -> list[MessageState]:
    return [row.state for row in office.messages]


def only(office) -> Any:
    (row,) = office.messages
    return row


# --- one letter ---


def test_what_is_due_is_sent_and_recorded(office):
    office.staff("anna")
    (number,) = warned(office)
    assert office.deliver() == Delivered(claimed=1, sent=1)
    ((url, letter),) = office.mail.sent
    assert url == ANNA
    assert number in letter.title + letter.body
    row = only(office)
    assert (row.state, row.sent_at, row.next_at, row.lease_owner) == (MessageState.SENT, office.at, None, None)


def test_an_attempt_says_where_and_how_without_the_secret(office):
    office.staff("anna")
    warned(office)
    office.deliver()
    (attempt,) = office.attempts
    assert (attempt.message_id, attempt.number, attempt.outcome, attempt.error) == (only(office).id, 1, SENT, None)
    assert attempt.target == "json://hooks.example.com/***"
    assert attempt.target_key


def test_a_second_run_sends_nothing(office):
    office.staff("anna")
    warned(office)
    office.deliver()
    later(office, days=3)
    assert office.deliver() == NOTHING
    assert len(office.mail.sent) == 1


def test_nothing_is_sent_before_it_is_due(office, complainant):
    office.at = office.after(1)
    office.register(customer=complainant)
    office.at = office.after(0)
    assert office.deliver() == NOTHING


def test_a_receipt_goes_to_the_complainant(office, complainant):
    number = office.register(customer=complainant, title="灯不亮")
    office.deliver()
    ((url, letter),) = office.mail.sent
    assert url == WANG
    assert number in letter.title + letter.body


def test_a_letter_is_written_in_the_language_of_its_reader(office):
    office.staff("anna", language="en")
    office.staff("ben", language="zh")
    warned(office, "1")
    warned(office, "2", handler="ben")
    office.deliver()
    written = {url.rpartition("/")[2]: letter.body for url, letter in office.mail.sent}
    assert written["anna"].isascii() or "截止" not in written["anna"]
    assert not written["ben"].isascii()


# --- how it can end ---


def test_what_a_target_refuses_has_failed_and_says_why(office):
    office.staff("anna")
    warned(office)
    assert office.deliver(outcomes=[REFUSED]) == Delivered(claimed=1, failed=1)
    row = only(office)
    assert (row.state, row.reason, row.next_at, row.attempts) == (MessageState.FAILED, "scripted: refused", None, 1)
    later(office, days=3)
    assert office.deliver() == NOTHING


def test_what_may_work_later_is_tried_again_after_a_minute_or_so(office):
    office.staff("anna")
    warned(office)
    assert office.deliver(outcomes=[RETRY]) == Delivered(claimed=1, retried=1)
    row = only(office)
    assert (row.state, row.reason) == (MessageState.PLANNED, "scripted: retry")
    assert timedelta(minutes=1) <= row.next_at - office.at <= timedelta(minutes=1.25)
    assert office.deliver() == NOTHING
    later(office, minutes=1.25)
    assert office.deliver() == Delivered(claimed=1, sent=1)
    assert [attempt.outcome for attempt in office.attempts] == [RETRY, SENT]
    assert (only(office).reason, only(office).is_repeated) == (None, False)


@pytest.mark.parametrize(
    ("outcome", "end"), [(RETRY, MessageState.FAILED), (AMBIGUOUS, MessageState.UNKNOWN)], ids=["not taken", "perhaps"]
)
def test_after_the_last_attempt_it_has_failed_or_is_unknown(office, outcome, end):
    office.staff("anna")
    warned(office)
    for _ in range(MAX_ATTEMPTS):
        office.deliver(outcomes=[outcome])
        later(office, hours=2)
    row = only(office)
    assert (row.state, row.attempts, row.next_at) == (end, MAX_ATTEMPTS, None)
    assert [attempt.number for attempt in office.attempts] == list(range(1, MAX_ATTEMPTS + 1))
    assert office.deliver() == NOTHING


def test_staff_are_sent_again_what_perhaps_arrived_and_the_row_says_so(office):
    office.staff("anna")
    warned(office)
    assert office.deliver(outcomes=[AMBIGUOUS]) == Delivered(claimed=1, retried=1)
    later(office, minutes=2)
    assert office.deliver() == Delivered(claimed=1, sent=1)
    assert only(office).is_repeated
    assert office.audit().repeated == 1


def test_a_complainant_is_not_sent_again_what_perhaps_arrived(office, complainant):
    office.register(customer=complainant)
    assert office.deliver(outcomes=[AMBIGUOUS]) == Delivered(claimed=1, unknown=1)
    later(office, days=3)
    assert office.deliver() == NOTHING
    assert (only(office).state, only(office).reason) == (MessageState.UNKNOWN, "scripted: ambiguous")


def test_a_complainant_is_sent_again_what_certainly_did_not_arrive(office, complainant):
    office.register(customer=complainant)
    office.deliver(outcomes=[RETRY])
    later(office, minutes=2)
    assert office.deliver() == Delivered(claimed=1, sent=1)


# --- nobody there ---


def test_without_a_contact_it_fails_with_the_reason(office):
    office.staff("anna", contact=False)
    warned(office)
    assert office.deliver() == Delivered(claimed=1, failed=1)
    assert (only(office).state, only(office).reason) == (MessageState.FAILED, NOBODY)
    assert office.mail.sent == []


def test_the_operator_hears_what_staff_cannot_be_told(office):
    operator = "json://hooks.example.com/operator"
    office.settings = office.settings.model_copy(update={"operator_url": SecretStr(operator)})
    office.staff("anna", contact=False)
    warned(office)
    office.deliver()
    assert [url for url, _ in office.mail.sent] == [operator]


def test_the_operator_does_not_hear_what_is_for_a_complainant(office, complainant):
    office.settings = office.settings.model_copy(update={"operator_url": SecretStr("json://example.com/operator")})
    office.register(customer=complainant)
    with office.db.write() as session:
        customer = session.get_one(Customer, office.complaints[0].customer_id)
        customer.sealed_contact = None
    assert office.deliver() == Delivered(claimed=1, failed=1)
    assert office.mail.sent == []


def test_a_contact_sealed_with_another_secret_fails_with_the_cure(office):
    office.staff("anna")
    warned(office)
    office.settings = office.settings.model_copy(update={"secret": SecretStr("another")})
    office.deliver()
    assert only(office).state is MessageState.FAILED
    assert "another secret" in only(office).reason


# --- ended meanwhile ---


def test_what_ended_between_planning_and_delivery_is_not_sent(office):
    office.staff("anna")
    (number,) = warned(office)
    later(office, minutes=1)
    office.record(number, EventKind.HANDLED)
    assert office.deliver() == Delivered(claimed=1, suppressed=1)
    assert (only(office).state, only(office).reason) == (MessageState.SUPPRESSED, ENDED)
    assert office.mail.sent == []


def test_what_ends_while_it_waits_for_a_retry_is_not_sent(office):
    office.staff("anna")
    (number,) = warned(office)
    office.deliver(outcomes=[RETRY])
    office.record(number, EventKind.HANDLED)
    later(office, minutes=2)
    assert office.deliver() == Delivered(claimed=1, suppressed=1)


def test_a_receipt_is_sent_though_the_complaint_was_handled_at_once(office, complainant):
    number = office.register(customer=complainant)
    office.record(number, EventKind.HANDLED)
    assert office.deliver().sent == 1


# --- cut off ---


def test_what_was_claimed_and_not_begun_is_sent_once_its_lease_ends(office):
    office.staff("anna")
    warned(office, "1", "2")
    crash(office)
    assert states(office) == [MessageState.SENDING, MessageState.CLAIMED]
    assert office.deliver() == NOTHING
    later(office, seconds=office.settings.lease_seconds)
    assert office.deliver() == Delivered(claimed=2, sent=2)
    assert [row.is_repeated for row in office.messages] == [True, False]
    assert office.audit().repeated == 1


def test_a_complainants_letter_that_was_cut_off_waits_for_a_person(office, complainant):
    office.register("1", customer=complainant)
    other = CustomerIn(external_id="c2", contact_url="json://hooks.example.com/li")
    office.register("2", customer=other)
    crash(office)
    later(office, seconds=office.settings.lease_seconds)
    assert office.deliver() == Delivered(claimed=2, sent=1, unknown=1)
    cut, untouched = office.messages
    assert (cut.state, cut.reason, cut.next_at, cut.lease_owner) == (MessageState.UNKNOWN, CUT_OFF, None, None)
    assert (untouched.state, untouched.is_repeated) == (MessageState.SENT, False)


def test_a_staff_letter_cut_off_whose_matter_ended_since_is_unknown_not_suppressed(office):
    """It may have gone out: to say that it was held back would be a claim without proof."""
    office.staff("anna")
    (number,) = warned(office)
    crash(office)
    later(office, seconds=office.settings.lease_seconds)
    office.record(number, EventKind.HANDLED)
    assert office.deliver() == Delivered(claimed=1, unknown=1)
    assert (only(office).state, only(office).reason) == (MessageState.UNKNOWN, CUT_OFF)


class SlowGateway(RecordingGateway):
    """Takes so long over its first letter that the lease runs out and another worker comes by."""

    def __init__(self, office: Any, *outcomes: AttemptOutcome, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__(outcomes)
        self.office, self.others, self.meanwhile = office, RecordingGateway(), meanwhile

    def send(self, url: str, letter: Letter) -> SendResult:
        later(self.office, seconds=2 * self.office.settings.lease_seconds)
        deliver_all(self.office.db, self.others, self.office.settings, self.office.clock)
        self.meanwhile()
        return super().send(url, letter)


def test_a_worker_that_lost_its_lease_does_not_overwrite_what_the_next_one_recorded(office):
    office.staff("anna")
    warned(office)
    office.mail = SlowGateway(office)
    office.deliver()
    assert len(office.mail.others.sent) == 1
    assert (only(office).state, only(office).is_repeated) == (MessageState.SENT, True)


def test_a_complainant_hears_once_though_a_worker_was_slow(office, complainant):
    office.register(customer=complainant)
    office.mail = SlowGateway(office)
    office.deliver()
    assert (len(office.mail.sent), len(office.mail.others.sent)) == (1, 0)
    assert (only(office).state, only(office).reason) == (MessageState.SENT, None)


def test_a_slow_worker_leaves_what_a_person_decided_meanwhile(office, complainant):
    office.register(customer=complainant)
    said = Statement(Verdict.ARRIVED, "王芳", "电话核实")

    def decides() -> None:
        with office.db.write() as session:
            assert decide(session, office.clock, only(office).id, said) == 1

    office.mail = SlowGateway(office, meanwhile=decides)
    office.deliver()
    assert (only(office).state, only(office).reason) == (MessageState.SENT, CONFIRMED)


def test_a_slow_worker_that_learns_nothing_leaves_its_letter_to_a_person(office, complainant):
    office.register(customer=complainant)
    office.mail = SlowGateway(office, AMBIGUOUS)
    office.deliver()
    assert (only(office).state, only(office).reason) == (MessageState.UNKNOWN, "scripted: ambiguous")


def test_a_worker_leaves_alone_what_another_took_from_it_before_it_began(office):
    """Two letters claimed; while the first is slow, another worker takes both."""
    office.staff("anna")
    warned(office, "1", "2")
    office.mail = SlowGateway(office)
    office.deliver()
    assert (len(office.mail.sent), len(office.mail.others.sent)) == (1, 2)
    assert states(office) == [MessageState.SENT] * 2


# --- bundles ---


def test_a_bundle_goes_out_as_one_letter(office):
    office.staff("anna")
    numbers = overdue(office, "1", "2", "3")
    assert office.deliver() == Delivered(claimed=3, sent=3)
    ((url, letter),) = office.mail.sent
    assert url == ANNA
    assert all(number in letter.body for number in numbers)
    assert {row.sent_at for row in office.messages} == {office.at}
    assert len(office.attempts) == 1


def test_a_bundle_is_claimed_whole_though_it_is_larger_than_the_batch(office):
    office.staff("anna")
    overdue(office, *(str(n) for n in range(5)))
    deliver_due(office.db, office.mail, office.settings, office.clock, limit=2, owner="me")
    assert len(office.mail.sent) == 1
    assert states(office) == [MessageState.SENT] * 5


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(REFUSED, MessageState.FAILED), (RETRY, MessageState.PLANNED), (AMBIGUOUS, MessageState.PLANNED)],
)
def test_a_bundle_shares_its_fate(office, outcome, state):
    office.staff("anna")
    overdue(office, "1", "2", "3")
    office.deliver(outcomes=[outcome])
    assert states(office) == [state] * 3
    assert len({(row.next_at, row.reason, row.attempts, row.is_repeated) for row in office.messages}) == 1


def test_a_bundle_tried_again_is_still_one_letter(office):
    office.staff("anna")
    overdue(office, "1", "2", "3")
    office.deliver(outcomes=[RETRY])
    later(office, minutes=2)
    assert office.deliver(outcomes=[]) == Delivered(claimed=3, sent=3)
    assert len(office.mail.sent) == 1


def test_what_ended_leaves_its_bundle(office):
    office.staff("anna")
    first, *rest = overdue(office, "1", "2", "3")
    later(office, minutes=1)
    office.record(first, EventKind.HANDLED)
    assert office.deliver() == Delivered(claimed=3, sent=2, suppressed=1)
    ((_, letter),) = office.mail.sent
    assert first not in letter.body
    assert all(number in letter.body for number in rest)


def test_a_bundle_cut_off_is_sent_again_whole(office):
    office.staff("anna")
    overdue(office, "1", "2", "3")
    crash(office)
    later(office, seconds=office.settings.lease_seconds)
    assert office.deliver() == Delivered(claimed=3, sent=3)
    assert len(office.mail.sent) == 1
    assert all(row.is_repeated for row in office.messages)


def test_everybody_gets_a_bundle_of_their_own(office):
    office.staff("anna")
    office.staff("ben")
    overdue(office, "1", "2")
    overdue(office, "3", "4", handler="ben")
    office.deliver()
    assert [url.rpartition("/")[2] for url, _ in office.mail.sent] == ["anna", "ben"]


# --- pace ---


def test_a_target_gets_its_share_of_a_minute_and_the_rest_wait(office):
    office.settings = office.settings.model_copy(update={"send_per_minute": 2})
    office.staff("anna")
    office.staff("ben")
    warned(office, "1", "2", "3", "4", "5")
    warned(office, "6", handler="ben")
    assert office.deliver() == Delivered(claimed=6, sent=3, deferred=3)
    later(office, minutes=1, seconds=1)
    assert office.deliver() == Delivered(claimed=3, sent=2, deferred=1)
    later(office, minutes=1, seconds=1)
    assert office.deliver() == Delivered(claimed=1, sent=1)
    assert not any(row.attempts > 1 or row.is_repeated for row in office.messages)


def test_the_share_is_counted_across_workers(office):
    office.settings = office.settings.model_copy(update={"send_per_minute": 2})
    office.staff("anna")
    warned(office, "1", "2")
    office.deliver()
    later(office, seconds=30)
    warned(office, "3")
    assert office.deliver() == Delivered(claimed=1, deferred=1)


# --- two workers ---


def test_two_workers_at_once_send_each_letter_once(office, database_url):
    count = 16
    office.settings = office.settings.model_copy(update={"send_per_minute": count})
    office.staff("anna")
    warned(office, *(str(n) for n in range(count)))
    start, gateway = Barrier(2), RecordingGateway()

    def work(number: int) -> Delivered:
        own, done = Database(database_url), NOTHING
        start.wait()
        try:
            while (
                batch := deliver_due(own, gateway, office.settings, office.clock, limit=5, owner=f"{number}")
            ).claimed:
                done += batch
            return done
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        total = sum(pool.map(work, range(2)), start=NOTHING)
    assert (total.sent, len(gateway.sent)) == (count, count)
    assert len({letter.body for _, letter in gateway.sent}) == count
    assert set(states(office)) == {MessageState.SENT}


def test_a_letter_that_kills_its_worker_every_time_waits_for_a_person_at_last(office):
    office.staff("anna")
    warned(office)
    for _ in range(MAX_ATTEMPTS):
        crash(office)
        later(office, seconds=office.settings.lease_seconds)
    assert office.deliver() == Delivered(claimed=1, unknown=1)
    assert (only(office).state, only(office).reason, only(office).attempts) == (
        MessageState.UNKNOWN,
        CUT_OFF,
        MAX_ATTEMPTS,
    )
