"""Plain logs are read all at once and the others one by one: nobody can tell which from what comes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from bihuan.rules.business_time import BusinessClock
from bihuan.rules.stage import stage_seconds
from bihuan.services import month_way
from bihuan.services.month_way import Story, story, ways
from bihuan.store.queries.month import Stretch, plain_logs
from schemas.complaint import EventIn, EventKind

START = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
AS_OF = START + timedelta(days=20)
WAY = (EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.HANDLED, EventKind.RESULT_TOLD)
ODD = (EventKind.WAITING, EventKind.RESUMED, EventKind.REOPENED, EventKind.WITHDRAWN, EventKind.ASSIGNED,
       EventKind.CLOSED, EventKind.HANDLED, EventKind.RESPONDED)  # fmt: skip


def lives(office, seed: int = 11):
    """Two hundred complaints: some with a plain way, whole or cut short, some out of order, some with turns."""
    chance = np.random.default_rng(seed)
    for number in range(200):
        at = START + timedelta(minutes=int(chance.integers(4000)))
        events, clock = [], at
        for kind in WAY[: int(chance.integers(5))]:
            if chance.random() < 0.85:
                clock += timedelta(seconds=int(chance.integers(-200 if number % 9 == 0 else 1, 90_000)))
                data = (
                    {"handler": f"s{chance.integers(3)}", "department": "service"} if kind is EventKind.ASSIGNED else {}
                )
                events.append(EventIn(kind=kind, occurred_at=clock, data=data))
        if number % 3 == 0:
            for kind in chance.choice(len(ODD), 3):
                clock += timedelta(seconds=int(chance.integers(1, 90_000)))
                who = {"department": "product", "handler": "s9"} if ODD[kind] is EventKind.ASSIGNED else {}
                events.append(EventIn(kind=ODD[kind], occurred_at=clock, data=who))
        handler = "s1" if number % 17 == 0 else None
        yield office.complaint(str(number), registered_at=at, events=tuple(events), handler=handler)


@pytest.fixture
def told(office):
    office.department("service")
    office.department("product")
    for code in ("s0", "s1", "s2", "s9"):
        office.staff(code)
    office.at = AS_OF
    office.take_in(*lives(office))
    office.db.analyze()
    return office


def test_what_is_read_at_once_is_what_each_log_tells(told):
    clock, stretch = BusinessClock(told.policy.calendars.default), Stretch(START, AS_OF, AS_OF)
    ids = np.array([row.id for row in told.complaints])
    with told.db.read() as session:
        found = ways(session, stretch, clock)
        plain = plain_logs(session, stretch)
        logs = {key: [month_way._line(step) for step in some] for key, some in _steps(session, stretch, ids).items()}
    stories = [story(logs[row_id], AS_OF) for row_id in ids]
    stages = stage_seconds([one.spans for one in stories], clock)
    wanted = pd.DataFrame([one[:-1] for one in stories], columns=Story._fields[:-1])
    wanted = wanted.assign(**{f"stage_{stage}": seconds for stage, seconds in stages.items()})
    pd.testing.assert_frame_equal(found[wanted.columns], wanted, check_dtype=False, check_exact=False, rtol=1e-9)
    assert 60 < len(plain.complaint_id) < 190
    assert found["hand_offs"].sum() > 0
    assert found["is_reopened"].any()


def _steps(session, stretch, ids):
    found: dict[int, list] = {}
    for step in month_way.steps(session, stretch, ids):
        found.setdefault(step.complaint_id, []).append(step)
    return found


def test_what_happened_after_the_instant_is_not_read(told):
    early = START + timedelta(days=1)
    with told.db.read() as session:
        found = ways(session, Stretch(START, early, early), BusinessClock(told.policy.calendars.default))
        later = ways(session, Stretch(START, early, AS_OF), BusinessClock(told.policy.calendars.default))
    assert found["is_handled"].sum() < later["is_handled"].sum()
    assert (found["hours"].dropna() <= 24).all()
