"""Climbing: which rung is told next, whom it tells, and when the one after it comes; and that every climb ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.calendar import parse_calendar
from bihuan.policy.escalation import LadderPolicy
from bihuan.policy.frame import DAYS
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.escalation import Climb, Place, Timing, climb, next_place, read, written
from bihuan.rules.roster import NO_CONTACT, NOBODY, PREFERRED, Found

MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Shanghai."""
H = timedelta(hours=1)
OFFICE = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in DAYS[:5]}
ANNA, HEAD, CHIEF = ("staff:1", PREFERRED), ("staff:2", PREFERRED), ("staff:3", PREFERRED)
NO_ONE: frozenset[tuple[str, str]] = frozenset()


def timing(zone: str = "Asia/Shanghai") -> Timing:
    return Timing(BusinessClock(parse_calendar({"timezone": zone, "weekly": OFFICE})))


def ladder(*others: dict[str, Any], **said: Any) -> LadderPolicy:
    """The handler, then the head after two hours, then the executive after four; other rungs where they are given."""
    rungs = others or ({"tell": ["department_head"], "wait": "2h"}, {"tell": ["executive"], "wait": "4h"})
    return LadderPolicy.model_validate({"rungs": [{"tell": ["handler"]}, *rungs], **said})


def reaching(**who: tuple[str, str] | str) -> Any:
    """Resolves targets to these recipients, or to nobody for that reason."""

    def resolve(target: str, channels: Sequence[str]) -> Found:
        answer = who.get(target, NOBODY)
        return Found((), answer) if isinstance(answer, str) else Found((answer,))

    return resolve


def always(rung: object) -> bool:
    return True


EVERYBODY = reaching(handler=ANNA, department_head=HEAD, executive=CHIEF)
REPEATED = {"repeat": {"from": 2, "every": "8h", "at_most": 2}}


# --- the way up ---


def test_a_ladder_is_climbed_rung_by_rung_and_then_so_often_from_where_it_says():
    place, way = Place(0, 0), []
    while place := next_place(ladder(**REPEATED), place):
        way.append((place.cycle, place.rung))
    assert way == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3)]


def test_without_a_repeat_the_last_rung_is_the_end():
    assert next_place(ladder(), Place(0, 3)) is None


# --- one rung ---


def test_a_rung_tells_everybody_it_names_once():
    rung = {"tell": ["department_head", "executive", "liaison"], "wait": "2h"}
    resolve = reaching(department_head=HEAD, executive=CHIEF, liaison=HEAD)
    assert climb(ladder(rung), Place(0, 2), NO_ONE, resolve, always) == Climb(Place(0, 2), (HEAD, CHIEF))


def test_a_rung_nobody_can_be_reached_on_falls_through_with_its_reasons():
    resolve = reaching(handler=NO_CONTACT, executive=CHIEF)
    told = climb(ladder(), Place(0, 1), NO_ONE, resolve, always)
    assert told == Climb(Place(0, 3), (CHIEF,), ("1 handler no_contact", "2 department_head nobody"))


def test_whoever_of_a_rung_is_not_reached_is_kept_beside_those_who_are():
    rung = {"tell": ["department_head", "duty"], "wait": "2h"}
    told = climb(ladder(rung), Place(0, 2), NO_ONE, EVERYBODY, always)
    assert told == Climb(Place(0, 2), (HEAD,), ("2 duty nobody",))


def test_nobody_on_any_rung_is_said_so():
    told = climb(ladder(), Place(1, 2), NO_ONE, reaching(handler=ANNA), always)
    assert told == Climb(Place(1, 3), (), ("2 department_head nobody", "3 executive nobody"), is_unheard=True)


def test_whoever_was_told_is_not_told_again_and_the_rung_counts_all_the_same():
    told = climb(ladder(), Place(0, 2), frozenset({ANNA}), reaching(department_head=ANNA, executive=CHIEF), always)
    assert told == Climb(Place(0, 2), ())


def test_by_another_way_they_are_told():
    rung = {"tell": ["handler"], "wait": "2h", "channels": ["sms"]}
    resolve = reaching(handler=("staff:1", "sms"))
    assert climb(ladder(rung), Place(0, 2), frozenset({ANNA}), resolve, always).told == (("staff:1", "sms"),)


