"""Cycles: one a month and scope, one for a matter at any time; at a month's end nothing is lost and nothing doubled."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.rules.carry import Ask
from bihuan.rules.item import Phase
from bihuan.services.cycle import carry_forward, close_cycle, cycles, open_month, open_special, orphans, phase
from bihuan.services.item import amend, cancel, draft, move
from bihuan.services.measure import record_progress
from schemas.complaint import Severity
from schemas.item import Gate, ItemState, Verdict

S = ItemState


def open_for(works, month_on):
    return works(open_month, works.analysis(month_on), "qian")


def row(works, number):
    return next(one for one in works.look(cycles) if one["number"] == number)


def test_a_months_cycle_is_that_of_the_month_after_and_there_is_one(works):
    run = works.analysis()
    assert works(open_month, run, "qian") == works(open_month, run, "han") == "PDCA-2026-11"
    told = row(works, "PDCA-2026-11")
    assert (told["period_on"], told["analysis"], told["manager"], told["sponsor"], told["phase"]) == (
        date(2026, 11, 1), "M-2026-10", "qian", "eve", None,
    )  # fmt: skip
    assert len(works.look(cycles)) == 1


@pytest.mark.parametrize(
    ("month_on", "number"),
    [(date(2027, 1, 1), "PDCA-2027-02"), (date(2028, 2, 1), "PDCA-2028-03"), (date(2026, 12, 1), "PDCA-2027-01")],
)
def test_february_a_leap_year_and_the_end_of_a_year_are_months_like_others(works, month_on, number):
    works.office.at = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
    assert open_for(works, month_on) == number


def test_each_scope_has_a_month_of_its_own(works):
    whole = open_for(works, date(2026, 10, 1))
    north = works(open_month, works.analysis(date(2026, 10, 1), "north"), "qian")
    assert (whole, north) == ("PDCA-2026-11", "PDCA-2026-11-north")
    first, theirs = (works(draft, number, "qian", {"name": "x"}) for number in (whole, north))
    assert (first, theirs) == ("PDCA-2026-11-01", "PDCA-2026-11-north-01")
    works(carry_forward, open_for(works, date(2026, 11, 1)))
    assert works.show(theirs)["cycle"] == north
    assert works.show(first)["cycle"] == "PDCA-2026-12"


def test_without_an_analysis_there_is_no_month(works):
    with pytest.raises(UsageError, match="no analysis 'M-2026-10'"):
        works(open_month, "M-2026-10", "qian")


def test_one_matter_has_one_open_cycle_and_numbers_go_on(works):
    complaint = works.office.register("m", severity=Severity.MAJOR)
    first = works(open_special, "a fire", "qian", complaint)
    assert works(open_special, "the fire again", "han", complaint) == first == "PDCA-S-2026-001"
    assert works(open_special, "parking", "qian") == works(open_special, "parking", "qian") == "PDCA-S-2026-002"
    assert row(works, first)["complaint"] == complaint
    works(close_cycle, first, "qian")
    assert works(open_special, "a fire", "qian", complaint) == "PDCA-S-2026-003"
    for title, about, said in (
        (" ", None, "no title"),
        ("x", "T-404", "no complaint"),
        ("x" * 301, None, "longer than"),
    ):
        with pytest.raises(UsageError, match=said):
            works(open_special, title, "qian", about)


def test_what_is_open_goes_into_the_next_month_once(works):
    number = works.approved()
    december = open_for(works, date(2026, 11, 1))
    (told,) = works(carry_forward, december)
    assert (told.number, told.carry_count, told.ask, told.is_overdue) == (number, 1, Ask.NOTHING, False)
    item = works.show(number)
    assert (item["cycle"], item["number"], item["state"], item["carry_count"]) == (december, number, S.APPROVED, 1)
    assert item["events"][-1]["data"]["from"] == "PDCA-2026-11"
    assert works(carry_forward, december) == []
    assert works.show(number) == item
    assert (row(works, december)["carried"], row(works, "PDCA-2026-11")["open"]) == (1, 0)


def test_months_that_were_missed_are_made_up_for_at_once(works):
    number = works.approved()
    (told,) = works(carry_forward, open_for(works, date(2027, 1, 1)))
    assert (told.carry_count, works.show(number)["cycle"]) == (3, "PDCA-2027-02")
    assert works(carry_forward, "PDCA-2027-02") == []


def test_what_ended_stays_where_it_ended(works):
    number = works.selected()
    works(cancel, number, "li", "sold", "han")
    assert works(carry_forward, open_for(works, date(2026, 11, 1))) == []
    assert works.show(number)["cycle"] == "PDCA-2026-11"


def test_nothing_is_carried_back(works):
    open_for(works, date(2026, 11, 1))
    late = works(draft, "PDCA-2026-12", "qian", {"name": "x"})
    works(carry_forward, open_for(works, date(2026, 10, 1)))
    assert works.show(late)["cycle"] == "PDCA-2026-12"


def test_a_matter_of_its_own_is_not_carried_and_its_cycle_takes_nothing(works):
    special = works(open_special, "a fire", "qian")
    number = works(draft, special, "qian", {"name": "x"})
    works(carry_forward, open_for(works, date(2026, 10, 1)))
    assert works.show(number)["cycle"] == special
    with pytest.raises(UsageError, match="is no month's cycle"):
        works(carry_forward, special)


def test_late_the_third_time_its_plan_has_to_be_agreed_to_again_by_the_executive_too(works):
    number = works.approved()
    works(record_progress, f"{number}.1", "wang", ratio=0.3)
    asked = []
    for month in (4, 5, 6):
        asked += [one.ask for one in works(carry_forward, open_for(works, date(2027, month - 1, 1)))]
    assert asked == [Ask.EXECUTIVE] * 3
    told = works.show(number)
    assert told["state"] is S.PLANNED
    assert [one["data"] for one in told["events"] if one["kind"] == "voided"] == [{"gate": "g3", "was": "doing"}]
    works(move, number, S.PLAN_REVIEW, "li")
    assert works.agree(number, Gate.G3, "han") is S.PLAN_REVIEW
    assert works.agree(number, Gate.G3, "eve") is S.DOING


def test_what_is_late_for_the_first_time_is_asked_why_and_goes_on(works):
    number = works.drafted()
    works(amend, number, {"due_on": "2026-11-30"}, "li")
    (told,) = works(carry_forward, open_for(works, date(2026, 11, 1)))
    assert (told.ask, told.is_overdue) == (Ask.DEVIATION, True)
    (told,) = works(carry_forward, open_for(works, date(2026, 12, 1)))
    assert told.ask is Ask.DEPARTMENT_HEAD


def test_what_did_not_work_goes_along_until_a_child_goes_on_from_it(works):
    number = works.judged(Verdict.INEFFECTIVE)
    (told,) = works(carry_forward, open_for(works, date(2027, 1, 1)))
    assert (told.ask, works.show(number)["state"]) == (Ask.CHILD, S.VERDICT)


def test_a_cycle_closes_once_nothing_in_it_is_open(works):
    number = works.selected()
    with pytest.raises(RefusedError, match=f"PDCA-2026-11 is not done: {number}"):
        works(close_cycle, "PDCA-2026-11", "qian")
    works(carry_forward, open_for(works, date(2026, 11, 1)))
    for _ in range(2):
        works(close_cycle, "PDCA-2026-11", "qian", "washing machines go on")
    assert row(works, "PDCA-2026-11")["closed_at"] == works.office.at
    with pytest.raises(RefusedError, match="is closed"):
        works(draft, "PDCA-2026-11", "qian", {"name": "x"})
    with pytest.raises(RefusedError, match="is closed"):
        works(carry_forward, "PDCA-2026-11")
    assert works.look(orphans) == []


def test_a_cycle_is_in_the_phase_of_its_earliest_item(works):
    number = works.approved()
    assert works.look(phase, "PDCA-2026-11") is Phase.PLAN
    works(record_progress, f"{number}.1", "wang", ratio=0.3)
    assert works.look(phase, "PDCA-2026-11") is Phase.DO
    works(draft, "PDCA-2026-11", "qian", {"name": "x"})
    assert works.look(phase, "PDCA-2026-11") is Phase.PLAN
    with pytest.raises(UsageError, match="no improvement cycle"):
        works.look(phase, "PDCA-1")
