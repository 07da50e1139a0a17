"""Candidates of a month as a whole: what is claimed, with what evidence, and what is said where nothing is."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.candidate import Conclusion, Outcome, Refutation
from bihuan.analysis.candidates import Candidates, candidates
from bihuan.analysis.month import STAGES, checked, checked_answers, no_answers
from bihuan.analysis.problem import problem_list
from bihuan.simulation.catalogue import PROBLEMS, PRODUCTS
from schemas.improvement import Bone, FindingSource, FindingState, Stage

NOVEMBER = date(2026, 11, 1)
FIRST, DAYS, NOW = pd.Timestamp("2026-08-01"), 122, 92
"""August to October are the baseline."""
REGIONS = ["华东", "华南", "华北", "西南", "西北"]


def drawn(monthly: int, seed: int, **extra: Any) -> pd.DataFrame:
    """Complaints in which nothing is wrong, as a query would give them."""
    rng = np.random.default_rng(seed)
    n = monthly * 4
    day = rng.integers(0, DAYS, n)
    problems = rng.integers(len(PROBLEMS), size=n)
    products = rng.integers(len(PRODUCTS), size=n)
    pairs = zip(problems, products, strict=True)
    texts = [PROBLEMS[problem].matter.format(product=PRODUCTS[product].name, region="") for problem, product in pairs]
    frame = pd.DataFrame({
        "number": [f"C-{at:06}" for at in range(n)],
        "registered_on": FIRST + pd.to_timedelta(day, unit="D"),
        "channel": rng.choice(["phone", "chat", "app", "email"], n, p=[0.5, 0.3, 0.15, 0.05]),
        "kind": rng.choice(["product", "service", "process"], n), "severity": rng.choice(
            ["general", "urgent", "major"], n, p=[0.85, 0.12, 0.03]),
        "department": rng.choice(["service", "product", "logistics"], n),
        "handler": np.char.add("h", rng.integers(0, 40, n).astype("U2")),
        "region": rng.choice(REGIONS, n, p=[0.34, 0.26, 0.2, 0.12, 0.08]),
        "tier": rng.choice(["basic", "advanced", "premium"], n, p=[0.75, 0.2, 0.05]),
        "business_line": rng.choice(["home", "kitchen"], n), "product": [PRODUCTS[q].name for q in products],
        "source": "desk", "person": np.char.add("p", rng.integers(0, n // 2, n).astype("U7")), "text": texts,
        "hours": rng.exponential(20, n), "is_handled": rng.random(n) < 0.97,
        "is_late": pd.Series(rng.random(n) < 0.12, dtype="boolean"), "is_reopened": rng.random(n) < 0.04,
        "is_negative": pd.Series(rng.random(n) < 0.1, dtype="boolean").where(rng.random(n) < 0.4),
        "hand_offs": rng.poisson(0.3, n), "is_ping_pong": rng.random(n) < 0.02,
    })  # fmt: skip
    for name in STAGES:
        frame[name] = rng.exponential(3600, n)
    return frame.assign(**extra)


def wrong(frame: pd.DataFrame, own: pd.Series, lift: float, seed: int = 9) -> pd.DataFrame:
    """The same, with ``lift`` more late in a part of November, because they waited."""
    rng = np.random.default_rng(seed)
    hit = own & (frame["registered_on"] >= FIRST + pd.Timedelta(days=NOW)) & (rng.random(len(frame)) < lift)
    waited = frame["stage_waiting"].where(~hit, frame["stage_waiting"] + 200_000)
    return frame.assign(is_late=frame["is_late"] | hit, stage_waiting=waited)


def of(found: Candidates, indicator: str) -> Conclusion:
    return next(it for it in found.conclusions if it.indicator == indicator)


@pytest.fixture(scope="module")
def culprit() -> tuple[pd.DataFrame, Candidates]:
    frame = drawn(4000, seed=1)
    frame = checked(wrong(frame, frame["region"] == "西南", 0.25))
    return frame, candidates(frame, no_answers(), NOVEMBER)


def test_the_culprit_is_the_first_candidate(culprit: tuple[pd.DataFrame, Candidates]):
    found = culprit[1]
    first = found.candidates[0]
    assert (first.rank, first.source, first.indicator) == (1, FindingSource.SLICE, "late")
    assert (first.dimension, first.element, first.state) == ("region", "西南", FindingState.LOCALIZED)
    assert (first.bone, first.refuted_by) == (Bone.ENVIRONMENT, Refutation.SEASON)
    assert first.low < first.size < first.high
    assert first.contribution > 0.5
    assert first.q <= 0.10
    assert first.details["since"] in {"2026-10-26", "2026-11-02", "2026-11-09"}
    assert of(found, "late").outcome is Outcome.LOCALIZED


def test_its_evidence_are_the_gravest_complaints_to_which_it_happened(culprit: tuple[pd.DataFrame, Candidates]):
    frame, found = culprit
    shown = frame.set_index("number").loc[list(found.candidates[0].evidence)]
    assert len(shown) == 20
    assert shown["is_late"].all()
    assert set(shown["region"]) == {"西南"}
    assert shown["registered_on"].min() >= pd.Timestamp(NOVEMBER)
    assert shown["severity"].iloc[0] == "major"


def test_the_stage_that_ate_the_lateness_is_a_candidate_of_the_process(culprit: tuple[pd.DataFrame, Candidates]):
    stage = next(it for it in culprit[1].candidates if it.source is FindingSource.STAGE)
    assert (stage.element, stage.bone, stage.refuted_by) == (Stage.WAITING, Bone.PROCESS, Refutation.CLOCK)
    assert stage.contribution > 0.8


def test_where_nothing_changed_the_other_indicators_say_so(culprit: tuple[pd.DataFrame, Candidates]):
    assert {of(culprit[1], name).outcome for name in ("negative", "reopened")} == {Outcome.STEADY}


def test_every_figure_says_over_how_many_tests_it_was_controlled(culprit: tuple[pd.DataFrame, Candidates]):
    found = culprit[1]
    assert sum(it.tests for it in found.conclusions) == int(found.tested["p"].notna().sum())
    assert (
        found.tests == sum(it.tests for it in found.conclusions) + found.rising.tests + found.shares["p"].notna().sum()
    )
    assert {"topic", "stage", "hand_off", "ping_pong", "reopened"} <= set(found.tested["dimension"])


def test_no_candidate_is_told_of_twice(culprit: tuple[pd.DataFrame, Candidates]):
    keys = [(it.source, it.indicator, it.dimension, it.element) for it in culprit[1].candidates]
    assert len(keys) == len(set(keys))
    assert [it.rank for it in culprit[1].candidates] == list(range(1, len(keys) + 1))
    assert all(len(dimension) <= 40 and len(element) <= 160 for _, _, dimension, element in keys)


def test_all_that_is_kept_of_it_is_plain_data(culprit: tuple[pd.DataFrame, Candidates]):
    kept = [asdict(it) for it in (*culprit[1].candidates, *culprit[1].conclusions)]
    assert json.loads(json.dumps(kept, ensure_ascii=False))
    assert json.dumps([it._asdict() for it in culprit[1].topics.topics])


def test_a_topic_is_found_with_its_words_and_examples():
    frame = drawn(4000, seed=2)
    found = candidates(checked(wrong(frame, frame["text"].str.contains("升级后每天掉线"), 0.5)), no_answers(), NOVEMBER)
    topic = next(it for it in found.candidates if it.source is FindingSource.TOPIC)
    assert "掉线" in topic.details["words"]
    assert all("掉线" in example["text"] for example in topic.details["examples"])
    assert (topic.bone, topic.refuted_by) == (Bone.TECHNOLOGY, Refutation.WORDING)


def test_a_rising_word_is_a_candidate_with_examples():
    frame = drawn(2000, seed=3)
    hit = (frame["registered_on"] >= "2026-11-01") & (np.arange(len(frame)) % 12 == 0)
    frame = frame.assign(text=frame["text"].where(~hit, frame["text"] + "充电时电池鼓包。"))
    found = candidates(checked(frame), no_answers(), NOVEMBER)
    word = next(it for it in found.candidates if it.source is FindingSource.WORD)
    assert {"鼓包", "电池", "充电"} & {word.element, *word.details["together"]}
    assert word.size is None
    assert set(word.evidence) <= set(frame.loc[hit, "number"])


def test_handed_on_complaints_are_a_factor_and_may_be_an_effect():
    frame = drawn(4000, seed=4)
    found = candidates(checked(wrong(frame, frame["hand_offs"] > 0, 0.25)), no_answers(), NOVEMBER)
    factor = next(it for it in found.candidates if it.dimension == "hand_off")
    assert (factor.element, factor.bone) == ("yes", Bone.PROCESS)
    assert factor.refuted_by is Refutation.EFFECT_OF_LATENESS


def test_what_got_worse_everywhere_is_not_localised_to_a_slice():
    frame = drawn(4000, seed=5)
    found = candidates(checked(wrong(frame, frame["region"] != "", 0.15)), no_answers(), NOVEMBER)
    assert not [it for it in found.candidates if it.source is FindingSource.SLICE]


def test_what_got_worse_everywhere_without_known_stages_is_not_localised():
    frame = drawn(4000, seed=5, **dict.fromkeys(STAGES, np.nan))
    found = candidates(checked(wrong(frame, frame["region"] != "", 0.15)), no_answers(), NOVEMBER)
    assert of(found, "late").outcome is Outcome.NOT_LOCALIZED
    assert of(found, "late").low > 0


def test_a_handful_of_complaints_is_not_enough_data():
    found = candidates(checked(drawn(12, seed=6)), no_answers(), NOVEMBER)
    assert {it.outcome for it in found.conclusions} == {Outcome.WITHHELD}
    assert found.candidates == ()
    assert found.tested["p"].isna().all()


@pytest.mark.parametrize("months", ["no past", "nothing at all", "nothing this month"])
def test_an_empty_period_is_an_answer(months: str):
    frame = checked(drawn(100, seed=7))
    now = frame["registered_on"] >= "2026-11-01"
    kept = {"no past": now, "nothing at all": now & ~now, "nothing this month": ~now}[months]
    found = candidates(frame[kept].reset_index(drop=True), no_answers(), NOVEMBER)
    assert {it.outcome for it in found.conclusions} == {Outcome.WITHHELD}
    assert found.candidates == ()


def test_a_month_without_a_fault_claims_nothing_in_most_months():
    claimed = [candidates(checked(drawn(1500, seed)), no_answers(), NOVEMBER).candidates for seed in range(40, 50)]
    assert sum(bool(it) for it in claimed) <= 2


def test_the_order_of_rows_changes_no_figure():
    frame = drawn(1500, seed=8)
    frame = wrong(frame, frame["region"] == "西南", 0.3)
    first, second = (
        candidates(checked(it), no_answers(), NOVEMBER) for it in (frame, frame.sample(frac=1, random_state=1))
    )
    assert first.candidates == second.candidates
    assert first.conclusions == second.conclusions
    pd.testing.assert_frame_equal(first.tested, second.tested)


def test_answers_are_counted_by_the_day_they_came_with_the_topic_of_their_complaint():
    frame = checked(drawn(4000, seed=10))
    rng = np.random.default_rng(3)
    answers = frame[rng.random(len(frame)) < 0.5].copy()
    bad = (answers["channel"] == "chat") & (answers["registered_on"] >= "2026-11-01")
    answers["is_negative"] = pd.Series(rng.random(len(answers)) < np.where(bad, 0.3, 0.1), answers.index, "boolean")
    answers = checked_answers(answers.rename(columns={"registered_on": "answered_on"}))
    found = candidates(frame, answers, NOVEMBER)
    first = next(it for it in found.candidates if it.indicator == "negative")
    assert (first.dimension, first.element) == ("channel", "chat")
    assert set(first.evidence) <= set(answers["number"])
    assert of(found, "negative").everything.n1 == (answers["answered_on"] >= "2026-11-01").sum()
    assert "topic" in set(found.tested.loc[found.tested["indicator"] == "negative", "dimension"])


def exposure(frame: pd.DataFrame, **factor: float) -> pd.DataFrame:
    """Of regions: ten orders a complaint, ``factor`` times as many in November."""
    before = frame[frame["registered_on"] < "2026-11-01"]["region"].value_counts()
    rows = [{"dimension": "region", "element": name, "n0": 10 * n, "n1": 10 * n / 3 * factor.get(name, 1.0)}
            for name, n in before.items()]  # fmt: skip
    return pd.DataFrame(rows)


def more_complaints() -> pd.DataFrame:
    """Half as many again of one region in November."""
    frame = drawn(3000, seed=11)
    again = frame[(frame["region"] == "西北") & (frame["registered_on"] >= "2026-11-01")]
    again = again.assign(number=again["number"] + "-2")
    return checked(pd.concat([frame, again], ignore_index=True))


def test_more_complaints_over_the_same_orders_are_localised():
    frame = more_complaints()
    found = candidates(frame, no_answers(), NOVEMBER, exposure=exposure(frame))
    first = next(it for it in found.candidates if it.indicator == "complaints" and it.source is FindingSource.SLICE)
    assert (first.element, of(found, "complaints").outcome) == ("西北", Outcome.LOCALIZED)


def test_more_complaints_over_more_orders_are_not():
    frame = more_complaints()
    found = candidates(frame, no_answers(), NOVEMBER, exposure=exposure(frame, 西北=2.0))
    assert of(found, "complaints").outcome is Outcome.STEADY


def test_without_a_denominator_only_shares_are_told():
    found = candidates(more_complaints(), no_answers(), NOVEMBER)
    assert "complaints" not in {it.indicator for it in found.conclusions}
    assert found.shares.iloc[0]["element"] == "西北"


def test_a_shift_of_the_mix_is_said_to_be_one():
    frame = drawn(4000, seed=12)
    slow = frame["region"] == "西北"
    rng = np.random.default_rng(5)
    frame["is_late"] = pd.Series(rng.random(len(frame)) < np.where(slow, 0.5, 0.1), dtype="boolean")
    moved = (frame["registered_on"] >= "2026-11-01") & ~slow & (rng.random(len(frame)) < 0.15)
    frame.loc[moved, "region"] = "西北"
    frame.loc[moved, "is_late"] = rng.random(moved.sum()) < 0.5
    found = of(candidates(checked(frame), no_answers(), NOVEMBER), "late")
    assert found.everything.change > 0.04
    assert found.mixes["region"] == pytest.approx(found.everything.change, rel=0.25)
    assert found.outcome is Outcome.NOT_LOCALIZED


# --- the problem list


def test_the_problem_list_ranks_by_gravity_and_says_whom_it_hit():
    frame = drawn(500, seed=13)
    frame.loc[frame["product"] == "洗碗机 D1", "severity"] = "major"
    listed = problem_list(checked(wrong(frame, frame["product"] == "洗碗机 D1", 0.5)), NOVEMBER, "product")
    first = listed.lines[0]
    november = frame[(frame["product"] == "洗碗机 D1") & (frame["registered_on"] >= "2026-11-01")]
    october = frame[(frame["product"] == "洗碗机 D1") & (frame["registered_on"].between("2026-10-01", "2026-10-31"))]
    assert (first.rank, first.element, first.stage) == (1, "洗碗机 D1", Stage.WAITING)
    assert (first.count, first.previous, first.severity_weight) == (len(november), len(october), 9 * len(november))
    assert first.low < first.share_ratio == len(november) / (frame["registered_on"] >= "2026-11-01").sum() < first.high
    assert first.people == november["person"].nunique()
    assert set(first.evidence) <= set(november["number"])
    assert first.per_thousand is None


def test_a_problem_list_by_orders_is_frequent_by_orders():
    frame = checked(drawn(200, seed=14))
    listed = problem_list(frame, NOVEMBER, "region", exposure=pd.Series({"华东": 10_000}))
    east = next(line for line in listed.lines if line.element == "华东")
    assert east.per_thousand == pytest.approx(east.count / 10)


def test_an_even_spread_is_said_to_be_a_long_tail():
    assert problem_list(checked(drawn(500, seed=15)), NOVEMBER, "product").is_long_tail
    frame = drawn(500, seed=15)
    frame["product"] = frame["product"].where(np.arange(len(frame)) % 10 == 0, "净水器 W6")
    listed = problem_list(checked(frame), NOVEMBER, "product")
    assert not listed.is_long_tail
    assert listed.rest + sum(line.count for line in listed.lines) == (frame["registered_on"] >= "2026-11-01").sum()


def test_a_first_month_has_no_previous_and_an_empty_one_no_lines():
    frame = checked(drawn(100, seed=16))
    november = frame[frame["registered_on"] >= "2026-11-01"]
    assert {line.previous for line in problem_list(november, NOVEMBER, "product").lines} == {None}
    assert problem_list(frame[:0], NOVEMBER, "product").lines == ()


# --- speed


def test_a_month_of_forty_thousand_with_three_before_it_takes_seconds():
    frame = checked(drawn(40_000, seed=20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = candidates(frame, no_answers(), NOVEMBER)
    problem_list(frame.assign(topic=found.topics.of), NOVEMBER, "topic")
    assert time.process_time() - began < 20  # about 7 s of one core
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024 * 1024
