"""Flows on Prefect's own harness: few, because each needs its server; what tasks do is tested without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Running, Scheduled
from prefect.testing.utilities import prefect_test_harness
from sqlmodel import Session, select

from bihuan.clock import fixed, wall_clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.report.month_files import PACK
from bihuan.report.pack import packed
from bihuan.services import month_report
from bihuan.services.complaint import register
from bihuan.services.intake import take_in
from bihuan.services.people import StaffIn, save_department, save_staff
from bihuan.settings import Settings, settings
from bihuan.testing import HttpServer
from deployments.bootstrap import ZOMBIE, bury_dead_runs, forget_missed_runs, watch_for_zombies
from deployments.registry import deployments
from flows.house_keeping import house_keeping
from flows.improvement_month import improvement_month
from flows.improvement_progress import improvement_progress
from flows.improvement_verification import improvement_verification
from flows.kpi_snapshot import kpi_snapshot
from flows.outbox_delivery import outbox_delivery
from flows.retention import retention
from flows.sla_check import sla_check
from flows.survey_follow_up import survey_follow_up
from schemas.complaint import ComplaintIn, CustomerIn, EventIn, EventKind, Kind, Severity
from schemas.installation import Heartbeat
from schemas.item import Cycle, CycleKind, Item, ItemState
from schemas.kpi import Snapshot
from schemas.survey import Invitation
from schemas.verification import Verdict
from tasks.batches import LONGEST, MOST_BATCHES, until_none
from tasks.deadline import check_due_batch
from tasks.housekeeping import bury
from tasks.improvement import CONCLUSION
from tasks.installation import Installation, installation
from tasks.outbox import deliver_batch

NOTHING = {"decided": 0, "warned": 0, "breached": 0, "suppressed": 0}


@pytest.fixture(scope="session")
def prefect() -> Iterator[SyncPrefectClient]:
    """A Prefect server of the session's own, and its client; no heartbeats, which cost a second a run."""
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        get_client(sync_client=True) as client,
    ):
        yield client


@pytest.fixture
def hook() -> Iterator[HttpServer]:
    """Where the staff of these tests are told."""
    with HttpServer() as server:
        yield server


@pytest.fixture
def here(
    _prompt_policy: None, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, hook: HttpServer
) -> Iterator[Installation]:
    """An installation with a department, one handler who can be told, and one complaint a week old."""
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("BIHUAN_ALLOW_PRIVATE_TARGETS", "true")
    settings.cache_clear()
    installation.cache_clear()
    opened = installation()
    with opened.db.write() as session:
        _move_in(session, hook.url, opened.settings.secret_value())
        _complain(session, opened.policy, opened.settings)
    yield opened
    opened.db.close()
    installation.cache_clear()


def _move_in(session: Session, url: str, secret: str) -> None:
    save_department(session, "aftersales", "售后部")
    save_staff(session, StaffIn(code="zhang", name="张敏", department="aftersales", contact_url=url), secret)


def _complain(session: Session, policy: Policy, own: Settings) -> None:
    complaint = ComplaintIn(
        source="test", external_id="1", registered_at=wall_clock() - timedelta(days=7), kind=Kind.PRODUCT,
        severity=Severity.GENERAL, title="冰箱不制冷", department="aftersales",
    )  # fmt: skip
    register(session, policy, own, wall_clock, complaint)


def test_one_run_decides_what_is_due_and_tells_the_handler(
    prefect: SyncPrefectClient, here: Installation, hook: HttpServer
):
    first = sla_check()
    assert first["deadlines"]["breached"] > 0
    assert first["messages"]["sent"] > 0
    assert hook.messages
    told = len(hook.messages)
    again = sla_check()
    assert again["deadlines"] == NOTHING
    assert again["messages"]["sent"] == 0
    assert len(hook.messages) == told


def test_the_follow_up_asks_whoever_was_helped_and_sends_it_in_the_same_run(
    prefect: SyncPrefectClient, here: Installation, hook: HttpServer
):
    noon = wall_clock().replace(hour=4, minute=0) - timedelta(days=1)  # in Shanghai
    complaint = ComplaintIn(
        source="test", external_id="2", registered_at=noon - timedelta(hours=1), department="aftersales",
        customer=CustomerIn(external_id="wang", contact_url=hook.url),
        events=(EventIn(kind=EventKind.HANDLED, occurred_at=noon),),
    )  # fmt: skip
    with here.db.write() as session:
        take_in(session, here.policy, here.settings, wall_clock, [complaint])
    counts = survey_follow_up(noon.isoformat())
    assert (counts["invitations"]["planned"], counts["invitations"]["invited"]) == (2, 1)
    assert counts["messages"]["sent"] >= 1
    with here.db.read() as session:
        assert session.exec(select(Heartbeat.done).where(Heartbeat.sweep == "survey-follow-up")).one() == 1
        assert session.exec(select(Invitation.invited_at).order_by(Invitation.id)).first() is not None


