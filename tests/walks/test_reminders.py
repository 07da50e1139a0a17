"""Staff are let be: what waits, what shares a letter and what vanishes, by the hours of a whole house."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from bihuan.clock import fixed, zone
from bihuan.notify.contact import seal
from bihuan.services.claim import Claimant, claim
from bihuan.services.intake import take_in
from bihuan.services.outbox import Delivered, deliver_all, deliver_due
from bihuan.store.engine import Database
from bihuan.store.queries.outbox import Audit, audit
from bihuan.store.rows import insert_rows, table_of
from bihuan.testing import RecordingGateway
from schemas.complaint import ComplaintIn, CustomerIn, EventKind
from schemas.outbox import AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice, Urgency
from schemas.people import Staff

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
MIDNIGHT, EIGHT, HALF_PAST = 15.0, 23.0, 23.5
"""Hours after Monday 09:00: midnight, and Tuesday's end of quiet hours and digest."""
MINUTE = 1 / 60
M = table_of(Message)


class Desk:
    """The house of these walks with its outbox; ``mail`` keeps every letter."""

    def __init__(self, house: Any) -> None:
        self.house, self.mail = house, RecordingGateway()

    def overdue(self, *names: str, at: float, handler: str = "anna", urgency: Urgency = Urgency.USUAL) -> list[str]:
        """Complaints just overdue at ``at``, each with a notice of it; their numbers."""
        return self._planned(names, at, handler, urgency, due=at - MINUTE, since=at - 2)

    def warned(self, *names: str, at: float, due: float) -> list[str]:
        """Complaints of which Anna is warned at ``at``, when four fifths of their time have just passed."""
        self.house.decides(warn=["80%"])
        return self._planned(names, at, "anna", Urgency.USUAL, due=due, since=due - 5 * (due - at + MINUTE))

    def _planned(
        self, names: Iterable[str], at: float, handler: str, urgency: Urgency, *, due: float, since: float
    ) -> list[str]:  # fmt: skip
        numbers = [
            self.house.register(since, external_id=name, handler=handler, deadlines={"handled": self.after(due)})
            for name in names
        ]
        known = {row.id for row in self.rows}
        self.house.sweep(at)
        with self.house.db.write() as session:
            new = [row.id for row in self.rows if row.id not in known]
            session.execute(update(M).where(M.c.id.in_(new)).values(urgency=urgency))
        assert len(new) == len(numbers)
        return numbers

    def after(self, hours: float) -> datetime:
        return MONDAY + timedelta(hours=hours)

    def deliver(
        self, at: float, *, outcomes: Iterable[AttemptOutcome] | None = None, **how: Any
    ) -> Delivered:  # fmt: skip
        """What is due at that hour goes, to a mail that begins anew."""
        self.house.at, self.mail = self.after(at), RecordingGateway(outcomes or ())
        reminders = self.house.policy.escalation.reminders
        return deliver_all(
            self.house.db, self.mail, self.house.settings, self.house.clock, reminders=reminders, **how
        )  # fmt: skip

    def prefers(self, code: str, quiet_from: str, quiet_until: str, timezone: str = "Asia/Shanghai") -> None:
        values = {"quiet_from": quiet_from, "quiet_until": quiet_until, "timezone": timezone}
        with self.house.db.write() as session:
            session.execute(update(table_of(Staff)).where(table_of(Staff).c.code == code).values(values))

    @property
    def rows(self) -> list[Any]:
        with self.house.db.read() as session:
            return list(session.execute(select(M).order_by(M.c.id)))

    @property
    def held(self) -> set[tuple[str, datetime]]:
        """Why and until when messages wait."""
        return {(row.reason, row.next_at) for row in self.rows if row.state is MessageState.PLANNED and row.reason}

    @property
    def told(self) -> list[str]:
        """Whom the letters of the last delivery went to."""
        return sorted(url.rpartition("/")[2] for url, _ in self.mail.sent)

    def audit(self) -> Audit:
        with self.house.db.read() as session:
            return audit(session, zone("Asia/Shanghai"))


