"""One complaint walked through the real commands, on both databases: what each prints, as JSON and for reading."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bihuan.clock import parse_instant, wall_clock
from bihuan.testing import HttpServer

ROSTER = """code,name,department,is_head,contact_url,language
li,李娜,service,yes,{url},zh
zhang,Zhang Wei,service,no,{url},en
wang,王芳,quality,yes,,zh
"""
AGO = timedelta(hours=10)


@pytest.fixture
def hook():
    """Where the staff are told."""
    with HttpServer() as server:
        yield server


@pytest.fixture
def office(run, installed, hook, tmp_path, monkeypatch):
    """An installation with staff, whose messages go to ``hook``."""
    monkeypatch.setenv("BIHUAN_ALLOW_PRIVATE_TARGETS", "true")
    (tmp_path / "staff.csv").write_text(ROSTER.format(url=hook.url), encoding="utf-8")
    assert run("staff", "import", tmp_path / "staff.csv", "--json").data["staff"]["added"] == 3
    return run


@pytest.fixture
def registered_at():
    """Ten hours ago, to the second."""
    return (wall_clock() - AGO).replace(microsecond=0)


@pytest.fixture
def number(office, registered_at):
    """A complaint registered ten hours ago."""
    done = office(
        "complaint", "add", "--title", "送货太晚", "--matter", "等了三天", "--demand", "refund", "--kind", "service",
        "--severity", "urgent", "--channel", "phone", "--customer", "陈先生", "--external-id", "T-1",
        "--at", registered_at.isoformat(), "--json",
    )  # fmt: skip
    assert (done.code, list(done.data)) == (0, ["number"])
    assert done.err == f"next: bihuan complaint show {done.data['number']}\n"
    return done.data["number"]


def show(run, number):
    """What is known of a complaint."""
    return run("complaint", "show", number, "--json").data


# --- before anything -------------------------------------------------------------------------------------------------


def test_upgrade_makes_the_database_and_again_changes_nothing(run, tmp_path):
    first, again = run("db", "upgrade", "--json"), run("db", "upgrade", "--json")
    assert (first.code, first.err, again.data) == (0, "", first.data)
    assert first.data["database"] == f"sqlite:///{tmp_path / 'var' / 'bihuan.db'}"
    assert first.data["revision"]


def test_the_version_and_the_commands_are_told(run):
    assert run("--version").out.count(".") == 2
    assert "complaint" in run("--help").out
    assert run().code == run("complaint").code == 2


# --- the walk --------------------------------------------------------------------------------------------------------


def test_staff_are_listed_by_department_without_their_addresses(office, hook):
    done = office("staff", "list", "--json")
    assert [(row["department"], row["code"], row["is_head"], row["has_contact"]) for row in done.data] == [
        ("quality", "wang", True, False), ("service", "li", True, True), ("service", "zhang", False, True),
    ]  # fmt: skip
    assert str(hook.port) not in done.out


def test_a_complaint_is_registered_once_with_department_handler_and_deadlines(office, number, registered_at):
    facts = show(office, number)
    assert (facts["department"], facts["handler"], facts["state"]) == ("service", "zhang", "assigned")
    assert (facts["title"], facts["severity"], facts["missing"]) == ("送货太晚", "urgent", [])
    assert parse_instant(facts["registered_at"]) == registered_at
    assert [event["kind"] for event in facts["timeline"]] == ["registered", "assigned"]
    assert {"first_response", "handled"} <= {deadline["milestone"] for deadline in facts["deadlines"]}
    again = office("complaint", "add", "--title", "Other", "--external-id", "T-1", "--json")
    assert again.data == {"number": number}


def test_the_way_of_a_complaint(office, number, registered_at):
    for hours, event in ((9, "responded"), (8, "handled"), (7, "reopened")):
        at = (registered_at + AGO - timedelta(hours=hours)).isoformat()
        done = office(
            "complaint", "record", number, event, "--at", at, "--actor", "zhang", "--note", "by phone", "--json"
        )
        assert done.data == {"number": number, "event": event, "occurred_at": at}
    facts = show(office, number)
    assert (facts["state"], facts["round"], facts["handled_at"]) == ("assigned", 2, None)
    assert [event["kind"] for event in facts["timeline"]][-1:] == ["assigned"]  # by policy, when it was entered
    assert [event["kind"] for event in facts["timeline"][:4]] == ["registered", "responded", "handled", "reopened"]
    assert facts["timeline"][1]["data"] == {"note": "by phone"}
    handled = {each["round"]: each["met_at"] for each in facts["deadlines"] if each["milestone"] == "handled"}
    assert (bool(handled[1]), handled[2]) == (True, None)


def test_a_complaint_goes_to_whoever_it_is_assigned_to(office, number):
    assert office("complaint", "record", number, "assigned", "--handler", "wang").code == 0
    facts = show(office, number)
    assert (facts["handler"], facts["department"]) == ("wang", "quality")


def test_complaints_are_listed_newest_first_by_department_and_state(office, number):
    newer = office("complaint", "add", "--title", "Newer", "--kind", "product", "--json").data["number"]
    assert [row["number"] for row in office("complaint", "list", "--json").data] == [newer, number]
    assert [row["number"] for row in office("complaint", "list", "--department", "service", "--json").data] == [number]
    assert office("complaint", "list", "--state", "closed", "--json").data == []
    assert len(office("complaint", "list", "--limit", "1", "--json").data) == 1


def test_status_counts_what_is_open_and_overdue_at_an_instant(office, number, registered_at):
    late = registered_at + timedelta(days=30)
    before, after = (
        office("sla", "status", "--at", at.isoformat(), "--json").data for at in (registered_at - AGO, late)
    )  # fmt: skip
    assert (before["open"], before["overdue"], before["by_department"]) == (0, 0, [])
    assert (after["open"], after["at"], after["due_within_24h"]) == (1, late.isoformat(), 0)
    assert after["overdue"] == sum(row["overdue"] for row in after["by_milestone"]) > 0
    assert [(row["department"], row["open"]) for row in after["by_department"]] == [("service", 1)]


def step(run, at):
    """One pass of the check and one of the delivery, as at that instant."""
    return [run("run", flow, "--at", at.isoformat(), "--json").data for flow in ("sla-check", "outbox-delivery")]


@pytest.mark.usefixtures("_prompt_policy")
def test_the_check_decides_once_and_the_delivery_tells_the_handler(office, number, registered_at, hook):
    late = registered_at + timedelta(days=30)
    checked, delivered = step(office, late)
    assert (checked["flow"], checked["at"]) == ("sla-check", late.isoformat())
    assert checked["decided"] == checked["breached"] + checked["warned"] > 0
    assert (delivered["sent"], delivered["failed"]) == (checked["decided"] - checked["suppressed"], 0)
    assert any(number in json.dumps(message, ensure_ascii=False) for message in hook.messages)
    again, nothing = step(office, late)
    assert (again["decided"], nothing["claimed"]) == (0, 0)
    assert len(show(office, number)["messages"]) == checked["decided"]


@pytest.mark.usefixtures("_prompt_policy")
def test_the_ledger_lists_and_proves_what_was_sent(office, number, registered_at):
    checked, _ = step(office, registered_at + timedelta(days=30))
    rows = office("outbox", "list", "--json").data
    assert {(row["number"], row["recipient"].split(":")[0]) for row in rows} == {(number, "staff")}
    ended = {row["milestone"]: row["reason"] for row in rows if row["state"] == "suppressed"}
    assert ended == {"assigned": "ended"}  # assigned hours late, when it was entered: decided, and nobody need be told
    assert office("outbox", "list", "--state", "planned", "--json").data == []
    audit = office("outbox", "audit", "--json")
    assert (audit.code, audit.data["holds"]) == (0, True)
    assert (audit.data["due"], audit.data["sent"], audit.data["suppressed"]) == (len(rows), len(rows) - 1, 1)
    assert len(rows) == checked["decided"]
    assert audit.data["failed"] == audit.data["unknown"] == audit.data["pending"] == 0


@pytest.mark.usefixtures("_prompt_policy")
def test_a_ledger_that_does_not_hold_ends_with_1(office, number, registered_at, installed):
    from bihuan.store.engine import Database
    from schemas.outbox import DeliveryAttempt

    step(office, registered_at + timedelta(days=30))
    db = Database(installed)
    with db.write() as session:
        session.connection().exec_driver_sql(f"DELETE FROM {DeliveryAttempt.__tablename__}")  # noqa: S608 - a test's
    db.close()
    done = office("outbox", "audit", "--json")
    assert (done.code, done.data["holds"]) == (1, False)
    assert "called sent without proof" in done.err


def test_the_rate_of_what_was_in_time_has_its_n_and_interval(office, number, registered_at):
    assert office("kpi", "show", "--json").code == 0
    office("complaint", "record", number, "handled", "--at", (registered_at + timedelta(minutes=5)).isoformat())
    rows = {row["indicator"]: row for row in office("kpi", "show", "--by", "department", "--json").data}
    handled = rows["on_time_handled"]
    assert (handled["department"], handled["value"], handled["n"], handled["is_enough"]) == ("service", 1.0, 1, False)
    assert 0 < handled["low"] < handled["high"] == 1.0
    empty = office("kpi", "show", "--from", "2015-01-01T00:00Z", "--to", "2015-02-01T00:00Z", "--json")
    assert (empty.code, empty.data) == (0, [])


def test_the_database_is_checked_against_the_log(office, number, installed):
    done = office("db", "check", "--json")
    assert (done.code, done.data["complaints"], done.data["deadlines_differing"]) == (0, 1, 0)
    assert done.data["engine_problems"] == done.data["shape_differences"] == []


def test_a_deadline_that_was_moved_by_hand_is_found(office, number, installed):
    from bihuan.store.engine import Database

    db = Database(installed)
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE deadline SET started_at = due_at")
    db.close()
    done = office("db", "check", "--json")
    assert done.code == 1
    assert done.data["deadlines_differing"] > 0
    assert "started_at" in done.data["differences"][0]


def test_a_back_up_is_a_whole_database(run, sqlite_url, monkeypatch, tmp_path):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    number = run("complaint", "add", "--title", "Kept", "--json").data["number"]
    copy = tmp_path / "copy.db"
    done = run("db", "backup", copy, "--json")
    assert done.data == {"file": str(copy), "bytes": copy.stat().st_size}
    monkeypatch.setenv("BIHUAN_DATABASE_URL", f"sqlite:///{copy}")
    assert [row["number"] for row in run("complaint", "list", "--json").data] == [number]
    assert not list(tmp_path.glob("*.part"))


def test_what_happened_is_recorded_with_what_it_says(office, number):
    for words in ("waiting --reason photos", "severity_changed --severity major",
                  "department_changed --department service", "resumed", "withdrawn"):  # fmt: skip
        assert office("complaint", "record", number, *words.split()).code == 0, words
    shown = office("complaint", "show", number, "--json").out
    assert '"photos"' in shown
    assert '"withdrawn"' in shown
    assert office("complaint", "record", number, "severity_changed").code == 2


# --- for reading -----------------------------------------------------------------------------------------------------


READ = {
    "staff list": ["zhang", "Zhang Wei", "service"],
    "complaint list": ["送货太晚", "urgent"],
    "complaint show {number}": ["送货太晚", "timeline", "deadlines", "first_response"],
    "complaint record {number} responded": ["responded"],
    "sla status": ["open", "overdue", "by_milestone", "service"],
    "run sla-check": ["decided", "breached"],
    "run outbox-delivery": ["claimed", "sent"],
    "outbox list": ["breach", "staff:"],
    "outbox audit": ["holds", "yes", "due"],
    "kpi show": ["on_time_assigned", "value", "low", "high"],
    "db check": ["deadlines", "engine_problems"],
    "policy check": ["calendar", "shipped"],
}
"""Commands, and words that people find in what they print."""


def test_what_people_read(office, number, registered_at):
    step(office, registered_at + timedelta(days=30))
    done = {words: office(*words.format(number=number).split()) for words in READ}
    assert {words: each.code for words, each in done.items() if each.code} == {}
    lacking = {words: [word for word in said if word not in done[words].out] for words, said in READ.items()}
    assert {words: found for words, found in lacking.items() if found} == {}


@pytest.mark.usefixtures("installed")
def test_an_empty_table_says_so_beside_the_data(run):
    done = run("complaint", "list")
    assert (done.code, done.out, done.err) == (0, "", "nothing\n")