def test_a_run_leaves_a_heartbeat_and_a_table(prefect: SyncPrefectClient, here: Installation):
    counts = outbox_delivery()
    with here.db.read() as session:
        beat = session.exec(select(Heartbeat)).one()
    assert (beat.sweep, beat.done) == ("outbox-delivery", counts["claimed"])
    assert wall_clock() - beat.beat_at < timedelta(minutes=1)
    assert 0 < beat.seconds < 60
    shown = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=["outbox-delivery"]))
    [table] = prefect.read_latest_artifacts(artifact_filter=shown)
    assert {"part": "messages", "what": "sent", "count": counts["sent"]} in json.loads(str(table.data))


def test_a_month_that_was_analysed_leaves_its_conclusion_with_a_link(
    prefect: SyncPrefectClient, here: Installation, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(month_report, "files", lambda made, _words, _imprint: {PACK: packed(made).zipped()})
    afterwards = (wall_clock() + timedelta(days=45)).isoformat()
    number, *_ = improvement_month(afterwards)["months"]
    shown = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[CONCLUSION]))
    [told] = prefect.read_latest_artifacts(artifact_filter=shown)
    assert f"({here.settings.web_url}/months/{number})" in str(told.data)
    assert "投诉 1" in str(told.data)
    assert "张敏" not in str(told.data)
    assert improvement_month(afterwards)["months"] == []
    assert [one.id for one in prefect.read_latest_artifacts(artifact_filter=shown)] == [told.id]


def test_every_schedule_becomes_runs(prefect: SyncPrefectClient):
    """SQLAlchemy 2.1 breaks just this in Prefect 3.8: nothing ever starts, and nothing says so but a log."""
    for deployment in deployments():
        identity = deployment.apply()
        prefect.request("POST", "/deployments/{id}/schedule", path_params={"id": identity}, json={})
        runs = prefect.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[identity])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
        )
        assert runs, deployment.name
        assert prefect.read_deployment(identity).path is None, "a folder of this machine is stored"


def test_what_was_missed_is_forgotten_and_what_died_is_buried(prefect: SyncPrefectClient):
    now = wall_clock()
    missed, soon = (prefect.create_flow_run(house_keeping, state=Scheduled(scheduled_time=now + away))
                    for away in (timedelta(minutes=-5), timedelta(minutes=5)))  # fmt: skip
    dead = prefect.create_flow_run(house_keeping, state=Running())
    assert forget_missed_runs(prefect, fixed(now)) == 1
    assert bury_dead_runs(prefect) == 1
    with pytest.raises(ObjectNotFound):
        prefect.read_flow_run(missed.id)
    assert prefect.read_flow_run(soon.id).state_type is StateType.SCHEDULED
    assert prefect.read_flow_run(dead.id).state_type is StateType.CRASHED


def test_house_keeping_deletes_runs_late_by_hours_only(prefect: SyncPrefectClient):
    now = wall_clock()
    old, recent = (prefect.create_flow_run(sla_check, state=Scheduled(name="Late", scheduled_time=now - late))
                   for late in (timedelta(hours=3), timedelta(hours=1)))  # fmt: skip
    assert house_keeping() == {"late": 1, "stuck": 0, "dead": 0}
    with pytest.raises(ObjectNotFound):
        prefect.read_flow_run(old.id)
    assert prefect.read_flow_run(recent.id).state_name == "Late"


def test_a_run_that_cannot_still_be_running_is_buried(prefect: SyncPrefectClient):
    run = prefect.create_flow_run(house_keeping, state=Running())
    assert bury(prefect, wall_clock() - timedelta(hours=1)) == 0
    assert prefect.read_flow_run(run.id).state_type is StateType.RUNNING
    assert bury(prefect, wall_clock() + timedelta(minutes=1)) >= 1
    assert prefect.read_flow_run(run.id).state_type is StateType.CRASHED


def test_on_sqlite_no_automation_is_made(prefect: SyncPrefectClient):
    assert not watch_for_zombies(prefect)
    assert prefect.read_automations_by_name(ZOMBIE) == []


