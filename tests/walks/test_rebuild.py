"""Thousands of pieces of news, many late, under policies that change: the log alone gives every deadline anew."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from bihuan.errors import RefusedError
from bihuan.rules.complaint import LogLine, possible, standing
from bihuan.services.complaint import record
from bihuan.services.intake import take_in
from bihuan.services.integrity import inspect_database
from bihuan.store.rows import table_of
from schemas.complaint import Channel, ComplaintEvent, ComplaintIn, EventIn, EventKind, Severity
from schemas.deadline import Deadline

pytestmark = pytest.mark.long

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
ANY = sorted(set(EventKind) - {EventKind.REGISTERED, EventKind.AMENDED, EventKind.MERGED})
SHORT, LONG = {"target": "12h", "clock": "calendar"}, {"target": "40h", "clock": "business"}
CHANGES: list[dict[str, Any]] = [
    {"handled": {"severity": {"general": SHORT, "urgent": SHORT, "major": "none"}}},
    {"handled": {"severity": {"general": LONG, "urgent": LONG, "major": SHORT}}},
    {"assigned": None},
    {"pause": {"longest": "24h", "at_most": 2}},
    {"first_response": {"own_clock": True, "pauses": True}},
    {"scopes": {"dear": {"when": {"tier": ["premium"]}, "milestones": {"handled": {"severity": {"general": SHORT}}}}}},
]
"""What is decided one day and taken back another."""
HOLIDAYS = [(), ("2026-11-18",), ("2026-11-19", "2026-11-20"), ("2026-11-25", "2026-12-02", "2026-12-03")]


class Life:
    """A house in which anything happens, by seeded dice."""

    def __init__(self, house: Any, seed: int) -> None:
        self.house, self.dice, self.shipped = house, random.Random(seed), house.policy
        self.logs: dict[str, list[LogLine]] = {}
        self.fed: list[ComplaintIn] = []
        self.most_fed = 0

    def goes_on(self, events: int, complaints: int) -> None:
        """Until that much was accepted: a stretch of hours with its news, then a sweep, now and then an edition.

        Half of the complaints live here, half in a source that tells of them again and again.
        """
        hours, self.most_fed = 0.0, complaints // 2
        while self.house.count(ComplaintEvent) < events:
            self._changes(hours)
            while len(self.logs) < complaints // 2 and self.dice.random() < 0.9:
                self._registers()
            with self.house.db.write() as session:
                for _ in range(self.dice.randint(5, 60)):
                    hours += self.dice.expovariate(15)
                    self.house.at = MONDAY + timedelta(hours=hours)
                    self._happens(session)
            self._is_fed()
            self.house.sweep(hours)

    def _registers(self) -> None:
        number = self.house.register(severity=self._severity(), tier=self._tier())
        self.logs[number] = [LogLine(EventKind.REGISTERED, self.house.at, self.house.at)]

    def _severity(self) -> Severity:
        return self.dice.choice(list(Severity))

    def _tier(self) -> str:
        return self.dice.choice(["basic", "premium"])

    def _happens(self, session: Session) -> None:
        number = self.dice.choice(list(self.logs))
        now, late = self.house.at, self.dice.choice([0, 0, 0, 0, 3, 20, 90])
        log = self.logs[number]
        happened = max(log[0].occurred_at, now - timedelta(hours=late))
        before = [line for line in log if line.occurred_at <= happened]
        likely = sorted(possible(standing(before).state) & set(ANY))
        kind = self.dice.choice(likely)
        event = EventIn(kind=kind, occurred_at=happened, data=self._words(kind))
        try:
            record(session, self.house.policy, self.house.clock, number, event)
        except RefusedError:  # the log here knows nothing of who was assigned by policy
            return
        log.append(LogLine(kind, happened, now))

    def _words(self, kind: EventKind) -> dict[str, str]:
        match kind:
            case EventKind.SEVERITY_CHANGED:
                return {"severity": self._severity().value}
            case EventKind.TIER_CHANGED:
                return {"tier": self._tier()}
            case EventKind.DEPARTMENT_CHANGED:
                return {"department": self.dice.choice(["service", "product"])}
            case EventKind.ASSIGNED:
                return {"handler": self.dice.choice(["anna", "ben"])}
            case EventKind.NEGATIVE_TAKEN_ON:
                return {"plan": "the courier asks before he leaves"}
            case EventKind.NEGATIVE_RESOLVED:
                return {"result": "the courier was asked"}
            case _:
                return {}

    def _is_fed(self) -> None:
        """A source tells of new ones and of some again: what happened meanwhile or long ago, terms, promises."""
        again = [self._told_again(told) for told in self.dice.sample(self.fed, min(12, len(self.fed)))]
        names = [f"case {len(self.fed) + number}" for number in range(self.dice.randint(0, 4))]
        new = [self._told(name) for name in names if len(self.fed) < self.most_fed]
        self.fed += new
        with self.house.db.write() as session:
            take_in(session, self.house.policy, self.house.settings, self.house.clock, [*again, *new])

    def _told(self, name: str) -> ComplaintIn:
        happened = self._before(0, 1, 30, 200)
        return ComplaintIn(
            source="feed", external_id=name, registered_at=happened, severity=self._severity(), tier=self._tier(),
            department="product", channel=Channel.WEB, events=self._events(6),
        )  # fmt: skip

    def _told_again(self, told: ComplaintIn) -> ComplaintIn:
        news: dict[str, Any] = {"severity": self._severity(), "events": self._events(4)}
        if self.dice.random() < 0.2:
            promised = self.house.at + timedelta(hours=self.dice.choice([-5, 10, 60]))
            news["deadlines"] = {"handled": promised, "result_feedback": None}
        return told.model_copy(update=news)

    def _events(self, most: int) -> tuple[EventIn, ...]:
        """Whatever a source may say, whether it makes sense or not."""
        kinds = self.dice.choices(sorted(set(ANY) - {EventKind.ASSIGNED}), k=self.dice.randint(1, most))
        return tuple(
            EventIn(kind=kind, occurred_at=self._before(1, 2, 9, 40), data=self._words(kind)) for kind in kinds
        )

    def _before(self, *hours: float) -> datetime:
        """Some hours ago, to the second."""
        return self.house.at - timedelta(hours=self.dice.choice(hours), seconds=self.dice.randint(0, 3000))

    def _changes(self, hours: float) -> None:
        if self.dice.random() < 0.08:
            calendars = self.house.policy.calendars
            self.house.policy = self.shipped.model_copy(update={"calendars": calendars})
            self.house.decides(**self.dice.choice(CHANGES))
            if self.dice.random() < 0.6:
                self.house.applies(hours)
        if self.dice.random() < 0.05:
            self.house.closes(*self.dice.choice(HOLIDAYS))


@pytest.mark.parametrize(
    ("database", "events", "complaints"),
    [("sqlite", 2_500, 150), ("postgresql", 600, 40), pytest.param("sqlite", 10_000, 600, marks=pytest.mark.bench)],
    ids=["sqlite", "postgresql", "sqlite, four times as long"],
)
def test_after_any_life_the_log_gives_every_deadline_anew(house_on, database, events, complaints):
    house = house_on(database)
    house.staff("ben", "product")
    life = Life(house, seed=20261116)
    life.goes_on(events, complaints)
    report = inspect_database(house.db, house.policy)
    assert report.is_sound, report.differences[:5]
    assert house.count(ComplaintEvent) >= events
    assert house.count(Deadline) == report.deadlines > 3 * complaints
    d = table_of(Deadline).c
    facts = [func.count(fact) for fact in (d.breached_at, d.met_at, d.cancelled_at, d.corrected_at, d.corrected_due_at)]
    with house.db.read() as session:
        assert min(session.execute(select(*facts)).one()) > events / 400
