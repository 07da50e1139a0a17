"""Half a year of an incident log: its own verdicts reproduced from events, and a replay that never reads ahead."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from bihuan.clock import fixed
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.spreadsheet import Reject, read_complaints
from bihuan.policy.models import Policy
from bihuan.services.intake import Intake, take_in
from bihuan.services.kpi import Look, show
from bihuan.services.kpi_behind import complaints_behind
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.migrations import upgrade
from bihuan.store.queries.cut import Cut
from schemas.complaint import Complaint, ComplaintEvent, ComplaintIn, EventKind
from schemas.people import Department

pytestmark = pytest.mark.long

MAPPING = load_mapping(Path(__file__).parents[2] / "examples" / "mappings" / "itsm_incidents.yaml")
WEEK_12 = datetime(2016, 3, 21, tzinfo=UTC)
LATER = datetime(2017, 3, 1, tzinfo=UTC)
_BATCH = 2000
_ONE_IN = 80
"""So many incidents stand for one of those that are walked day by day."""
_SAID = {EventKind.REGISTERED, EventKind.AMENDED}
"""What the log remembers of the file's terms: a walk is told them bit by bit, an import at once."""


class Line(NamedTuple):
    """A row of the file, with what it is looked up by."""

    number: str
    at: datetime
    cells: list[str]


class IncidentLog(NamedTuple):
    """The file as it is, before any mapping."""

    header: list[str]
    lines: list[Line]

    def days(self) -> list[date]:
        """The days on which any row is written."""
        return sorted({line.at.date() for line in self.lines})

    def write(self, path: Path, lines: Iterable[Line], *, is_blind: bool = False) -> Path:
        """A file of these rows; a blind one without the columns that hold the future."""
        hidden = [place for place, column in enumerate(self.header) if is_blind and column in MAPPING.future]
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(self.header)
            for line in lines:
                writer.writerow("?" if place in hidden else cell for place, cell in enumerate(line.cells))
        return path


@pytest.fixture(scope="module")
def file(real_data: Path) -> Path:
    return real_data / "itsm_incident_events_2016w09_w14.csv.gz"


@pytest.fixture(scope="module")
def log(file: Path) -> IncidentLog:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    number, at = header.index("number"), header.index("sys_updated_at")
    return IncidentLog(
        header,
        [Line(row[number], datetime.strptime(f"{row[at]}Z", "%d/%m/%Y %H:%M%z"), row) for row in rows],
    )


def complaints(file: Path, as_of: datetime | None = None) -> Iterator[ComplaintIn]:
    for found in read_complaints(file, MAPPING, as_of=as_of):
        assert not isinstance(found, Reject), found
        yield found


def bring_in(db: Database, policy: Policy, found: Iterable[ComplaintIn], at: datetime) -> Intake:
    total, rest = Intake(), iter(found)
    while batch := list(islice(rest, _BATCH)):
        with db.write() as session:
            total += take_in(session, policy, Settings(), fixed(at), batch)
    return total


def by_source(db: Database, policy: Policy, **span: Any) -> dict[str, Any]:
    with db.read() as session:
        rows = show(session, policy, UTC, span.get("since"), span.get("until"), None)
    (row,) = (row for row in rows if row["indicator"] == "on_time_by_source")
    return row


def last_verdicts(log: IncidentLog) -> dict[str, bool]:
    """What the last row of each incident says, straight from the file."""
    place = log.header.index("made_sla")
    return {line.number: line.cells[place] == "true" for line in sorted(log.lines, key=lambda line: line.at)}


def verdicts(db: Database) -> dict[str, bool]:
    """What the events say, the last one counting."""
    e, c = ComplaintEvent.__table__.c, Complaint.__table__.c
    with db.read() as session:
        rows = session.execute(
            select(c.external_id, e.data).join_from(ComplaintEvent, Complaint, c.id == e.complaint_id)
            .order_by(e.occurred_at, e.id)
        )  # fmt: skip
        return {number: data["on_time"] for number, data in rows if "on_time" in data}


def test_the_share_on_time_and_the_reopened_are_reproduced_from_events(db, policy, file, log):
    assert bring_in(db, policy, complaints(file), LATER).created == 11_774
    db.analyze()
    assert verdicts(db) == last_verdicts(log)
    row = by_source(db, policy)
    assert (round(row["value"], 6), row["n"], row["open_overdue"], row["no_sla"]) == (0.483098, 11_774, 0, 0)
    assert (round(row["low"], 6), round(row["high"], 6)) == (0.474079, 0.492129)
    assert round(by_source(db, policy, until=WEEK_12)["value"], 3) == 0.269
    assert round(by_source(db, policy, since=WEEK_12)["value"], 3) == 0.699
    check_reopened(db, policy)


