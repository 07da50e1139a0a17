"""Calendars as data: what is read, what is refused, and what China's say."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from bihuan.errors import PolicyError
from bihuan.policy.calendar import parse_calendar, parse_calendars
from bihuan.policy.frame import Frame
from bihuan.policy.loader import load_policy
from bihuan.rules.business_time import BusinessClock

WEEK = {"mon": [["09:00", "12:00"], ["13:00", "18:00"]], "fri": [["09:00", "12:00"]]}
HALF = [["10:00", "14:00"]]
PLAIN = {"timezone": "Asia/Shanghai", "weekly": WEEK}


def calendar(**more: object):
    return parse_calendar(PLAIN | more)


@pytest.fixture(scope="module")
def china():
    return load_policy(None).calendars.default


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=number) for number in range(date(year, 12, 31).timetuple().tm_yday)]


class TestReading:
    def test_a_day_has_the_frames_of_its_weekday(self):
        assert calendar().frames_on(date(2026, 3, 2)) == (Frame(540, 720), Frame(780, 1080))

    def test_a_day_that_is_not_named_is_closed(self):
        assert calendar().frames_on(date(2026, 3, 3)) == ()

    def test_frames_are_put_in_order(self):
        shuffled = calendar(weekly={"mon": list(reversed(WEEK["mon"])), "fri": WEEK["fri"]})
        assert shuffled == calendar()

    @pytest.mark.parametrize("holidays", [["2026-03-02"], {"2026-03-02": "盘点"}])
    def test_a_holiday_is_closed(self, holidays):
        assert calendar(holidays=holidays).frames_on(date(2026, 3, 2)) == ()

    def test_an_extra_working_day_has_its_own_frames(self):
        assert calendar(extra_workdays={"2026-03-02": HALF}).frames_on(date(2026, 3, 2)) == (Frame(600, 840),)

    def test_a_calendar_dumps_into_what_it_is_read_from(self):
        full = calendar(
            holidays={"2026-03-02": "盘点"},
            extra_workdays={"2026-03-03": HALF},
            country="CN",
            official_years=[2026],
            source="notice",
        )
        assert parse_calendar(full.model_dump(mode="json")) == full

    def test_the_default_is_one_of_the_named(self):
        calendars = parse_calendars({"default": "b", "calendars": {"a": PLAIN, "b": PLAIN | {"timezone": "UTC"}}})
        assert calendars.default == calendars["b"]
        assert [name for name, _ in calendars.items()] == ["a", "b"]
        with pytest.raises(PolicyError, match="unknown calendar 'c'"):
            calendars["c"]


class TestVersion:
    def test_it_does_not_depend_on_how_the_same_is_written(self):
        written = calendar(weekly={"fri": WEEK["fri"], "mon": WEEK["mon"], "sun": []}, source="a comment")
        assert written.version == calendar().version
        assert len(written.version) == 16

    @pytest.mark.parametrize(
        "change",
        [
            {"timezone": "UTC"},
            {"weekly": {"mon": HALF}},
            {"holidays": ["2026-03-02"]},
            {"country": "CN"},
            {"extra_workdays": {"2026-03-02": HALF}},
            {"official_years": [2026]},
        ],
    )
    def test_it_changes_with_what_is_said(self, change):
        assert calendar(**change).version != calendar().version

    def test_calendars_that_say_the_same_are_equal_and_hash_alike(self):
        one, other = calendar(country="CN"), calendar(country="CN")
        assert {one: 1}[other] == 1


@pytest.mark.parametrize(("change", "said"), [
    ({"weekly": {}}, "weekly: holds no working time"),
    ({"weekly": {"mon": []}, "holidays": ["2026-03-02"]}, "weekly: holds no working time"),
    ({"weekly": {}, "extra_workdays": {"2026-03-02": []}}, "weekly: holds no working time"),
    ({"weekly": {"mon": [["18:00", "09:00"]]}}, "weekly.mon.0: 18:00-09:00 ends no later than it begins"),
    ({"weekly": {"mon": [["09:00", "09:00"]]}}, "weekly.mon.0: 09:00-09:00 ends no later than it begins"),
    ({"weekly": {"tue": [["09:00", "12:00"], ["11:00", "14:00"]]}}, "weekly.tue: 09:00-12:00 and 11:00-14:00 overlap"),
    ({"weekly": {"mon": [["20:00", "24:01"]]}}, "weekly.mon.0: '24:01' is after midnight"),
    ({"weekly": {"mon": [["-1:00", "12:00"]]}}, "weekly.mon.0: '-1:00' is not a time of day"),
    ({"weekly": {"mon": [["09:60", "12:00"]]}}, "weekly.mon.0: '09:60' is not a time of day"),
    ({"weekly": {"mon": [[540, 720]]}}, "weekly.mon.0: 540 is not a time of day"),
    ({"weekly": {"mon": [["09:00"]]}}, "weekly.mon.0: a list is not a frame"),
    ({"weekly": {"mon": "09:00"}}, "weekly.mon: '09:00' is not a list of frames"),
    ({"weekly": {"monday": HALF}}, "weekly.monday: unknown day - did you mean mon?"),
    ({"weekly": []}, "weekly: a list is not a week"),
    ({"timezone": "Asia/Peking"}, "timezone: unknown time zone 'Asia/Peking'"),
    ({"timezone": 8}, "timezone: 8 is not text"),
    ({"holidays": ["2026-02-30"]}, "holidays.2026-02-30: '2026-02-30' is not a day"),
    ({"holidays": "2026-02-03"}, "holidays: '2026-02-03' is not a list of days"),
    ({"extra_workdays": {"2026-02-30": HALF}}, "extra_workdays.2026-02-30: '2026-02-30' is not a day"),
    ({"extra_workdays": {"2026-02-28": [["9", "10"]]}}, "extra_workdays.2026-02-28.0: '9' is not a time of day"),
    ({"extra_workdays": ["2026-02-28"]}, "extra_workdays: a list is not a mapping of days"),
    ({"holidays": ["2026-03-02"], "extra_workdays": {"2026-03-02": HALF}}, "extra_workdays.2026-03-02: is also a"),
    ({"country": "Atlantis"}, "country: unknown word 'Atlantis'"),
    ({"holiday": []}, "holiday: unknown key - did you mean holidays?"),
])  # fmt: skip
def test_a_wrong_calendar_is_refused_by_its_key(change, said):
    with pytest.raises(PolicyError) as refused:
        calendar(**change)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(("raw", "said"), [
    ({"default": "b", "calendars": {"a": PLAIN}}, "default: unknown calendar 'b' - write one of a"),
    ({"default": "a"}, "calendars: is missing"),
    ({"default": "a", "calendars": {"a": {"weekly": WEEK}}}, "calendars.a.timezone: is missing"),
    ({"default": "a", "calendars": {"a": PLAIN | {"weekly": {"mon": [["9", "10"]]}}}}, "calendars.a.weekly.mon.0: '9'"),
])  # fmt: skip
def test_wrong_calendars_are_refused_by_their_key(raw, said):
    with pytest.raises(PolicyError) as refused:
        parse_calendars(raw)
    assert str(refused.value).startswith(said)


class TestChina:
    def test_the_spring_festival_of_2026_is_jumped_over(self, china):
        """The Saturday before it is a make-up working day 调休上班日."""
        clock, friday = BusinessClock(china), datetime.fromisoformat("2026-02-13T18:00+08:00")
        assert clock.due(friday, timedelta(hours=8)) == datetime.fromisoformat("2026-02-14T18:00+08:00")
        assert clock.due(friday, timedelta(hours=16)) == datetime.fromisoformat("2026-02-24T18:00+08:00")

    @pytest.mark.parametrize(("year", "count"), [(2024, 251), (2025, 248), (2026, 248)])
    def test_an_official_year_has_as_many_working_days_as_its_notice_gives(self, china, year, count):
        assert sum(bool(china.frames_on(day)) for day in days_of(year)) == count

    def test_a_year_without_a_notice_is_an_estimate(self, china):
        assert [year for year in range(2023, 2029) if china.is_official(year)] == [2024, 2025, 2026]

    def test_a_calendar_of_no_country_is_taken_at_its_word(self):
        assert calendar().is_official(2050)

    def test_a_holiday_has_its_name(self, china):
        assert china.holiday_on(date(2026, 2, 17)) == "春节"
        assert china.holiday_on(date(2026, 2, 14)) is None

    def test_every_day_is_what_the_published_calendar_says(self, china, real_data):
        file = real_data / "cn_workcalendar_2024_2027.json"
        for year, said in json.loads(file.read_text(encoding="utf-8"))["years"].items():
            for day in days_of(int(year)):
                is_off = day.isoformat() in said["off_days"] or day.weekday() >= 5
                is_open = day.isoformat() in said["makeup_workdays"] or not is_off
                assert bool(china.frames_on(day)) == is_open, day

    def test_the_file_stands_above_the_country(self):
        """A make-up day given off, a day off worked, a make-up day with shorter hours."""
        own = calendar(country="CN", holidays=["2026-02-14"], extra_workdays={"2026-02-17": HALF, "2026-02-28": HALF})
        frames = [own.frames_on(date(2026, 2, day)) for day in (14, 17, 28)]
        assert frames == [(), (Frame(600, 840),), (Frame(600, 840),)]

    def test_a_make_up_day_has_the_frames_of_the_first_working_weekday(self):
        assert calendar(country="CN").frames_on(date(2026, 2, 14)) == (Frame(540, 720), Frame(780, 1080))

    def test_a_make_up_day_leaves_a_weekday_that_works_anyhow_alone(self):
        assert calendar(country="CN", weekly=WEEK | {"sat": HALF}).frames_on(date(2026, 2, 14)) == (Frame(600, 840),)

    def test_a_year_that_nobody_knows_has_ordinary_weeks(self, china):
        assert all(china.frames_on(day) for day in days_of(2150) if day.weekday() < 5)


def test_the_shipped_calendar_works_eight_hours_with_a_break(china):
    frames = china.frames_on(date(2026, 3, 2))
    assert sum(frame.closes - frame.opens for frame in frames) == 8 * 60
    assert all(earlier.closes < later.opens for earlier, later in pairwise(frames))
