"""What holds of a complaint, and since when, as its log says it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from bihuan.policy.scope import Facts
from bihuan.rules.complaint import LogLine
from bihuan.rules.terms import facts_in_force, severity_in_force, terms, terms_at
from schemas.complaint import EventKind, Severity

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
REGISTERED, AMENDED, ASSIGNED = EventKind.REGISTERED, EventKind.AMENDED, EventKind.ASSIGNED
SEVERITY, TIER, MOVED = EventKind.SEVERITY_CHANGED, EventKind.TIER_CHANGED, EventKind.DEPARTMENT_CHANGED


def after(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def line(kind: EventKind, hours: float, recorded: float | None = None, **data: Any) -> LogLine:
    return LogLine(kind, after(hours), after(hours if recorded is None else recorded), data)


FIRST = line(REGISTERED, 0, severity="general", department="service", tier="basic", channel="phone")


def test_registration_states_the_first_terms():
    (one,) = terms([FIRST])
    assert (one.since, one.by, one.promised) == (after(0), REGISTERED, None)
    assert one.facts == Facts(severity="general", department="service", tier="basic", channel="phone")


def test_registration_states_terms_even_where_it_names_none():
    (one,) = terms([line(REGISTERED, 0)])
    assert (one.facts, severity_in_force([line(REGISTERED, 0)])) == (Facts(), Severity.GENERAL)


def test_a_log_without_registration_has_none():
    assert (terms([line(EventKind.NOTE, 0)]), facts_in_force([])) == ([], Facts())


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        (line(SEVERITY, 3, severity="urgent"), {"severity": "urgent"}),
        (line(TIER, 3, tier="premium"), {"tier": "premium"}),
        (line(MOVED, 3, department="product"), {"department": "product"}),
        (line(ASSIGNED, 3, handler="ben", department="product"), {"department": "product"}),
    ],
)
def test_each_change_changes_one_term_from_when_it_occurred(change, facts):
    before, now = terms([FIRST, LogLine(change.kind, change.occurred_at, after(9), change.data)])
    assert (now.since, now.by, now.recorded_at) == (after(3), change.kind, after(9))
    assert now.facts == before.facts._replace(**facts)


@pytest.mark.parametrize(
    "change",
    [line(SEVERITY, 3, severity="general"), line(ASSIGNED, 3, handler="anna"), line(EventKind.NOTE, 3, tier="premium"),
     line(AMENDED, 3, fields=["title"])],
)  # fmt: skip
def test_what_changes_nothing_starts_no_terms(change):
    assert len(terms([FIRST, change])) == 1


def test_a_correction_by_the_source_holds_from_when_it_was_recorded():
    known = terms([FIRST, line(AMENDED, 1, 5, severity="major", region="north")])
    assert [(one.since, one.facts.severity) for one in known] == [(after(0), "general"), (after(5), "major")]
    assert known[-1].facts.region == "north"


def test_a_fact_that_the_source_takes_back_is_not_known_any_more():
    assert facts_in_force([FIRST, line(AMENDED, 1, tier=None)]).tier is None


def test_promises_are_those_stated_last():
    nine = after(9).isoformat()
    known = terms([line(REGISTERED, 0, deadlines={"handled": nine}), line(AMENDED, 2, deadlines={"assigned": None})])
    assert [one.promised for one in known] == [{"handled": after(9)}, {"assigned": None}]


def test_terms_at_an_instant_are_those_that_came_last_and_before_registration_the_first():
    known = terms([FIRST, line(SEVERITY, 3, severity="urgent"), line(SEVERITY, 8, severity="major")])
    held = [terms_at(known, after(hours)).facts.severity for hours in (-1, 0, 2.9, 3, 8, 99)]
    assert held == ["general", "general", "general", "urgent", "major", "major"]


def test_the_order_in_which_changes_arrive_does_not_matter():
    log = [FIRST, line(SEVERITY, 3, severity="urgent"), line(SEVERITY, 3, severity="major"),
           line(MOVED, 3, department="product"), line(MOVED, 5, 4, department="hotline")]  # fmt: skip
    assert len({tuple(map(str, terms(some))) for some in permutations(log)}) == 1
