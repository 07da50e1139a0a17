"""``/metrics`` and ``/readyz``: figures that follow what happens, for machines that may have them, at a small price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from sqlalchemy.dialects import sqlite
from sqlmodel import Session

from bihuan.clock import fixed
from bihuan.services.api_key import make_key
from bihuan.services.deadline import check_all
from bihuan.services.heartbeat import beat, watch
from bihuan.services.schedule import intervals
from bihuan.store.engine import Database
from bihuan.store.migrations import downgrade
from bihuan.store.queries import metric
from schemas.access import Scope
from schemas.outbox import Message, MessageState

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
FAR = "203.0.113.9"
"""Another machine."""


def figures(answer: Any) -> dict[str, float]:
    """Every sample by its name and the value of its label."""
    assert answer.status_code == 200, answer.text
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def ran(office: Any, **ago: float) -> None:
    """Let every sweep have completed so long ago."""
    with office.db.write() as session:
        for sweep in intervals():
            beat(session, fixed(office.at - timedelta(**ago)), sweep, 3, 1.5)


def test_an_empty_installation_has_nothing_late_and_nothing_waiting(empty: Any) -> None:
    found = figures(empty.get("/metrics"))
    assert {name: found[name] for name in found if "lag" in name or "deadlines" in name} == {
        "bihuan_due_lag_seconds": 0, "bihuan_delivery_lag_seconds": 0,
        "bihuan_deadlines_open": 0, "bihuan_deadlines_overdue": 0,
    }  # fmt: skip
    assert {found[f"bihuan_messages {state.value}"] for state in (*metric.PENDING, *metric.TROUBLE)} == {0}


def test_the_lag_grows_with_what_nobody_decides_and_ends_with_the_sweep(office: Any, browser: Any) -> None:
    office.complaint()
    before = figures(browser.get("/metrics"))
    assert (before["bihuan_due_lag_seconds"], before["bihuan_deadlines_overdue"]) == (0, 0)
    assert before["bihuan_deadlines_open"] > 1
    office.later(days=20)
    late = figures(browser.get("/metrics"))
    assert late["bihuan_due_lag_seconds"] > 10 * 86400
    assert 0 < late["bihuan_deadlines_overdue"] <= late["bihuan_deadlines_open"] == before["bihuan_deadlines_open"]
    check_all(office.db, office.policy, office.at)
    done = figures(browser.get("/metrics"))
    assert done["bihuan_due_lag_seconds"] == 0
    assert done["bihuan_deadlines_overdue"] == late["bihuan_deadlines_overdue"]


def test_messages_are_counted_by_state_with_the_age_of_the_oldest(office: Any, browser: Any) -> None:
    office.complaint()
    office.later(days=20)
    check_all(office.db, office.policy, office.at)
    office.later(minutes=5)
    planned = figures(browser.get("/metrics"))
    assert planned["bihuan_messages planned"] > 1
    assert planned["bihuan_message_oldest_seconds planned"] == 300
    with office.db.write() as session:
        over = {"state": MessageState.UNKNOWN, "next_at": None}
        session.execute(update(Message).values(over))
        session.execute(update(Message).where(Message.id == 1).values(state=MessageState.FAILED))
    found = figures(browser.get("/metrics"))
    assert found["bihuan_messages failed"] == 1
    assert found["bihuan_messages unknown"] == planned["bihuan_messages planned"] - 1
    assert found["bihuan_messages planned"] == found["bihuan_delivery_lag_seconds"] == 0


def test_each_sweep_says_when_it_last_ran_how_long_that_took_and_whether_it_is_silent(
    office: Any, browser: Any
) -> None:
    ran(office, minutes=1)
    found = figures(browser.get("/metrics"))
    assert found["bihuan_sweep_last_success_timestamp_seconds sla-check"] == office.at.timestamp() - 60
    assert (found["bihuan_sweep_last_seconds sla-check"], found["bihuan_sweep_last_rows sla-check"]) == (1.5, 3)
    assert {found[f"bihuan_sweep_silent {sweep}"] for sweep in intervals()} == {0}
    office.later(hours=1)
    found = figures(browser.get("/metrics"))
    assert (found["bihuan_sweep_silent sla-check"], found["bihuan_sweep_silent kpi-snapshot"]) == (1, 0)


def test_this_machine_needs_no_key_and_every_other_one_does(office: Any, browse: Any) -> None:
    with office.db.write() as session:
        key = make_key(session, "prometheus", Scope.METRICS, office.at)
        other = make_key(session, "shop", Scope.TOUCHPOINTS, office.at)
    here, far = browse(), browse("http://127.0.0.1:8700", FAR)
    assert here.get("/metrics").status_code == 200
    assert far.get("/metrics").status_code == 401
    assert far.get("/metrics").json()["error"]["cure"]
    assert far.get("/metrics", Authorization=f"Bearer {other}").status_code == 403
    assert far.get("/metrics", Authorization=f"Bearer {key}").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP"])
def test_what_a_proxy_of_this_machine_passes_on_is_not_this_machine(browser: Any, header: str) -> None:
    assert browser.get("/metrics", **{header: "127.0.0.1"}).status_code == 401


def test_no_figure_names_anybody(office: Any, browser: Any, customer: Any) -> None:
    office.complaint("屏幕碎了，电话 13800138000", customer=customer)
    office.later(days=20)
    check_all(office.db, office.policy, office.at)
    text = browser.get("/metrics").text
    assert not [word for word in ("张三丰", "zhangsanfeng", "13800138000", "屏幕", "wang") if word in text]


def test_an_installation_at_work_is_ready(office: Any, browser: Any) -> None:
    ran(office, minutes=1)
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["wrong"]) == (200, "ready", [])


def test_a_sweep_that_stopped_makes_it_unready_and_is_named(office: Any, browser: Any) -> None:
    ran(office, minutes=9)
    answer = browser.get("/readyz")
    assert answer.status_code == 503
    [wrong] = answer.json()["wrong"]
    assert wrong["check"] == "sweeps"
    assert "sla-check" in wrong["what"]
    assert "kpi-snapshot" not in wrong["what"]


def test_a_fresh_installation_has_time_for_its_first_runs(office: Any, browser: Any) -> None:
    with office.db.write() as session:
        watch(session, office.at)
    assert browser.get("/readyz").status_code == 200
    office.later(minutes=16)
    assert browser.get("/readyz").status_code == 503


def test_an_older_database_is_unready_and_the_cure_is_the_upgrade(office: Any, browser: Any) -> None:
    downgrade(office.db, "-1")
    [wrong] = browser.get("/readyz").json()["wrong"]
    assert wrong["check"] == "revision"
    assert "`bihuan db upgrade`" in wrong["cure"]


def test_broken_policy_files_make_it_unready_without_a_path_of_the_machine(
    office: Any, browse_other: Any, tmp_path: Any
) -> None:
    (tmp_path / "routing.yaml").write_text("departments: 7\n", encoding="utf-8")
    answer = browse_other(policy_dir=tmp_path).get("/readyz")
    assert [wrong["check"] for wrong in answer.json()["wrong"]] == ["policy"]
    assert str(tmp_path) not in answer.text


def test_without_a_database_it_is_unready_and_alive(cut_off: Any) -> None:
    answer = cut_off.get("/readyz")
    assert answer.status_code == 503
    assert [wrong["check"] for wrong in answer.json()["wrong"]] == ["database"]
    assert cut_off.get("/metrics").status_code == 503


STATEMENTS = {
    "overdue": metric.overdue(START), "ahead": metric.ahead(START, metric.MOST),
    "oldest_undecided": metric.oldest_undecided(START), "waiting": metric.waiting(START),
}  # fmt: skip


@pytest.mark.parametrize(("name", "index"), [
    ("overdue", "ix_deadline_running_due_at"), ("ahead", "ix_deadline_running_due_at"),
    ("oldest_undecided", "ix_deadline_next_at"), ("waiting", "ix_message_next_at"),
    ("failed", "ix_message_trouble"), ("unknown", "ix_message_trouble"),
])  # fmt: skip
def test_every_figure_is_read_by_an_index_of_what_is_open(sqlite_url: str, name: str, index: str) -> None:
    """Asked of SQLite, which plans the same however many rows there are."""
    statement = STATEMENTS[name] if name in STATEMENTS else metric.troubled(MessageState(name))
    db = Database(sqlite_url)
    plan = plan_of(db, statement)
    db.close()
    looked = [line for line in plan if "deadline" in line or "message" in line]
    assert looked
    assert all(line.startswith("SEARCH") and f"INDEX {index}" in line for line in looked), plan


def plan_of(db: Any, statement: Any) -> list[str]:
    with db.read() as session:
        assert isinstance(session, Session)
        words = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        return [row[-1] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]


def test_counting_ends_where_it_would_get_dear(office: Any, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        office.complaint()
    monkeypatch.setattr(metric, "MOST", 5)
    assert figures(browser.get("/metrics"))["bihuan_deadlines_open"] == 5
