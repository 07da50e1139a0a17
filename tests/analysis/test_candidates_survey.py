"""What complainants answered is measured as lateness is: where it got worse, with evidence, or that nothing did."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.candidate import Outcome
from bihuan.analysis.candidates import Candidates, candidates
from bihuan.analysis.month import STAGES, checked, checked_answers
from bihuan.analysis.review import Period, reviewed
from bihuan.report.pack import packed, reviewed_again
from schemas.improvement import FindingSource, FindingState

NOVEMBER = date(2026, 11, 1)
NOW = pd.Timestamp(NOVEMBER)
REGIONS = ["华东", "华南", "华北", "西南", "西北"]
SURVEY = {"negative", "detractor", "unsatisfied"}


def complaints(monthly: int, seed: int) -> pd.DataFrame:
    """Four months, August to November, in which nothing is late more than usual."""
    rng = np.random.default_rng(seed)
    n = monthly * 4
    frame = pd.DataFrame({
        "number": [f"C-{at:06}" for at in range(n)],
        "registered_on": pd.Timestamp("2026-08-01") + pd.to_timedelta(rng.integers(0, 122, n), unit="D"),
        "channel": rng.choice(["phone", "chat", "app"], n, p=[0.5, 0.3, 0.2]),
        "kind": rng.choice(["product", "service", "process"], n), "severity": rng.choice(["general", "urgent"], n),
        "department": rng.choice(["service", "product", "logistics"], n),
        "handler": np.char.add("h", rng.integers(0, 20, n).astype("U2")), "region": rng.choice(REGIONS, n),
        "tier": rng.choice(["basic", "premium"], n, p=[0.9, 0.1]), "business_line": rng.choice(["home", "kitchen"], n),
        "product": rng.choice(["扫地机器人", "电饭煲", "洗衣机", "冰箱"], n), "source": "desk", "person": "",
        "text": "", "hours": rng.exponential(20, n), "is_handled": True,
        "is_late": pd.Series(rng.random(n) < 0.12, dtype="boolean"), "is_reopened": rng.random(n) < 0.04,
        "is_negative": pd.Series(pd.NA, range(n), dtype="boolean"), "hand_offs": 0, "is_ping_pong": False,
    })  # fmt: skip
    return checked(frame.assign(**dict.fromkeys(STAGES, 3600.0)))


def answers(frame: pd.DataFrame, seed: int, worse: dict[str, pd.Series] | None = None) -> pd.DataFrame:
    """Half of them answered; of each rate a tenth to a fifth is bad, of ``worse`` rows a quarter more in November."""
    rng = np.random.default_rng(seed)
    asked = frame[rng.random(len(frame)) < 0.5].rename(columns={"registered_on": "answered_on"})
    usual = {"is_negative": 0.1, "is_detractor": 0.2, "is_unsatisfied": 0.15}
    for name, share in usual.items():
        own = (worse or {}).get(name, pd.Series(data=False, index=frame.index))[asked.index]
        lift = np.where(own & (asked["answered_on"] >= NOW), 0.25, 0.0)
        said = pd.Series(rng.random(len(asked)) < share + lift, asked.index, dtype="boolean")
        asked = asked.assign(**{name: said.where(rng.random(len(asked)) < 0.9)})
    return checked_answers(asked)


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, pd.DataFrame, Candidates]:
    """In November those who chatted recommend less, and those of one product are less satisfied."""
    frame = complaints(2500, seed=21)
    worse = {"is_detractor": frame["channel"] == "chat", "is_unsatisfied": frame["product"] == "洗衣机"}
    said = answers(frame, 22, worse)
    return frame, said, candidates(frame, said, NOVEMBER)


@pytest.mark.parametrize(
    ("rate", "place"), [("detractor", ("channel", "chat")), ("unsatisfied", ("product", "洗衣机"))]
)
def test_the_slice_whose_answers_got_worse_is_the_first_candidate_of_its_rate(planted, rate, place):
    _, said, found = planted
    first = next(it for it in found.candidates if it.indicator == rate)
    assert (first.dimension, first.element) == place
    assert (first.source, first.state) == (FindingSource.SURVEY, FindingState.LOCALIZED)
    assert first.q <= 0.10
    assert 0 < first.low < first.size < first.high
    own = said[(said[place[0]] == place[1]) & (said["answered_on"] >= NOW)]
    happened = own[own[f"is_{rate}"].fillna(value=False)]
    assert (first.x1, first.n1) == (len(happened), own[f"is_{rate}"].notna().sum())
    assert len(first.evidence) == 20
    assert set(first.evidence) <= set(happened["number"])


def test_a_rate_that_did_not_move_says_so_beside_those_that_did(planted):
    outcomes = {it.indicator: it.outcome for it in planted[2].conclusions}
    assert outcomes == {
        "late": Outcome.STEADY, "reopened": Outcome.STEADY, "negative": Outcome.STEADY,
        "detractor": Outcome.LOCALIZED, "unsatisfied": Outcome.LOCALIZED,
    }  # fmt: skip


def test_the_rates_of_answers_stand_under_the_same_control_as_all_others(planted):
    found = planted[2]
    tested = found.tested[found.tested["p"].notna()]
    assert set(tested["indicator"]) >= SURVEY
    assert sum(it.tests for it in found.conclusions) == len(tested)
    by_p = tested.sort_values("p")
    assert by_p["q"].is_monotonic_increasing


def test_where_nothing_is_wrong_in_the_answers_hardly_anything_is_claimed():
    claimed = 0
    for seed in range(60, 70):
        frame = complaints(800, seed)
        claimed += bool(candidates(frame, answers(frame, seed + 100), NOVEMBER).candidates)
    assert claimed <= 2


def test_a_score_that_nobody_was_asked_for_is_no_rate():
    frame = complaints(200, seed=31)
    said = answers(frame, 32)
    found = candidates(frame, said.assign(is_detractor=pd.array([pd.NA] * len(said), "boolean")), NOVEMBER)
    assert {it.indicator for it in found.conclusions} == {"late", "reopened", "negative", "unsatisfied"}


@pytest.mark.parametrize(
    "without", [[], ["is_detractor", "is_unsatisfied"]], ids=["with scores", "of an edition before"]
)
def test_a_pack_makes_every_figure_again_with_scores_and_without(without):
    frame = complaints(300, seed=41)
    period = Period(NOVEMBER, date(2026, 12, 1), date(2026, 8, 1), datetime(2026, 12, 1, tzinfo=UTC), "Asia/Shanghai")
    made = reviewed(period, frame, answers(frame, 42).drop(columns=without))
    pack = packed(made)
    again = reviewed_again(pack.zipped())
    assert packed(again).zipped() == pack.zipped()
    rates = {it.indicator for it in again.found.conclusions}
    assert rates == {"late", "reopened", *({"negative"} if without else SURVEY)}
