"""Real changes are found and dated: the incident log's in its third week, the city's February."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from bihuan.analysis.assurance import Variation, variation
from bihuan.analysis.period import Counted, series_of
from bihuan.analysis.shift import moved
from bihuan.analysis.trend import Found, Kind, Plan, Rule, Series, chart, signals
from schemas.kpi import Grain

PLAN = Plan(Kind.SHARE, is_lower_worse=True, least_n=30)


def counted(on_time: pd.Series, at: pd.Series) -> list[Counted]:
    days = on_time.groupby(at.dt.date).agg(["sum", "count"])
    return [Counted(day, float(x), int(n), x / n) for day, x, n in days.itertuples()]


def charted(days: list[Counted], grain: Grain) -> tuple[list[date], Series, list[Found]]:
    first, last = days[0].starts_on, days[-1].starts_on
    first -= timedelta(days=first.weekday() if grain is Grain.WEEK else 0)
    starts, series = series_of(days, grain, first, last)
    return starts, series, signals(series, PLAN)


@pytest.fixture(scope="module")
def incidents(real_data: Path) -> list[Counted]:
    log = pd.read_csv(
        real_data / "itsm_incident_events_2016w09_w14.csv.gz", usecols=["number", "opened_at", "made_sla"]
    )
    last = log.groupby("number").tail(1)
    return counted(last["made_sla"], pd.to_datetime(last["opened_at"], format="%d/%m/%Y %H:%M"))


@pytest.fixture(scope="module")
def requests(real_data: Path) -> pd.DataFrame:
    columns = ["OPEN_DT", "TARGET_DT", "CLOSED_DT", "Department", "Source", "neighborhood"]
    file = pd.read_csv(real_data / "boston311_2015h1.csv.gz", usecols=columns).dropna(subset=["TARGET_DT", "CLOSED_DT"])
    for column in columns[:3]:
        file[column] = pd.to_datetime(file[column], format="%m/%d/%Y %I:%M:%S %p")
    return file.assign(on_time=file["CLOSED_DT"] <= file["TARGET_DT"])


def test_the_change_of_the_incident_log_is_found_by_day_and_dated_to_the_day(incidents):
    """From 5 % to 54 % on 16 March 2016, a Wednesday of week 11: by week it looks like 34 % and then 61 %."""
    starts, series, found = charted(incidents, Grain.DAY)
    better = [it for it in found if not it.is_worse]
    assert {(it.rule, starts[it.since]) for it in better[:3]} >= {
        (Rule.LIMIT, date(2016, 3, 16)), (Rule.RUN, date(2016, 3, 16)),
    }  # fmt: skip
    run = next(it for it in better if it.rule is Rule.RUN)
    assert (starts[run.at], starts[run.until]) == (date(2016, 3, 23), date(2016, 4, 10))
    assert variation(chart(series, PLAN), found) is Variation.IMPROVING


def test_the_fall_before_it_is_found_too(incidents):
    """Week 10 met 4 % where week 9 had met 44 %."""
    starts, _, found = charted(incidents, Grain.DAY)
    first = next(it for it in found if it.is_worse)
    assert (starts[first.since], starts[first.at]) == (date(2016, 3, 6), date(2016, 3, 11))


def test_six_weeks_are_too_few_to_say_anything(incidents):
    _, series, found = charted(incidents, Grain.WEEK)
    assert (len(series), chart(series, PLAN).is_trial, found) == (6, True, [])


def test_february_of_the_city_is_flagged_and_dated(requests):
    starts, _, found = charted(counted(requests["on_time"], requests["OPEN_DT"]), Grain.DAY)
    worse = [it for it in found if it.is_worse]
    run = next(it for it in worse if it.rule is Rule.RUN)
    assert (starts[run.since], starts[run.at]) == (date(2015, 1, 23), date(2015, 1, 31))
    assert starts[run.until] >= date(2015, 2, 28)
    assert all(date(2015, 1, 1) <= starts[it.since] < date(2015, 3, 12) for it in worse)


def test_the_departments_that_explain_february_are_named(requests):
    upto = requests[requests["OPEN_DT"] < "2015-03-12"]
    tables = []
    for dimension, column in (("department", "Department"), ("channel", "Source"), ("region", "neighborhood")):
        sums = {
            name: upto[upto["OPEN_DT"].ge("2015-01-23") == is_after]
            .groupby(upto[column].fillna(""))["on_time"]
            .agg(how)
            for when, is_after in (("before", False), ("after", True))
            for name, how in ((f"sum_{when}", "sum"), (f"n_{when}", "count"))
        }
        table = pd.DataFrame(sums).fillna(0).rename_axis("element").reset_index()
        tables.append(table.assign(dimension=dimension))
    found = moved(pd.concat(tables), is_share=True, scatter=1.9).slices
    first = found.iloc[0]
    assert (first["dimension"], first["element"], bool(first["is_localised"])) == ("department", "PWDx", True)
    assert first["contribution"] > 0.7
    assert found.query("element == 'PARK'")["q"].iloc[0] < 0.1
