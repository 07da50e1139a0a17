"""Notices: what the days of a year are, from files of ``calendar.d/``, and what is refused of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bihuan.errors import PolicyError
from bihuan.policy.calendar import CalendarPolicy, WorkCalendar, parse_calendar
from bihuan.policy.document import PolicyFile
from bihuan.policy.frame import Frame
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.rules.business_time import BusinessClock

YEAR = {"status": "official", "off_days": {"2027-01-01": "元旦"}, "makeup_workdays": {"2027-02-20": "春节"}}
NEW_YEAR = {"source": "国办发明电〔2026〕1号", "years": {2027: YEAR}}
EIGHT = timedelta(hours=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calendar.d").mkdir()
    return tmp_path


@pytest.fixture
def notice(folder: Path) -> Callable[..., Path]:
    """Put one into ``calendar.d/``."""

    def put(content: object, name: str = "2027.yaml") -> Path:
        file = folder / "calendar.d" / name
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        file.write_text(text, encoding="utf-8")
        return file

    return put


def china(folder: Path | None) -> WorkCalendar:
    return load_policy(folder).calendars["china"]


def working_days(calendar: WorkCalendar, year: int) -> int:
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(366))
    return sum(bool(calendar.frames_on(day)) for day in days if day.year == year)


# --- what is read ---


def test_a_notice_stands_in_place_of_what_was_known_of_its_year(folder, notice):
    assert china(folder).frames_on(date(2027, 2, 20)) == ()
    notice(NEW_YEAR)
    after = china(folder)
    assert after.frames_on(date(2027, 2, 20)) == (Frame(540, 720), Frame(780, 1080))
    assert after.frames_on(date(2027, 10, 1)), "a day off that the notice does not name is none"
    assert (after.is_official(2027), after.source_of(2027)) == (True, "国办发明电〔2026〕1号")
    assert (after.holiday_on(date(2027, 1, 1)), after.is_official(2028)) == ("元旦", False)


@pytest.mark.parametrize("name", ["2027.yaml", "2027.json"])
def test_it_is_written_as_yaml_or_as_json(folder, notice, name):
    notice(json.dumps(NEW_YEAR, ensure_ascii=False), name)
    assert china(folder).is_official(2027)


def test_the_published_calendar_as_it_is_gives_its_working_days(folder, real_data):
    shutil.copy(real_data / "cn_workcalendar_2024_2027.json", folder / "calendar.d")
    calendar, shipped = china(folder), china(None)
    assert [working_days(calendar, year) for year in (2024, 2025, 2026)] == [251, 248, 248]
    assert [calendar.is_official(year) for year in range(2023, 2029)] == [False, True, True, True, False, False]
    assert calendar.source_of(2026).startswith("chinese-days")
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(4 * 365 + 1)]
    assert [day for day in days if calendar.frames_on(day) != shipped.frames_on(day)] == []


def test_by_it_friday_the_thirteenth_jumps_over_the_spring_festival(folder, real_data):
    """13 February 2026 and one working day is Saturday the 14th, and two is the 24th."""
    shutil.copy(real_data / "cn_workcalendar_2024_2027.json", folder / "calendar.d")
    clock, closing = BusinessClock(china(folder)), datetime.fromisoformat("2026-02-13T18:00+08:00")
    due = [clock.due(closing, days * EIGHT).astimezone(closing.tzinfo).date() for days in (1, 2)]
    assert due == [date(2026, 2, 14), date(2026, 2, 24)]


def test_half_days_and_closures_are_the_houses_own(folder, notice):
    notice({"half_days": {"2026-12-31": [["09:00", "12:00"]]}, "closures": {"2026-12-30": "盘点"}}, "house.yaml")
    calendar = china(folder)
    assert [calendar.frames_on(date(2026, 12, day)) for day in (30, 31)] == [(), (Frame(540, 720),)]
    assert calendar.holiday_on(date(2026, 12, 30)) == "盘点"
    assert calendar.is_official(2026)


def test_days_may_be_listed_without_names(folder, notice):
    notice("years: {2027: {off_days: [2027-01-01], makeup_workdays: [2027-02-20]}}\nclosures: [2026-12-30]\n")
    assert china(folder).holiday_on(date(2027, 1, 1)) == china(folder).holiday_on(date(2026, 12, 30)) == ""


def test_of_two_notices_the_later_name_counts(folder, notice):
    notice({"years": {2027: {"status": "estimate"}}}, "2027-1-estimate.yaml")
    notice(NEW_YEAR, "2027-2-final.yaml")
    assert china(folder).is_official(2027)


def test_a_notice_says_which_calendar_it_is_for(folder, notice, policy):
    written = policy.calendars.model_dump(mode="json", by_alias=True)
    written["calendars"]["works"] = {**written["calendars"]["china"], "holidays": ["2026-11-20"]}
    (folder / "calendar.yaml").write_text(json.dumps(written), encoding="utf-8")
    notice({**NEW_YEAR, "calendar": "works", "closures": ["2026-11-23"]})
    calendars = load_policy(folder).calendars
    assert [calendars[name].is_official(2027) for name in ("china", "works")] == [False, True]
    assert {day.day for day in calendars["works"].holidays} == {20, 23}


@pytest.mark.parametrize("status", ["ESTIMATE: no make-up days yet", "estimate", "Estimate : by the law"])
def test_an_estimate_may_say_why_it_is_one(folder, notice, status):
    notice({"years": {2027: {**YEAR, "status": status}}})
    assert not china(folder).is_official(2027)


def test_an_estimate_has_the_source_it_names_and_not_that_of_the_official_years(folder, notice):
    assert china(folder).source_of(2027) == ""
    notice({"years": {2027: {"status": "estimate"}}})
    assert china(folder).source_of(2027) == china(folder).materialised().source_of(2027) == ""
    notice({"source": "law", "years": {2027: {"status": "estimate"}}})
    assert china(folder).source_of(2027) == "law"


def test_one_that_is_not_there_yet_is_counted_as_if_it_were(folder, notice):
    file = notice({"years": {2027: {"status": "estimate"}}})
    tried = PolicyFile(f"elsewhere/{file.name}", json.dumps(NEW_YEAR).encode())
    assert load_policy(folder, tried).calendars.default.is_official(2027)
    assert not china(folder).is_official(2027)


def test_hidden_files_are_passed_over(folder, notice):
    notice("half written", ".2027.yaml")
    assert china(folder).version == china(None).version


# --- its version ---


def test_writing_the_days_out_changes_no_version(policy):
    calendars = policy.calendars
    written = calendars.materialised()
    assert (written.version, written.default.version) == (calendars.version, calendars.default.version)
    again = CalendarPolicy.model_validate(json.loads(json.dumps(written.model_dump(mode="json", by_alias=True))))
    assert again.version == calendars.version
    assert sorted(again.default.notices) == [2024, 2025, 2026, 2027, 2028]
    assert [again.default.source_of(year) for year in (2026, 2027)] == [calendars.default.source, ""]


def test_days_written_out_no_longer_come_from_the_package(policy, monkeypatch):
    """An update that brings another make-up day makes another version, and leaves the edition that was kept alone."""
    kept = CalendarPolicy.model_validate(policy.calendars.materialised().model_dump(mode="json", by_alias=True))
    from bihuan.policy import calendar as module

    nothing = module.Statutory({}, frozenset())
    monkeypatch.setattr(module, "known_to_the_package", lambda *_: nothing)
    updated = parse_calendar(policy.calendars.default.model_dump(mode="json"))
    assert updated.version != policy.calendars.default.version == kept.default.version
    assert kept.default.frames_on(date(2026, 2, 14))


@pytest.mark.parametrize(
    "year",
    [
        {**YEAR, "off_days": {"2027-01-01": "元旦", "2027-01-04": "元旦"}},
        {**YEAR, "makeup_workdays": {}},
        {**YEAR, "status": "estimate"},
    ],
    ids=["a day off more", "no make-up day", "an estimate"],
)
def test_a_notice_that_changes_a_day_changes_the_version(folder, notice, year):
    notice(NEW_YEAR)
    before = load_policy(folder).calendars
    notice({**NEW_YEAR, "years": {2027: year}})
    after = load_policy(folder).calendars
    assert after.default.version != before.default.version
    assert after.version != before.version


def test_names_sources_and_the_files_they_stand_in_do_not_change_it(folder, notice):
    file = notice(NEW_YEAR)
    before = china(folder).version
    file.unlink()
    notice({"source": "elsewhere", "years": {2027: {**YEAR, "off_days": ["2027-01-01"]}}}, "other.json")
    assert china(folder).version == before


def test_a_notice_that_says_what_was_known_anyway_changes_nothing(folder, notice, policy):
    known = policy.calendars.default.materialised().notices[2026]
    notice({"years": {2026: known.model_dump(mode="json")}})
    assert load_policy(folder).calendars.version == policy.calendars.version


def test_defaults_written_out_change_no_version(folder, policy):
    text = (DEFAULTS / "calendar.yaml").read_text(encoding="utf-8")
    more = "    holidays: {}\n    extra_workdays: {}\n    notices: {}\nscopes: {}\n"
    (folder / "calendar.yaml").write_text(f"{text}\n{more}", encoding="utf-8")
    assert load_policy(folder).calendars.version == policy.calendars.version
    deadlines = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    (folder / "deadline.yaml").write_text(f"{deadlines}\npause: {{}}\nscopes: {{}}\n", encoding="utf-8")
    assert load_policy(folder).deadline.version == policy.deadline.version


# --- what is refused ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yeers: {}\n", ":1 yeers: unknown key - did you mean years?"),
        ("years:\n  2027:\n    status: final\n", ":3 years.2027.status: unknown word 'final' - did you mean"),
        ("years:\n  2027:\n    off_days: {2027-02-30: x}\n", ":3 years.2027.off_days.2027-02-30: '2027-02-30' is not"),
        ("years:\n  2027:\n    off_days: [2026-12-31]\n",
         ":3 years.2027.off_days.2026-12-31: is no day of 2027 - put it under its own year, or a day off of the house"),
        ("years:\n  2027:\n    off_days: [2027-02-20]\n    makeup_workdays: [2027-02-20]\n",
         ":4 years.2027.makeup_workdays.2027-02-20: is also a day off - keep it in one of the two"),
        ("years:\n  next: {}\n", ":2 years.next: 'next' is not a whole number - "),
        ("years:\n  202: {}\n", ":2 years.202: 202 should be greater than or equal to 1900 - "),
        ("years: [2027]\n", ":1 years: a list is not a mapping - "),
        ("half_days: {2027-02-05: [['9', '12']]}\n", ":1 half_days.2027-02-05.0: '9' is not a time of day - write"),
        ("closures: [2027-02-05]\nhalf_days:\n  2027-02-05: [['09:00', '12:00']]\n",
         ":3 half_days.2027-02-05: is both open and closed - keep it in one of the two"),
        ("calendar: chian\nyears: {}\n", ":1 calendar: unknown calendar 'chian' - did you mean china?"),
        ("", ":1: holds no keys - "),
        ("years: {2027: {\n", ":2: is not YAML: "),
    ],
)  # fmt: skip
def test_a_bad_notice_is_one_line_with_file_line_key_and_cure(folder, notice, text, said):
    file = notice(text)
    with pytest.raises(PolicyError) as refused:
        load_policy(folder)
    assert str(refused.value).startswith(f"{file}{said}")
    assert str(refused.value).count("\n") == 0


def test_a_closure_of_a_day_that_another_file_opens_is_refused_where_it_stands(folder, notice):
    notice({"half_days": {"2026-12-31": [["09:00", "12:00"]]}}, "1-house.yaml")
    file = notice("closures:\n  2026-12-31: 盘点\n", "2-more.yaml")
    with pytest.raises(PolicyError) as refused:
        load_policy(folder)
    assert str(refused.value) == f"{file}:2 closures.2026-12-31: is both open and closed - keep it in one of the two"


def test_a_stray_day_in_the_calendars_own_file_is_refused_there(folder):
    text = (DEFAULTS / "calendar.yaml").read_text(encoding="utf-8")
    file = folder / "calendar.yaml"
    file.write_text(f"{text}\n    notices: {{2027: {{off_days: [2028-01-01]}}}}\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"calendars\.china\.notices\.2027\.off_days\.2028-01-01: is no day of 2027"):
        load_policy(folder)


@pytest.mark.parametrize("name", ["2027.txt", "2027.yml", "README"])
def test_a_file_of_another_suffix_is_refused(folder, notice, name):
    file = notice(NEW_YEAR, name)
    with pytest.raises(PolicyError) as refused:
        load_policy(folder)
    assert str(refused.value) == f"{file}: is not a notice - name it NAME.yaml, or move it elsewhere"


def test_a_calendar_that_the_policy_lost_is_named_by_the_notice_that_wants_it(folder, notice):
    file = notice({**NEW_YEAR, "calendar": "works"})
    with pytest.raises(PolicyError) as refused:
        load_policy(folder)
    assert str(refused.value).startswith(f"{file}:")
    assert "calendar: unknown calendar 'works' - write one of china" in str(refused.value)