@pytest.fixture
def desk(house: Any) -> Iterator[Desk]:
    """Anna and Ben of service, warned of nothing; at the end of every walk the ledger must hold."""
    house.staff("ben", "service")
    house.decides(warn=[])
    made = Desk(house)
    yield made
    assert made.audit().holds, made.audit()


# --- quiet hours ---


def test_nobody_is_mailed_at_midnight_for_what_can_wait(desk):
    """Zammad 4432 and 2157, Chatwoot 3919: reminders went out by the hour at which something was computed."""
    numbers = desk.overdue("1", "2", at=MIDNIGHT)
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=2, held=2)
    assert desk.held == {("quiet", desk.after(EIGHT))}
    for hours in range(16, 23):
        assert desk.deliver(hours) == Delivered()
    assert desk.deliver(EIGHT) == Delivered(claimed=2, sent=2)
    ((_, letter),) = desk.mail.sent
    assert all(number in letter.body for number in numbers)
    assert {(row.state, row.reason) for row in desk.rows} == {(MessageState.SENT, None)}


def test_what_is_urgent_goes_out_at_midnight_and_alone(desk):
    desk.overdue("1", "2", at=MIDNIGHT, urgency=Urgency.URGENT)
    desk.overdue("3", at=MIDNIGHT)
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=3, held=1, sent=2)
    assert desk.told == ["anna", "anna"]


def test_a_held_notice_whose_matter_ended_vanishes(desk):
    (number,) = desk.overdue("1", at=MIDNIGHT)
    desk.deliver(MIDNIGHT)
    assert desk.audit().pending == 1
    desk.house.happens(number, EventKind.HANDLED, MIDNIGHT + 2)
    assert desk.deliver(EIGHT) == Delivered(claimed=1, suppressed=1)
    assert desk.mail.sent == []
    assert [(row.state, row.reason) for row in desk.rows] == [(MessageState.SUPPRESSED, "ended")]


def test_every_reader_has_a_night_of_their_own(desk):
    desk.prefers("ben", "23:00", "07:00", timezone="America/New_York")
    desk.overdue("1", at=MIDNIGHT)
    desk.overdue("2", at=MIDNIGHT, handler="ben")  # 11:00 in New York
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=2, held=1, sent=1)
    assert desk.told == ["ben"]


def test_hours_changed_while_a_notice_is_held_count(desk):
    desk.overdue("1", at=MIDNIGHT)
    desk.deliver(MIDNIGHT)
    desk.prefers("anna", "22:00", "10:00")
    assert desk.deliver(EIGHT) == Delivered(claimed=1, held=1)
    assert desk.deliver(25) == Delivered(claimed=1, sent=1)


def test_what_is_tried_again_does_not_come_at_night_either(desk):
    desk.overdue("1", at=13 - MINUTE)
    assert desk.deliver(13 - MINUTE, outcomes=[AttemptOutcome.RETRY]).retried == 1
    assert desk.deliver(13 + MINUTE) == Delivered(claimed=1, held=1)
    assert desk.deliver(EIGHT) == Delivered(claimed=1, sent=1)
    assert desk.house.count(DeliveryAttempt) == 2


def test_what_was_cut_off_is_held_too_and_says_that_it_is_repeated(desk):
    desk.overdue("1", at=MIDNIGHT)
    lease = {"state": MessageState.SENDING, "lease_owner": "dead", "next_at": desk.after(MIDNIGHT), "attempts": 1}
    with desk.house.db.write() as session:
        session.execute(update(M).where(M.c.state == MessageState.PLANNED).values(lease))
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=1, held=1)
    assert [(row.state, row.is_repeated, row.lease_owner) for row in desk.rows] == [(MessageState.PLANNED, True, None)]
    assert desk.deliver(EIGHT) == Delivered(claimed=1, sent=1)