def test_falling_through_stops_below_a_rung_out_of_its_hours():
    later = {"tell": ["executive"], "wait": "4h", "weekdays": ["mon"]}
    ways = ladder({"tell": ["department_head"], "wait": "2h"}, later)
    told = climb(ways, Place(0, 2), NO_ONE, reaching(executive=CHIEF), lambda rung: not rung.weekdays)
    assert told == Climb(Place(0, 2), (), ("2 department_head nobody",), is_held=True)


def test_what_a_step_keeps_reads_back():
    told = [ANNA, ("staff:1", "sms"), ("department:4", PREFERRED)]
    assert written(told) == ["staff:1", "staff:1 sms", "department:4"]
    assert read(written(told)) == set(told)


# --- when ---

TIMES = [
    # the rungs above the first, what was told, hours after Monday's opening; when the next comes
    ((), Place(0, 1), 0, 2),
    ((), Place(0, 1), 2, 5),  # 11:00 and two hours, over lunch
    ((), Place(0, 1), 8.5, 25.5),  # 17:30: the rest of it on Tuesday morning
    ((), Place(0, 1), 104, 169),  # Friday 17:00: the rest of it on Monday
    ((), Place(0, 2), 0, 5),
    ((), Place(0, 3), 0, 9),  # the repeat: eight hours, a working day with its lunch
    ((), Place(2, 3), 0, None),
    (({"tell": ["executive"], "wait": "30min", "clock": "calendar"},), Place(0, 1), 9, 9.5),
    (({"tell": ["executive"], "wait": "30min", "clock": "calendar", "hours": ["09:00", "18:00"]},),
     Place(0, 1), 9, 24),  # told at 18:00, so it waits until 09:00
    (({"tell": ["executive"], "wait": "30min", "clock": "calendar", "weekdays": ["tue"]},), Place(0, 1), 0, 15),
    (({"tell": ["executive"], "wait": "30min", "clock": "calendar", "hours": ["22:00", "06:00"],
       "weekdays": ["mon"]},), Place(0, 1), 15.5, 16),  # Tuesday 00:30: Monday's night still
    (({"tell": ["executive"], "wait": "30min", "clock": "calendar", "hours": ["22:00", "06:00"],
       "weekdays": ["mon"]},), Place(0, 1), 21, 7 * 24 + 13),  # Tuesday 06:00: next Monday 22:00
]  # fmt: skip


@pytest.mark.parametrize(("others", "told", "at", "comes"), TIMES)
def test_the_next_rung_comes_by_its_own_clock_within_its_hours(others, told, at, comes):
    ways = ladder(*others, **({} if others else REPEATED))
    expected = None if comes is None else MONDAY + comes * H
    assert timing().next_at(ways, told, MONDAY + at * H) == expected


def test_hours_are_those_of_the_calendar():
    rung = {"tell": ["executive"], "wait": "1h", "clock": "calendar", "hours": ["09:00", "18:00"]}
    eastern = timing("America/New_York").next_at(ladder(rung), Place(0, 1), MONDAY)
    assert eastern == datetime(2026, 11, 16, 14, 0, tzinfo=UTC)


def test_an_acknowledgement_holds_by_its_clock_and_without_one_nothing_does():
    ways = ladder(acknowledgement={"holds": "8h"})
    assert timing().holds_until(ways, MONDAY + 4 * H) == MONDAY + 27 * H
    assert timing().holds_until(ladder(), MONDAY) is None


# --- whatever the ladder ---

_TARGETS = ["handler", "department_head", "liaison", "executive", "duty"]
_PEOPLE = [("staff:1", PREFERRED), ("staff:2", PREFERRED), ("staff:2", "sms"), ("staff:3", PREFERRED)]
_SPANS = st.sampled_from(["1min", "30min", "2h", "9h", "40h"])
_CLOCKS = st.sampled_from(["business", "calendar"])
_TIMES_OF_DAY = st.sampled_from(["00:00", "02:30", "09:00", "18:00", "22:00"])
_HOURS = st.tuples(_TIMES_OF_DAY, _TIMES_OF_DAY).filter(lambda two: two[0] != two[1]).map(list)


