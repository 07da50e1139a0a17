"""What an effective improvement leaves behind: its standard, the letters to complainants, the watch, its place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services.effect import check
from bihuan.services.item import move
from bihuan.services.item_log import LackingError
from bihuan.services.lesson import find_lessons, keep_lessons
from bihuan.services.measure import implement_measure
from bihuan.services.scoreboard import board
from bihuan.services.standard import Text, draft_standard, put_in_force, record_audit, record_training
from bihuan.services.standard_told import Told, tell_complainants
from bihuan.services.watch_item import Watches, watch_all
from schemas.complaint import CustomerIn
from schemas.effect import Standard, SustainWatch, WatchState
from schemas.item import Gate, Item, ItemState
from schemas.outbox import MessageState, Notice
from schemas.people import Customer
from schemas.survey import OptOut
from schemas.verification import Verdict

S = ItemState
TEXT = Text("Parts in the shop", "Keep the ten parts in the shop.\nCount them on Mondays.")
WORDS = "我们在每家门店常备最常要的十种配件，多数维修当天就能完成。"


class Acts:
    """An item that was judged effective on 25 January 2027, by cases of its slice."""

    def __init__(self, works, past):
        self.works, self.office, self.past = works, works.office, past

    def on(self, *day, hour=2):
        self.office.at = datetime(*day, hour, 0, tzinfo=UTC)

    def judged(self) -> str:
        self.past(date(2026, 7, 6), 12, 50, 45)
        number = self.works.approved()
        self.on(2026, 11, 30)
        self.works(implement_measure, f"{number}.1", "wang", implemented_on=date(2026, 11, 28), coverage=0.9,
                   evidence="stock list")  # fmt: skip
        for state in (S.IMPLEMENTED, S.OBSERVING):
            self.works(move, number, state, "li")
        for week in range(8):
            self.past(date(2026, 11, 30) + timedelta(weeks=week), 1, 60, 58 + week % 3)
        self.on(2027, 1, 25)
        with self.office.db.write() as session:
            check(session, self.office.policy, self.office.settings, self.office.clock, number)
        self.works.agree(number, Gate.G4, "bo", "qian")
        self.works(move, number, S.STANDARDISING, "li")
        return str(number)

    def standard(self, number: str) -> str:
        sop = self.works(draft_standard, number, TEXT, "li")
        self.works(put_in_force, sop, date(2027, 2, 1), "li", "dishwashers too")
        self.works(record_training, sop, 0.95, "li")
        return str(sop)

    def watch(self) -> Watches:
        return watch_all(self.office.db, self.office.policy, self.office.settings, self.office.clock)

    def closed(self) -> tuple[str, str]:
        """Closed on 5 April 2027, after eight weeks that held."""
        number = self.judged()
        sop = self.standard(number)
        self.on(2027, 2, 1)
        self.works(tell_complainants, sop, WORDS, "qian")
        self.works(move, number, S.SUSTAINING, "li")
        for week in range(10):
            self.past(date(2027, 1, 25) + timedelta(weeks=week), 1, 60, 58 + week % 3)
        self.on(2027, 4, 5)
        self.watch()
        self.works.agree(
            number, Gate.G5, *(["han", "eve"] if self.works.show(number)["priority"] == "high" else ["han"])
        )
        return number, sop


@pytest.fixture
def acts(works, past):
    return Acts(works, past)


def test_a_standard_keeps_its_versions_with_what_is_different_line_by_line(acts):
    number = acts.judged()
    sop = acts.works(draft_standard, number, TEXT, "li")
    revision = acts.works.show(number)["revision"]
    assert acts.works(draft_standard, number, TEXT, "li") == sop == "SOP-2027-001"
    assert acts.works.show(number)["revision"] == revision
    acts.works(put_in_force, sop, date(2027, 1, 25), "li")
    again = Text("Parts in the shop", "Keep the twelve parts in the shop.\nCount them on Mondays.")
    assert acts.works(draft_standard, number, again, "li") == sop
    first, second = acts.office.rows(Standard)
    assert (first.version, first.content) == (1, TEXT.content + "\n")
    assert second.version == 2
    assert second.difference.splitlines()[1:] == [
        "-Keep the ten parts in the shop.", "+Keep the twelve parts in the shop.", " Count them on Mondays.",
    ]  # fmt: skip


def test_audits_fall_due_after_thirty_sixty_and_ninety_days_also_over_the_end_of_february(acts):
    number = acts.judged()
    sop = acts.works(draft_standard, number, TEXT, "li")
    acts.works(put_in_force, sop, date(2027, 1, 31), "li")
    audits = acts.office.rows(Standard)[0].audits
    assert [one["due_on"] for one in audits] == ["2027-03-02", "2027-04-01", "2027-05-01"]
    with pytest.raises(RefusedError, match="not due yet"):
        acts.works(record_audit, sop, date(2027, 3, 2), "bo", is_kept=True)
    acts.on(2027, 3, 3)
    acts.works(record_audit, sop, date(2027, 3, 2), "bo", is_kept=False)
    first = acts.office.rows(Standard)[0].audits[0]
    assert (first["done_on"], first["is_kept"], first["by"]) == ("2027-03-03", False, "bo")
    with pytest.raises(UsageError, match="no audit due"):
        acts.works(record_audit, sop, date(2027, 3, 1), "bo", is_kept=True)


def test_nothing_is_standardised_that_was_not_judged(acts):
    number = acts.works.approved()
    with pytest.raises(RefusedError, match="nothing to be kept"):
        acts.works(draft_standard, number, TEXT, "li")


def test_every_complainant_hears_once_what_their_feedback_changed_and_who_opted_out_does_not(acts):
    office = acts.office
    office.at = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
    people = [
        CustomerIn(external_id=f"k{n}", name=f"客户{n}", contact_url=f"json://hooks.example.com/k{n}") for n in range(3)
    ]
    numbers = [office.register(f"k{place}", customer=person, product="洗衣机", title="等配件")
               for place, person in enumerate([*people, people[0]])]  # fmt: skip
    with office.db.write() as session:
        gone = session.execute(Customer.__table__.select().where(Customer.__table__.c.external_id == "k1")).one()
        session.add(OptOut(customer_id=gone.id, since=office.at))
    acts.works.evidence += numbers
    number = acts.judged()
    sop = acts.standard(number)
    with pytest.raises(RefusedError, match="not in force yet"):
        acts.works(tell_complainants, sop, WORDS, "qian")
    acts.on(2027, 2, 1, hour=13)  # nine in the evening in Shanghai: nobody is written to now
    told = acts.works(tell_complainants, sop, WORDS, "qian")
    assert told == Told(complaints=6, planned=2, before=0, opted_out=1, unreachable=2)
    assert acts.works(tell_complainants, sop, WORDS, "qian") == told._replace(planned=0, before=2)
    office.deliver()
    mine = [row for row in office.messages if row.notice is Notice.IMPROVED]
    assert {row.state for row in mine} == {MessageState.PLANNED}
    acts.on(2027, 2, 2, hour=2)
    office.deliver()
    mine = [row for row in office.messages if row.notice is Notice.IMPROVED]
    assert [row.state for row in mine] == [MessageState.SENT] * 2
    letters = {url: letter for url, letter in office.mail.sent if "改变" in letter.title}
    assert sorted(url.rpartition("/")[2] for url in letters) == ["k0", "k2"]
    assert all(WORDS in letter.body and "等配件" in letter.body for letter in letters.values())
    ledger = office.audit()  # the past was made up, so what it missed is no matter here
    assert (ledger.unproved, ledger.doubled, ledger.pending) == (0, 0, 0)


def test_an_opt_out_between_planning_and_sending_counts(acts):
    office = acts.office
    office.at = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
    person = CustomerIn(external_id="k0", name="客户", contact_url="json://hooks.example.com/k0")
    acts.works.evidence.append(office.register("k0", customer=person, product="洗衣机"))
    sop = acts.standard(acts.judged())
    acts.on(2027, 2, 1)
    assert acts.works(tell_complainants, sop, WORDS, "qian").planned == 1
    with office.db.write() as session:
        session.add(OptOut(customer_id=office.rows(Customer)[0].id, since=office.at))
    acts.on(2027, 2, 1, hour=3)
    office.deliver()
    mine = [row for row in office.messages if row.notice is Notice.IMPROVED]
    assert [(row.state, row.reason) for row in mine] == [(MessageState.SUPPRESSED, "opted_out")]


def test_an_item_closes_once_its_effect_has_held_and_everything_else_is_there(acts):
    number = acts.judged()
    sop = acts.standard(number)
    acts.on(2027, 2, 1)
    acts.works(move, number, S.SUSTAINING, "li")
    acts.watch()
    with pytest.raises(LackingError) as caught:
        acts.works.agree(number, Gate.G5, "han")
    assert {one.why.value for one in caught.value.refusals} == {"not_told", "not_sustained"}
    acts.works(tell_complainants, sop, WORDS, "qian")
    for week in range(10):
        acts.past(date(2027, 1, 25) + timedelta(weeks=week), 1, 60, 58 + week % 3)
    acts.on(2027, 4, 5)
    assert acts.watch() == Watches(looked=1)
    row = acts.office.rows(SustainWatch)[0]
    assert (row.state, row.points >= 12, row.clean >= 8) == (WatchState.WATCHING, True, True)
    assert {"center", "low", "high", "points"} <= set(row.frozen)
    acts.watch()
    assert acts.office.rows(SustainWatch)[0] == row
    signers = ["han", "eve"] if acts.works.show(number)["priority"] == "high" else ["han"]
    assert acts.works.agree(number, Gate.G5, *signers) is S.CLOSED


def test_what_comes_back_after_closing_is_opened_anew_once_and_the_old_one_is_not_held(acts):
    number, _ = acts.closed()
    acts.past(date(2027, 4, 5), 4, 60, 40)
    acts.on(2027, 5, 10)
    assert acts.watch() == Watches(looked=1, broken=1, recurred=1)
    assert acts.watch() == Watches()
    told = acts.works.show(number)
    again = [row for row in acts.office.rows(Item) if row.recurrence_of_id]
    assert (told["state"], told["watch"]["state"], len(again)) == (S.RECURRED, WatchState.BROKEN, 1)
    assert told["events"][-1]["reason"].startswith("not held: on_time_handled since 2027-04")
    assert again[0].state is S.DRAFT
    shown = acts.works.look(board)
    assert (shown["sustained"]["x"], shown["sustained"]["n"]) == (0, 1)
    assert shown["items"][-1]["watch"] is WatchState.BROKEN


def test_what_holds_half_a_year_is_held_and_counts_on_the_scoreboard(acts):
    number, _ = acts.closed()
    acts.past(date(2027, 4, 5), 27, 60, 59)
    acts.on(2027, 10, 1)
    assert acts.watch() == Watches(looked=1)
    acts.on(2027, 10, 2)
    assert acts.watch() == Watches(looked=1, held=1)
    assert acts.watch() == Watches()
    shown = acts.works.look(board)
    assert shown["sustained"] | {"low": None} == {"x": 1, "n": 1, "value": 1.0, "low": None, "high": 1.0}
    (one,) = shown["items"]
    assert (one["number"], one["verdict"], one["is_claimed"]) == (number, Verdict.EFFECTIVE, True)
    assert one["q"] == pytest.approx(one["p"])
    assert acts.works.look(board, "", 2026)["items"] == []
    assert acts.works.look(board, "PDCA-2026-11", 2027)["verdicts"] == {"effective": 1}


def test_a_verdict_leaves_a_lesson_that_is_found_by_its_words(acts):
    number = acts.judged()
    assert acts.works(keep_lessons) == 1
    assert acts.works(keep_lessons) == 0
    (one,) = acts.works.look(find_lessons, "ten PARTS")
    assert (one["item"], one["verdict"], one["causes"]) == (number, Verdict.EFFECTIVE, ["产品“洗衣机”"])
    assert one["effect"].startswith("on_time_handled 90.0% → ")
    assert acts.works.look(find_lessons, "parts lorries") == []
