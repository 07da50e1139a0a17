"""Messages: both languages say the same, and hostile text comes out inert."""

from __future__ import annotations

import unicodedata

import pytest
from jinja2 import meta

from bihuan.errors import UsageError
from bihuan.notify.channel import LETTER_BYTES
from bihuan.notify.length import capped
from bihuan.notify.render import FOLDER, Passage, environment, inert, render, source
from bihuan.notify.words import LANGUAGES
from schemas.outbox import OF_A_MATTER, Notice

NOTICES = [*(notice.value for notice in Notice), "digest"]
VALUES = {
    "number": "20261122-000123",
    "title": "物流延误三天未到",
    "severity": "紧急",
    "kind": "服务",
    "department": "物流部",
    "handler": "张三",
    "milestone": "满意度回访",
    "due_at": "2026-11-22 09:30 +08:00",
    "remaining": "还剩 3 小时",
    "overdue_text": "已超时 12 天 13 小时",
    "link": "http://127.0.0.1:8700/complaints/20261122-000123",
    "is_late": False,
    "is_simulated": False,
    "sweep": "sla-check",
    "silent": "3 小时",
    "last_at": "2026-11-22 09:30 +08:00",
    "why": "此前已通知 张三 (11-22 09:30)、李四 (11-22 11:30)，无人签收",
    "rung": 2,
    "repeat": 1,
    "who": "张三",
    "said": "备件缺货，供应商十天后才到",
    "registered_at": "2026-11-22 09:30 +08:00",
    "good_until": "2026-11-22 09:45 +08:00",
    "name": "张三",
    "count": 34,
    "more": 14,
    "late": 2,
    "quiet": 12,
    "digest": 10,
    "bundled": 10,
    "what": "门店常备十种最常要的配件",
    "owner": "张三",
    "result": "已换新件，三天内送到",
    "occasion": "",
    "reference": "",
    "is_from_touchpoint": False,
    "opt_out_link": "http://127.0.0.1:8700/o/abcdefghijklmnopqrstuv",
    "others": [
        {"number": "20261122-000124", "title": "发票", "link": "http://127.0.0.1:8700/s/abcdefghijklmnopqrstuv"}
    ],
    "complaints": 8412,
    "answers": 1203,
    "rates": [{"name": "超时", "before": "9.1%", "now": "12.4%", "n": 7990, "outcome": "变差，已定位"}] * 3,
    "candidates": [{"rank": 1, "dimension": "产品", "element": "扫地机器人 R3"}] * 3,
    "headline": "处理及时率变差：89.5% → 60.0%",
    "since": "自 2026-10-19 那一周起，2 个点超出控制下限",
    "evidence": "依据：此后 2 个点、310 例，对照此前的 3,696 例",
    "changed": ["变化最大的：部门“物流部” 90.0% → 50.2%"],
    "extra": 1,
    "promises": [{"milestone": "首次响应", "due_at": "2026-11-22 09:30 +08:00"}],
}
VALUES["items"] = [VALUES] * 18
HOSTILE = [
    "{{7*7}}",
    "{% for x in range(10**9) %}x{% endfor %}",
    "<script>alert(1)</script>",
    "a\r\nBcc: all@example.com",
    "line\u2028line\x0b\x85line",
    "\u202egnp.exe\u200b\ufeff",
    "\x00\x1b[31m",
    "\ud800 lone",
    '[click](http://x) <!channel> <at user_id="all">',
    "长" * 5000,
    "x" * 10_000,
    "<" * 10_000,
]


@pytest.mark.parametrize("notice", NOTICES)
def test_both_languages_print_the_same_values(notice):
    asked = {
        language: {
            part: meta.find_undeclared_variables(environment().parse(text))
            for part, text in source(notice, language).items()
        }
        for language in LANGUAGES
    }
    assert asked["zh"] == asked["en"]
    assert set(asked["zh"]) == {"title", "body"}


