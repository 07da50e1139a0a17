"""How the deadlines stood at an instant: blind to what happened after it, and in agreement with the log."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from bihuan.clock import fixed
from bihuan.rules.complaint import LogLine, standing
from bihuan.services.deadline import check_all
from bihuan.services.intake import take_in
from bihuan.settings import Settings
from bihuan.store.queries.sla import SlaStatus, status
from schemas.complaint import ComplaintIn, EventIn, EventKind

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
LONG_AFTER = START + timedelta(days=365)
TICK = timedelta(microseconds=1) / timedelta(hours=1)
HANDLED, REOPENED, CLOSED = EventKind.HANDLED, EventKind.REOPENED, EventKind.CLOSED


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def event(kind: EventKind, hours: float) -> EventIn:
    return EventIn(kind=kind, occurred_at=after(hours))


def told(number: str, registered: float = 0, *events: EventIn, due: float | None = None, **facts) -> ComplaintIn:
    """With one deadline at ``due``, or none."""
    deadlines = {} if due is None else {"handled": after(due)}
    return ComplaintIn(source="desk", external_id=number, registered_at=after(registered), events=events,
                       **{"deadlines": deadlines, **facts})  # fmt: skip


@pytest.fixture
def bring(db, policy):
    """Take complaints in, long after everything happened."""

    def bring(*complaints: ComplaintIn) -> None:
        with db.write() as session:
            take_in(session, policy, Settings(), fixed(LONG_AFTER), complaints)

    return bring


@pytest.fixture
def stood(db):
    def stood(hours: float) -> SlaStatus:
        with db.read() as session:
            return status(session, after(hours))

    return stood


def figures(found: SlaStatus) -> tuple[int, int, int]:
    return found.open, found.due_within_24h, found.overdue


def test_an_empty_register_has_nothing_open(stood):
    assert figures(stood(0)) == (0, 0, 0)
    assert (stood(0).by_milestone, stood(0).by_department) == ([], [])


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (-TICK, (0, 0, 0)),
        (0, (1, 0, 0)),
        (16, (1, 0, 0)),
        (16 + TICK, (1, 1, 0)),
        (40, (1, 1, 0)),
        (40 + TICK, (1, 0, 1)),
        (50 - TICK, (1, 0, 1)),
        (50, (0, 0, 0)),
    ],
    ids=["before", "registered", "a day before", "within a day", "just due", "overdue", "still", "handled"],
)
def test_a_complaint_is_open_then_due_soon_then_overdue_then_handled(bring, stood, hours, expected):
    """Due at 40 h, handled at 50 h: overdue is past due, and due within 24 h is what lies before its end."""
    bring(told("1", 0, event(HANDLED, 50), due=40))
    assert figures(stood(hours)) == expected


def test_what_was_never_promised_is_open_but_never_overdue(bring, stood):
    bring(told("1"))
    assert figures(stood(500)) == (1, 0, 0)


def test_later_news_change_nothing_about_an_earlier_instant(bring, stood):
    bring(told("1", due=40), told("2", 0, due=10))
    before = stood(20)
    bring(told("1", 0, event(HANDLED, 21), due=40), told("2", 0, event(HANDLED, 30), due=10), told("3", 25, due=26))
    assert stood(20) == before
    assert figures(stood(31)) == (1, 0, 1)


def test_breached_is_what_was_decided_by_then_whatever_came_later(bring, stood, db, policy):
    bring(told("1", 0, event(HANDLED, 50), due=40))
    check_all(db, policy, after(45))
    assert [stood(hours).breached for hours in (45 - TICK, 45, 60)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("hours", "is_open"), [(4, 1), (5, 0), (29, 0), (30, 1), (39, 1), (40, 0), (54, 0), (60, 1), (99, 1)]
)
def test_a_reopened_complaint_is_open_as_its_log_says(bring, stood, hours, is_open):
    bring(
        told("1", 0, event(HANDLED, 5), event(REOPENED, 30), event(HANDLED, 40), event(CLOSED, 54), event(REOPENED, 60))
    )
    assert stood(hours).open == is_open


def test_each_round_runs_in_its_own_time(bring, stood):
    """The first round's deadline ends at 5 h; the second has 48 hours from 30 h and ends at 90 h."""
    events = (event(HANDLED, 5), event(REOPENED, 30), event(HANDLED, 90))
    bring(told("1", 0, *events, deadlines={"handled": None}))
    assert [figures(stood(hours)) for hours in (4, 20, 31, 60, 79, 90)] == [
        (1, 0, 0), (0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 0, 1), (0, 0, 0),
    ]  # fmt: skip


def test_what_a_reopening_cancelled_ran_until_then(bring, stood):
    events = (event(HANDLED, 5), event(REOPENED, 20))
    bring(told("1", 0, *events, deadlines={"result_feedback": None}))
    assert [stood(hours).due_within_24h for hours in (4, 6, 19, 20)] == [0, 1, 1, 0]


def test_a_handling_before_registration_leaves_nothing_open(bring, stood):
    bring(told("1", 0, event(HANDLED, -0.005), due=40))
    assert figures(stood(1)) == (0, 0, 0)


def test_parts_add_up_to_the_whole(bring, stood, db, policy):
    bring(
        told("1", 0, due=10, department="a"),
        told("2", 0, due=20, department="a"),
        told("3", 0, due=30, department="b"),
        told("4", 0, deadlines={"handled": after(12), "assigned": after(3)}),
        told("5", 0, event(HANDLED, 5), due=10, department="c"),
    )
    check_all(db, policy, after(15))
    whole = stood(15)
    assert (whole.open, whole.overdue, whole.due_within_24h, whole.breached) == (4, 3, 2, 3)
    for name in ("overdue", "due_within_24h", "breached"):
        for parts in (whole.by_milestone, whole.by_department):
            assert sum(part[name] for part in parts) == getattr(whole, name)
    assert sum(part["open"] for part in whole.by_department) == whole.open


def test_departments_come_most_overdue_first_and_none_is_one_of_them(bring, stood):
    bring(
        told("1", 0, due=30, department="calm"),
        told("2", 0, due=10, department="busy"),
        told("3", 0, due=11, department="busy"),
        told("4", 0, due=12),
    )
    assert [(row["department"], row["overdue"]) for row in stood(15).by_department] == [
        ("busy", 2), (None, 1), ("calm", 0),
    ]  # fmt: skip


def test_milestones_are_told_apart(bring, stood):
    bring(told("1", deadlines={"handled": after(12), "assigned": after(3)}))
    assert [(row["milestone"], row["running"], row["overdue"]) for row in stood(5).by_milestone] == [
        ("assigned", 1, 1), ("handled", 1, 0),
    ]  # fmt: skip


def test_the_database_and_the_rules_agree_on_what_is_open(bring, stood):
    """Whole hours, so that much happens at one instant: the log decides, whichever way it is asked."""
    dice = random.Random(7)
    logs = [
        {
            (dice.choice([HANDLED, REOPENED, CLOSED, EventKind.RESPONDED]), dice.randrange(12))
            for _ in range(dice.randrange(6))
        }
        for _ in range(150)
    ]
    bring(*(told(str(n), 0, *(event(*line) for line in sorted(log))) for n, log in enumerate(logs)))

    def is_open(log: set[tuple[EventKind, int]], hours: int) -> bool:
        lines = [LogLine(kind, after(at), LONG_AFTER) for kind, at in log if at <= hours]
        return standing([LogLine(EventKind.REGISTERED, START, START), *lines]).handled_at is None

    for hours in range(12):
        assert stood(hours).open == sum(is_open(log, hours) for log in logs), hours
