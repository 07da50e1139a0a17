"""``bihuan calendar show``: a year to look at."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("year", "working_days"), [(2024, 251), (2025, 248), (2026, 248)])
def test_an_official_year_has_the_working_days_of_its_notice(run, year, working_days):
    shown = run("calendar", "show", year, "--json").data
    assert (shown["working_days"], sum(shown["working_days_by_month"])) == (working_days, working_days)
    assert shown["is_official"]
    assert f"china {year}  {working_days} working days  official" in run("calendar", "show", year).out


def test_days_off_and_make_up_days_stand_in_their_month(run):
    said = run("calendar", "show", 2026, "--calendar", "china").out
    february = said.split("2026-02  ")[1].split("2026-03  ")[0]
    assert "   9  10  11  12  13  14+ 15-" in february
    assert "2026-02-14  +  make-up working day 调休上班日" in february
    assert "2026-02-17  *  春节" in february
    assert "mon-fri  09:00-12:00  13:00-18:00\nsat-sun  closed" in said


def test_a_year_without_its_notice_is_called_an_estimate(run):
    assert not run("calendar", "show", 2028, "--json").data["is_official"]
    assert "estimated: the official notice is not taken in yet" in run("calendar", "show", 2028).out


def test_the_frames_of_a_special_day_are_in_the_json(run):
    days = {day["day"]: day for day in run("calendar", "show", 2026, "--json").data["days"]}
    assert days["2026-02-14"]["frames"] == [["09:00", "12:00"], ["13:00", "18:00"]]
    assert days["2026-02-17"] == {"day": "2026-02-17", "kind": "holiday", "name": "春节", "frames": []}


def test_an_unknown_calendar_is_refused(run):
    assert run("calendar", "show", 2026, "--calendar", "chian").refuses(2, "chian", "china")