def check_reopened(db: Database, policy: Policy) -> None:
    """152 came back at some time: none of them was solved at first contact; 147 came back within a week."""
    with db.read() as session:
        rows = {row["indicator"]: row for row in show(session, policy, UTC, None, None, None, LATER)}
        look = Look(session, UTC, Cut(), LATER)
        missed = complaints_behind(look, policy.kpi.indicators["first_contact_rate"], "missed")
    first, again = rows["first_contact_rate"], rows["reopened_rate"]
    assert (first["n"] - first["x"], len({row["number"] for row in missed}), first["n"]) == (152, 152, 11_774)
    assert (again["x"], again["n"]) == (147, 11_774)


def moving(log: IncidentLog) -> Iterator[tuple[datetime, list[Line]]]:
    """The end of each day of the log, and all rows, of whatever day, of the incidents that have one on it.

    The others are on that day what they were on the day before, for a complaint is read off its own rows only.
    """
    rows: defaultdict[str, list[Line]] = defaultdict(list)
    moved: defaultdict[date, dict[str, None]] = defaultdict(dict)
    for line in log.lines:
        rows[line.number].append(line)
        moved[line.at.date()][line.number] = None
    for day in log.days():
        yield end_of(day), [line for number in moved[day] for line in rows[number]]


def end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, microseconds=-1)


def test_every_third_day_the_log_reads_as_if_it_ended_there(log, tmp_path):
    days = 0
    for at, lines in islice(moving(log), 0, None, 3):
        whole = log.write(tmp_path / "whole.csv", lines)
        cut = log.write(tmp_path / "cut.csv", (line for line in lines if line.at <= at), is_blind=True)
        seen = list(complaints(whole, at))
        assert same(seen, complaints(cut)), at
        assert all(event.occurred_at <= at for found in seen for event in found.events)
        days += 1
    assert days == 88


def same(some: Iterable[ComplaintIn], others: Iterable[ComplaintIn]) -> bool:
    """Whether both hold the same complaints, in whichever order: the cut file has its last rows elsewhere."""
    return {found.external_id: found for found in some} == {found.external_id: found for found in others}


@pytest.fixture(scope="module")
def some(log: IncidentLog, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[date]]:
    """One incident in so many, and each that was reopened after it had been closed; and the days they move on."""
    kept = {*sorted({line.number for line in log.lines})[::_ONE_IN], *taken_up_again(log)}
    few = IncidentLog(log.header, [line for line in log.lines if line.number in kept])
    return few.write(tmp_path_factory.mktemp("few") / "few.csv", few.lines), few.days()


@pytest.fixture
def once(tmp_path: Path) -> Iterator[Database]:
    """A second database."""
    database = Database(f"sqlite:///{tmp_path / 'once.db'}")
    upgrade(database)
    yield database
    database.close()


def taken_up_again(log: IncidentLog) -> set[str]:
    """The incidents that have a row in another state after one as closed."""
    state = log.header.index("incident_state")
    closed, again = set(), set()
    for line in sorted(log.lines, key=lambda line: line.at):
        if line.cells[state] == "Closed":
            closed.add(line.number)
        elif line.number in closed:
            again.add(line.number)
    return again


def stories(db: Database) -> dict[str, list[Any]]:
    """Where each incident stands, and everything that happened to it."""
    e, c = ComplaintEvent.__table__.c, Complaint.__table__.c
    stands = c.external_id, c.state, c.round, c.handled_at, c.severity, c.title, c.attributes
    with db.read() as session:
        found = {number: [facts] for number, *facts in session.execute(select(*stands))}
        for number, *event in session.execute(
            select(c.external_id, e.kind, e.occurred_at, e.data)
            .join_from(ComplaintEvent, Complaint, c.id == e.complaint_id)
            .where(e.kind.not_in(_SAID)).order_by(e.occurred_at, e.key)
        ):  # fmt: skip
            found[number].append(event)
    return found


def departments(db: Database) -> set[tuple[str, str]]:
    """Which department answers for which incident, where any does."""
    c, d = Complaint.__table__.c, Department.__table__.c
    with db.read() as session:
        rows = session.execute(
            select(c.external_id, d.code).join_from(Complaint, Department, d.id == c.department_id)
        )  # fmt: skip
        return {(number, code) for number, code in rows}


def test_a_walk_of_days_ends_where_one_import_does(db, once, policy, some):
    """Each day at its end: what was imported the day before goes on, and nothing is told twice or too early."""
    file, days = some
    e = ComplaintEvent.__table__.c
    for day in days:
        bring_in(db, policy, complaints(file, end_of(day)), end_of(day))
    bring_in(once, policy, complaints(file), LATER)
    with db.read() as session:
        early = session.execute(select(e.id).where(e.occurred_at > e.recorded_at)).all()
    assert not early
    assert stories(db) == stories(once)
    assert departments(db) >= departments(once)  # one that was named stays when the file names none any more
    assert by_source(db, policy) == by_source(once, policy)
    assert by_source(db, policy)["n"] == len(stories(db)) > 150
