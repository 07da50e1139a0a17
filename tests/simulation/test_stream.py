"""The simulated complaints: repeatable, believable, and complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.simulation.arrival import Arrival, Way, history, live, planted
from bihuan.simulation.catalogue import LIMITS
from bihuan.simulation.company import DEPARTMENTS, STAFF, Company, contact
from bihuan.simulation.stream import complaint
from schemas.complaint import ComplaintIn, EventKind, Severity

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
COMPANY = Company(seed=7)
instants = st.timedeltas(timedelta(days=-900), timedelta(days=900)).map(lambda ago: NOW - ago)
ways = st.sampled_from(Way)


@cache
def past() -> list[ComplaintIn]:
    return [complaint(COMPANY, arrival, until=NOW) for arrival in history(COMPANY.seed, NOW)]


def first(one: ComplaintIn, kind: EventKind) -> datetime:
    return next(event.occurred_at for event in one.events if event.kind is kind)


def test_another_process_writes_the_same_past():
    script = """
import hashlib
from datetime import UTC, datetime
from bihuan.simulation.arrival import history
from bihuan.simulation.company import Company
from bihuan.simulation.stream import complaint
now, company = datetime(2026, 11, 22, 6, 0, tzinfo=UTC), Company(seed=7)
said = "".join(complaint(company, one, until=now).model_dump_json() for one in history(7, now, days=5))
print(hashlib.sha256(said.encode()).hexdigest())
"""
    said = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True,
                       env={**os.environ, "PYTHONHASHSEED": hashed, "PYTHONPATH": os.pathsep.join(sys.path)}).stdout
        for hashed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_another_seed_is_another_company():
    assert [one.at for one in history(1, NOW, days=3)] != [one.at for one in history(2, NOW, days=3)]


def test_tomorrow_remembers_today_as_it_was():
    tomorrow = list(history(COMPANY.seed, NOW + timedelta(days=1), days=91))
    assert [one for one in tomorrow if one.at <= NOW] == list(history(COMPANY.seed, NOW))


def test_a_stopped_demo_goes_on_where_it_stopped():
    whole = list(history(COMPANY.seed, NOW))
    stopped_at = NOW - timedelta(days=3, hours=5)
    before = list(history(COMPANY.seed, stopped_at, days=90))
    after = list(history(COMPANY.seed, NOW, since=before[-1].at))
    assert after == [one for one in whole if one.at > stopped_at]


def test_ninety_days_are_about_3600_complaints_with_ids_of_their_own():
    assert 3200 < len(past()) < 4000
    assert len({one.external_id for one in past()}) == len(past())


def test_complaints_come_by_day_more_than_by_night_and_on_mondays_more_than_on_sundays():
    local = [one.registered_at + timedelta(hours=8) for one in past()]
    by_hour, by_day = Counter(at.hour for at in local), Counter(at.weekday() for at in local)
    assert by_hour[10] > 5 * by_hour[3]
    assert by_day[0] > 1.2 * by_day[6]


def test_severities_come_as_weighted():
    shares = Counter(one.severity for one in past())
    found = [shares[severity] / len(past()) for severity in (Severity.GENERAL, Severity.URGENT, Severity.MAJOR)]
    assert found == pytest.approx([0.85, 0.12, 0.03], abs=0.02)


def test_most_first_responses_and_handlings_are_in_time_and_some_are_late():
    for kind, limit in ((EventKind.RESPONDED, "responded"), (EventKind.HANDLED, "handled")):
        graver = [one for one in past() if one.severity is not Severity.GENERAL
                  and any(event.kind is kind for event in one.events)]  # fmt: skip
        late = [one for one in graver if first(one, kind) - one.registered_at > getattr(LIMITS[one.severity], limit)]
        assert 0.02 < len(late) / len(graver) < 0.2


def test_some_complaints_are_open_some_are_taken_up_again_and_some_are_answered_badly():
    logs = [[event.kind for event in one.events] for one in past()]
    assert 10 < sum(EventKind.HANDLED not in log for log in logs) < 200
    assert sum(log.count(EventKind.HANDLED) == 2 for log in logs) > 50
    assert sum(EventKind.ANSWERED_NEGATIVE in log for log in logs) > 50


NOT_SIMULATED = {
    EventKind.SEVERITY_CHANGED, EventKind.TIER_CHANGED, EventKind.DEPARTMENT_CHANGED, EventKind.WITHDRAWN,
    EventKind.MERGED, EventKind.NOTE, EventKind.AUTOMATIC_REPLY,
    EventKind.NEGATIVE_RESOLVED,  # the demo's people call
}  # fmt: skip
"""What the simulated company does not do yet."""


def test_everything_else_that_people_can_do_to_a_complaint_happens():
    done = {event.kind for one in past() for event in one.events}
    assert done == set(EventKind) - {EventKind.REGISTERED, EventKind.AMENDED} - NOT_SIMULATED


@given(ways, instants, st.integers(0, 999))
def test_an_arrival_is_known_again_from_its_id(way, at, number):
    arrival = Arrival(way, at.replace(microsecond=0), number)
    assert Arrival.of(arrival.external_id) == arrival


@given(ways, instants)
def test_a_life_runs_forward_from_registration_to_closing(way, at):
    whole = complaint(COMPANY, Arrival(way, at.replace(microsecond=0)))
    instants = [whole.registered_at, *(event.occurred_at for event in whole.events)]
    assert instants == sorted(set(instants))
    assert whole.events[-1].kind is EventKind.CLOSED
    assert instants[-1] - whole.registered_at < timedelta(days=45)
    assert len({event.key for event in whole.events}) == len(whole.events)


@given(ways, instants, st.timedeltas(timedelta(0), timedelta(days=4)))
def test_nothing_is_told_before_it_happens(way, at, age):
    arrival = Arrival(way, at.replace(microsecond=0))
    known, whole = complaint(COMPANY, arrival, until=at + age), complaint(COMPANY, arrival)
    assert known.events == tuple(event for event in whole.events if event.occurred_at <= at + age)


def test_all_are_marked_as_simulated_and_can_be_reached_nowhere():
    everybody = [customer.contact_url for customer in COMPANY.customers if customer.contact_url]
    everybody += [contact(person.code) for person in STAFF]
    assert all(one.is_simulated for one in past())
    lent_to_fiction = re.compile(r"mailto:\S+\.example|tel:\+120255501\d\d")
    assert [url for url in everybody if not lent_to_fiction.fullmatch(url)] == []
    assert any(url.startswith("tel:") for url in everybody)


def test_every_department_has_a_head_and_a_handler():
    for department in DEPARTMENTS:
        assert [person.is_head for person in STAFF if person.department == department.code].count(True) == 1
        assert COMPANY.handlers[department.code]


def test_the_planted_ones_miss_a_limit_within_the_half_hour_after_the_start():
    soon = NOW + timedelta(minutes=30)
    due = []
    for arrival in planted(NOW):
        one = complaint(COMPANY, arrival)
        kind = EventKind.HANDLED if arrival.way is Way.UNHANDLED else EventKind.RESPONDED
        limit = LIMITS[one.severity].handled if arrival.way is Way.UNHANDLED else LIMITS[one.severity].responded
        assert first(one, kind) > one.registered_at + limit
        due.append(one.registered_at + limit)
    assert min(due) <= NOW + timedelta(minutes=2)
    assert sum(NOW < at <= soon for at in due) >= 10


def test_a_live_complaint_leaves_the_assignment_to_the_product():
    one = complaint(COMPANY, live(NOW))
    assert one.department is None
    assert one.handler is None
    assert EventKind.ASSIGNED not in {event.kind for event in one.events}
