"""The sweep: each step decided once, each decision told once, whoever looks how often."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from bihuan.policy.deadline import DeadlinePolicy
from bihuan.services.deadline import BACKFILLED, ENDED, Checked, check_all, check_due
from bihuan.store.engine import Database
from schemas.complaint import EventIn, EventKind, Severity
from schemas.deadline import Deadline, DeadlineState
from schemas.outbox import Audience, MessageState, Notice

TICK = timedelta(microseconds=1)
HANDLED, REOPENED = EventKind.HANDLED, EventKind.REOPENED
NOTHING = Checked()


def promised(office, due: float = 10, **facts) -> str:
    """A complaint with one deadline, due that many hours after Monday's opening: warned of when 80 % have passed."""
    return office.register(deadlines={"handled": office.after(due)}, **facts)


def handled(office, hours: float) -> tuple[EventIn, ...]:
    return (EventIn(kind=HANDLED, occurred_at=office.after(hours)),)


def only(office):
    (row,) = office.deadlines.values()
    return row


def stricter(policy, handled_within: str):
    """The policy with another target for handling general complaints."""
    written = policy.written()["deadline"]
    written["milestones"]["handled"]["severity"]["general"]["target"] = handled_within
    return policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(written)})


# --- once each ---


def test_a_deadline_is_warned_of_then_breached_with_one_message_each(office):
    anna = office.staff("anna")
    promised(office)
    assert office.check(8.01) == Checked(decided=1, warned=1)
    assert office.check(10.01) == Checked(decided=1, breached=1)
    assert [(row.notice, row.recipient, row.state, row.audience) for row in office.messages] == [
        (Notice.WARNING, anna, MessageState.PLANNED, Audience.STAFF),
        (Notice.BREACH, anna, MessageState.PLANNED, Audience.STAFF),
    ]
    assert (only(office).warned_at, only(office).breached_at) == (office.after(8.01), office.after(10.01))


def test_a_second_run_changes_nothing(office):
    promised(office)
    office.check(10.01)
    before = (office.deadlines, office.messages)
    assert office.check() == NOTHING
    assert (office.deadlines, office.messages) == before


def test_at_the_due_instant_itself_it_can_still_be_met(office):
    promised(office)
    office.check(9)
    office.at = office.after(10)
    assert office.check() == NOTHING
    office.at += TICK
    assert office.check() == Checked(decided=1, breached=1)


def test_nothing_is_due_before_the_warning(office):
    promised(office)
    assert office.check(8) == NOTHING


def test_what_was_missed_collapses_into_one_late_notice(office):
    promised(office)
    assert office.check(50) == Checked(decided=1, breached=1)
    (message,) = office.messages
    assert (message.notice, message.is_late) == (Notice.BREACH, True)
    assert only(office).warned_at is None


def test_a_notice_knows_what_it_is_about(office):
    promised(office)
    office.check(8.01)
    (message,) = office.messages
    assert (message.subject_id, message.deadline_id) == (office.complaints[0].id, only(office).id)


def test_a_batch_is_limited_and_the_sweep_pages_until_nothing_is_left(office):
    office.take_in(*(office.complaint(str(n), deadlines={"handled": office.after(10 + n)}) for n in range(5)))
    office.at = office.after(50)
    assert check_due(office.db, office.policy, office.at, limit=2).decided == 2
    assert check_all(office.db, office.policy, office.at, limit=2).decided == 3


def test_the_longest_overdue_come_first(office):
    office.take_in(*(office.complaint(str(n), deadlines={"handled": office.after(20 - n)}) for n in range(3)))
    check_due(office.db, office.policy, office.after(50), limit=1)
    breached = [row.due_at for row in office.rows(Deadline) if row.breached_at]
    assert breached == [office.after(18)]


def test_two_sweeps_at_once_decide_each_deadline_once(office, database_url):
    count = 120
    office.take_in(*(office.complaint(str(n), deadlines={"handled": office.after(10)}) for n in range(count)))
    start = Barrier(2)

    def sweep(_: int) -> Checked:
        own = Database(database_url)
        start.wait()
        try:
            return check_all(own, office.policy, office.after(50), limit=10)
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        total = sum(pool.map(sweep, range(2)), start=NOTHING)
    assert total + office.check(50) == Checked(decided=count, breached=count)
    assert set(Counter(row.deadline_id for row in office.messages).values()) == {1}
    assert len(office.messages) == count


# --- who is told ---


def handler(office) -> str:
    return office.staff("anna")


def head(office) -> str:
    office.staff("anna", is_active=False)
    return office.staff("head", is_head=True)


