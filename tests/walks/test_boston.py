"""Half a year of a real city: imported, replayed hour by hour, and measured, on figures that others computed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, select

from bihuan.clock import Clock, fixed
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.spreadsheet import Reject, read_complaints
from bihuan.policy.models import Policy
from bihuan.services.deadline import ENDED, Checked, check_all
from bihuan.services.intake import Intake, take_in
from bihuan.services.kpi import show
from bihuan.services.kpi_snapshot import take_all
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.queries.outbox import audit
from bihuan.store.queries.sla import status
from schemas.deadline import Deadline
from schemas.kpi import Grain, Snapshot
from schemas.outbox import Message, MessageState, Notice

BOSTON = ZoneInfo("America/New_York")
SNAPSHOT = datetime(2016, 1, 12, 22, 22, 40, tzinfo=BOSTON)
MARCH, APRIL = (datetime(2015, month, 1, tzinfo=BOSTON).astimezone(UTC) for month in (3, 4))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAPPING = Path(__file__).parents[2] / "examples" / "mappings" / "boston_311.yaml"
_BATCH = 2000


def bring_in(db: Database, policy: Policy, file: Path, clock: Clock, most: int = 1000) -> Intake:
    """All of the file, or that many batches of it."""
    total = Intake()
    rows = islice(read_complaints(file, load_mapping(MAPPING)), most * _BATCH)
    while batch := list(islice(rows, _BATCH)):
        complaints = [row for row in batch if not isinstance(row, Reject)]
        assert len(complaints) == len(batch)
        with db.write() as session:
            total += take_in(session, policy, Settings(), clock, complaints)
    return total


def step_through(db: Database, policy: Policy, step: timedelta) -> tuple[Checked, Checked]:
    """What the first look on 1 March decides, and all the looks after it, the last one on 1 April."""
    at = MARCH
    first, later = check_all(db, policy, at), Checked()
    while at < APRIL:
        at = min(at + step, APRIL)
        later += check_all(db, policy, at)
    return first, later


def breaches(db: Database) -> set[tuple[int, str, int]]:
    """Complaint, milestone and round of every breach."""
    d = Deadline.__table__.c
    with db.read() as session:
        rows = session.execute(select(d.subject_id, d.milestone, d.round).where(d.breached_at.is_not(None))).all()
    assert len(rows) == len(set(rows))
    return {tuple(row) for row in rows}


@pytest.fixture(scope="module")
def file(real_data: Path) -> Path:
    return real_data / "boston311_2015h1.csv.gz"


@pytest.fixture(scope="module")
def imported(file: Path, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Intake]:
    """The database after the import, closed, and what the import said."""
    path = tmp_path_factory.mktemp("boston") / "imported.db"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    intake = bring_in(db, policy, file, fixed(SNAPSHOT))
    db.close()
    return path, intake


def copy_of(path: Path, name: str) -> Iterator[Database]:
    db = Database(f"sqlite:///{shutil.copyfile(path, path.with_name(name))}")
    yield db
    db.close()


@pytest.fixture(scope="module")
def city(imported: tuple[Path, Intake]) -> Iterator[Database]:
    """As imported: only to be looked at."""
    yield from copy_of(imported[0], "city.db")


@pytest.fixture(scope="module")
def walked(imported: tuple[Path, Intake], policy: Policy) -> Iterator[tuple[Database, Checked, Checked]]:
    """March stepped through hour by hour: the database, the first step, and all others together."""
    for db in copy_of(imported[0], "hourly.db"):
        yield db, *step_through(db, policy, HOUR)


def test_every_row_is_taken_in_and_clock_skew_is_reported(imported):
    assert imported[1] == Intake(created=58_119, clock_skew=84)


def test_importing_a_fifth_of_the_file_again_changes_nothing(imported, file, policy):
    for db in copy_of(imported[0], "again.db"):
        again = bring_in(db, policy, file, fixed(SNAPSHOT + DAY), most=6)
        assert (again.unchanged, again.created, again.updated) == (6 * _BATCH, 0, 0)


def test_the_status_is_the_one_others_computed(city):
    with city.read() as session:
        found = status(session, APRIL)
    assert (found.open, found.overdue, found.due_within_24h) == (8_353, 3_084, 96)


def test_the_first_step_decides_what_is_overdue_by_then(walked):
    _, first, _ = walked
    assert first.breached == 3_326


def test_of_the_first_breaches_most_are_told_late_and_the_ended_ones_to_nobody(walked):
    db, _, _ = walked
    m = Message.__table__.c
    with db.read() as session:
        told = session.execute(
            select(m.recipient, m.bundle, m.is_late, m.state, m.reason)
            .where(m.planned_at == MARCH, m.notice == Notice.BREACH)
        ).all()  # fmt: skip
    planned = [row for row in told if row.state is MessageState.PLANNED]
    assert len(planned) == 2_355
    assert [row.reason for row in told if row.state is MessageState.SUPPRESSED] == [ENDED] * 971
    late = {row.recipient: row.bundle for row in planned if row.is_late}
    assert all(row.bundle == late[row.recipient] for row in planned if row.is_late)
    assert len(set(late.values())) == len(late)


def test_the_later_steps_decide_every_deadline_of_march_once(walked):
    db, _, later = walked
    d = Deadline.__table__.c
    with db.read() as session:
        in_march = session.execute(
            select(d.id).where(d.breached_at > MARCH, d.due_at >= MARCH, d.due_at < APRIL)
        ).all()  # fmt: skip
    assert later.breached == len(in_march) == 2_673
    assert len(breaches(db)) == 3_326 + 2_673


def test_repeating_a_step_adds_nothing(walked, policy):
    db, _, _ = walked
    before = breaches(db)
    assert [check_all(db, policy, at) for at in (MARCH, MARCH + 11 * DAY, APRIL)] == [Checked()] * 3
    assert breaches(db) == before


def test_daily_steps_decide_the_same_breaches(walked, imported, policy):
    for daily in copy_of(imported[0], "daily.db"):
        first, later = step_through(daily, policy, DAY)
        assert (first.breached, later.breached) == (3_326, 2_673)
        assert breaches(daily) == breaches(walked[0])


def test_the_audit_holds(walked):
    db, first, later = walked
    with db.read() as session:
        found = audit(session, BOSTON)
    assert found.holds
    assert found.due == first.decided + later.decided


def test_the_rate_on_time_is_the_one_others_computed(city, policy):
    with city.read() as session:
        row, *others = show(session, policy, BOSTON, None, None, None)
    assert (row["indicator"], row["n"], round(row["value"], 6)) == ("on_time_handled", 37_320, 0.731377)
    assert not any(other["indicator"].startswith("on_time") for other in others)
    assert row["low"] < row["value"] < row["high"]


def test_by_month_it_is_too(city, policy):
    with city.read() as session:
        rows = show(session, policy, BOSTON, None, None, "month")
    assert {row["month"]: round(row["value"], 3) for row in rows if row["indicator"] == "on_time_handled"} == {
        "2015-01": 0.742, "2015-02": 0.602, "2015-03": 0.710, "2015-04": 0.728, "2015-05": 0.770, "2015-06": 0.780,
    }  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(imported: tuple[Path, Intake], policy: Policy) -> Iterator[Database]:
    """Every night of the half-year caught up at once: a minute, so its tests run with `pytest -m bench`."""
    for db in copy_of(imported[0], "snapshot.db"):
        take_all(db, policy, BOSTON, SNAPSHOT)
        yield db


def kept(db: Database, indicator: str, grain: Grain, dimension: str = "") -> list[Row[Any]]:
    s = Snapshot.__table__.c
    with db.read() as session:
        found = select(Snapshot.__table__).where(s.indicator == indicator, s.grain == grain, s.dimension == dimension)
        return list(session.execute(found.order_by(s.starts_on)))


@pytest.mark.bench
def test_the_snapshot_keeps_the_months_that_others_computed(snapshot):
    rows = kept(snapshot, "on_time_handled", Grain.MONTH)
    assert {f"{row.starts_on:%Y-%m}": round(row.value, 3) for row in rows} == {
        "2015-01": 0.742, "2015-02": 0.602, "2015-03": 0.710, "2015-04": 0.728, "2015-05": 0.770, "2015-06": 0.780,
    }  # fmt: skip
    assert sum(row.n for row in rows) == 37_320


@pytest.mark.bench
def test_the_days_and_the_departments_of_the_snapshot_add_up_to_its_months(snapshot):
    months = kept(snapshot, "on_time_handled", Grain.MONTH)
    parts = kept(snapshot, "on_time_handled", Grain.MONTH, "department")
    for rows in (kept(snapshot, "on_time_handled", Grain.DAY), parts):
        assert (sum(row.n for row in rows), sum(row.x for row in rows)) == (37_320, sum(row.x for row in months))
        none = [sum(row.apart.get("no_sla", 0) for row in some) for some in (rows, months)]
        assert none[0] == none[1] > 0


def test_of_the_time_to_handle_what_is_open_is_not_left_out(city, policy):
    """49,042 were closed after they were opened, half within 73.37 hours; with the open ones it takes longer.

    The 73.44 that others computed is the difference of two wall clocks, of which one was put forward on 8 March.
    """
    with city.read() as session:
        rows = show(session, policy, BOSTON, None, None, None, SNAPSHOT)
    row = next(row for row in rows if row["indicator"] == "handling_time")
    assert (row["events"], row["unknown"], row["events"] + row["censored"] + row["unknown"]) == (49_042, 84, 58_119)
    assert abs(row["ended_only"] - 73.3679) < 1 / 60
    assert row["ended_only"] < row["low"] <= row["value"] <= row["high"]
