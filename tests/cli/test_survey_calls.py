"""`bihuan survey calls` and `survey call`: the worklist as data, and a call told from a shell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.clock import fixed, wall_clock
from bihuan.policy.loader import load_policy
from bihuan.services.intake import take_in
from bihuan.services.survey import follow_up
from bihuan.settings import Settings
from bihuan.store.engine import Database
from schemas.complaint import ComplaintIn, CustomerIn, EventIn, EventKind

NUMBER = "+8613800138000"


@pytest.fixture
def on_list(installed):
    """One person who left a telephone number only, handled a day ago: whatever the hour is now, a call is due."""
    policy, settings = load_policy(None), Settings(database_url=installed)
    now = wall_clock()
    db = Database(installed)
    arrived = ComplaintIn(
        source="desk", external_id="1", registered_at=now - timedelta(hours=27), title="太吵", department="service",
        customer=CustomerIn(name="周小姐", contact_url=f"tel:{NUMBER}"),
        events=(EventIn(kind=EventKind.HANDLED, occurred_at=now - timedelta(hours=25)),),
    )  # fmt: skip
    with db.write() as session:
        take_in(session, policy, settings, fixed(now), [arrived])
    follow_up(db, policy, settings, now)
    db.close()


def test_the_list_says_who_is_to_be_called_and_no_number(run, on_list):
    (line,) = run("survey", "calls", "--json").data
    assert (line["title"], line["duty"], line["reason"]) == ("太吵", "result_feedback", "no_contact")
    assert (line["attempt"], line["at_most"], line["is_owed"]) == (1, 3, True)
    read = run("survey", "calls").out
    assert "太吵" in read
    assert NUMBER.removeprefix("+86") not in read
    assert run("survey", "calls", "--department", "nowhere", "--json").data == []


def test_a_call_is_recorded_once_and_answers_count(run, on_list):
    one = run("survey", "calls", "--json").data[0]["id"]
    assert run("survey", "call", one, "busy", "--json").data["recorded"] == 1
    said = ("survey", "call", one, "reached", "--answer", "solved=yes", "--attempt", 2, "--actor", "anna", "--json")
    assert [run(*said).data["recorded"] for _ in range(2)] == [1, 0]
    assert run("survey", "calls", "--json").data == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("reached", "--answer", "solved"), 2, "'solved' is no answer"),
        (("reached", "--answer", "solved=perhaps"), 2, "solved: not a choice"),
        (("busy", "--attempt", "2"), 2, "the next try is number 1"),
    ],
)
def test_what_is_no_call_is_refused_in_one_line(run, on_list, words, code, said):
    one = run("survey", "calls", "--json").data[0]["id"]
    assert run("survey", "call", one, *words).refuses(code, said)


def test_a_call_about_nothing_is_refused_in_one_line(run, installed):
    assert run("survey", "call", 7, "busy").refuses(2, "no such call")


def test_interviews_are_listed_with_who_is_worth_one_and_no_name(run, on_list, installed):
    db, now = Database(installed), wall_clock()
    vip = CustomerIn(external_id="vip", name="郑先生", tier="premium")
    arrived = ComplaintIn(source="desk", external_id="2", registered_at=now - timedelta(hours=2), customer=vip)
    with db.write() as session:
        take_in(session, load_policy(None), Settings(database_url=installed), fixed(now), [arrived])
    db.close()
    found = run("survey", "interviews", "--json")
    (one,) = found.data["candidates"]
    assert (one["tier"], one["complaints"], one["why"], found.data["planned"]) == ("premium", 1, ["tier"], [])
    assert "郑" not in found.out + run("survey", "interviews").out


def test_whoever_lists_what_people_answered_is_noted(run, on_list):
    one = run("survey", "calls", "--json").data[0]["id"]
    run("survey", "call", one, "reached", "--answer", "solved=no", "--json")
    (case,) = run("survey", "negative", "--json").data
    (noted,) = run("access", "list", "--json").data
    assert (noted["what"], noted["subject"], noted["page"]) == ("answers", case["number"], "bihuan survey negative")