def test_a_complainant_is_answered_at_any_hour(desk):
    customer = CustomerIn(external_id="c", contact_url="json://hooks.example.com/wang")
    desk.house.register(MIDNIGHT, customer=customer)
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=1, sent=1)


def test_whoever_signs_in_at_night_gets_the_link_at_once(desk):
    desk.overdue("1", at=MIDNIGHT)
    sign_in = {"key": "k", "subject_id": desk.house.complaint.id, "notice": Notice.SIGN_IN, "audience": Audience.STAFF,
               "recipient": "staff:1", "state": MessageState.PLANNED, "planned_at": desk.after(MIDNIGHT),
               "next_at": desk.after(MIDNIGHT)}  # fmt: skip
    with desk.house.db.write() as session:
        insert_rows(session, Message, [sign_in])
        found = claim(session, Claimant("me", desk.after(MIDNIGHT), desk.house.settings,
                                        desk.house.policy.escalation.reminders), 50)  # fmt: skip
        assert (found.held, len(found.envelopes)) == (1, 1)
        session.rollback()


# --- the window behind a letter ---


def test_the_first_goes_at_once_and_what_follows_soon_comes_as_one(desk):
    first = desk.overdue("1", at=1)
    assert desk.deliver(1) == Delivered(claimed=1, sent=1)
    others = desk.overdue("2", at=1 + 2 * MINUTE) + desk.overdue("3", at=1 + 3 * MINUTE)
    assert desk.deliver(1 + 3 * MINUTE) == Delivered(claimed=2, held=2)
    assert desk.held == {("bundled", desk.after(1 + 5 * MINUTE))}
    assert desk.deliver(1 + 5 * MINUTE) == Delivered(claimed=2, sent=2)
    ((_, letter),) = desk.mail.sent
    assert all(number in letter.body for number in others)
    assert not any(number in letter.body for number in first)


def test_what_comes_due_together_is_one_letter_to_each(desk):
    desk.overdue("1", "2", "3", at=1)
    desk.overdue("4", at=1, handler="ben")
    assert desk.deliver(1) == Delivered(claimed=4, sent=4)
    assert desk.told == ["anna", "ben"]
    assert desk.house.count(DeliveryAttempt) == 2


def test_what_is_urgent_neither_waits_for_a_window_nor_begins_one(desk):
    desk.overdue("1", at=1)
    desk.deliver(1)
    desk.overdue("2", at=1 + MINUTE, urgency=Urgency.URGENT)
    assert desk.deliver(1 + MINUTE) == Delivered(claimed=1, sent=1)
    desk.overdue("3", at=1 + 5 * MINUTE)
    assert desk.deliver(1 + 5 * MINUTE) == Delivered(claimed=1, sent=1)


def test_a_letter_that_failed_is_tried_again_as_it_was(desk):
    desk.overdue("1", "2", at=1)
    assert desk.deliver(1, outcomes=[AttemptOutcome.RETRY]) == Delivered(claimed=2, retried=2)
    assert desk.deliver(1 + 2 * MINUTE) == Delivered(claimed=2, sent=2)
    assert len(desk.mail.sent) == 1


# --- the morning digest ---


def test_warnings_that_leave_time_come_in_the_morning_with_what_can_wait(desk):
    soon = desk.warned("1", at=1, due=2)
    later = desk.warned("2", "3", at=1, due=48)
    rest = desk.overdue("4", at=2, urgency=Urgency.CAN_WAIT)
    assert desk.deliver(2) == Delivered(claimed=4, held=3, sent=1)
    ((_, letter),) = desk.mail.sent
    assert soon[0] in letter.title + letter.body
    assert desk.held == {("digest", desk.after(HALF_PAST))}
    assert desk.deliver(HALF_PAST - MINUTE) == Delivered()
    assert desk.deliver(HALF_PAST) == Delivered(claimed=3, sent=3)
    ((_, letter),) = desk.mail.sent
    assert all(number in letter.body for number in later + rest)