def the_department(office) -> str:
    office.staff("anna", is_active=False)
    return f"department:{office.department('service')}"


@pytest.mark.parametrize("present", [handler, head, the_department])
def test_who_is_told_is_the_first_who_is_there(office, present):
    """Handler, else the head of the department, else the department itself."""
    office.take_in(office.complaint(handler="anna", deadlines={"handled": office.after(10)}))
    recipient = present(office)
    office.take_in(office.complaint(handler="anna", deadlines={"handled": office.after(10)}), at=office.after(1))
    office.check(9)
    assert [row.recipient for row in office.messages] == [recipient]


def test_without_a_department_the_operator_is_told(office):
    office.take_in(office.complaint(department=None, deadlines={"handled": office.after(10)}))
    office.check(9)
    assert [row.recipient for row in office.messages] == ["operator"]


def test_late_notices_to_one_person_share_a_bundle(office):
    anna, ben = office.staff("anna"), office.staff("ben")
    for number, code in (("1", "anna"), ("2", "anna"), ("3", "ben")):
        promised(office, external_id=number, handler=code)
    office.check(50)
    bundles = {row.recipient: {each.bundle for each in office.messages if each.recipient == row.recipient}
               for row in office.messages}  # fmt: skip
    assert set(bundles) == {anna, ben}
    assert all(len(names) == 1 for names in bundles.values())
    assert bundles[anna] != bundles[ben]


def test_late_notices_of_another_sweep_are_another_bundle(office):
    office.staff("anna")
    promised(office, 10, external_id="1")
    promised(office, 60, external_id="2")
    office.check(50)
    office.check(100)
    assert len({row.bundle for row in office.messages}) == 2


def test_notices_in_time_go_out_one_by_one(office):
    office.staff("anna")
    for number in ("1", "2"):
        promised(office, external_id=number)
    office.check(8.1)
    assert [(row.bundle, row.is_late) for row in office.messages] == [(None, False)] * 2


@pytest.mark.parametrize(("minutes", "is_late"), [(15, False), (15.1, True)])
def test_late_is_what_the_policy_says(office, minutes, is_late):
    promised(office)
    office.check(8 + minutes / 60)
    assert [row.is_late for row in office.messages] == [is_late]


# --- what has ended ---


def test_what_ended_late_is_breached_and_nobody_is_told(office):
    promised(office, events=handled(office, 12))
    assert office.check(50) == Checked(decided=1, breached=1, suppressed=1)
    (message,) = office.messages
    assert (message.state, message.reason, message.next_at) == (MessageState.SUPPRESSED, ENDED, None)
    assert only(office).breached_at == office.after(50)


@pytest.mark.parametrize("hours", [5, 8], ids=["early", "just when the warning falls"])
def test_what_ended_in_time_leaves_nothing_to_decide(office, hours):
    promised(office, events=handled(office, hours))
    assert office.check(50) == NOTHING


def test_what_is_met_exactly_when_due_is_not_breached(office):
    promised(office, events=handled(office, 10))
    office.check(50)
    assert only(office).breached_at is None


def test_a_replay_does_not_know_what_happened_later(office):
    """At 11 o'clock nobody knew that it would be handled at 12: the notice goes out."""
    office.take_in(office.complaint(deadlines={"handled": office.after(10)}, events=handled(office, 12)))
    assert office.check(11) == Checked(decided=1, breached=1)
    assert office.messages[0].state is MessageState.PLANNED


def test_a_history_filled_in_is_decided_and_kept_silent(office):
    promised(office)
    assert office.check(50, is_sending=False) == Checked(decided=1, breached=1, suppressed=1)
    (message,) = office.messages
    assert (message.state, message.reason, message.bundle) == (MessageState.SUPPRESSED, BACKFILLED, None)
    assert office.audit().holds


def test_a_cancelled_round_is_not_decided_any_more(office):
    number = office.register()
    for hour, kind in ((1, HANDLED), (3, REOPENED)):
        office.at = office.after(hour)
        office.record(number, kind)
    office.check(500)
    assert office.deadlines["satisfaction_follow_up", 1].breached_at is None
    assert office.deadlines["handled", 2].breached_at == office.after(500)


# --- news after a decision ---


def test_a_breach_stays_when_it_is_handled_at_last(office):
    number = promised(office)
    office.check(11)
    office.at = office.after(12)
    office.record(number, HANDLED)
    one = only(office)
    assert (one.state, one.met_at, one.breached_at) == (DeadlineState.ENDED, office.after(12), office.after(11))
    assert (one.corrected_at, one.next_at) == (None, None)


