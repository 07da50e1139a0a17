"""The page: the conclusion first, everything escaped, nothing fetched."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bihuan.notify.words import LANGUAGES, words
from bihuan.report import page
from bihuan.report.conclusion import conclusion

EVIL = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Tags, attributes and text as a browser finds them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


def shown(rehearsal, language="zh", least=30):
    return Reader(page.html(rehearsal, words(language), least=least))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_conclusion_stands_first(rehearsal, language):
    found = shown(rehearsal, language)
    whole, *others = (one.text for one in conclusion(rehearsal, words(language), least=30))
    title = words(language)["rehearsal"]["file_title"]
    body = found.text[found.text.index(title, found.text.index(title) + 1) :]
    assert body[1] == whole
    assert set(others) <= set(body)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_fetched_and_nothing_runs(rehearsal, language):
    html = page.html(rehearsal, words(language), least=30)
    found = Reader(html)
    assert {"script", "link", "img", "iframe", "object", "base", "form"}.isdisjoint(found.tags)
    names = {name for name, _ in found.attributes}
    assert {"src", "href", "srcset", "xlink:href", "action"}.isdisjoint(names)
    assert not [name for name in names if name.startswith("on")]
    assert "://" not in html
    assert "@import" not in html


def test_what_people_wrote_is_text(rehearsal):
    hostile = replace(
        rehearsal,
        scope={"region": (EVIL,), EVIL: ("x",)},
        versions={"today": EVIL, "draft": EVIL},
        milestones=rehearsal.milestones.replace({"milestone": {"assigned": EVIL}}),
        moved=rehearsal.moved.assign(number=EVIL, milestone=EVIL),
    )
    found = shown(hostile)
    assert "script" not in found.tags
    assert found.text.count(EVIL) >= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_stand_with_n_and_interval(rehearsal, language):
    text = " ".join(shown(rehearsal, language).text)
    assert "91.8% 90.0–93.4% · n\N{NO-BREAK SPACE}980" in text
    assert "+100" in text


def test_the_page_is_in_the_readers_language(rehearsal):
    assert ("lang", "zh-CN") in shown(rehearsal).attributes
    english = page.html(replace(rehearsal, people=rehearsal.people.iloc[:0], scope={}), words("en"), least=30)
    assert ("lang", "en") in Reader(english).attributes
    assert not re.findall("[\u4e00-\u9fff]+", english)


def test_moved_deadlines_show_both_verdicts_in_the_zone(rehearsal):
    text = shown(rehearsal).text
    at = text.index("C1")
    assert text[at + 1 : at + 8] == [
        "分派",
        "未超时",
        "2026-08-04",
        "00:00 +08:00",
        "超时",
        "2026-08-03",
        "23:00 +08:00",
    ]
    assert "不设此时限" in text
    assert "首次响应 · 第 2 次处理" in text
    assert "共 310 条判定不同，这里列出前 2 条；工作簿里列出 2 条。" in text


def test_both_widths_of_every_chart_are_there(rehearsal):
    found = shown(rehearsal)
    assert found.tags.count("svg") == 10
    assert len(re.findall('role="img"', page.html(rehearsal, words("zh"), least=30))) == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_complaints_there_is_a_page_without_charts(empty, language):
    found = shown(empty, language)
    assert words(language)["rehearsal"]["no_complaints"] in found.text
    assert "svg" not in found.tags


def test_no_difference_is_the_headline(alike):
    found = shown(alike)
    assert [text for text in found.text if text.startswith("没有差别：重放 1,234 件投诉")]
    assert "没有一条时限的判定不同。" in found.text


@pytest.mark.parametrize("is_simulated", [True, False])
def test_simulated_data_are_called_so(rehearsal, is_simulated):
    found = shown(replace(rehearsal, is_simulated=is_simulated))
    assert (words("zh")["page"]["simulated"] in found.text) is is_simulated
