"""When a deadline is due: scopes, budgets, and what a change of policy or calendar may do to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bihuan.policy.book import CalendarEdition, DeadlineEdition, PolicyBook
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.deadline import DeadlinePolicy, PauseBudget
from bihuan.rules.complaint import LogLine
from bihuan.rules.deadline import derive
from bihuan.rules.due import Cause, counts
from bihuan.rules.pause import Pause, within_budget
from bihuan.rules.track import tracks
from schemas.complaint import EventKind
from schemas.deadline import DeadlineState, Mode

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
REGISTERED, WAITING, RESUMED = EventKind.REGISTERED, EventKind.WAITING, EventKind.RESUMED
SEVERITY, HANDLED = EventKind.SEVERITY_CHANGED, EventKind.HANDLED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def line(kind: EventKind, hours: float, **data: Any) -> LogLine:
    return LogLine(kind, after(hours), after(hours), data)


def cells(hours: int, clock: str = "calendar") -> dict[str, Any]:
    return {"severity": {name: {"target": f"{hours}h", "clock": clock} for name in ("general", "urgent", "major")}}


@pytest.fixture
def edition(policy):
    """The shipped deadlines with other words, recorded and applied at those hours."""

    def made(at: float | None = None, applied: float | None = None, **words: Any) -> DeadlineEdition:
        said = policy.written()["deadline"]
        for name, change in words.items():
            if name not in said["milestones"]:
                said[name] = change
            elif change is None:
                del said["milestones"][name]
            else:
                said["milestones"][name] |= change
        parsed = DeadlinePolicy.model_validate(said)
        if at is None:
            return DeadlineEdition(parsed)
        return DeadlineEdition(parsed, after(at), after(at), None if applied is None else after(applied))

    return made


@pytest.fixture
def handled(policy):
    """The handling that a log gives under these editions."""

    def found(editions: list[DeadlineEdition], *log: LogLine, calendars: list[CalendarEdition] | None = None):
        book = PolicyBook(editions, calendars or [CalendarEdition(policy.calendars)])
        return next((one for one in derive(log, book) if one.milestone == "handled" and one.leg == 0), None)

    return found


@pytest.mark.parametrize(
    ("facts", "hours"),
    [
        ({}, 48),
        ({"tier": "premium"}, 24),
        ({"tier": "premium", "channel": "phone"}, 8),
        ({"tier": "premium", "channel": "phone", "severity": "urgent"}, 24),
        ({"tier": "basic", "channel": "phone"}, 48),
        ({"tier": "basic", "department": "hotline", "channel": "phone"}, 4),
    ],
)
def test_the_most_specific_scope_that_says_the_cell_wins(edition, handled, facts, hours):
    """The narrowest scope says nothing of urgent ones: there the wider one counts."""
    scopes = {
        "dear": {"when": {"tier": ["premium"]}, "milestones": {"handled": cells(24)}},
        "dear_phone": {"when": {"tier": ["premium"], "channel": ["phone"]},
                       "milestones": {"handled": {"severity": {"general": {"target": "8h", "clock": "calendar"}}}}},
        "hot": {"when": {"tier": ["basic"], "department": ["hotline"]}, "milestones": {"handled": cells(4)}},
    }  # fmt: skip
    one = handled([edition(scopes=scopes)], line(REGISTERED, 0, **{"severity": "general", **facts}))
    assert one.due_at == after(hours)


def test_a_scope_may_say_that_a_clock_runs_on(edition, handled):
    scopes = {"dear": {"when": {"tier": ["premium"]}, "milestones": {"handled": {"pauses": False}}, "warn": ["50%"]}}
    one = handled([edition(scopes=scopes)], line(REGISTERED, 0, tier="premium"), line(WAITING, 5))
    assert (one.state, one.due_at, one.warn_at) == (DeadlineState.RUNNING, after(48), (after(24),))


@pytest.mark.parametrize(
    ("longest", "at_most", "counted"),
    [
        (None, None, [(1, 4), (10, 30), (40, None)]),
        (5, None, [(1, 4), (10, 15), (40, 45)]),
        (None, 1, [(1, 4)]),
        (None, 0, []),
        (3, 2, [(1, 4), (10, 13)]),
    ],
)
def test_a_budget_counts_so_many_pauses_each_for_so_long(longest, at_most, counted):
    waits = [Pause(after(began), ended and after(ended), "") for began, ended in ((1, 4), (10, 30), (40, None))]
    budget = PauseBudget(longest=f"{longest}h" if longest else None, at_most=at_most)
    assert [(one.began_at, one.ended_at) for one in within_budget(waits, budget)] == [
        (after(began), ended and after(ended)) for began, ended in counted
    ]


@pytest.mark.parametrize(
    ("target", "applied", "due", "counted"),
    [(60, 20, 60, None), (30, 20, 30, None), (12, 20, 20, 12), (12, 48, 48, None), (12, 60, 48, None)],
    ids=["longer", "shorter", "nothing is due before it", "at the due instant", "after it"],
)
def test_an_edition_reaches_what_is_not_yet_due_and_makes_nothing_due_before_it(
    edition, policy, target, applied, due, counted
):
    editions = [edition(), edition(5, applied, handled=cells(target))]
    book = PolicyBook(editions, [CalendarEdition(policy.calendars)])
    (track,) = (one for one in tracks([line(REGISTERED, 0)], book) if one.course.milestone == "handled")
    last = track.counts[-1]
    assert (last.due.due_at, last.counted_due_at) == (after(due), counted and after(counted))
    assert [count.cause for count in track.counts] == [Cause.START, Cause.POLICY][: 1 if applied >= 48 else 2]


def test_what_an_edition_let_be_due_at_its_instant_no_later_change_makes_due_before(edition, handled):
    """Waiting, it is not due yet; the severity then moves it by the new edition, and never before that came."""
    editions = [edition(), edition(20, 20, handled=cells(12))]
    log = [line(REGISTERED, 0), line(WAITING, 15), line(SEVERITY, 25, severity="urgent")]
    assert (handled(editions, *log).state, handled(editions, *log).due_at) == (DeadlineState.PAUSED, after(20))
    assert handled(editions, *log, line(RESUMED, 30)).due_at == after(30)
    assert handled(editions, *log, line(HANDLED, 31)).met_at == handled(editions, *log, line(HANDLED, 31)).due_at


def test_an_edition_makes_no_deadline_where_there_was_none_and_terms_do(edition, handled):
    none = {"severity": {"general": "none", "urgent": "none", "major": {"target": "24h", "clock": "calendar"}}}
    editions = [edition(handled=none), edition(5, 5, handled=cells(48))]
    assert handled(editions, line(REGISTERED, 0)) is None
    assert handled(editions, line(REGISTERED, 0), line(SEVERITY, 9, severity="urgent")) is None
    assert handled(editions[:1], line(REGISTERED, 0), line(SEVERITY, 9, severity="major")).due_at == after(24)


@pytest.mark.parametrize(("off", "cancelled"), [(20, 20), (48, None), (60, None)])
def test_an_edition_ends_what_is_open_and_not_what_is_overdue(edition, handled, off, cancelled):
    one = handled([edition(), edition(off, off, handled=None)], line(REGISTERED, 0), line(EventKind.NOTE, 99))
    assert (one.cancelled_at, one.due_at) == (cancelled and after(cancelled), after(48))


def test_what_terms_ended_while_it_waited_had_been_paused_until_then(edition, handled):
    none = {"severity": {"general": {"target": "48h", "clock": "calendar"}, "urgent": "none", "major": "none"}}
    log = [line(REGISTERED, 0), line(WAITING, 10), line(SEVERITY, 70, severity="major"), line(RESUMED, 200)]
    one = handled([edition(handled=none)], *log)
    assert (one.state, one.cancelled_at, one.due_at) == (DeadlineState.CANCELLED, after(70), after(48 + 60))


def test_terms_that_end_what_is_overdue_and_bring_it_back_bring_the_same_instant(edition, handled):
    none = {"severity": {**cells(12)["severity"], "major": "none"}}
    log = [line(REGISTERED, 0), line(SEVERITY, 20, severity="major"), line(SEVERITY, 30, severity="urgent")]
    assert handled([edition(handled=none)], *log[:2]).cancelled_at == after(20)
    assert (handled([edition(handled=none)], *log).state, handled([edition(handled=none)], *log).due_at) == (
        DeadlineState.RUNNING, after(12),
    )  # fmt: skip


def test_calendars_move_working_hours_and_no_others(edition, handled, policy):
    said = policy.calendars.model_dump(mode="json", by_alias=True)
    said["calendars"]["china"]["holidays"] = ["2026-11-17"]
    calendars = [CalendarEdition(policy.calendars), CalendarEdition(CalendarPolicy.model_validate(said), after(4))]
    business = handled([edition(handled=cells(10, "business"))], line(REGISTERED, 0), calendars=calendars)
    assert (business.due_at, business.mode) == (after(50), Mode.BUSINESS)  # two hours into Wednesday
    every_hour = handled([edition()], line(REGISTERED, 0), calendars=calendars)
    assert every_hour.due_at == after(48)
    assert every_hour.due.calendar_version == policy.calendars.default.version


def test_a_deadline_that_nothing_changes_is_counted_once(edition, policy):
    book = PolicyBook([edition(), edition(5, 5)], [CalendarEdition(policy.calendars)] * 2)
    for track in tracks([line(REGISTERED, 0)], book):
        assert len(list(counts(track.course, book, [track.counts[0].basis.terms], []))) == len(track.counts) == 1
