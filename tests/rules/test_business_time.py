"""Business time on worked answers of others, and on the cases that everybody gets wrong once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bihuan.errors import UsageError
from bihuan.policy.calendar import parse_calendar
from bihuan.rules.business_time import BusinessClock, due_elapsed, every_hour
from bihuan.rules.timeline import to_instant, to_microseconds

DATA = Path(__file__).parents[1] / "data"
OFFICE = [["09:00", "12:00"], ["13:00", "18:00"]]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WEEKDAYS, "sat", "sun")


def cases(file: str) -> list[Any]:
    known = json.loads((DATA / file).read_text(encoding="utf-8"))
    return [
        pytest.param(case | {"calendar": known["calendars"][case["calendar"]]}, id=case["id"])
        for case in known["cases"]
    ]


def clock_of(case: dict[str, Any]) -> BusinessClock:
    return every_hour if case["mode"] == "calendar" else BusinessClock(parse_calendar(case["calendar"]))


def pauses_of(case: dict[str, Any]) -> list[tuple[datetime, datetime]]:
    return [(at(begins), at(ends)) for begins, ends in case["pauses"]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def clock(
    timezone: str = "Asia/Shanghai", days: tuple[str, ...] = WEEKDAYS, frames: object = OFFICE, **more: object
) -> BusinessClock:
    return BusinessClock(parse_calendar({"timezone": timezone, "weekly": dict.fromkeys(days, frames), **more}))


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@pytest.mark.parametrize("case", cases("business_time_due.json"))
def test_a_deadline_is_the_one_that_others_computed(case):
    start, target = at(case["opened_at"]), timedelta(minutes=case["target_minutes"])
    if case["due_at"] is None:  # no target: others answer with the start or the next opening, we refuse
        with pytest.raises(UsageError, match="more than zero"):
            clock_of(case).due(start, target, pauses_of(case))
    else:
        assert clock_of(case).due(start, target, pauses_of(case)) == at(case["due_at"])


@pytest.mark.parametrize("case", cases("business_time_elapsed.json"))
def test_a_span_is_the_one_that_others_computed(case):
    elapsed = clock_of(case).elapsed(at(case["from"]), at(case["to"]), pauses_of(case))
    assert elapsed.total_seconds() == case["seconds"]


def test_a_target_met_exactly_at_closing_is_due_at_closing():
    assert clock().due(at("2026-03-02T16:00+08:00"), hours(2)) == at("2026-03-02T18:00+08:00")


def test_a_microsecond_more_is_due_at_the_next_opening():
    due = clock().due(at("2026-03-02T16:00+08:00"), hours(2) + timedelta(microseconds=1))
    assert due == at("2026-03-03T09:00:00.000001+08:00")


def test_a_start_outside_the_frames_counts_from_the_next_opening():
    assert clock().due(at("2026-02-28T22:00+08:00"), hours(1)) == at("2026-03-02T10:00+08:00")


def test_instants_come_out_in_utc():
    assert clock().due(at("2026-03-02T16:00+08:00"), hours(1)).tzinfo is UTC


@pytest.mark.parametrize("target", [timedelta(0), timedelta(seconds=-1)])
def test_a_target_of_nothing_is_refused(target):
    with pytest.raises(UsageError, match="more than zero"):
        clock().due(at("2026-03-02T16:00+08:00"), target)


def test_a_naive_instant_is_refused():
    with pytest.raises(UsageError, match="no time zone"):
        clock().due(datetime(2026, 3, 2), hours(1))  # noqa: DTZ001 - the point


@pytest.mark.parametrize("far", ["1850-01-01T00:00Z", "2201-01-01T00:00Z"])
def test_an_instant_of_another_age_is_refused(far):
    with pytest.raises(UsageError, match="outside the years"):
        clock().due(at(far), hours(1))


def test_a_calendar_that_never_holds_enough_is_an_error_and_not_a_loop():
    once = clock(days=(), extra_workdays={"2026-03-02": OFFICE})
    assert once.due(at("2026-01-01T00:00Z"), hours(8)) == at("2026-03-02T18:00+08:00")
    with pytest.raises(UsageError, match="too little working time"):
        once.due(at("2026-01-01T00:00Z"), hours(8.001))


def test_a_tiny_weekly_frame_is_followed_over_years():
    minute = clock(days=("mon",), frames=[["09:00", "09:01"]])
    assert minute.due(at("2026-01-05T00:00+08:00"), hours(10)) == at("2037-06-29T09:01+08:00")


def test_the_order_in_which_years_are_asked_for_changes_nothing():
    asked = clock(country="CN")
    starts = [at(f"{year}-06-01T00:00Z") for year in (2026, 2031, 1999, 2026)]
    assert [asked.due(start, hours(8)) for start in starts] == [clock(country="CN").due(s, hours(8)) for s in starts]


def test_calendar_mode_counts_every_hour():
    assert due_elapsed(at("2026-02-14T23:00+08:00"), hours(48)) == at("2026-02-16T23:00+08:00")


def test_a_span_backwards_is_negative():
    start, end = at("2026-03-02T10:00+08:00"), at("2026-03-03T10:00+08:00")
    pause = [(at("2026-03-02T11:00+08:00"), at("2026-03-02T14:00+08:00"))]
    assert clock().elapsed(end, start, pause) == -clock().elapsed(start, end, pause) == hours(-6)


class TestPauses:
    """The clock stands still, and never twice for one moment."""

    start = at("2026-03-02T16:00+08:00")

    @pytest.mark.parametrize(("claim", "pauses", "due"), [
        ("over the night costs its open hours", [("02T17:30", "03T09:30")], "03T10:00"),
        ("over closed hours alone costs nothing", [("02T18:00", "03T09:00")], "02T18:00"),
        ("at the due instant comes too late", [("02T18:00", "04T18:00")], "02T18:00"),
        ("that begins in closed hours after the due instant comes too late", [("02T20:00", "04T18:00")], "02T18:00"),
        ("before the start counts from the start", [("01T00:00", "02T17:00")], "03T10:00"),
        ("wholly before the start costs nothing", [("02T10:00", "02T11:00")], "02T18:00"),
        ("of no length costs nothing", [("02T17:00", "02T17:00")], "02T18:00"),
        ("overlapping another counts once", [("02T17:00", "02T17:30"), ("02T16:30", "02T17:15")], "03T10:00"),
        ("inside another counts once", [("02T16:30", "02T17:30"), ("02T16:45", "02T17:00")], "03T10:00"),
        ("that another moved into reach counts", [("02T17:30", "02T18:00"), ("03T09:15", "03T09:30")], "03T09:45"),
    ])  # fmt: skip
    def test_a_pause(self, claim, pauses, due):
        stretches = [(at(f"2026-03-{a}+08:00"), at(f"2026-03-{b}+08:00")) for a, b in pauses]
        assert clock().due(self.start, hours(2), stretches) == at(f"2026-03-{due}+08:00"), claim

    def test_a_reversed_pause_is_refused(self):
        with pytest.raises(UsageError, match="ends before it begins"):
            clock().due(self.start, hours(2), [(self.start + hours(2), self.start)])

    def test_pauses_count_in_calendar_mode_too(self):
        pause = [(self.start + hours(1), self.start + hours(30))]
        assert due_elapsed(self.start, hours(2), pause) == self.start + hours(31)


class TestDaylightSaving:
    """Real seconds; an edge in a gap moves forward, in a fold it is the first occurrence."""

    @pytest.mark.parametrize(
        ("claim", "zone", "frame", "day", "worked"),
        [
            ("over a gap is shorter", "Europe/Berlin", ["01:00", "04:00"], "2026-03-29", 2),
            ("over a fold is longer", "Europe/Berlin", ["01:00", "04:00"], "2026-10-25", 4),
            ("that is the gap is gone", "Europe/Berlin", ["02:00", "03:00"], "2026-03-29", 0),
            ("that is the fold counts twice", "Europe/Berlin", ["02:00", "03:00"], "2026-10-25", 2),
            ("that begins in the gap begins later", "Europe/Berlin", ["02:30", "05:00"], "2026-03-29", 1.5),
            ("that ends in the gap ends later", "Europe/Berlin", ["01:00", "02:30"], "2026-03-29", 1.5),
            ("that would end before its moved beginning is gone", "Europe/Berlin", ["02:30", "03:15"], "2026-03-29", 0),
            (
                "that begins in the fold has all of the second round",
                "Europe/Berlin",
                ["02:30", "05:00"],
                "2026-10-25",
                3.5,
            ),
            ("that ends in the fold ends in the first round", "Europe/Berlin", ["01:00", "02:30"], "2026-10-25", 1.5),
            ("of a day whose midnight is left out", "America/Sao_Paulo", ["00:00", "24:00"], "2018-11-04", 23),
            ("of a day whose last hour comes twice", "America/Sao_Paulo", ["00:00", "24:00"], "2018-02-17", 25),
            ("over half an hour of change", "Australia/Lord_Howe", ["00:00", "24:00"], "2026-10-04", 23.5),
            ("of a day that was left out", "Pacific/Apia", ["09:00", "17:00"], "2011-12-30", 0),
        ],
    )
    def test_a_frame(self, claim, zone, frame, day, worked):
        only = clock(zone, days=(), extra_workdays={day: [frame]})
        midnight = at(f"{day}T00:00Z")
        assert only.elapsed(midnight - hours(30), midnight + hours(54)) == hours(worked), claim

    def test_frames_that_a_gap_pushes_into_each_other_count_once(self):
        split = clock("Europe/Berlin", days=(), extra_workdays={"2026-03-29": [["01:00", "02:45"], ["03:00", "05:00"]]})
        assert split.elapsed(at("2026-03-29T00:00Z"), at("2026-03-29T12:00Z")) == hours(3)

    def test_a_day_and_night_calendar_is_open_without_a_seam(self):
        always = clock("Europe/Berlin", days=EVERY_DAY, frames=[["00:00", "24:00"]])
        assert always.due(at("2026-03-01T00:00+01:00"), timedelta(days=365)) == at("2027-03-01T00:00+01:00")


class TestMany:
    """The vectorised form."""

    def test_no_deadlines_are_none(self):
        nothing = np.array([], dtype=np.int64)
        assert clock().due_many(nothing, nothing).size == clock().elapsed_many(nothing, nothing).size == 0

    @pytest.mark.parametrize("size", [1, 1000, 200_000])
    def test_it_gives_what_one_by_one_gives(self, size):
        random = np.random.default_rng(7)
        office = clock(country="CN")
        starts = to_microseconds(at("2026-01-01T00:00Z")) + random.integers(0, 86_400_000_000 * 365, size)
        targets = random.integers(1, 3_600_000_000 * 240, size)
        due = office.due_many(starts, targets)
        for number in range(0, size, max(1, size // 500)):
            start, target = to_instant(int(starts[number])), timedelta(microseconds=int(targets[number]))
            assert to_instant(int(due[number])) == office.due(start, target)
        assert (office.elapsed_many(starts, due) == targets).all()

    @pytest.mark.parametrize(("target", "what"), [(0, "more than zero"), (2**62, "too little"), (10**15, "too little")])
    def test_one_target_that_cannot_be_met_is_refused(self, target, what):
        starts = np.full(3, to_microseconds(at("2026-01-01T00:00Z")))
        once = clock(days=(), extra_workdays={"2026-03-02": OFFICE})
        with pytest.raises(UsageError, match=what):
            once.due_many(starts, np.array([1, target, 1]))

    def test_an_instant_of_another_age_is_refused(self):
        with pytest.raises(UsageError, match="outside the years"):
            clock().elapsed_many(np.array([0]), np.array([2**62]))
