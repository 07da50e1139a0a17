"""The page of a month: the conclusion and what is not known first, every figure with its n, everything escaped."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bihuan.analysis.candidate import Outcome, Refutation
from bihuan.analysis.month import DIMENSIONS
from bihuan.analysis.pareto_views import View
from bihuan.analysis.subject import COMPLAINTS, FACTORS, LATE, REOPENED, SURVEYED
from bihuan.notify.words import LANGUAGES, words
from bihuan.report import month_page
from bihuan.report.month_conclusion import conclusion, headline, placed
from bihuan.report.month_unknown import unknown
from bihuan.report.month_verdict import Verdict, verdict
from bihuan.report.month_wording import Imprint, MonthWording
from schemas.improvement import Bone, FindingSource, FindingState, Stage

EVIL = "<script>alert('月')</script>"
SPACE = "\N{NO-BREAK SPACE}"
SECTIONS = {
    "month_outcome": Outcome, "refutation": Refutation, "stage": Stage, "bone": Bone, "finding_source": FindingSource,
    "finding_state": FindingState, "pareto_view": View, "event_rate": (LATE, REOPENED, *SURVEYED, COMPLAINTS),
    "dimension": (*DIMENSIONS, *FACTORS, "topic", "word", "stage"),
}  # fmt: skip


def wording(review, imprint, language="zh"):
    return MonthWording.of(review, words(language), imprint)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", SECTIONS)
def test_all_that_an_analysis_says_has_words(section, language):
    assert {str(one) for one in SECTIONS[section]} <= set(words(language)[section])


@pytest.mark.parametrize("language", LANGUAGES)
def test_conclusion_and_gaps_stand_before_any_table(month, read, imprint, language, page):
    html = page(month, language)
    found = read(html.split("<table", 1)[0]).text
    said = [one.text for one in conclusion(month, wording(month, imprint, language))]
    assert said == [text for text in found if text in said]
    gaps = unknown(month, wording(month, imprint, language))
    assert gaps
    assert set(gaps) <= set(found)


def test_the_culprit_is_named_with_size_interval_share_and_n(month, read, imprint, page):
    first = next(it for it in placed(month) if it.dimension == "region")
    assert first.element == "西南"
    text = " ".join(read(page(month)).text)
    said = wording(month, imprint)
    assert "2026-11：数据指向" in text
    assert f"{said.points(first.size)}（{said.end(first.low)} 至 {said.end(first.high)}）" in text
    assert f"{first.contribution:.0%}" in text
    assert f"{said.share(first.x1 / first.n1)}（{first.n1:,.0f} 中的 {first.x1:,.0f}）" in text
    assert words("zh")["refutation"][first.refuted_by] in text
    assert "候选；经人确认之前不是原因" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_indicator_stands_with_interval_n_baseline_and_verdict(month, read, language, page):
    text = " ".join(read(page(month, language)).text)
    assert f"81.2% 78.7–83.6% · n{SPACE}960" in text
    assert f"89.5% 87.4–91.3% · n{SPACE}950" in text
    assert f"4.31 4.20–4.42 · n{SPACE}190" in text
    assert f"≥{SPACE}98%" in text
    verdicts = ("missed", "open_short", "met", "not_enough")
    assert all(words(language)["month"][f"verdict_{one}"] in text for one in verdicts)


def test_a_verdict_is_what_the_whole_interval_says(imprint):
    on_time, negative = imprint.indicators["on_time_handled"], imprint.indicators["negative_rate"]
    row = {"value": 0.5, "low": 0.4, "high": 0.6, "is_enough": True}
    assert verdict(row | {"target": 0.7}, on_time) is Verdict.MISSED
    assert verdict(row | {"target": 0.4}, on_time) is Verdict.MET
    assert verdict(row | {"target": 0.5}, on_time) is Verdict.OPEN
    assert verdict(row | {"target": 0.3}, negative) is Verdict.MISSED
    assert verdict(row | {"target": 0.7}, negative) is Verdict.MET
    assert verdict(row | {"target": 0.7, "is_enough": False}, on_time) is Verdict.NOT_ENOUGH
    assert verdict(row | {"target": 0.7}, None) is Verdict.NONE


def test_too_few_cases_are_no_verdict(month, imprint):
    said = [one.text for one in conclusion(month, wording(month, imprint))]
    assert "样本不足，不下判定：净推荐值（n 16，至少要 100）。" in said


def test_what_is_not_known_is_counted(month, imprint):
    said = " ".join(unknown(month, wording(month, imprint)))
    quality = month.quality
    assert f"{quality['complaints']:,} 件投诉中有 {quality['without_sla']:,} 件" in said
    assert "仍未办结" in said
    assert "完全没有记录：业务线。" in said
    assert f"本月收到答卷 {quality['answers']:,} 份" in said
    assert "答卷回收率 25.0%（22.1–28.1%，n 800）。" in said
    assert "另有 25 份邀请仍可能收到答卷。" in said
    assert f"共做了 {month.found.tests:,} 次比较" in said


def test_estimated_days_off_are_said(month, imprint):
    assert "2027 年的休息日是估计的" in " ".join(
        unknown(month, wording(month, replace(imprint, estimated_years=(2027,))))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quiet_month_says_that_nothing_stands_out(quiet, read, language, page):
    found = read(page(quiet, language))
    key = {"zh": "没有超出平时各周的波动", "en": "no more than its own weeks scatter"}[language]
    assert [text for text in found.text if key in text]
    assert words(language)["month"]["no_candidates"] in found.text
    assert words(language)["month"]["unknown_silent"] in found.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_complaints_there_is_nothing_to_conclude(empty, read, language, page):
    found = read(page(empty, language))
    assert words(language)["month"]["head_none"].format(month="2026-11") in found.text
    assert "svg" not in found.tags


def test_a_month_without_a_past_compares_nothing(month, imprint):
    now = month.complaints[month.is_now]
    alone = replace(month, complaints=now, trend=())
    assert words("zh")["month"]["unknown_baseline"] in unknown(alone, wording(alone, imprint))


def test_not_localised_and_long_tail_are_answers(quiet, imprint):
    for outcome, key in ((Outcome.NOT_LOCALIZED, "未定位"), (Outcome.LONG_TAIL, "长尾")):
        told = replace(quiet.found.conclusions[0], outcome=outcome, low=0.01, high=0.05)
        review = replace(quiet, found=replace(quiet.found, candidates=(), conclusions=(told,)))
        said = conclusion(review, wording(review, imprint))
        assert "变差，但没有哪一处能解释" in said[0].text
        assert key in said[1].text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_fetched_and_nothing_runs(month, read, language, page):
    html = page(month, language)
    found = read(html)
    assert {"script", "link", "img", "iframe", "object", "base", "form"}.isdisjoint(found.tags)
    names = {name for name, _ in found.attributes}
    assert {"src", "srcset", "xlink:href", "action"}.isdisjoint(names)
    assert not [name for name in names if name.startswith("on")]
    pages = {value for name, value in found.attributes if name == "href"}
    assert pages
    assert all(page.startswith("http://127.0.0.1:8700/complaints/") for page in pages)
    assert "://" not in html.replace("http://127.0.0.1:8700/", "")
    assert "@import" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_wrote_is_text(hostile, read, language, page):
    found = read(page(hostile, language))
    assert "script" not in found.tags
    assert sum(EVIL in text for text in found.text) >= 5
    assert [text for text in found.text if text.endswith(f"· {EVIL}")]


def test_numbers_are_links_only_where_there_is_a_page(month, read, imprint, page):
    assert "a" in read(page(month)).tags
    bare = read(month_page.html(month, words("zh"), replace(imprint, web_url="")))
    assert "a" not in bare.tags
    assert placed(month)[0].evidence[0] in bare.text


def test_every_chart_says_n_and_period(month, page):
    html = page(month, "en")
    charts = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(charts) >= 5 + 1 + 1 + 1
    for chart in charts:
        said = " ".join(re.sub("<[^>]+>", " ", chart).split())
        assert re.search(r"\bn \d", said)
        assert "2026-" in said


def test_the_english_page_has_no_chinese_words_of_ours(month, page):
    html = page(month, "en")
    data = "".join([*month.complaints["region"].cat.categories, *month.complaints["product"].cat.categories,
                    *month.complaints["text"].unique()])  # fmt: skip
    assert set(re.findall("[\u4e00-\u9fff]", html)) <= set(data)


def test_a_pareto_that_does_not_apply_says_so(month, imprint, page):
    counted = month.paretos[View.COUNT]
    scattered = replace(month, paretos={View.COUNT: replace(counted, vital=5, is_scattered=True)})
    html = month_page.html(scattered, words("zh"), imprint)
    assert "帕累托不适用：要 5 项中的 5 项才达到 80%，分布分散。" in html
    assert "帕累托不适用：" not in page(month)


def test_no_deadline_and_no_answer_are_dashes_and_no_zeros(quiet, imprint):
    frame = quiet.complaints.assign(is_late=quiet.complaints["is_late"].where(quiet.complaints["product"] != "电饭煲"))
    html = month_page.html(replace(quiet, complaints=frame), words("en"), imprint)
    line = re.search(r"<tr><th[^>]*><b>\d+\. 电饭煲.*?</tr>", html, re.DOTALL).group()
    assert re.search(r'data-name="Late"><span>–', line)
    assert re.search(r'data-name="Negative"><span>–', line)


def test_the_same_review_gives_the_same_page(month, imprint, page):
    assert month_page.html(month, words("zh"), imprint) == page(month)


def test_an_indicator_that_the_policy_does_not_know_is_told_and_not_judged(month):
    said = [one.text for one in conclusion(month, wording(month, Imprint("x"), "en"))]
    assert [text for text in said if text.startswith("on time handled: 81.2%") and "target" not in text]
    assert "judged indicators" not in headline(month, wording(month, Imprint("x"), "en")).text


@pytest.mark.parametrize(("language", "called"), [("zh", "客服部"), ("en", "Customer service")])
def test_departments_are_called_by_name_and_handlers_by_code_and_department(month, imprint, language, called):
    names = {"service": {"zh": "客服部", "en": "Customer service"}}
    said = wording(month, replace(imprint, departments=names, handlers={"h1": "service", "h2": "logistics"}), language)
    assert said.element("department", "service") == called
    assert said.element("department", "logistics") == "logistics"
    assert said.element("handler", "h1") == {"zh": f"h1（{called}）", "en": f"h1 ({called})"}[language]
    assert said.element("handler", "h2") == {"zh": "h2（logistics）", "en": "h2 (logistics)"}[language]
    assert said.element("handler", "left long ago") == "left long ago"
    assert called in said.place("department", "service")
    inside = {"within": {"dimension": "department", "element": "service"}}
    pair = replace(month.found.candidates[0], dimension="department/region", element="service / x", details=inside)
    assert called in said.candidate(pair)
