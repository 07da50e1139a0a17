"""The conclusion: what gets better or worse, no difference, not enough data."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from bihuan.analysis.rehearsal import differences
from bihuan.notify.words import LANGUAGES, words
from bihuan.report.conclusion import Tone, conclusion
from bihuan.report.wording import Wording, signed

ZH = words("zh")


def texts(rehearsal, language="zh", least=30):
    return [(one.tone, one.text) for one in conclusion(rehearsal, words(language), least=least)]


def test_differences_stand_one_row_a_milestone(rehearsal):
    table = differences(rehearsal.milestones).set_index("milestone")
    assert list(table.index) == ["assigned", "first_response", "handled", "negative_told"]
    assert table.loc["assigned", ["breaches_difference", "alerts_difference"]].tolist() == [100, 200]
    assert table.loc["first_response", "value_difference"] == pytest.approx(100 / 1050)
    assert table.loc["handled", ["breaches_difference", "value_difference"]].tolist() == [0, 0]


def test_a_milestone_of_one_policy_only_counts_as_zero_in_the_other(make_milestones):
    table = differences(make_milestones(("call_back", "draft", 50, 40, 30, 12, 1, 1, 9)))
    row = table.iloc[0]
    assert (row["deadlines_today"], row["met_today"], row["breaches_difference"], row["alerts_draft"]) == (0, 0, 12, 21)
    assert pd.isna(row["value_today"])
    assert pd.isna(row["value_difference"])


def test_without_milestones_the_differences_have_their_columns_and_no_rows(empty, rehearsal):
    assert list(differences(empty.milestones)) == list(differences(rehearsal.milestones))
    assert differences(empty.milestones).empty


def test_the_whole_comes_first_then_each_milestone_then_the_load(rehearsal):
    assert texts(rehearsal) == [
        (Tone.CHANGED, "如果当时执行草案：超时少 1 条（392 → 391），通知多 49 条（1,145 → 1,194）。"),
        (
            Tone.WORSE,
            (
                "分派：超时多 100 条（90 → 190），"
                "按时率 91.8% → 81.6%（−10.2 个百分点，n 980），通知多 200 条（290 → 490）。"
            ),
        ),
        (
            Tone.BETTER,
            (
                "首次响应：超时少 100 条（170 → 70），"
                "按时率 85.7% → 95.2%（+9.5 个百分点，n 1,050），通知少 150 条（420 → 270）。"
            ),
        ),
        (
            Tone.UNKNOWN,
            "负面反馈答复：已完成的时限太少（现行 7 条，草案 7 条，至少要 30 条），不判断好坏。超时 2 → 1。",
        ),
        (Tone.SAME, "没有差别的节点：处理完毕。"),
        (Tone.CHANGED, "夜间（22:00–08:00）通知：124 → 186（+62）。"),
        (Tone.CHANGED, "收到通知最多的一人：66 → 67（+1）。"),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_any_difference_it_says_so_and_nothing_else(alike, language):
    (only,) = conclusion(alike, words(language), least=30)
    assert only.tone is Tone.SAME
    assert "1,234" in only.text


@pytest.mark.parametrize("frame", ["hours", "nights", "people", "follow_ups"])
def test_a_difference_of_the_load_alone_is_a_difference(alike, rehearsal, frame):
    changed = getattr(alike, frame).copy()
    changed.loc[changed["side"] == "draft", changed.columns[-1]] += 1
    assert texts(replace(alike, **{frame: changed}))[0] == (
        Tone.CHANGED, "如果当时执行草案：超时不变（392 条），通知不变（1,145 条）。")  # fmt: skip


def test_moved_verdicts_alone_are_a_difference(alike):
    assert texts(replace(alike, moved_count=2))[0][0] is Tone.CHANGED


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_replayed_is_not_no_difference(empty, language):
    (only,) = conclusion(empty, words(language), least=30)
    assert (only.tone, only.text) == (Tone.UNKNOWN, words(language)["rehearsal"]["no_complaints"])


def test_where_no_milestone_has_enough_nothing_is_concluded(rehearsal):
    whole, *others = texts(rehearsal, least=5000)
    assert whole[0] is Tone.UNKNOWN
    assert whole[1].startswith("数据不足，不下结论")
    assert {tone for tone, text in others[:4]} == {Tone.UNKNOWN}


def test_exactly_the_least_n_is_enough(rehearsal):
    assert [tone for tone, text in texts(rehearsal, least=7) if text.startswith("负面反馈答复")] == [Tone.BETTER]


def test_nothing_met_is_never_judged_even_without_a_least_n(rehearsal, make_milestones):
    milestones = make_milestones(("handled", "today", 5, 0, 0, 3, 0, 5, 1), ("handled", "draft", 5, 0, 0, 3, 0, 5, 2))
    found = texts(replace(rehearsal, milestones=milestones), least=0)
    assert found[1][0] is Tone.CHANGED
    assert "按时率 – → –" in found[1][1]


def test_a_milestone_of_one_policy_only_is_told_apart(rehearsal, make_milestones):
    milestones = make_milestones(
        ("call_back", "draft", 50, 40, 30, 12, 1, 1, 9), ("handled", "today", 60, 55, 50, 8, 0, 2, 3))  # fmt: skip
    found = texts(replace(rehearsal, milestones=milestones), "en")
    assert found[1] == (Tone.CHANGED, "Call back: only the draft sets this milestone; 50 deadlines, 12 breached.")
    assert "Handling: the draft does not set this milestone" in found[2][1]


def test_only_better_milestones_make_the_whole_better(rehearsal):
    better = rehearsal.milestones[rehearsal.milestones["milestone"].isin(["first_response", "handled"])]
    assert texts(replace(rehearsal, milestones=better))[0][0] is Tone.BETTER


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.0, "100.0%"), (0.99996, ">99.9%"), (0.0, "0.0%"), (0.0001, "<0.1%"), (0.5, "50.0%"), (float("nan"), "–")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, said):
    assert Wording(ZH).share(value) == said


@pytest.mark.parametrize(
    ("difference", "said"),
    [(0.028, "+2.8 个百分点"), (-0.0004, "−0.04 个百分点"), (0.0, "0 个百分点"), (float("nan"), "–")],
)
def test_points_carry_their_sign(difference, said):
    assert Wording(ZH).points(difference) == said


def test_counts_carry_their_sign():
    assert [signed(n) for n in (1200, 0, -3)] == ["+1,200", "0", "−3"]


def test_a_scope_is_told_in_words(rehearsal):
    assert Wording(ZH).scope(rehearsal.scope) == "严重程度：一般、紧急；地区：华东"
    assert Wording(words("en")).scope({}) == "All complaints"