def test_late_news_that_it_was_met_in_time_stand_beside_the_breach(office):
    number = promised(office)
    office.check(11)
    office.at = office.after(30)
    office.record(number, HANDLED, at=office.after(9))
    one = only(office)
    assert (one.met_at, one.breached_at, one.corrected_at) == (office.after(9), office.after(11), office.after(30))


def test_what_is_corrected_once_keeps_that_instant(office):
    number = promised(office)
    office.check(11)
    for hour, told in ((30, 9), (40, 8)):
        office.at = office.after(hour)
        office.record(number, HANDLED, at=office.after(told))
    assert (only(office).met_at, only(office).corrected_at) == (office.after(8), office.after(30))


def test_a_breach_keeps_its_due_instant_whatever_is_promised_later(office):
    office.take_in(office.complaint(deadlines={"handled": office.after(10)}))
    office.check(11)
    office.take_in(office.complaint(deadlines={"handled": office.after(99)}), at=office.after(12))
    assert (only(office).due_at, only(office).breached_at) == (office.after(10), office.after(11))
    assert office.check(100) == NOTHING


def test_a_moved_due_instant_is_told_again(office):
    office.staff("anna")
    office.take_in(office.complaint(deadlines={"handled": office.after(10)}))
    office.check(9)
    office.take_in(office.complaint(deadlines={"handled": office.after(20)}), at=office.after(9))
    assert office.check(15) == NOTHING
    assert office.check(17) == Checked(decided=1, warned=1)
    assert office.check(21) == Checked(decided=1, breached=1)
    assert len({row.key for row in office.messages}) == 3


def test_a_due_instant_that_did_not_move_is_not_told_again(office):
    number = promised(office)
    office.check(9)
    office.record(number, EventKind.RESPONDED)
    assert office.check(9.5) == NOTHING
    assert office.check(11) == Checked(decided=1, breached=1)


def test_a_due_instant_moved_into_the_past_is_breached_at_once(office):
    office.take_in(office.complaint(severity=Severity.GENERAL, deadlines={"handled": None}))
    office.take_in(office.complaint(severity=Severity.URGENT, deadlines={"handled": None}), at=office.after(30))
    assert only(office).due_at == office.after(24)
    assert office.check(30) == Checked(decided=1, breached=1)


def test_a_deadline_keeps_the_policy_that_set_it(office, policy):
    office.register()
    assert {row.policy_version for row in office.deadlines.values()} == {policy.deadline.version}
    assert {row.calendar_version for row in office.deadlines.values()} == {policy.calendars.default.version}


def test_a_new_policy_sets_what_starts_from_then_on_and_nothing_that_is_open(office, policy):
    number = office.register()
    office.policy = stricter(policy, "30h")
    office.at = office.after(1)
    office.record(number, EventKind.RESPONDED)
    office.register("2")
    first, second = sorted((row for row in office.rows(Deadline) if row.milestone == "handled"), key=lambda row: row.id)
    assert (first.due_at, first.policy_version) == (office.after(48), policy.deadline.version)
    assert (second.due_at, second.policy_version) == (office.after(31), office.policy.deadline.version)


def test_a_breach_keeps_the_policy_under_which_it_was_one(office, policy):
    number = office.register()
    office.check(50)
    office.policy = stricter(policy, "72h")
    office.record(number, EventKind.RESPONDED)
    one = office.deadlines["handled", 1]
    assert (one.due_at, one.policy_version) == (office.after(48), policy.deadline.version)


def test_a_new_policy_does_not_judge_what_was_met_under_the_old_one(office, policy):
    """Handled within the 48 h of its day; the policy tightens; then the result is told."""
    number = office.register()
    office.at = office.after(30)
    office.check()
    office.record(number, HANDLED)
    office.policy = stricter(policy, "24h")
    office.at = office.after(31)
    office.record(number, EventKind.RESULT_TOLD)
    office.check(32)
    assert office.deadlines["handled", 1].due_at == office.after(48)
    assert office.deadlines["handled", 1].breached_at is None


def test_a_breached_deadline_that_the_log_no_longer_gives_stops_running(office):
    """General complaints have to be assigned; a major one has no such deadline. The breach itself stays."""
    office.take_in(office.complaint(severity=Severity.GENERAL))
    office.check(3)
    office.take_in(office.complaint(severity=Severity.MAJOR), at=office.after(4))
    one = office.deadlines["assigned", 1]
    assert (one.state, one.cancelled_at) == (DeadlineState.CANCELLED, office.after(4))
    assert one.breached_at == office.after(3)
