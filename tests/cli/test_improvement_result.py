"""``bihuan improvement verify | standard … | scoreboard | lessons | trace`` on a database of its own."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bihuan.clock import wall_clock
from bihuan.services.people import save_department, save_staff
from bihuan.store.engine import Database
from schemas.effect import EffectCheck
from schemas.item import Cycle, CycleKind, Item, ItemState
from schemas.people import StaffIn
from schemas.verification import Verdict

NOW = wall_clock()
NUMBER = "PDCA-S-2026-001-01"


@pytest.fixture
def complaint(run, installed):
    return run("complaint", "add", "--title", "parts are missing", "--json").data["number"]


@pytest.fixture
def judged(installed, complaint):
    """An item that was judged effective and is to be standardised."""
    database = Database(installed)
    with database.write() as session:
        save_department(session, "service", "service")
        save_staff(session, StaffIn(code="li", name="Li", department="service"), "s")
        cycle = Cycle(number="PDCA-S-2026-001", kind=CycleKind.SPECIAL, period_on=date(2026, 1, 5), opened_at=NOW,
                      policy_version="1")  # fmt: skip
        session.add(cycle)
        session.flush()
        item = Item(
            number=NUMBER, cycle_id=cycle.id or 0, state=ItemState.STANDARDISING, name="parts are missing",
            verdict=Verdict.EFFECTIVE, indicator="on_time_handled", evidence=[complaint], opened_at=NOW,
        )  # fmt: skip
        session.add(item)
        session.flush()
        session.add(EffectCheck(
            item_id=item.id or 0, checked_at=NOW, until_on=NOW.date(), is_final=True, plan_hash="p", sha256="s",
            method="two_windows", n0=600, n1=480, estimate=0.08, low=0.05, high=0.11, p=0.0001,
            verdict=Verdict.EFFECTIVE, limitations=["no_control"],
        ))  # fmt: skip
    database.close()
    return NUMBER


def test_a_standard_is_written_put_in_force_trained_told_and_traced_by_commands(run, judged, complaint, tmp_path):
    words = tmp_path / "sop.txt"
    words.write_text("Keep ten parts in the shop.\n", encoding="utf-8")
    made = run("improvement", "standard", "draft", judged, "--title", "Parts", "--file", str(words), "--json").data
    standard = made["standard"]
    today = f"{NOW.date() - timedelta(days=1)}"
    assert run("improvement", "standard", "force", standard, "--on", today, "--elsewhere", "dishwashers").code == 0
    assert run("improvement", "standard", "train", standard, "0.95").code == 0
    told = run("improvement", "standard", "tell", standard, "--words", "parts are in the shop now", "--json").data
    assert (told["complaints"], told["planned"], told["unreachable"]) == (1, 0, 1)
    traced = run("improvement", "trace", standard, "--json").data
    assert traced["items"][0]["complaints"] == [complaint]
    assert traced["versions"] == [{"version": 1, "effective_on": today, "trained_ratio": 0.95}]
    assert traced["told"] == []
    refused = run("improvement", "standard", "audit", standard, f"{NOW.date() + timedelta(days=29)}", "--kept")
    assert refused.refuses(3, "is not due yet", "on its day")


def test_the_scoreboard_says_what_can_be_claimed_and_a_year_without_checks_says_nothing(run, judged):
    shown = run("improvement", "scoreboard", "--json").data
    assert (shown["items"][0]["number"], shown["items"][0]["is_claimed"]) == (judged, True)
    assert shown["verdicts"] == {"effective": 1}
    assert run("improvement", "scoreboard", "--year", "1999", "--json").data["items"] == []


def test_what_was_not_observed_is_not_judged(run, judged):
    assert run("improvement", "verify", "PDCA-9").refuses(2, "no improvement item 'PDCA-9'", "bihuan improvement list")
    assert run("improvement", "verify", judged, "--look").refuses(3, "no frozen verification plan", "approved")
    assert run("improvement", "lessons", "parts", "--json").data == []


def test_the_passes_of_both_flows_run_by_hand(run, judged):
    day = run("run", "improvement-verification", "--json").data
    assert day["kept"]["lessons"] == 1
    assert run("improvement", "lessons", "parts", "--json").data[0]["item"] == judged
    week = run("run", "improvement-progress", "--json").data
    assert week["items"] == 0