def test_the_digest_and_what_was_held_over_the_night_are_one_letter_where_they_end_together(desk):
    desk.prefers("anna", "22:00", "09:00")
    desk.overdue("1", at=MIDNIGHT)
    desk.overdue("2", at=MIDNIGHT, urgency=Urgency.CAN_WAIT)
    assert desk.deliver(MIDNIGHT).held == 2
    assert {why for why, _ in desk.held} == {"quiet", "digest"}
    assert desk.deliver(24) == Delivered(claimed=2, sent=2)
    assert len(desk.mail.sent) == 1


# --- what the letter says ---


def test_a_letter_says_how_many_waited_and_for_what(desk):
    desk.prefers("anna", "22:00", "09:00")
    desk.overdue("1", "2", at=MIDNIGHT)
    desk.overdue("3", at=MIDNIGHT, urgency=Urgency.CAN_WAIT)
    desk.deliver(MIDNIGHT)
    desk.deliver(24)
    ((_, letter),) = desk.mail.sent
    assert letter.title == "【汇总】3 件事需要您处理"
    said = letter.body.splitlines()[:5]
    assert said[1:3] == ["其中 2 件因免打扰时段推迟到现在。", "其中 1 件不急，留待晨报。"]
    assert said[4].startswith("链接：")


def test_a_warning_overtaken_by_the_breach_while_it_was_held_is_not_in_the_letter(desk):
    (number,) = desk.warned("1", at=MIDNIGHT, due=MIDNIGHT + 1)
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=1, held=1)
    desk.house.sweep(MIDNIGHT + 1 + MINUTE)
    assert desk.deliver(MIDNIGHT + 1 + MINUTE) == Delivered(claimed=1, held=1)
    assert desk.deliver(EIGHT) == Delivered(claimed=2, sent=2)
    ((_, letter),) = desk.mail.sent
    assert letter.title == f"【超时】{number} “处理完毕”已超时 7 小时"


def test_a_notice_of_no_deadline_shares_a_letter_too(desk):
    (number,) = desk.overdue("1", at=MIDNIGHT)
    row = desk.rows[0]
    oversight = {"key": "oversight", "subject_id": row.subject_id, "notice": Notice.OVERSIGHT,
                 "audience": Audience.STAFF, "recipient": row.recipient, "state": MessageState.PLANNED,
                 "planned_at": row.planned_at, "next_at": row.next_at}  # fmt: skip
    with desk.house.db.write() as session:
        insert_rows(session, Message, [oversight])
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=2, held=2)
    assert desk.deliver(EIGHT) == Delivered(claimed=2, sent=2)
    ((_, letter),) = desk.mail.sent
    assert letter.body.count(number) == 2


# --- outage, crowds, workers ---


def test_three_hours_of_outage_collapse_into_one_notice_marked_late(desk):
    """Of each deadline the missed warnings and the breach are one notice, and all of a reader's are one letter."""
    desk.house.decides(warn=["50%", "80%"])
    for name in ("1", "2"):
        desk.house.register(0, external_id=name, handler="anna", deadlines={"handled": desk.after(4)})
    assert desk.house.sweep(1.5).decided == 0
    assert desk.house.sweep(4.5).decided == 2
    assert [(row.notice, row.is_late) for row in desk.rows] == [(Notice.BREACH, True)] * 2
    assert desk.deliver(4.5) == Delivered(claimed=2, sent=2)
    assert len(desk.mail.sent) == 1


def test_what_an_outage_kept_back_does_not_come_at_night(desk):
    desk.house.register(0, external_id="1", handler="anna", deadlines={"handled": desk.after(12)})
    desk.house.sweep(MIDNIGHT)
    assert desk.deliver(MIDNIGHT) == Delivered(claimed=1, held=1)
    assert desk.deliver(EIGHT) == Delivered(claimed=1, sent=1)
    assert desk.rows[0].is_late


