"""Compliance of a past month is bit-identical whatever is edited, applied or told afterwards."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, select

from bihuan.services.kpi import show
from bihuan.store.rows import table_of
from schemas.complaint import EventKind, Severity
from schemas.deadline import Deadline

pytestmark = pytest.mark.long

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
SINCE, UNTIL = datetime(2026, 10, 31, 16, 0, tzinfo=UTC), datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
"""November in Shanghai."""
NOW = 500
"""Hours after Monday's opening: 6 December."""
LIFE = [EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.WAITING, EventKind.RESUMED, EventKind.SEVERITY_CHANGED,
        EventKind.DEPARTMENT_CHANGED, EventKind.HANDLED, EventKind.RESULT_TOLD, EventKind.FOLLOWED_UP,
        EventKind.REOPENED]  # fmt: skip


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def month(house) -> list[dict[str, Any]]:
    """What `kpi show` says of November, by department and in all."""
    zone = ZoneInfo("Asia/Shanghai")
    with house.db.read() as session:
        return [
            row for by in (None, "department", "severity")
            for row in show(session, house.policy, zone, SINCE, UNTIL, by)
        ]  # fmt: skip


def promises(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was promised, and came out so or otherwise: decided once."""
    return [row for row in rows if row["indicator"].startswith("on_time")]


def rows(house) -> dict[int, Row[Any]]:
    d = table_of(Deadline).c
    with house.db.read() as session:
        return {row.id: row for row in session.execute(select(d).order_by(d.id))}


def is_history(row: Row[Any], at: datetime) -> bool:
    """Met, due or breached by then."""
    return bool(row.met_at or row.breached_at or (row.state != "paused" and row.due_at <= at))


def lives(house, dice: random.Random, count: int = 40) -> list[str]:
    """Complaints of November and some of December, many handled late, some never, swept as they went."""
    numbers: list[str] = []
    calls = [
        (hours, number, kind)
        for number in range(count)
        for start in [dice.uniform(0, NOW - 20)]
        for hours, kind in [
            (start, None), *((start + dice.expovariate(1 / 60), dice.choice(LIFE)) for _ in range(dice.randint(0, 8)))
        ]
        if hours < NOW - 1
    ]  # fmt: skip
    names: dict[int, str] = {}
    for place, (hours, number, kind) in enumerate(sorted(calls, key=lambda call: call[0])):
        if kind is None:
            names[number] = house.register(hours, severity=dice.choice(list(Severity)))
            numbers.append(names[number])
        else:
            house.tries(names[number], kind, hours, severity=dice.choice(list(Severity)).value,
                        department=dice.choice(["service", "product"]))  # fmt: skip
        if place % 10 == 0:
            house.sweep(hours)
    house.sweep(NOW)
    return numbers


def edit(house, dice: random.Random) -> None:
    """Anything an administrator may do to deadlines and holidays."""
    target = {"target": f"{dice.randint(1, 90)}h", "clock": dice.choice(["business", "calendar"])}
    names = ["assigned", "first_response", "handled", "result_feedback", "satisfaction_follow_up"]
    name = dice.choice([name for name in names if name in house.policy.deadline.milestones])
    match dice.choice(["target", "none", "removed", "pauses", "budget", "scope", "days"]):
        case "target":
            house.decides(**{name: {"severity": dict.fromkeys(["general", "urgent", "major"], target)}})
        case "none":
            house.decides(**{name: {"severity": {"general": "none", "urgent": target, "major": "none"}}})
        case "removed":
            house.decides(scopes={}, **{name: None})
        case "pauses":
            house.decides(**{name: {"pauses": dice.random() < 0.5}})
        case "budget":
            house.decides(pause={"longest": "5h", "at_most": dice.randint(0, 2)}, warn=["50%", "90%"])
        case "scope":
            scope = {"when": {"severity": ["general"]}, "milestones": {name: {"severity": {"general": target}}}}
            house.decides(scopes={"some": scope})
        case "days":
            days = dice.sample([after(24 * day).date().isoformat() for day in range(40)], 3)
            house.closes(*days)


@pytest.mark.parametrize("seed", range(4))
def test_no_edit_changes_what_a_past_month_came_to(house, seed):
    dice = random.Random(seed)
    lives(house, dice)
    before, reported = rows(house), month(house)
    settled = {key: row for key, row in before.items() if is_history(row, house.at)}
    assert {bool(row.met_at) for row in settled.values()} == {True, False}
    assert any(row["open_overdue"] for row in reported)
    for number in range(6):
        hours = NOW + number * 0.01
        due_by_then = {key for key, row in rows(house).items() if is_history(row, after(hours))}
        edit(house, dice)
        if dice.random() < 0.6:
            house.applies(hours)
        else:
            house.adopts(hours)
        now = rows(house)
        assert {key: now[key] for key in settled} == settled
        fresh = [row for key, row in now.items() if key not in due_by_then and not row.cancelled_at]
        assert all(row.due_at >= after(hours) or row.state == "paused" for row in fresh)
        assert now.keys() == before.keys()
    house.sweep(NOW + 0.06)
    now = rows(house)
    assert {key: now[key] for key in settled} == settled
    assert figures(month(house)) == figures(reported)
    assert house.is_sound()


def figures(reported: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("indicator", "department", "severity", "value", "n", "low", "high", "open_overdue", "no_sla")
    return [tuple(row.get(name) for name in names) for row in reported]


@pytest.mark.parametrize(
    ("kind", "happened", "words"),
    [
        (EventKind.HANDLED, 47, {}),
        (EventKind.WAITING, 10, {}),
        (EventKind.SEVERITY_CHANGED, 1, {"severity": "urgent"}),
        (EventKind.DEPARTMENT_CHANGED, 1, {"department": "product"}),
    ],
    ids=["handled in time", "waited", "more urgent", "elsewhere"],
)
def test_late_news_stand_beside_what_was_reported(house, answered, kind, happened, words):
    """Handled late, and reported so; whatever is told a week later changes neither value nor n."""
    house.sweep(48.1)
    house.happens(answered, EventKind.HANDLED, 50)
    house.sweep(NOW)
    reported, one = month(house), house.one()
    house.happens(answered, kind, happened, at=NOW + 1, **words)
    late = house.one()
    kept = ("due_at", "breached_at", "warned_at", "policy_version", "calendar_version", "department", "target_seconds")
    assert [getattr(late, name) for name in kept] == [getattr(one, name) for name in kept]
    now = promises(month(house))
    assert figures([row for row in now if "department" not in row and "severity" not in row]) == figures(
        [row for row in promises(reported) if "department" not in row and "severity" not in row]
    )
    if kind is not EventKind.DEPARTMENT_CHANGED:
        assert late.corrected_at == after(NOW + 1)
    assert house.is_sound()


def test_the_clock_of_one_department_is_no_second_promise(house, answered):
    house.happens(answered, EventKind.DEPARTMENT_CHANGED, 5, department="product")
    house.happens(answered, EventKind.HANDLED, 20)
    handled = next(row for row in month(house) if row["n"] and row["indicator"] == "on_time_handled")
    assert handled["n"] == 1