def test_both_languages_have_the_same_templates_and_every_notice_has_one():
    assert {language: sorted(file.stem for file in (FOLDER / language).iterdir()) for language in LANGUAGES} == {
        language: sorted(NOTICES) for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", [*sorted(OF_A_MATTER), "sign_in", "digest"])
def test_a_staff_notice_says_why_what_by_when_and_where(notice, language):
    letter = render(notice, language, VALUES)
    assert all(word in letter.body for word in {"zh": ("为什么", "要做什么"), "en": ("Why", "What to do")}[language])
    assert VALUES["link"] in letter.body
    assert ("09:30" in letter.body) or notice == "digest"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", [*sorted(OF_A_MATTER), "digest"])
def test_the_link_of_a_staff_notice_stands_before_what_may_be_long(notice, language):
    letter = render(notice, language, VALUES | {"title": "长" * 5000, "said": "长" * 5000, "why": "长" * 5000})
    assert VALUES["link"] in letter.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_tells_number_and_promises(language):
    letter = render("receipt", language, VALUES)
    assert VALUES["number"] in letter.title
    assert f"{VALUES['promises'][0]['milestone']}" in letter.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_of_a_bad_answer_without_a_deadline_names_none(language):
    letter = render("negative", language, VALUES | {"due_at": "", "milestone": ""})
    assert "09:30" not in letter.body
    assert VALUES["link"] in letter.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_person_wrote_for_the_complainant_stands_there_whole(language):
    said = "我们查了记录，" * 71
    assert said in render("negative_told", language, VALUES | {"result": Passage(said)}).body
    assert said not in render("negative_told", language, VALUES | {"result": said}).body
    cut = render("negative_told", language, VALUES | {"result": Passage("长" * 5000)})
    assert len(cut.title.encode()) + 2 + len(cut.body.encode()) <= LETTER_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_comes_out_inert(notice, language, text):
    plain = render(notice, language, {**VALUES, "items": [VALUES]})
    result = Passage(text) if notice == "negative_told" else text
    hostile = {**VALUES, "title": text, "handler": text, "department": text, "result": result}
    letter = render(notice, language, {**hostile, "items": [hostile]})
    said = letter.title + letter.body
    assert "\n" not in letter.title
    assert letter.body.count("\n") == plain.body.count("\n")
    assert not set("<>[]@`*") & set(letter.body)
    assert not any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for sign in said.replace("\n", ""))
    assert "49" not in letter.body
    assert len(letter.title.encode()) + 2 + len(letter.body.encode()) <= LETTER_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
def test_eighteen_items_fit_into_one_digest(language):
    letter = render("digest", language, VALUES)
    assert "\n18. 20261122-000123 物流延" in letter.body
    assert letter.body.endswith(VALUES["overdue_text"])
    assert len(letter.title.encode()) + 2 + len(letter.body.encode()) <= LETTER_BYTES


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("late", ("could not go out in time", "未能按时发出")),
        ("quiet", ("end of quiet hours", "因免打扰时段推迟")),
        ("digest", ("could wait for the morning", "留待晨报")),
        ("bundled", ("soon after the letter before", "紧接上一条通知")),
    ],
)
def test_a_digest_says_why_it_comes_as_one_letter_and_only_what_is_true(why, words):
    causes = dict.fromkeys(("late", "quiet", "digest", "bundled"), 0)
    for language, said in zip(("en", "zh"), words, strict=True):
        assert said in render("digest", language, VALUES | causes | {why: 3}).body
        assert said not in render("digest", language, VALUES | causes).body


def test_a_letter_too_long_is_cut_after_what_matters():
    letter = render("digest", "zh", {**VALUES, "items": [{**VALUES, "milestone": "长" * 90}] * 20})
    assert len(letter.title.encode()) + 2 + len(letter.body.encode()) <= LETTER_BYTES
    assert letter.body.endswith("…")
    assert VALUES["link"] in letter.body


@pytest.mark.parametrize(("language", "label"), [("zh", "【演示】"), ("en", "[DEMO] ")])
@pytest.mark.parametrize("notice", NOTICES)
def test_simulated_data_is_labelled(notice, language, label):
    assert render(notice, language, {**VALUES, "is_simulated": True}).title.startswith(label)
    assert label.strip() not in render(notice, language, VALUES).title


@pytest.mark.parametrize("name", ["number", "due_at", "is_late", "is_simulated"])
def test_a_missing_value_is_an_error_that_names_it(name):
    with pytest.raises(UsageError, match=name):
        render("breach", "zh", {key: value for key, value in VALUES.items() if key != name})


def test_an_unknown_notice_is_an_error():
    with pytest.raises(UsageError, match="no message template 'farewell'"):
        render("farewell", "zh", VALUES)


def test_what_is_not_known_is_left_out():
    letter = render("warning", "zh", {**VALUES, "kind": None, "department": None, "handler": ""})
    assert "None" not in letter.body
    assert not any(word in letter.body for word in ("类型", "部门", "处理人"))


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("abc", 3, "abc"),
        ("abcd", 4, "abcd"),
        ("abcde", 4, "a…"),
        ("a b c", 4, "a…"),
        ("投诉内容", 12, "投诉内容"),
        ("投诉内容", 11, "投诉…"),
    ],
)
def test_a_text_is_cut_between_characters_by_bytes(text, limit, cut):
    assert capped(text, limit) == cut


def test_inert_twice_is_inert_once():
    for text in HOSTILE:
        assert inert(inert(text)) == inert(text)
