"""Deadlines are a projection: what news, editions and imports lead to step by step is what the log gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.policy.book import CalendarEdition, DeadlineEdition, PolicyBook
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.loader import load_policy
from bihuan.rules.complaint import LogLine, possible, standing
from bihuan.rules.deadline import decide, derive
from bihuan.rules.projection import PROJECTED, brought_up, fresh, rebuilt
from bihuan.rules.track import Key
from schemas.complaint import EventKind, Severity
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import Notice

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
REGISTERED = EventKind.REGISTERED
ANY = sorted(set(EventKind) - {REGISTERED, EventKind.AMENDED})
DEPARTMENTS = ["service", "product", "hotline"]


def hour(count: float) -> datetime:
    return START + timedelta(hours=count)


# --- what the business may decide, and when ---


def _edited(**changes: Any) -> DeadlinePolicy:
    written = load_policy(None).written()["deadline"]
    milestones = written["milestones"]
    for name, change in changes.items():
        if name not in milestones:
            written[name] = change
        elif change is None:
            del milestones[name]
        else:
            milestones[name].update({key: said for key, said in change.items() if key != "severity"})
            milestones[name]["severity"].update(change.get("severity", {}))
    return DeadlinePolicy.model_validate(written)


@cache
def policies() -> tuple[DeadlinePolicy, ...]:
    """As shipped; shorter; longer and on the other clock; milestones switched off; budgets; scopes."""
    short = {"target": "12h", "clock": "calendar"}
    long = {"target": "40h", "clock": "business"}
    return (
        _edited(),
        _edited(handled={"severity": {"general": short, "urgent": "none"}}, assigned={"severity": {"major": short}}),
        _edited(handled={"severity": {"general": long}}, first_response={"pauses": True, "own_clock": True}),
        _edited(handled=None, result_feedback=None),
        _edited(pause={"longest": "6h", "at_most": 1}, handled={"own_clock": False}),
        _edited(scopes={
            "dear": {"when": {"tier": ["premium"]}, "milestones": {"handled": {"severity": {"general": short}}}},
            "theirs": {"when": {"department": ["product"]}, "milestones": {"handled": {"pauses": False}}},
        }),
    )  # fmt: skip


@cache
def calendars() -> tuple[CalendarPolicy, ...]:
    """As shipped; with days off; open at weekends; with another calendar for one department."""
    written = load_policy(None).written()["calendar"]
    off = ["2026-11-17", "2026-11-18", "2026-11-25"]
    weekends = {day: [["08:00", "20:00"]] for day in ("2026-11-21", "2026-11-22", "2026-11-28")}
    china = written["calendars"]["china"]
    scoped = {"busy": china | {"extra_workdays": weekends}, "china": china}
    scope = {"product": {"when": {"department": ["product"]}, "calendar": "busy"}}
    return tuple(
        CalendarPolicy.model_validate({"default": "china", **said})
        for said in (
            {"calendars": {"china": china}},
            {"calendars": {"china": china | {"holidays": off}}},
            {"calendars": {"china": china | {"extra_workdays": weekends}}},
            {"calendars": scoped, "scopes": scope},
            {"calendars": scoped},
        )
    )


@dataclass(frozen=True)
class Edit:
    """Something decided at ``at``: an edition of the calendars, or one of the deadlines."""

    at: datetime
    is_calendar: bool
    place: int
    """Of the edition among ``policies`` or ``calendars``."""
    is_applied: bool
    """To what is open."""


def book_of(edits: Sequence[Edit], until: datetime | None = None) -> PolicyBook:
    """The book as the edits up to that instant leave it."""
    deadlines, dated = [DeadlineEdition(policies()[0])], [CalendarEdition(calendars()[0])]
    for edit in edits:
        if until and edit.at > until:
            continue
        if edit.is_calendar:
            dated.append(CalendarEdition(calendars()[edit.place], edit.at))
        else:
            applied_at = edit.at if edit.is_applied else None
            deadlines.append(DeadlineEdition(policies()[edit.place], edit.at, edit.at, applied_at))
    return PolicyBook(deadlines, dated)


places = st.integers(0, 4)
edits = st.lists(
    st.builds(Edit, st.integers(1, 300).map(hour), st.booleans(), places, st.booleans()),
    max_size=4, unique_by=lambda edit: edit.at,
).map(lambda some: sorted(some, key=lambda edit: edit.at))  # fmt: skip


# --- what may happen to a complaint ---


@st.composite
def lives(draw: st.DrawFn, most: int = 15) -> list[LogLine]:
    """What makes sense of a complaint, each recorded as it happens."""
    log = [LogLine(REGISTERED, START, START, {"severity": draw(st.sampled_from(Severity)).value, **draw(facts)})]
    now = 0.0
    for _ in range(draw(st.integers(0, most))):
        now += draw(st.sampled_from([0.5, 1, 2, 7, 20, 60]))
        kind = draw(st.sampled_from(sorted(possible(standing(log).state) & set(ANY))))
        log.append(LogLine(kind, hour(now), hour(now), draw(facts) if kind in SAYING else {}))
    return log


SAYING = {EventKind.SEVERITY_CHANGED, EventKind.TIER_CHANGED, EventKind.DEPARTMENT_CHANGED, EventKind.ASSIGNED}
facts = st.fixed_dictionaries({
    "department": st.sampled_from(DEPARTMENTS), "tier": st.sampled_from(["basic", "premium"]),
    "severity": st.sampled_from([each.value for each in Severity]),
})  # fmt: skip
Rows = dict[Key, dict[str, Any]]


def projected(rows: Mapping[Key, Mapping[str, Any]], names: Sequence[str] = PROJECTED) -> Rows:
    return {key: {name: row[name] for name in names} for key, row in rows.items()}


def derived(log: Sequence[LogLine], book: PolicyBook) -> Rows:
    return projected({one.key: fresh(one) for one in derive(log, book)})


def brought(held: Rows, log: Sequence[LogLine], book: PolicyBook, at: datetime) -> Rows:
    added, changed = brought_up(held, log, book, at)
    return held | added | {key: {**held[key], **change} for key, change in changed.items()}


@settings(max_examples=200)
@given(lives(), edits)
def test_what_is_recorded_as_it_happens_leads_to_what_the_whole_log_gives(log, decided):
    book = book_of(decided)
    assert projected(rebuilt(log, book)) == derived(log, book)


@settings(max_examples=200)
@given(lives(), edits, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_says_nothing(log, decided, dice):
    shuffled = log[:]
    dice.shuffle(shuffled)
    book = book_of(decided)
    assert derived(shuffled, book) == derived(log, book)
    assert rebuilt(shuffled, book) == rebuilt(log, book)


@settings(max_examples=200)
@given(lives(), edits, st.randoms(use_true_random=False), st.integers(1, 5))
def test_imports_in_any_order_agree_with_one_import_and_with_life(log, decided, dice, count):
    """A history filled in later; deadlines that were there only for want of news have been cancelled."""
    book = book_of(decided)
    first, rest = log[0], log[1:]
    dice.shuffle(rest)
    batches = [[first], *([] for _ in range(count))]
    for line in rest:
        dice.choice(batches).append(line)
    taken_in = [
        replace(line, recorded_at=hour(9000 + number)) for number, batch in enumerate(batches) for line in batch
    ]
    rows = projected(rebuilt(taken_in, book))
    expected = derived(log, book)
    assert {key: row for key, row in rows.items() if key in expected} == expected
    assert all(row["state"] is DeadlineState.CANCELLED for key, row in rows.items() if key not in expected)


# --- late news, sweeps and editions, as the services bring them to the rows ---


@st.composite
def late_lives(draw: st.DrawFn) -> list[LogLine]:
    """Anything that may happen, much of it known later than it happened, and corrections by the source."""
    lag = draw(st.sampled_from([0, 60]))
    log = [LogLine(REGISTERED, START, hour(lag), {"severity": draw(st.sampled_from(Severity)).value, **draw(facts)})]
    for recorded in sorted(draw(st.sets(st.integers(lag + 1, 400), max_size=15))):
        happened = max(0, recorded - draw(st.sampled_from([0, 0, 0, 5, 60])))
        kind = draw(st.sampled_from([*ANY, EventKind.AMENDED]))
        if kind is EventKind.AMENDED:
            promised = draw(st.none() | st.integers(1, 400).map(lambda at: hour(at).isoformat()))
            said = {"severity": draw(st.sampled_from(Severity)).value}
            said |= {"deadlines": {"handled": promised}} if draw(st.booleans()) else {}
            log.append(LogLine(kind, hour(recorded), hour(recorded), said))
        else:
            log.append(LogLine(kind, hour(happened), hour(recorded), draw(facts) if kind in SAYING else {}))
    return log


def swept(rows: Rows, at: datetime) -> Rows:
    """What a sweep at that instant decides."""
    decided = {}
    for key, row in rows.items():
        warn_at = [datetime.fromisoformat(instant) for instant in row["warn_at"]]
        due_at = None if row["state"] is DeadlineState.PAUSED else row["due_at"]
        if said := decide(warn_at, due_at, row["step"], row["met_at"] or row["cancelled_at"], at):
            fact = {"breached_at": at} if said.notice is Notice.BREACH else {}
            decided[key] = {**row, "step": said.step, "next_at": said.next_at, **fact}
    return rows | decided


def is_reached(rows: Rows, edit: Edit) -> bool:
    """Whether services look at the complaint because of an edit: it has an open deadline that it may move."""
    is_open = [row for row in rows.values() if not (row["met_at"] or row["cancelled_at"] or row.get("breached_at"))]
    if edit.is_calendar:
        return any(row["mode"] is Mode.BUSINESS for row in is_open)
    return edit.is_applied and any(row["policy_version"] != policies()[edit.place].version for row in is_open)


@settings(max_examples=200)
@given(late_lives(), edits, st.sets(st.integers(1, 500).map(hour), max_size=8))
def test_rows_kept_up_as_news_and_editions_come_are_those_of_the_log(log, decided, sweeps):
    recorded = {line.recorded_at for line in log}
    decided = [edit for edit in decided if edit.at not in recorded]
    held: Rows = {}
    for at in sorted({*recorded, *sweeps, *(edit.at for edit in decided)}):
        known, book = [line for line in log if line.recorded_at <= at], book_of(decided, at)
        if at in recorded or any(edit.at == at and is_reached(held, edit) for edit in decided):
            held = brought(held, known, book, at)
        if at in sweeps:
            held = swept(held, at)
    breaches = {key: row["breached_at"] for key, row in held.items() if row.get("breached_at")}
    anew = rebuilt(log, book_of(decided), breaches)
    names = [*PROJECTED, "corrected_at", "corrected_due_at"]
    assert projected(held, names) == projected(anew, names)
