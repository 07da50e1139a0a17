"""One improvement item, from a finding to its end, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from bihuan.errors import RefusedError, UsageError
from bihuan.services import item_draft
from bihuan.services.item import (
    amend,
    cancel,
    child,
    contain,
    dispose,
    draft,
    draft_from_finding,
    hold,
    items,
    move,
    recur,
    resume,
)
from bihuan.services.item_log import EndedItemError, LackingError, StaleError
from bihuan.services.item_wording import FindingWording
from bihuan.services.measure import add_measure
from schemas.effect import Standard, SustainWatch, WatchState
from schemas.improvement import Disposition, Finding
from schemas.item import Gate, ItemState
from schemas.plan import Measure
from schemas.verification import Verdict

S = ItemState


def lacks(caught):
    return [f"{one.why} {one.about}".strip() for one in caught.value.refusals]


def test_an_item_goes_from_a_finding_to_its_standard(works):
    number = works.judged()
    told = works.show(number)
    assert (told["state"], told["verdict"], told["progress_ratio"]) == (S.VERDICT, Verdict.EFFECTIVE, 1.0)
    works(move, number, S.STANDARDISING, "li")
    with pytest.raises(LackingError) as caught:
        works(move, number, S.SUSTAINING, "li")
    assert lacks(caught) == ["no_standard"]
    with works.office.db.write() as session:
        item_id = works.office.rows(Measure)[0].item_id
        session.add(Standard(number="SOP-2027-001", item_id=item_id, title="parts in the shop", trained_ratio=0.95,
                             effective_on=date(2027, 2, 1), elsewhere="dishwashers too", told_at=works.office.at,
                             made_at=works.office.at))  # fmt: skip
        session.add(SustainWatch(item_id=item_id, indicator="on_time_handled", started_on=date(2027, 2, 1), clean=8,
                                 points=8, state=WatchState.WATCHING))  # fmt: skip
    works(move, number, S.SUSTAINING, "li")
    signers = ["han", "eve"] if told["priority"] == "high" else ["han"]
    assert works.agree(number, Gate.G5, *signers) is S.CLOSED
    told = works.show(number)
    assert works.agree(number, Gate.G5, *signers) is S.CLOSED, "said again, it stays so"
    assert works.show(number) == told
    with pytest.raises(EndedItemError):
        works.agree(number, Gate.G5, "bo")
    assert told["closed_at"] is not None
    assert [one["number"] for one in told["complaints"]] == works.evidence
    assert told["standard"]["number"] == "SOP-2027-001"
    assert [one["to_state"] for one in told["events"] if one["to_state"]] == [
        "selected", "analysing", "cause_confirmed", "planned", "plan_review", "approved", "doing", "implemented",
        "observing", "checking", "verdict", "standardising", "sustaining", "closed",
    ]  # fmt: skip
    assert {one["gate"].value for one in told["approvals"]} == {"g1", "g2", "g3", "g4", "g5"}


def test_every_change_is_one_event_with_who_and_when_and_the_next_revision(works):
    number = works.approved()
    told = works.show(number)
    assert told["revision"] == len(told["events"])
    assert [one["key"].split()[0] for one in told["events"]] == [f"r{n + 1}" for n in range(len(told["events"]))]
    assert all(one["actor"] and one["occurred_at"] for one in told["events"])


def test_from_a_finding_come_baseline_share_stage_evidence_and_a_suggestion(works):
    number = works(draft_from_finding, works.opened(), "F-2026-10-01", "qian")
    told = works.show(number)
    assert (number, told["cycle"], told["state"]) == ("PDCA-2026-11-01", "PDCA-2026-11", S.DRAFT)
    assert (told["indicator"], told["baseline_x"], told["baseline_n"]) == ("on_time_handled", 126, 140)
    assert (told["baseline_on"], told["baseline_until_on"]) == (date(2026, 7, 1), date(2026, 10, 1))
    assert (told["share_ratio"], told["stage"], told["kind"]) == (0.2, "working", "product")
    assert (told["dimension"], told["element"], told["evidence"]) == ("product", "洗衣机", works.evidence)
    assert (told["importance"], told["urgency"], told["priority"].value) == (5, 2, "high")
    assert told["suggested"]["priority"] == "high"
    assert [(one["statement"], one["is_suggested"]) for one in told["causes"]] == [("产品“洗衣机”", True)]
    assert told["name"] == "处理及时率：洗衣机"
    assert told["problem"] == "2026-10，产品“洗衣机”的处理超时率由 10.0% (14/140) 变为 68.8% (33/48)。"
    finding = works.office.rows(Finding)[0]
    assert (finding.disposition, finding.disposed_by) == (Disposition.ACCEPTED, "qian")


def test_a_finding_is_told_in_the_language_of_whoever_takes_it_up(works):
    number = works(draft_from_finding, works.opened(), "F-2026-10-01", "qian", language="en")
    told = works.show(number)
    assert told["name"] == f"{works.office.policy.kpi.indicators['on_time_handled'].words.en}: 洗衣机"
    assert told["problem"] == "2026-10 · Product “洗衣机” · Handled late: 10.0% (14/140) → 68.8% (33/48)"
    assert told["causes"][0]["statement"] == "Product “洗衣机”"


@pytest.mark.parametrize(("place", "zh", "en"), [
    ({"dimension": "severity", "element": "urgent"}, "严重程度“紧急”", "Severity “urgent”"),
    ({"dimension": "department", "element": "service"}, "部门“service 部”", "Department “service 部”"),
    ({"dimension": "severity/product", "element": "major / 洗衣机"}, "严重程度“重大”、产品“洗衣机”",
     "Severity “major”, Product “洗衣机”"),
    ({"dimension": "", "element": ""}, "处理超时率", "Handled late"),
])  # fmt: skip
def test_a_place_is_called_what_the_pages_call_it(works, place, zh, en):
    works.opened()
    with works.office.db.write() as session:
        finding = session.exec(select(Finding)).one()
        for name, value in place.items():
            setattr(finding, name, value)
        said = [FindingWording(session, finding, language).cause for language in ("zh", "en")]
        session.rollback()
    assert said == [zh, en]


def test_what_a_months_analysis_calls_its_rates_is_what_it_calls_them():
    from bihuan.analysis import subject

    assert (item_draft.LATE, item_draft.REOPENED, item_draft.NEGATIVE) == (
        subject.LATE, subject.REOPENED, subject.NEGATIVE,
    )  # fmt: skip


def test_drafting_from_the_same_finding_twice_gives_the_same_item(works):
    cycle = works.opened()
    first = works(draft_from_finding, cycle, "F-2026-10-01", "qian")
    assert works(draft_from_finding, cycle, "F-2026-10-01", "han") == first
    assert len(works.look(items)) == 1


def test_found_again_month_after_month_it_is_more_urgent(works):
    for month in (8, 9):
        works.analysis(date(2026, month, 1))
    number = works(draft_from_finding, works.opened(), "F-2026-10-01", "qian")
    assert works.show(number)["urgency"] == 4
    assert works.show(number)["suggested"]["why"] == {"is_signalled": False, "is_later": True, "repeats": 2}


def test_a_finding_is_merged_or_rejected_with_a_reason_and_then_nobody_drafts_from_it(works):
    cycle = works.opened()
    with pytest.raises(UsageError, match="reason is missing"):
        works(dispose, "F-2026-10-01", Disposition.REJECTED, " ", "qian")
    works(dispose, "F-2026-10-01", Disposition.REJECTED, "a strike of the carrier", "qian")
    with pytest.raises(RefusedError, match="was rejected"):
        works(draft_from_finding, cycle, "F-2026-10-01", "qian")
    with pytest.raises(UsageError, match="no finding"):
        works(draft_from_finding, cycle, "F-9", "qian")


def test_an_accepted_finding_is_not_rejected_behind_its_item(works):
    works.drafted()
    with pytest.raises(RefusedError, match="is accepted by the item"):
        works(dispose, "F-2026-10-01", Disposition.MERGED, "the same as another", "qian")


def test_by_hand_an_item_needs_a_name_and_nothing_else(works):
    cycle = works.opened()
    number = works(draft, cycle, "qian", {"name": "parts are missing", "owner": "li", "target_value": "95%"})
    told = works.show(number)
    assert (told["name"], told["owner"], told["target_value"], told["start_on"]) == (
        "parts are missing", "li", 0.95, date(2026, 11, 2),
    )  # fmt: skip
    with pytest.raises(UsageError, match="no name"):
        works(draft, cycle, "qian", {"owner": "li"})
    with pytest.raises(UsageError, match="no improvement cycle"):
        works(draft, "PDCA-1999-01", "qian", {"name": "x"})


# --- editing ---


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"verdict": "effective"}, "verdict is computed"),
        ({"state": "closed"}, "state is computed"),
        ({"revision": 1}, "revision is computed"),
        ({"ownr": "li"}, "no field 'ownr'"),
        ({"owner": "nobody"}, "owner: no active staff 'nobody'"),
        ({"due_on": "soon"}, "due_on: 'soon' is no day"),
        ({"target_value": "much"}, "target_value: 'much' is no number"),
        ({"target_value": "nan"}, "out of range"),
        ({"importance": 6}, "importance: 6 is out of range"),
        ({"baseline_n": 1.5}, "no whole number"),
        ({"name": " "}, "name: it is empty"),
        ({"name": "x" * 301}, "longer than 300"),
        ({"evidence": "T-404"}, "no complaint 'T-404'"),
        ({"priority": "highest"}, "none of its words"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_changes(works, changes, said):
    number = works.drafted()
    before = works.show(number)
    with pytest.raises(UsageError) as caught:
        works(amend, number, {"remarks": "seen"} | changes, "li")
    assert said in str(caught.value)
    assert works.show(number) == before


def test_an_edit_keeps_before_and_after_and_raises_the_revision(works):
    number = works.drafted()
    before = works.show(number)["revision"]
    assert works(amend, number, {"owner": "wang", "due_on": date(2027, 4, 30)}, "qian", before) == before + 1
    event = works.show(number)["events"][-1]
    assert (event["kind"], event["actor"]) == ("edited", "qian")
    assert event["data"] == {"owner": ["li", "wang"], "due_on": ["2027-03-31", "2027-04-30"]}


def test_an_edit_that_changes_nothing_is_no_event(works):
    number = works.drafted()
    before = works.show(number)
    assert works(amend, number, {"owner": "li", "target_value": "95%"}, "han") == before["revision"]
    assert works.show(number) == before


def test_whoever_edits_an_older_revision_is_told_what_was_changed_meanwhile_and_by_whom(works):
    number = works.drafted()
    seen = works.show(number)["revision"]
    works(amend, number, {"owner": "wang"}, "han")
    works(amend, number, {"owner": "li", "remarks": "again"}, "qian")
    with pytest.raises(StaleError, match=r"changed meanwhile by qian: owner, remarks") as caught:
        works(amend, number, {"due_on": "2027-04-30"}, "li", seen)
    assert caught.value.changed["owner"] == ("li", "li", "qian")
    assert works(amend, number, {"due_on": "2027-04-30"}, "li") > seen


def test_another_priority_than_the_matrix_needs_a_reason(works):
    number = works.drafted()
    for changes in ({"priority": "low"}, {"urgency": 5}):
        with pytest.raises(RefusedError, match="priority_reason"):
            works(amend, number, changes, "li")
    works(amend, number, {"priority": "low", "priority_reason": "the model is sold out"}, "li")
    assert works.show(number)["priority"].value == "low"
    works(amend, number, {"feasibility": 5}, "li")
    assert works.show(number)["priority"].value == "low"


def test_the_priority_follows_the_matrix_once_somebody_says_how_feasible_it_is(works):
    number = works.drafted()
    assert works.show(number)["priority"].value == "high"
    works(amend, number, {"feasibility": 1}, "li")
    assert works.show(number)["priority"].value == "medium"


# --- moving ---


def test_a_draft_is_not_selected_while_its_goal_lacks_anything(works):
    number = works(draft, works.opened(), "qian", {"name": "parts are missing"})
    with pytest.raises(LackingError) as caught:
        works(move, number, S.SELECTED, "qian")
    assert {"goal s no_owner", "goal m no_indicator", "goal t no_dates", "no_evidence", "not_approved g1"} <= set(
        lacks(caught)
    )
    assert "specific: nobody owns it" in str(caught.value)
    assert f"see `bihuan improvement show {number}`" in str(caught.value)


def test_moving_where_it_is_changes_nothing(works):
    number = works.selected()
    before = works.show(number)
    assert works(move, number, S.SELECTED, "li") is S.SELECTED
    assert works.show(number) == before


@pytest.mark.parametrize("to", [S.CANCELLED, S.SUPERSEDED, S.RECURRED])
def test_ends_with_an_act_of_their_own_are_not_moved_to(works, to):
    with pytest.raises(RefusedError, match="is not moved to"):
        works(move, works.selected(), to, "li", "why")


def test_a_held_item_waits_until_its_day_and_then_goes_on_by_itself(works):
    number = works.selected()
    works(hold, number, date(2026, 11, 10), "li", "the supplier answers then")
    with pytest.raises(LackingError) as caught:
        works(move, number, S.ANALYSING, "li")
    assert lacks(caught) == ["held"]
    works.office.at += timedelta(days=8)
    assert works(move, number, S.ANALYSING, "li") is S.ANALYSING


def test_holding_and_resuming_are_events_and_said_twice_they_are_one(works):
    number = works.selected()
    for _ in range(2):
        works(hold, number, date(2026, 11, 10), "li", "the supplier answers then")
    for _ in range(2):
        works(resume, number, "han")
    for _ in range(2):
        works(contain, number, "wang", "sold from the other shop meanwhile")
    told = works.show(number)
    assert [one["kind"] for one in told["events"]][-3:] == ["held", "resumed", "contained"]
    assert (told["held_until_on"], told["is_contained"]) == (None, True)
    with pytest.raises(UsageError, match="has come"):
        works(hold, number, date(2026, 11, 2), "li", "why")


def test_only_who_answers_for_it_cancels_an_item_and_only_with_a_reason(works):
    number = works.selected()
    for approver in ("li", "bo"):
        with pytest.raises(RefusedError, match="may not cancel"):
            works(cancel, number, "li", "too dear", approver)
    with pytest.raises(UsageError, match="reason is missing"):
        works(cancel, number, "li", " ", "han")
    for _ in range(2):
        works(cancel, number, "li", "too dear", "han")
    told = works.show(number)
    assert (told["state"], told["events"][-1]["data"], told["events"][-1]["reason"]) == (
        S.CANCELLED, {"approver": "han"}, "too dear",
    )  # fmt: skip
    with pytest.raises(EndedItemError):
        works(amend, number, {"owner": "wang"}, "li")


# --- after the verdict ---


def test_more_data_are_waited_for_and_the_old_check_is_not_judged_by_again(works):
    number = works.judged(Verdict.INCONCLUSIVE)
    works(move, number, S.OBSERVING, "qian", "120 cases are missing")
    told = works.show(number)
    assert (told["extensions"], told["verdict"]) == (1, None)
    works(move, number, S.CHECKING, "qian")
    with pytest.raises(LackingError) as caught:
        works.agree(number, Gate.G4, "bo")
    assert lacks(caught) == ["no_check"]
    works.check(number, Verdict.EFFECTIVE, date(2027, 3, 1))
    assert works.agree(number, Gate.G4, "bo", "qian") is S.VERDICT
    assert works.show(number)["verdict"] is Verdict.EFFECTIVE


@pytest.mark.parametrize("verdict", [Verdict.PARTIAL, Verdict.INEFFECTIVE, Verdict.NOT_ATTRIBUTABLE])
def test_what_did_not_work_goes_on_as_a_child_with_what_is_different(works, verdict):
    number = works.judged(verdict)
    born = works(child, number, "new_measure", "qian")
    assert works(child, number, "new_measure", "qian") == born
    parent, told = works.show(number), works.show(born)
    assert (parent["state"], parent["children"]) == (S.SUPERSEDED, [born])
    assert (born, told["parent"], told["what_changed"], told["state"]) == (
        "PDCA-2026-11-02", number, "new_measure", S.DRAFT,
    )  # fmt: skip
    assert [(one["statement"], one["state"].value) for one in told["causes"]] == [("产品“洗衣机”", "confirmed")]
    assert (told["measures"], told["approvals"], told["due_on"]) == ([], [], None)


def test_a_child_does_not_do_the_same_again(works):
    born = works(child, works.judged(Verdict.INEFFECTIVE), "new_measure", "qian")
    same = {"what": "Keep the ten parts asked for most, in the shop.", "kind": "corrective", "strength": "strong"}
    with pytest.raises(RefusedError, match=r"PDCA-2026-11-01\.1 was the same measure"):
        works(add_measure, born, same, "li")
    assert works(add_measure, born, same | {"what": "order parts by forecast"}, "li").reference == f"{born}.1"


def test_where_the_cause_was_wrong_nothing_counts_as_confirmed(works):
    born = works(child, works.judged(Verdict.INEFFECTIVE), "new_cause", "qian")
    assert [one["state"].value for one in works.show(born)["causes"]] == ["candidate"]


def test_what_got_worse_needs_a_word_on_taking_it_back(works):
    number = works.judged(Verdict.WORSE)
    with pytest.raises(UsageError, match="what becomes of what was done"):
        works(child, number, "new_measure", "qian")
    works(child, number, "new_measure", "qian", "the stock goes back on Monday")
    assert works.show(number)["events"][-1]["reason"] == "the stock goes back on Monday"


def test_nothing_goes_on_from_what_worked_or_was_not_judged(works):
    with pytest.raises(RefusedError, match="has no verdict that a child goes on from"):
        works(child, works.judged(Verdict.EFFECTIVE), "new_measure", "qian")
    with pytest.raises(UsageError, match="nothing that can be different"):
        works(child, "PDCA-2026-11-01", "new_hope", "qian")


def test_what_comes_back_after_closing_is_a_new_item(works):
    number = works.judged(Verdict.EFFECTIVE)
    with pytest.raises(RefusedError, match="is not closed"):
        works(recur, number, "late again since June", "qian")
    with works.office.db.write() as session:
        from bihuan.services.item_log import find

        find(session, number).state = S.CLOSED
    born = works(recur, number, "late again since June", "qian")
    assert works(recur, number, "late again since June", "qian") == born
    assert (works.show(number)["state"], works.show(born)["recurrence_of"]) == (S.RECURRED, number)


def test_an_item_that_there_is_none_of_is_said_so(works):
    for act in (lambda: works.show("PDCA-1"), lambda: works(amend, "PDCA-1", {}, "li")):
        with pytest.raises(UsageError, match="no improvement item 'PDCA-1'"):
            act()


def test_a_month_with_a_hundred_items_goes_on_counting(works):
    cycle = works.opened()
    for place in range(102):
        last = works(draft, cycle, "qian", {"name": f"matter {place}"})
    assert last == "PDCA-2026-11-102"


def test_the_list_says_where_each_item_stands(works):
    number = works.approved()
    row = works.look(items, "PDCA-2026-11")[0]
    assert (row["number"], row["state"], row["owner"], row["progress_ratio"]) == (number, S.APPROVED, "li", 0.0)
    assert works.look(items, "PDCA-2027-01") == []


def test_instants_are_kept_in_utc(works):
    assert works.show(works.drafted())["opened_at"] == datetime(2026, 11, 2, 2, tzinfo=UTC)