@pytest.mark.parametrize("count", [101, 1200])
def test_however_many_are_due_at_once_all_are_told_in_one_letter_to_each(desk, count):
    """Peers stop at a LIMIT of 100 or of 1,000 and never come to the rest."""
    house = desk.house
    batch = [
        ComplaintIn(source="desk", external_id=str(number), department="service", registered_at=desk.after(0),
                    handler=("anna", "ben")[number % 2], deadlines={"handled": desk.after(10)})
        for number in range(count)
    ]  # fmt: skip
    with house.db.write() as session:
        take_in(session, house.policy, house.settings, fixed(desk.after(1)), batch)
    house.sweep(10 + MINUTE)
    assert desk.deliver(10 + MINUTE).sent == count
    assert desk.told == ["anna", "ben"]
    assert all(str((count + 1 - place) // 2) in letter.title for place, (_, letter) in enumerate(desk.mail.sent))
    assert desk.deliver(11) == Delivered()


def test_what_is_held_starves_nobody(desk):
    desk.prefers("ben", "00:00", "00:00")
    desk.overdue(*"12345", at=MIDNIGHT)
    desk.overdue("6", at=MIDNIGHT, handler="ben")
    assert desk.deliver(MIDNIGHT, limit=1) == Delivered(claimed=6, held=5, sent=1)
    assert desk.told == ["ben"]


def test_the_pace_of_a_target_holds_for_what_was_held_too(desk):
    shared = "json://hooks.example.com/group"
    desk.house.settings = desk.house.settings.model_copy(update={"send_per_minute": 1})
    with desk.house.db.write() as session:
        session.execute(update(table_of(Staff)).values(sealed_contact=seal(shared, desk.house.settings.secret_value())))
    desk.overdue("1", at=MIDNIGHT)
    desk.overdue("2", at=MIDNIGHT, handler="ben")
    assert desk.deliver(MIDNIGHT).held == 2
    assert desk.deliver(EIGHT) == Delivered(claimed=2, sent=1, deferred=1)
    assert desk.deliver(EIGHT + 2 * MINUTE) == Delivered(claimed=1, sent=1)


def test_a_letter_that_another_worker_has_under_way_begins_its_window(desk):
    desk.overdue("1", at=1)
    house, reminders = desk.house, desk.house.policy.escalation.reminders
    with house.db.write() as session:
        assert len(claim(session, Claimant("other", desk.after(1), house.settings, reminders), 50).envelopes) == 1
    desk.overdue("2", at=1)
    assert desk.deliver(1) == Delivered(claimed=1, held=1)
    assert desk.held == {("bundled", desk.after(1 + 5 * MINUTE))}
    # The other one died: its lease ended, and what it had claimed goes with what waited.
    assert desk.deliver(1 + 5 * MINUTE) == Delivered(claimed=2, sent=2)
    assert len(desk.mail.sent) == 1


def test_two_workers_at_once_send_everything_once_and_one_letter_more_at_most(desk, database_url):
    desk.overdue(*map(str, range(30)), at=MIDNIGHT)
    desk.deliver(MIDNIGHT)
    house, gateway, start = desk.house, RecordingGateway(), Barrier(2)
    house.at = desk.after(EIGHT)

    def work(number: int) -> Delivered:
        own, done = Database(database_url), Delivered()
        start.wait()
        try:
            while (batch := deliver_due(own, gateway, house.settings, house.clock, limit=5, owner=str(number),
                                        reminders=house.policy.escalation.reminders)).claimed:  # fmt: skip
                done += batch
            return done
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        total = sum(pool.map(work, range(2)), start=Delivered())
    house.at = desk.after(EIGHT + 5 * MINUTE)
    total += deliver_all(house.db, gateway, house.settings, house.clock, reminders=house.policy.escalation.reminders)
    assert (total.sent, {row.state for row in desk.rows}) == (30, {MessageState.SENT})
    assert len(gateway.sent) == house.count(DeliveryAttempt) <= 3
