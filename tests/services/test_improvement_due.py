"""Late measures and owed decisions remind and climb on the sweep, the ladders and the ledger of complaints."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bihuan.services.deadline import check_all
from bihuan.services.escalation import climb_all
from bihuan.services.improvement_due import follow, follow_all
from bihuan.services.item import hold, move
from bihuan.services.measure import cancel_measure, implement_measure
from bihuan.services.standard import Text, draft_standard, put_in_force, record_audit
from schemas.deadline import Deadline, DeadlineState
from schemas.item import ITEM, Gate, ItemState
from schemas.outbox import MessageState, Notice
from schemas.people import Staff
from schemas.plan import MEASURE


class Days:
    """Lives day by day in Shanghai: at half past nine everything that is due is decided, climbed and delivered."""

    def __init__(self, works: Any) -> None:
        self.works, self.office = works, works.office

    def until(self, last: date) -> None:
        while self.office.at.date() < last:
            day = self.office.at.date() + timedelta(days=1)
            self.office.at = datetime(day.year, day.month, day.day, 1, 30, tzinfo=UTC)
            check_all(self.office.db, self.office.policy, self.office.at)
            climb_all(self.office.db, self.office.policy, self.office.at)
            self.office.deliver()

    def told(self, kind: str = MEASURE) -> list[tuple[str, str, str]]:
        """Day, notice and reader of each message about work."""
        who = {f"staff:{row.id}": row.code for row in self.office.rows(Staff)}
        rows = [row for row in self.office.messages if row.subject_kind == kind and row.state is MessageState.SENT]
        return [(f"{row.planned_at:%m-%d}", row.notice.value, who[row.recipient]) for row in rows]

    def deadlines(self, kind: str = MEASURE) -> list[Any]:
        return [row for row in self.office.rows(Deadline) if row.subject_kind == kind]


@pytest.fixture
def days(works: Any) -> Days:
    return Days(works)


def approved(days: Days, due_on: str) -> str:
    number = days.works.planned(start_on="2026-11-05", due_on=due_on)
    signers = ["han", "eve"] if days.works.show(number)["priority"] == "high" else ["han"]
    days.works.agree(number, Gate.G3, *signers)
    return str(number)


def test_a_measure_reminds_before_its_day_and_climbs_after_it(days):
    approved(days, "2026-12-31")
    days.until(date(2027, 2, 1))
    assert days.told()[:7] == [
        ("12-24", "work_due", "wang"), ("12-28", "work_due", "wang"), ("12-30", "work_due", "wang"),
        ("01-01", "work_late", "wang"), ("01-04", "work_late", "han"), ("01-11", "work_late", "eve"),
        ("01-18", "work_late", "wang"),
    ]  # fmt: skip
    assert days.office.audit().holds
    letters = [letter for url, letter in days.office.mail.sent if url.endswith("/han") and "逾期" in letter.title]
    assert "措施" in letters[0].title
    assert "keep the ten parts asked for most in the shop" in letters[0].body
    assert "/improvement/PDCA-2026-11-01" in letters[0].body
    assert "截止日期：2026-12-31" in letters[0].body


def test_the_last_day_of_february_and_a_holiday_are_days_like_others(days):
    approved(days, "2027-02-28")
    days.until(date(2027, 3, 12))
    # 21 and 27 February 2027 are days of rest: who is reminded on them hears of it on the working day before.
    assert days.told() == [
        ("02-19", "work_due", "wang"), ("02-25", "work_due", "wang"), ("02-26", "work_due", "wang"),
        ("03-01", "work_late", "wang"), ("03-04", "work_late", "han"), ("03-11", "work_late", "eve"),
    ]  # fmt: skip


def test_a_sweep_that_stood_still_tells_once_what_it_missed(days):
    approved(days, "2026-12-31")
    days.until(date(2026, 12, 20))
    days.office.at = datetime(2027, 1, 20, 1, 0, tzinfo=UTC)
    check_all(days.office.db, days.office.policy, days.office.at)
    days.office.deliver()
    assert days.told() == [("01-20", "work_late", "wang")]
    check_all(days.office.db, days.office.policy, days.office.at)
    assert len(days.told()) == 1


def test_done_work_reminds_nobody_and_counts_by_the_day_it_was_done(days):
    number = approved(days, "2026-12-31")
    days.until(date(2026, 12, 25))
    facts = {"implemented_on": date(2026, 12, 24), "coverage": 0.9, "evidence": "stock list"}
    days.works(implement_measure, f"{number}.1", "wang", **facts)
    days.until(date(2027, 1, 20))
    assert days.told() == [("12-24", "work_due", "wang")]
    (row,) = days.deadlines()
    assert (row.state, row.breached_at) == (DeadlineState.ENDED, None)
    assert row.met_at == datetime(2026, 12, 24, 16, 0, tzinfo=UTC)


def test_what_was_said_too_late_stays_a_breach_with_a_correction(days):
    number = approved(days, "2026-12-31")
    days.until(date(2027, 1, 6))
    facts = {"implemented_on": date(2026, 12, 30), "coverage": 0.9, "evidence": "stock list"}
    days.works(implement_measure, f"{number}.1", "wang", **facts)
    days.until(date(2027, 1, 20))
    (row,) = days.deadlines()
    assert row.breached_at is not None
    assert row.corrected_at is not None
    assert row.met_at < row.due_at
    assert [reader for _, notice, reader in days.told() if notice == "work_late"] == ["wang", "han"]


def test_a_dropped_measure_ends_without_being_done(days):
    number = approved(days, "2026-12-31")
    days.until(date(2026, 12, 20))
    days.works(cancel_measure, f"{number}.1", "the shop closes", "li")
    days.until(date(2027, 1, 20))
    (row,) = days.deadlines()
    assert (row.state, row.met_at) == (DeadlineState.CANCELLED, None)
    assert days.told() == []


def test_a_held_item_is_let_be_and_goes_on_with_a_round_of_its_own(days):
    number = approved(days, "2026-12-31")
    days.until(date(2026, 12, 10))
    days.works(hold, number, date(2027, 1, 4), "qian", "the shop moves")
    days.until(date(2027, 1, 4))
    assert days.told() == []
    with days.office.db.write() as session:
        follow_all(session, days.office.policy, days.office.at)
    assert [(row.round, row.state.value) for row in days.deadlines()] == [(1, "cancelled"), (2, "running")]
    days.until(date(2027, 1, 9))
    assert days.told() == [("01-05", "work_late", "wang"), ("01-08", "work_late", "han")]


def test_a_decision_that_is_owed_reminds_whoever_has_to_decide(days):
    number = days.works.drafted()
    days.until(date(2026, 11, 20))
    # Asked for on Monday 2 November: three working days end with Thursday the 5th.
    assert days.told("item") == [
        ("11-04", "work_due", "qian"), ("11-06", "work_late", "qian"), ("11-09", "work_late", "han"),
        ("11-16", "work_late", "eve"),
    ]  # fmt: skip
    days.works.agree(number, Gate.G1, "qian")
    before = len(days.told("item"))
    days.until(date(2026, 12, 20))
    assert len(days.told("item")) == before
    (row,) = days.deadlines("item")
    assert (row.milestone, row.state) == ("g1:quality_manager", DeadlineState.ENDED)


def test_following_what_nothing_happened_to_changes_nothing(days):
    approved(days, "2026-12-31")
    days.until(date(2026, 11, 10))
    before = days.office.rows(Deadline)
    with days.office.db.write() as session:
        assert follow(session, days.office.policy, days.office.at) == 0
    assert check_all(days.office.db, days.office.policy, days.office.at).decided == 0
    assert days.office.rows(Deadline) == before


def test_complaints_keep_their_own_deadlines_and_readers(days):
    """A measure and a complaint of the same id are two matters."""
    approved(days, "2026-12-31")
    days.until(date(2026, 11, 12))
    of_complaints = [row for row in days.office.messages if row.subject_kind == "complaint"]
    assert {row.notice for row in of_complaints} & {Notice.WORK_DUE, Notice.WORK_LATE} == set()
    assert of_complaints


def test_audits_of_a_standard_remind_and_climb_one_after_the_other(days):
    number = days.works.judged()
    days.works(move, number, ItemState.STANDARDISING, "li")
    standard = days.works(draft_standard, number, Text("Parts", "Ten parts."), "li")
    days.works(put_in_force, standard, date(2027, 2, 10), "li")
    days.until(date(2027, 3, 16))
    assert [one for one in days.told(ITEM) if one[0] >= "02-20" and one[2] == "li"] == [
        ("03-05", "work_due", "li"), ("03-09", "work_due", "li"), ("03-11", "work_due", "li"),
        ("03-13", "work_late", "li"),
    ]  # fmt: skip
    days.works(record_audit, standard, date(2027, 3, 12), "bo", is_kept=True)
    days.until(date(2027, 3, 18))
    first, second = sorted((row for row in days.deadlines(ITEM) if row.milestone == "audit"), key=lambda row: row.round)
    assert (first.state, second.state) == (DeadlineState.ENDED, DeadlineState.RUNNING)
    assert first.breached_at is not None
    assert second.due_at == datetime(2027, 4, 11, 16, tzinfo=UTC)
    letters = [letter for url, letter in days.office.mail.sent if url.endswith("/li") and "标准核查" in letter.title]
    assert "请核查标准是否仍在执行" in letters[0].body
