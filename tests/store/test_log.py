"""What logs say, read by both databases as by hand, and quickly where a database knows nothing of its own tables."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bihuan.services.kpi import Look, rows_of
from bihuan.store.queries.cut import Cut
from bihuan.store.rows import insert_rows
from schemas.complaint import Channel, Complaint, ComplaintEvent, ComplaintState, EventKind, Severity

START = datetime(2026, 8, 3, 1, 0, tzinfo=UTC)
AT = START + timedelta(days=90)
HOUR = timedelta(hours=1)
REGISTERED, RESPONDED, HANDLED, REOPENED = (
    EventKind.REGISTERED, EventKind.RESPONDED, EventKind.HANDLED, EventKind.REOPENED,
)  # fmt: skip
_TURNS = (RESPONDED, HANDLED, REOPENED)


class Line(NamedTuple):
    kind: EventKind
    hours: int
    on_time: bool | None = None


def story(chance: random.Random) -> list[Line]:
    """A log as sources tell it: in any order, at one instant, reopened before an answer, never answered."""
    kinds = chance.choices(_TURNS, weights=(4, 4, 3), k=chance.randrange(6))
    told = [Line(kind, chance.randrange(12), chance.choice((None, True, False))) for kind in kinds]
    return [Line(REGISTERED, 0), *told]


@pytest.fixture
def logs(db):
    """Three hundred complaints with such logs, of which the database has no statistics."""
    chance = random.Random(7)
    told = {number: story(chance) for number in range(1, 301)}
    with db.write() as session:
        insert_rows(session, Complaint, [complaint(number, log) for number, log in told.items()])
        insert_rows(session, ComplaintEvent, [
            {"complaint_id": number, "kind": line.kind, "occurred_at": START + line.hours * HOUR, "recorded_at": AT,
             "actor": "", "key": str(place), "data": {} if line.on_time is None else {"on_time": line.on_time}}
            for number, log in told.items() for place, line in enumerate(log)
        ])  # fmt: skip
    return told


def complaint(number, log):
    last = max((line for line in log if line.kind is HANDLED), key=lambda line: line.hours, default=None)
    return {
        "id": number, "number": f"20260803-{number:04}", "source": "desk", "external_id": str(number),
        "channel": list(Channel)[number % 3], "severity": Severity.GENERAL, "title": "t", "matter": "", "demand": "",
        "missing": [], "attributes": {}, "registered_at": START, "is_simulated": False,
        "state": ComplaintState.HANDLED if last else ComplaintState.ASSIGNED,
        "round": 1 + sum(line.kind is REOPENED for line in log),
        "handled_at": START + last.hours * HOUR if last else None,
    }  # fmt: skip


def shown(db, policy, indicator, by=None):
    """The figures of an indicator, from a database that may take five seconds for them."""
    with db.read() as session:
        if not db.is_sqlite:
            session.execute(text("SET LOCAL statement_timeout = '5s'"))
        look = Look(session, ZoneInfo("Asia/Shanghai"), Cut(by=by), AT)
        return rows_of(look, policy.kpi.indicators[indicator])


def in_order(log):
    """The turns of a log as they came, of those at one instant as they were written down."""
    return sorted((line for line in log if line.kind in _TURNS), key=lambda line: line.hours)


def first_answer(log):
    return next((line.hours for line in in_order(log) if line.kind is not REOPENED), None)


def owed(log):
    """Hours each answer took that was owed."""
    turns = in_order(log)
    later = [two.hours - one.hours for one, two in pairwise(turns) if one.kind is REOPENED and two.kind is not REOPENED]
    first = first_answer(log)
    return [*([] if first is None else [first]), *later]


def test_the_average_response_is_that_of_the_logs_read_by_hand(db, policy, logs):
    (row,) = shown(db, policy, "response_time")
    hours = [one for log in logs.values() for one in owed(log)]
    assert (row["n"], row["value"]) == (len(hours), pytest.approx(sum(hours) / len(hours)))
    assert row["open"] == sum(first_answer(log) is None for log in logs.values())


def test_by_channel_it_is_that_of_the_channel_alone(db, policy, logs):
    for row in shown(db, policy, "response_time", by="channel"):
        own = [log for number, log in logs.items() if list(Channel)[number % 3] == row["channel"]]
        assert row["n"] == sum(len(owed(log)) for log in own)


def test_the_first_response_is_that_of_the_logs_read_by_hand(db, policy, logs):
    (row,) = shown(db, policy, "first_response_time")
    first = [first_answer(log) for log in logs.values()]
    assert (row["n"], row["censored"]) == (len(first), first.count(None))


def test_the_last_word_of_a_source_counts(db, policy, logs):
    (row,) = shown(db, policy, "on_time_by_source")
    said = [
        [line.on_time for line in in_order(log) if line.kind is HANDLED and line.on_time is not None]
        for log in logs.values()
    ]
    assert (row["n"], row["x"]) == (sum(bool(one) for one in said), sum(bool(one) and one[-1] for one in said))
