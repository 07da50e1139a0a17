"""The method on what really happened: a city's requests, and an incident log with a real before and after."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.candidate import Outcome
from bihuan.analysis.candidates import candidates
from bihuan.analysis.contribution import Gate, Indicator, localise
from bihuan.analysis.dispersion import dispersion, weekly
from bihuan.analysis.month import COMPLAINTS, STAGES, checked, no_answers
from bihuan.analysis.problem import problem_list
from bihuan.analysis.step import step
from schemas.improvement import FindingState


def instants(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values, format="%m/%d/%Y %I:%M:%S %p")


@pytest.fixture(scope="module")
def boston(real_data: Path) -> pd.DataFrame:
    """The city's requests as a frame of complaints; late by the city's own promise, where it is decided."""
    raw = pd.read_csv(real_data / "boston311_2015h1.csv.gz", dtype="str")
    opened, due, closed = (instants(raw[name]) for name in ("OPEN_DT", "TARGET_DT", "CLOSED_DT"))
    frame = pd.DataFrame({
        "number": raw["CASE_ENQUIRY_ID"], "registered_on": opened.dt.normalize(), "channel": raw["Source"],
        "kind": "service", "severity": "general", "department": raw["Department"], "handler": raw["QUEUE"],
        "region": raw["neighborhood"], "tier": None, "business_line": raw["REASON"], "product": raw["TYPE"],
        "source": "boston311", "person": "", "text": "", "hours": (closed - opened).dt.total_seconds() / 3600,
        "is_handled": closed.notna(), "is_late": (closed > due).where(closed.notna() & due.notna()),
        "is_reopened": False, "is_negative": None, "hand_offs": 0, "is_ping_pong": False,
    })  # fmt: skip
    return checked(frame.assign(**dict.fromkeys(STAGES, np.nan))[list(COMPLAINTS)])


def until(frame: pd.DataFrame, month: int) -> pd.DataFrame:
    return frame[frame["registered_on"] < pd.Timestamp(2015, month + 1, 1)].reset_index(drop=True)


def test_the_months_are_on_time_as_known(boston: pd.DataFrame):
    on_time = 1 - boston.groupby(boston["registered_on"].dt.month)["is_late"].mean().astype("float64")
    assert on_time.round(3).tolist() == [0.742, 0.602, 0.710, 0.728, 0.770, 0.780]


def test_february_is_flagged_with_the_departments_that_explain_it(boston: pd.DataFrame):
    found = candidates(until(boston, 2), no_answers(), date(2015, 2, 1))
    late = found.conclusions[0]
    assert (late.indicator, late.outcome) == ("late", Outcome.LOCALIZED)
    assert late.everything.change == pytest.approx(0.742 - 0.602, abs=0.001)
    assert late.low > 0
    first = found.candidates[0]
    assert (first.dimension, first.element) == ("business_line", "Highway Maintenance")
    assert first.details["mostly"]["department"]["element"] == "PWDx"
    assert first.contribution == pytest.approx(0.81, abs=0.01)
    assert len(first.evidence) == 20
    departments = found.splits[(found.splits["indicator"] == "late") & (found.splits["dimension"] == "department")]
    explained = departments.set_index("element")["rate"].sort_values(ascending=False) / late.everything.change
    assert explained.index[:2].tolist() == ["PWDx", "PARK"]
    assert explained.iloc[:2].round(2).tolist() == [0.76, 0.18]


def test_march_begins_with_potholes_in_the_problem_list(boston: pd.DataFrame):
    listed = problem_list(until(boston, 3), date(2015, 3, 1), "product")
    first = listed.lines[0]
    assert (first.element, first.count, round(first.share_ratio, 3)) == ("Pothole Repair (Internal)", 1584, 0.155)
    assert (len(listed.lines), listed.elements, listed.is_long_tail) == (27, 132, False)
    assert first.previous == ((boston["product"] == first.element) & (boston["registered_on"].dt.month == 2)).sum()
    assert (first.late, first.negative, first.per_thousand) == (first.late, 0, None)
    assert sum(line.count for line in listed.lines) + listed.rest == 10_208


def test_the_split_of_february_leaves_nothing_over(boston: pd.DataFrame):
    frame = until(boston, 2)
    found = candidates(frame, no_answers(), date(2015, 2, 1))
    late = found.splits[found.splits["indicator"] == "late"]
    totals = (late["rate"] + late["mix"]).groupby(late["dimension"]).sum()
    assert len(totals) == 11
    assert totals.tolist() == pytest.approx([found.conclusions[0].everything.change] * 11, abs=1e-12)


# --- the incident log


@pytest.fixture(scope="module")
def incidents(real_data: Path) -> pd.DataFrame:
    """One row an incident, as its last event has it."""
    raw = pd.read_csv(real_data / "itsm_incident_events_2016w09_w14.csv.gz", dtype="str", na_values="?")
    last = raw.groupby("number", sort=True).tail(1).sort_values("number", ignore_index=True)
    opened = pd.to_datetime(last["opened_at"], format="%d/%m/%Y %H:%M")
    return pd.DataFrame({
        "opened_on": opened.dt.normalize(), "late": (last["made_sla"] == "false").astype("boolean"),
        "group": last["assignment_group"].astype("category"), "category": last["category"].astype("category"),
        "channel": last["contact_type"].astype("category"),
    })  # fmt: skip


def test_the_change_between_weeks_11_and_12_is_dated(incidents: pd.DataFrame):
    counts = weekly(~incidents["late"], incidents["opened_on"])
    found = step(counts)
    assert found.at == pd.Timestamp("2016-03-21")  # the Monday of week 12
    assert (round(found.before, 3), round(found.after, 3)) == (0.269, 0.699)


def halves(incidents: pd.DataFrame, *, is_reversed: bool) -> Indicator:
    """Weeks 9 to 11 against 12 to 14, or the other way round."""
    is_now = (incidents["opened_on"] >= "2016-03-21") != is_reversed
    before = incidents[~is_now]
    scatter = dispersion(weekly(before["late"], before["opened_on"]))
    return Indicator("late", incidents["late"], is_now, incidents[["group", "category", "channel"]], scatter)


def test_the_better_half_names_no_slice_that_explains_it_for_the_worse(incidents: pd.DataFrame):
    better = halves(incidents, is_reversed=False)
    assert better.everything.change == pytest.approx(0.269 - 0.699, abs=0.001)
    table = localise([better], Gate())
    claimed = table[table["state"] == FindingState.LOCALIZED]
    assert (claimed["size"] < 0).all() or claimed.empty


def test_a_change_that_came_everywhere_is_not_localised(incidents: pd.DataFrame):
    """Played backwards it is a deterioration by 43 points, in nearly every group at once."""
    worse = halves(incidents, is_reversed=True)
    table = localise([worse], Gate())
    claimed = table[(table["state"] == FindingState.LOCALIZED) & (table["within_dimension"] == "")]
    assert len(claimed) <= 2