@st.composite
def ladders(draw: st.DrawFn) -> LadderPolicy:
    tells = st.lists(st.sampled_from(_TARGETS), min_size=1, max_size=3)
    upper = st.fixed_dictionaries(
        {"tell": tells, "wait": _SPANS, "clock": _CLOCKS},
        optional={"hours": _HOURS, "weekdays": st.lists(st.sampled_from(DAYS), min_size=1, max_size=3)},
    )
    rungs = [{"tell": draw(tells)}, *draw(st.lists(upper, max_size=4))]
    starts = {"from": st.integers(1, len(rungs)), "every": _SPANS, "clock": _CLOCKS, "at_most": st.integers(1, 3)}
    said = {"rungs": rungs, "repeat": draw(st.none() | st.fixed_dictionaries(starts))}
    return LadderPolicy.model_validate(said)


_ANSWERS = st.sampled_from([NOBODY, NO_CONTACT]) | st.lists(st.sampled_from(_PEOPLE), min_size=1, unique=True)
_ROSTERS = st.dictionaries(st.sampled_from(_TARGETS), _ANSWERS)
_INSTANTS = st.datetimes(
    datetime(2026, 3, 20), datetime(2026, 11, 20), timezones=st.just(UTC)  # noqa: DTZ001 - bounds
)  # fmt: skip


def lived_through(ways: LadderPolicy, who: dict[str, Any], at: datetime, zone: str) -> list[tuple[datetime, Climb]]:
    """Every step of a ladder that nobody answers, each told when it comes."""
    clocks, steps, told = timing(zone), [], dict[int, set[tuple[str, str]]]()
    place: Place | None = Place(0, 1)

    def resolve(target: str, channels: Sequence[str]) -> Found:
        answer = who.get(target, NOBODY)
        return Found((), answer) if isinstance(answer, str) else Found(tuple(answer))

    while place:
        now = at
        before = told.setdefault(place.cycle, set())
        what = climb(ways, place, before, resolve, lambda rung, now=now: clocks.opening(rung, now) <= now)
        steps.append((now, what))
        before |= set(what.told)
        if what.is_held:
            place = Place(what.place.cycle, what.place.rung + 1)
            at = clocks.opening(ways.rungs[what.place.rung], now)
        else:
            place = next_place(ways, what.place)
            at = clocks.next_at(ways, what.place, now) or now
    return steps


@given(ladders(), _ROSTERS, _INSTANTS, st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]))
def test_every_ladder_ends_higher_and_later_with_each_step_and_tells_nobody_twice(ways, who, at, zone):
    steps = lived_through(ways, who, at, zone)
    cycles = 1 + (ways.repeat.at_most if ways.repeat else 0)
    assert len(steps) <= len(ways.rungs) * cycles
    places = [(what.place.cycle, what.place.rung) for _, what in steps]
    assert all(lower < upper for lower, upper in pairwise(places))
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(steps))
    assert places[-1] == (cycles - 1, len(ways.rungs))
    told = [(what.place.cycle, *one) for _, what in steps for one in what.told]
    assert len(set(told)) == len(told)


@given(ladders(), _ROSTERS, _INSTANTS, st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]))
def test_whoever_is_told_is_told_within_the_hours_of_the_rung(ways, who, at, zone):
    clocks = timing(zone)
    for now, what in lived_through(ways, who, at, zone):
        if what.told:
            assert clocks.opening(ways.rungs[what.place.rung - 1], now) == now


@given(ladders(), _ROSTERS, st.integers(1, 5), st.frozensets(st.sampled_from(_PEOPLE)))
def test_a_rung_is_passed_over_only_where_it_reaches_nobody(ways, who, start, told):
    start = min(start, len(ways.rungs))

    def resolve(target: str, channels: Sequence[str]) -> Found:
        answer = who.get(target, NOBODY)
        return Found((), answer) if isinstance(answer, str) else Found(tuple(answer))

    what = climb(ways, Place(0, start), told, resolve, always)
    silent = [number for number in range(start, what.place.rung + what.is_unheard) if _reaches(ways, who, number)]
    assert silent == []
    assert what.is_unheard is not _reaches(ways, who, what.place.rung)
    assert not set(what.told) & told


def _reaches(ways: LadderPolicy, who: dict[str, Any], number: int) -> bool:
    return any(not isinstance(who.get(target, NOBODY), str) for target in ways.rungs[number - 1].tell)
