"""``bihuan improvement``: a matter taken from its opening to its approved plan by the commands alone."""

from __future__ import annotations

import json

import pytest

ROSTER = """code,name,department,is_head,roles
qian,Qian,quality,no,quality_manager
eve,Eve,quality,no,executive
han,Han,service,yes,
li,Li,service,no,
bo,Bo,shop,yes,
"""


@pytest.fixture
def staffed(installed, tmp_path):
    """A house with a quality manager, an executive, two heads and a handler."""
    from bihuan.services.people import save_department, save_staff
    from bihuan.store.engine import Database
    from schemas.people import StaffIn

    database = Database(installed)
    with database.write() as session:
        for code in ("quality", "service", "shop"):
            save_department(session, code, code)
        for line in ROSTER.splitlines()[1:]:
            code, name, department, is_head, role = line.split(",")
            save_staff(session, StaffIn(code=code, name=name, department=department, is_head=is_head == "yes",
                                        roles=(role,) if role else ()), "s")  # fmt: skip
    database.close()
    return installed


@pytest.fixture
def complaint(run, staffed):
    done = run("complaint", "add", "--title", "refund late", "--severity", "major", "--json")
    return done.data["number"]


@pytest.fixture
def item(run, complaint):
    """An item of a special cycle for a major complaint, with a goal that lacks nothing."""
    cycle = run("improvement", "open", "--special", "退款太慢", "--complaint", complaint, "--by", "qian", "--json").data
    done = run(
        "improvement", "draft", cycle["number"], "name=refunds are late", "problem=40 of 200 refunds are late",
        "indicator=on_time_handled", "baseline_x=160", "baseline_n=200", "baseline_on=2026-07-01",
        "baseline_until_on=2026-10-01", "target_value=95%", "target_reason=a second shift from January", "owner=li",
        "start_on=2026-11-02", "due_on=2027-03-31", f"evidence={complaint}", "importance=4", "urgency=3",
        "feasibility=4", "--by", "qian", "--json",
    )  # fmt: skip
    return done.data["number"]


def test_a_special_cycle_is_opened_once_for_a_complaint(run, complaint):
    words = ("improvement", "open", "--special", "退款太慢", "--complaint", complaint, "--json")
    first = run(*words)
    assert first.code == 0
    assert first.data["number"].startswith("PDCA-S-")
    assert "next: bihuan improvement draft" in first.err
    assert run(*words).data == first.data


def test_a_matter_goes_from_its_opening_to_its_approved_plan_by_commands_alone(run, item):
    said = [
        ("approve", item, "g1", "--as", "qian"),
        ("move", item, "analysing", "--by", "li"),
    ]
    for words in said:
        assert run("improvement", *words).code == 0, words
    cause = run(
        "improvement", "cause", "add", item, "statement=forms are checked by hand", "bone=process", "--json"
    ).data
    assert (
        run("improvement", "cause", "confirm", cause["id"], "--method", "on_site", "--evidence", "four days seen").code
        == 0
    )
    half = run("improvement", "approve", item, "g2", "--as", "han", "--json").data
    assert (half["state"], half["missing"]) == ("analysing", ["quality_manager"])
    assert run("improvement", "approve", item, "g2", "--as", "qian", "--json").data["state"] == "cause_confirmed"
    assert run("improvement", "move", item, "planned").code == 0
    saved = run("improvement", "measure", "add", item, "what=check by rules", "kind=corrective", "strength=strong",
                f"cause_ids={cause['id']}", "owner=bo", "due_on=2026-12-31", "budget=100", "--json")  # fmt: skip
    assert saved.data["measure"] == f"{item}.1"
    slow = run("improvement", "verification-plan", item, "weekly_n=1")
    assert "within six months only a change of about" in slow.err
    plan = run("improvement", "verification-plan", item, "weekly_n=60", "--json").data
    assert plan["n_required"] > 50
    assert plan["ready_on"] > "2026-12-31"
    assert run("improvement", "move", item, "plan_review").code == 0
    waits = run("improvement", "waiting", "--json").data
    assert [(one["number"], one["gate"], one["role"], one["staff"]) for one in waits] == [
        (item, "g3", "department_head", ["han"]), (item, "g3", "executive", ["eve"]),
    ]  # fmt: skip
    refused = run(
        "improvement", "approve", item, "g3", "--as", "eve", "--reject", "--comment", "too dear", "--json"
    ).data
    assert refused["state"] == "planned"
    run("improvement", "move", item, "plan_review")
    run("improvement", "approve", item, "g3", "--as", "eve")
    assert run("improvement", "approve", item, "g3", "--as", "han", "--json").data["state"] == "approved"
    assert run("improvement", "measure", "progress", f"{item}.1", "--ratio", "40%", "--json").code == 0
    told = run("improvement", "show", item, "--json").data
    assert (told["state"], told["progress_ratio"], told["verification"]["frozen_hash"] != "") == ("doing", 0.4, True)
    assert "check by rules" in run("improvement", "show", item).out


