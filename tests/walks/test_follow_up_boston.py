"""A month of a real city followed up: every handling is asked about once, however often the clock is looked at."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from sqlalchemy import func, select

from bihuan.clock import fixed
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.spreadsheet import read_complaints
from bihuan.policy.models import Policy
from bihuan.rules.wall_time import window_at
from bihuan.services.intake import take_in
from bihuan.services.survey import FollowedUp, follow_up
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.rows import table_of
from schemas.survey import Invitation

pytestmark = pytest.mark.long

BOSTON = ZoneInfo("America/New_York")
SNAPSHOT = datetime(2016, 1, 12, 22, 22, 40, tzinfo=BOSTON)
MARCH, APRIL = (datetime(2015, month, 1, tzinfo=BOSTON).astimezone(UTC) for month in (3, 4))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHIPPED = Path(__file__).parents[2] / "examples" / "mappings" / "boston_311.yaml"
SETTINGS = Settings(timezone="America/New_York", secret="for tests only")
IT = table_of(Invitation).c
DUE = {"result_feedback": 8_957, "satisfaction_follow_up": 9_147}


@pytest.fixture(scope="module")
def imported(real_data: Path, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was closed about March, by the shipped mapping with a contact for everybody and the follow-ups promised.

    What was closed at other times cannot be due in March, and costs a minute.
    """
    folder = tmp_path_factory.mktemp("follow-up")
    said = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    said["fields"]["customer"] = {
        "external_id": {"column": "CASE_ENQUIRY_ID"}, "contact_url": {"constant": "json://127.0.0.1:9/citizen"},
    }  # fmt: skip
    said["deadlines"] = dict.fromkeys(DUE, "policy")
    mapping = folder / "boston.yaml"
    mapping.write_text(yaml.safe_dump(said), encoding="utf-8")
    db = Database(f"sqlite:///{folder / 'imported.db'}")
    upgrade(db)
    rows = read_complaints(real_data / "boston311_2015h1.csv.gz", load_mapping(mapping))
    about = (row for row in rows if any(MARCH - 4 * DAY < one.occurred_at < APRIL + DAY for one in row.events))
    while batch := list(islice(about, 5000)):
        with db.write() as session:
            take_in(session, policy, SETTINGS, fixed(SNAPSHOT), batch)
    db.close()
    return folder / "imported.db"


def copy_of(path: Path, name: str) -> Iterator[Database]:
    db = Database(f"sqlite:///{shutil.copyfile(path, path.with_name(name))}")
    yield db
    db.close()


def walk(db: Database, policy: Policy, instants: list[datetime]) -> FollowedUp:
    """What all the sweeps did."""
    total = FollowedUp()
    for at in instants:
        total += follow_up(db, policy, SETTINGS, at)
    return total


def every(step: timedelta, since: datetime, until: datetime) -> list[datetime]:
    return [since + step * number for number in range((until - since) // step + 1)]


def due_in_march(db: Database) -> dict[str, int]:
    with db.read() as session:
        counted = select(IT.duty, func.count()).where(IT.due_at >= MARCH, IT.due_at < APRIL).group_by(IT.duty)
        return dict(session.execute(counted).tuples().all())


def planned(db: Database) -> dict[tuple, int]:
    """How often each was planned, with the instants it was planned for."""
    with db.read() as session:
        rows = session.execute(select(IT.subject_id, IT.duty, IT.round, IT.send_at, IT.due_at, IT.expires_at)
                               .where(IT.due_at >= MARCH, IT.due_at < APRIL))  # fmt: skip
        return Counter(map(tuple, rows))


@pytest.fixture(scope="module")
def hourly(imported: Path, policy: Policy) -> Iterator[tuple[Database, FollowedUp]]:
    """March looked at hour by hour."""
    for db in copy_of(imported, "hourly.db"):
        yield db, walk(db, policy, every(HOUR, MARCH, APRIL))


def test_the_follow_ups_due_in_march_are_those_that_others_computed(hourly):
    assert due_in_march(hourly[0]) == DUE


def test_each_is_planned_once(hourly):
    assert set(planned(hourly[0]).values()) == {1}


def test_days_of_which_ten_were_missed_plan_the_same_and_leave_no_one_out(hourly, imported, policy):
    days = every(DAY, MARCH + 10 * HOUR, APRIL + DAY)
    for daily in copy_of(imported, "daily.db"):
        walk(daily, policy, days[:9] + days[19:])
        assert due_in_march(daily) == DUE
        assert planned(daily) == planned(hourly[0])
        with daily.read() as session:
            unsent = select(IT.state, func.count()).where(
                IT.due_at >= MARCH, IT.due_at < APRIL, IT.contacted_at.is_(None)
            )
            left = dict(session.execute(unsent.group_by(IT.state)).tuples().all())
        assert left == {}


def test_every_five_minutes_of_a_day_plan_the_same_as_its_hours(imported, policy):
    day, found = MARCH + DAY + 7 * HOUR, {}  # from seven in the morning on
    for step in (5 * MINUTE, HOUR):
        for db in copy_of(imported, f"step{step.seconds}.db"):
            walk(db, policy, every(step, day, day + 16 * HOUR))
            found[step] = planned(db)
            if step < HOUR:
                assert lateness(db, day) == 0
    assert found[5 * MINUTE] == found[HOUR]
    assert len(found[HOUR]) > 1000


def lateness(db: Database, since: datetime) -> int:
    """How many letters went out more than a sweep after their instant, or out of the window."""
    with db.read() as session:
        rows = session.execute(
            select(IT.send_at, IT.contacted_at).where(IT.send_at >= since, IT.contacted_at.is_not(None))
        )
        return sum(row.contacted_at - row.send_at > 5 * MINUTE for row in rows)


def test_every_letter_went_out_in_time_and_in_the_window(hourly, policy):
    db, done = hourly
    with db.read() as session:
        rows = session.execute(
            select(IT.send_at, IT.due_at, IT.contacted_at).where(IT.due_at >= MARCH + 3 * DAY, IT.due_at < APRIL)
        ).all()  # fmt: skip
    assert all(row.send_at <= row.contacted_at <= row.due_at for row in rows)
    assert all(window_at(row.contacted_at, *policy.survey.contact.window, BOSTON) for row in rows)
    assert done.invited >= len(rows)


def test_a_step_taken_again_finds_nothing(hourly, policy):
    assert follow_up(hourly[0], policy, SETTINGS, APRIL) == FollowedUp()
