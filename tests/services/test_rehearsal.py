"""A rehearsal of today's policy gives today's figures; a draft gives its own and touches nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import func, select

from bihuan.clock import zone
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.services import kpi
from bihuan.services import rehearsal as service
from bihuan.services.deadline import check_all
from bihuan.services.rehearsal import Question, rehearse
from bihuan.simulation.demo import fill
from bihuan.store.queries.history import Stretch, Window
from bihuan.store.rows import table_of
from schemas.complaint import Complaint, EventKind
from schemas.deadline import Deadline
from schemas.tables import METADATA

SINCE = datetime(2026, 9, 20, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=21)
"""A holiday of eight days and two make-up days lie in between."""
FRAMES = ("milestones", "people", "hours", "nights", "follow_ups", "moved")


def tighter(policy, **milestones):
    written = policy.written()["deadline"]
    for name, target in milestones.items():
        written["milestones"][name]["severity"]["general"] = {"target": target, "clock": "calendar"}
    return policy.model_copy(update={"deadline": DeadlinePolicy.model_validate(written)})


def question(today, draft, **scope) -> Question:
    return Question((today, draft), Window(SINCE, UNTIL, scope), UNTIL, "Asia/Shanghai")


@pytest.fixture
def lived(db, policy, settings):
    """Three weeks of a made-up company, swept every day; some complaints waited or grew graver."""
    fill(db, policy, settings, since=SINCE, until=UNTIL, per_day=7)
    _trouble(db, policy, settings)
    at = SINCE
    while at < UNTIL:
        at += timedelta(days=1)
        check_all(db, policy, at, is_sending=False)
    return db


def _trouble(db, policy, settings) -> None:
    """Imports bring news of what happened to every fifth complaint."""
    from bihuan.clock import fixed
    from bihuan.services.intake import take_in
    from schemas.complaint import ComplaintIn, EventIn

    with db.read() as session:
        columns = (Complaint.external_id, Complaint.source, Complaint.registered_at, Complaint.channel, Complaint.kind,
                   Complaint.severity, Complaint.region, Complaint.business_line, Complaint.tier)  # fmt: skip
        rows = session.execute(select(*columns).order_by(Complaint.id)).all()[::5]
    batch = []
    for number, row in enumerate(rows):
        hour = row.registered_at + timedelta(hours=1)
        story = [
            EventIn(kind=EventKind.WAITING, occurred_at=hour, data={"reason": "photos"}),
            EventIn(kind=EventKind.RESUMED, occurred_at=hour + timedelta(hours=5)),
        ]
        if number % 3 == 0:
            story = [EventIn(kind=EventKind.SEVERITY_CHANGED, occurred_at=hour, data={"severity": "urgent"})]
        facts = {
            name: getattr(row, name) for name in ("channel", "kind", "severity", "region", "business_line", "tier")
        }
        batch.append(ComplaintIn(source=row.source, external_id=row.external_id, registered_at=row.registered_at,
                                 events=tuple(story), is_simulated=True, **facts))  # fmt: skip
    with db.write() as session:
        take_in(session, policy, settings, fixed(UNTIL), batch)


def digest(db) -> str:
    """Everything that is stored."""
    found = hashlib.sha256()
    with db.read() as session:
        for table in METADATA.sorted_tables:
            for row in session.execute(select(table).order_by(*table.primary_key.columns)):
                found.update(repr(tuple(row)).encode())
    return found.hexdigest()


def test_the_same_policy_rehearsed_gives_exactly_todays_figures(lived, policy):
    found = rehearse(lived, question(policy, policy))
    assert found.moved_count == 0
    today = found.milestones[found.milestones["side"] == "today"].set_index("milestone")
    with lived.read() as session:
        d = table_of(Deadline).c
        stored = select(d.milestone, func.count().label("n"), func.count(d.breached_at).label("breached"))
        for row in session.execute(stored.where(d.leg == 0).group_by(d.milestone)):
            assert (today.loc[row.milestone, "deadlines"], today.loc[row.milestone, "breaches"]) == (
                row.n,
                row.breached,
            )
        shown = kpi.show(session, policy, zone("Asia/Shanghai"), SINCE, UNTIL, None)
    on_time = [row for row in shown if row["indicator"].startswith("on_time_")]
    assert len(on_time) == 5
    for row in on_time:
        figures = today.loc[row["indicator"].removeprefix("on_time_")]
        assert [figures[name] for name in ("met", "value", "low", "high")] == [
            row[name] for name in ("n", "value", "low", "high")
        ]
    draft = found.milestones[found.milestones["side"] == "draft"].set_index("milestone")
    pd.testing.assert_frame_equal(today.drop(columns="side"), draft.drop(columns="side"))


def test_a_draft_gives_its_own_figures_and_touches_nothing(lived, policy):
    before = digest(lived)
    found = rehearse(lived, question(policy, tighter(policy, handled="8h")))
    figures = found.milestones.set_index(["milestone", "side"])
    assert figures.loc[("handled", "draft"), "breaches"] > figures.loc[("handled", "today"), "breaches"]
    assert figures.loc[("handled", "draft"), "value"] < figures.loc[("handled", "today"), "value"]
    assert figures.loc[("assigned", "draft")].equals(figures.loc[("assigned", "today")])
    assert found.moved_count == len(found.moved) > 0
    assert digest(lived) == before


def test_plain_logs_and_logs_one_by_one_give_the_same(lived, policy, monkeypatch):
    asked = question(policy, tighter(policy, handled="8h", first_response="20min"))
    quick = rehearse(lived, asked)
    load = service.stretch

    def none_is_plain(*args) -> Stretch:
        loaded = load(*args)
        assert 0 < loaded.is_plain.sum() < len(loaded.is_plain)
        return loaded._replace(is_plain=loaded.is_plain & False)

    monkeypatch.setattr(service, "stretch", none_is_plain)
    slow = rehearse(lived, asked)
    for name in FRAMES:
        one, other = getattr(quick, name), getattr(slow, name)
        by = [column for column in one.columns if column in {"number", "milestone", "round"}]
        if name == "moved":
            one, other = (frame.sort_values(by, ignore_index=True) for frame in (one, other))
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_several_processes_give_what_one_gives(lived, policy, monkeypatch):
    monkeypatch.setattr(service, "_PAGE", 100)
    asked = question(policy, tighter(policy, handled="8h"))
    one, two = rehearse(lived, asked, processes=1), rehearse(lived, asked, processes=2)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert replace(one, **dict.fromkeys(FRAMES)) == replace(two, **dict.fromkeys(FRAMES))


def test_a_scope_replays_only_its_complaints(lived, policy):
    whole = rehearse(lived, question(policy, policy))
    parts = [rehearse(lived, question(policy, policy, severity=(word,))) for word in ("general", "urgent", "major")]
    assert sum(part.complaints for part in parts) == whole.complaints > 0
    assert all(part.complaints < whole.complaints for part in parts)


def test_alerts_of_hours_and_people_are_the_same_alerts(lived, policy):
    found = rehearse(lived, question(policy, tighter(policy, handled="8h")))
    for side in ("today", "draft"):
        by_person = found.people[found.people["side"] == side][["warnings", "breaches"]].to_numpy().sum()
        by_hour = found.hours[found.hours["side"] == side]["alerts"].sum()
        assert by_person == by_hour > 0
    in_night = found.hours[(found.hours["hour"] >= 22) | (found.hours["hour"] < 8)]["alerts"].sum()
    assert found.nights["alerts"].sum() == in_night


def test_no_history_gives_no_rows(db, policy):
    found = rehearse(db, question(policy, policy))
    assert (found.complaints, found.moved_count, len(found.milestones), len(found.people)) == (0, 0, 0, 0)