def test_batches_go_on_until_one_takes_nothing():
    left = [2, 3, 0, 9]
    assert until_none(lambda: {"taken": left.pop(0)}, "taken") == {"taken": 5}
    assert left == [9]


def test_a_run_ends_although_there_is_always_more():
    assert until_none(lambda: {"taken": 1}, "taken") == {"taken": MOST_BATCHES}


def test_a_run_that_takes_long_leaves_the_rest_to_the_next_one():
    began_at = wall_clock()
    looks = iter(began_at + second * timedelta(seconds=40) for second in range(9))
    counts = until_none(lambda: {"taken": 1}, "taken", lambda: next(looks))
    assert counts == {"taken": 3}
    assert next(looks) - began_at == LONGEST + timedelta(seconds=70)


def test_a_batch_counts_what_it_did_and_the_next_finds_nothing(here: Installation, hook: HttpServer):
    with disable_run_logger():
        first, second = check_due_batch.fn(), check_due_batch.fn()
        sent = deliver_batch.fn()
    assert first["decided"] > 0
    assert second == NOTHING
    assert sent["sent"] == first["decided"] - first["suppressed"]


def test_production_refuses_to_step_the_clock(here: Installation, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BIHUAN_ENVIRONMENT", "production")
    settings.cache_clear()
    installation.cache_clear()
    with pytest.raises(RefusedError, match="not stepped in production"):
        check_due_batch.fn(wall_clock())


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(UsageError, match="has no time zone"):
        sla_check.fn("2026-11-22T09:00")


def test_the_snapshot_keeps_the_days_that_have_ended_and_says_how_many(
    prefect: SyncPrefectClient, here: Installation
):  # fmt: skip
    at = wall_clock() - timedelta(days=40)
    complaint = ComplaintIn(
        source="test", external_id="3", registered_at=at, department="aftersales",
        events=(EventIn(kind=EventKind.HANDLED, occurred_at=at + timedelta(hours=1)),),
    )  # fmt: skip
    with here.db.write() as session:
        take_in(session, here.policy, here.settings, wall_clock, [complaint])
    first, again = kpi_snapshot(), kpi_snapshot()
    assert first["figures"]["new"] > 0
    assert first["signals"]["charts"] > 0
    assert (again["figures"]["new"], again["figures"]["changed"], again["signals"]["signals"]) == (0, 0, 0)
    with here.db.read() as session:
        assert session.exec(select(Snapshot.n).where(Snapshot.indicator == "handling_time")).all()
        assert session.exec(select(Heartbeat).where(Heartbeat.sweep == "kpi-snapshot")).one()


def test_both_flows_of_improvement_run_and_find_nothing_the_second_time(prefect: SyncPrefectClient, here: Installation):
    with here.db.write() as session:
        cycle = Cycle(number="PDCA-S-2026-001", kind=CycleKind.SPECIAL, period_on=date(2026, 1, 5),
                      opened_at=wall_clock(), policy_version="1")  # fmt: skip
        session.add(cycle)
        session.flush()
        session.add(Item(number="PDCA-S-2026-001-01", cycle_id=cycle.id or 0, state=ItemState.VERDICT, name="parts",
                         verdict=Verdict.INEFFECTIVE, opened_at=wall_clock()))  # fmt: skip
    first, again = improvement_verification(), improvement_verification()
    assert (first["kept"]["lessons"], again["kept"]["lessons"]) == (1, 0)
    assert first["effects"] == again["effects"] == {"items": 0, "moved": 0, "checked": 0, "waiting": 0}
    week = improvement_progress("2026-11-16T00:30Z")
    assert week["week"] == {"items": 0, "behind": 0, "late": 0, "near": 0}
    with here.db.read() as session:
        found = session.exec(select(Heartbeat.sweep)).all()
    assert {"improvement-verification", "improvement-progress"} <= set(found)


def test_retention_erases_what_is_past_its_time_and_leaves_a_heartbeat(prefect: SyncPrefectClient, here: Installation):
    handled = EventIn(kind=EventKind.HANDLED, occurred_at=wall_clock() - timedelta(days=1))
    old = ComplaintIn(source="test", external_id="r", title="耳机", registered_at=wall_clock() - timedelta(days=2),
                      events=(handled,))  # fmt: skip
    with here.db.write() as session:
        take_in(session, here.policy, here.settings, wall_clock, [old])
    counts = retention((wall_clock() + timedelta(days=1200)).isoformat())
    assert counts["erased"]["complaints"] == 1
    with here.db.read() as session:
        assert session.exec(select(Heartbeat.done).where(Heartbeat.sweep == "retention")).one() >= 1