def test_what_an_item_lacks_is_one_line(run, item):
    assert run("improvement", "move", item, "analysing").refuses(3, "nothing leads to analysing")
    run("improvement", "amend", item, "owner=", "target_value=0.7", "target_reason=")
    assert run("improvement", "approve", item, "g1", "--as", "qian").refuses(
        3, "specific: nobody owns it", "relevant: the target is worse than the baseline"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("open",), 2, "neither a month nor a matter"),
        (("open", "--month", "2026-10", "--special", "x"), 2, "or both"),
        (("open", "--month", "October"), 2, "is no month"),
        (("open", "--month", "2026-10"), 2, "no analysis 'M-2026-10'"),
        (("open", "--month", "2026-10", "--complaint", "T-1"), 2, "no single complaint"),
        (("open", "--special", "x", "--complaint", "T-1"), 2, "no complaint 'T-1'"),
        (("list", "--cycle", "PDCA-1"), 2, "no improvement cycle"),
        (("show", "PDCA-1"), 2, "no improvement item"),
        (("close", "PDCA-1"), 2, "no improvement cycle"),
        (("draft", "PDCA-1", "name=x"), 2, "no improvement cycle"),
        (("draft", "PDCA-1", "--finding", "F-1"), 2, "no finding"),
        (("dispose", "F-1", "rejected", "--reason", "x"), 2, "no finding"),
        (("amend", "PDCA-1"), 2, "nothing to write"),
        (("amend", "PDCA-1", "owner"), 2, "no KEY=VALUE"),
        (("amend", "PDCA-1", "owner=li", "owner=bo"), 2, "given twice"),
        (("move", "PDCA-1", "done"), 2, "'done'"),
        (("hold", "PDCA-1", "--until", "soon", "--reason", "x"), 2, "is no day"),
        (("child", "PDCA-1", "luck"), 2, "nothing that can be different"),
        (("approve", "PDCA-1", "g1", "--as", "nobody"), 2, "no active staff"),
        (("waiting", "--for", "nobody"), 2, "no active staff"),
        (("cause", "confirm", "9", "--method", "data", "--evidence", "x"), 2, "no cause 9"),
        (("measure", "done", "PDCA-1.1", "--on", "2026-11-02"), 2, "no improvement item"),
        (("verification-plan", "PDCA-1"), 2, "no improvement item"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_a_cure(run, staffed, words, code, said):
    assert run("improvement", *words).refuses(code, said)


def test_a_cycle_is_closed_once_everything_in_it_has_ended(run, item):
    cycle = item.rpartition("-")[0]
    assert run("improvement", "close", cycle).refuses(3, item, "is not done")
    assert (
        run("improvement", "cancel", item, "--reason", "sold", "--approver", "qian", "--json").data["state"]
        == "cancelled"
    )
    assert run("improvement", "close", cycle).code == 0
    row = run("improvement", "list", "--json").data["cycles"][0]
    assert (row["number"], row["open"], row["ended"], row["phase"]) == (cycle, 0, 1, None)
    assert row["closed_at"]


def test_the_small_acts_say_where_the_item_stands(run, item):
    done = run("improvement", "hold", item, "--until", "2999-01-01", "--reason", "the bank answers then", "--json")
    assert done.data["held_until_on"] == "2999-01-01"
    assert run("improvement", "resume", item, "--json").data["state"] == "draft"
    assert (
        run("improvement", "contain", item, "--reason", "paid in advance", "--json").data["revision"]
        == done.data["revision"] + 2
    )
    assert run("improvement", "amend", item, "remarks=seen", "--revision", 1).refuses(3, "was changed meanwhile by")
    cause = run("improvement", "cause", "add", item, "statement=x", "bone=people", "--json").data["id"]
    assert run("improvement", "cause", "edit", cause, "bone=process", "--json").code == 0
    assert run("improvement", "cause", "exclude", cause, "--reason", "never seen", "--json").code == 0
    assert run("improvement", "measure", "add", item, "what=y", "kind=containment", "strength=weak").code == 0
    assert run("improvement", "measure", "edit", f"{item}.1", "owner=li").code == 0
    assert (
        run("improvement", "measure", "done", f"{item}.1", "--on", "2020-01-05", "--evidence", "photograph").code == 0
    )
    assert run("improvement", "measure", "add", item, "what=z", "kind=corrective", "strength=weak").code == 0
    assert run("improvement", "measure", "cancel", f"{item}.2", "--reason", "not needed").code == 0
    states = [one["state"] for one in run("improvement", "show", item, "--json").data["measures"]]
    assert states == ["done", "cancelled"]


def test_money_that_is_oddly_split_is_said_and_not_refused(run, item):
    run("improvement", "amend", item, "budget=1000")
    saved = run(
        "improvement", "measure", "add", item, "what=y", "kind=containment", "strength=weak", "budget=1200", "--json"
    )
    assert saved.code == 0
    assert json.loads(saved.out)["warnings"] == ["over_budget", "little_for_causes"]
    assert "the money: the measures cost more than the budget" in saved.err
