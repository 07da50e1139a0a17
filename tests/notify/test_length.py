"""How long a letter may be: by the measure of each channel, between characters, never inside the link."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import meta

from bihuan.notify.channel import CHANNELS, LETTER_BYTES, OTHER, SMS_CHARACTERS, channel_of, per_minute
from bihuan.notify.length import capped, fitted, short, units
from bihuan.notify.letter import Letter
from bihuan.notify.render import VALUE_BYTES, environment, render, source
from bihuan.notify.words import LANGUAGES
from bihuan.settings import Settings
from schemas.outbox import Notice

LINK = "https://care.example.com/complaints/20261122-000123"
LONGEST_LINK = "https://care.example.com/" + "x" * (VALUE_BYTES - 25)
NOTICES = [*(notice.value for notice in Notice), "digest"]
NAMES = {
    name
    for notice in NOTICES
    for text in source(notice, "zh").values()
    for name in meta.find_undeclared_variables(environment().parse(text))
}
NO_LINK = {"receipt", "negative_told", "improved"}
"""They ask for nothing."""
ITEM = ("number", "title", "milestone", "overdue_text", "headline", "since", "evidence")
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="�"), max_size=400)
EMOJI = st.text("a😀长", min_size=100, max_size=250)


def filled(text: str, link: str) -> dict:
    values = dict.fromkeys(NAMES, text) | {"link": link, "is_late": True, "is_simulated": True}
    promise = {"milestone": text, "due_at": text}
    rate = dict.fromkeys(("name", "before", "now", "n", "outcome"), text)
    candidate = dict.fromkeys(("rank", "dimension", "element"), text)
    others = [{"number": text, "title": text, "link": link}] * 5
    item = dict.fromkeys(ITEM, text) | {"changed": [text] * 3}
    return values | {
        "items": [item] * 20,
        "promises": [promise] * 20,
        "rates": [rate] * 4,
        "candidates": [candidate] * 3,
        "others": others,
    }


def test_a_letter_that_fits_the_narrowest_fits_every_channel():
    assert LETTER_BYTES == 2048
    assert all(channel.letter_bytes >= LETTER_BYTES for channel in CHANNELS.values() if not channel.is_short)
    assert OTHER.letter_bytes >= LETTER_BYTES


def test_every_scheme_that_may_be_used_is_in_the_table_and_known_to_apprise():
    from apprise.manager_plugins import NotificationManager

    from bihuan.notify import delivery  # noqa: F401 - puts our services in the place of Apprise's

    known = set(NotificationManager().schemas())
    assert set(CHANNELS) <= known
    assert set(Settings().allowed_schemes.split(",")) <= set(CHANNELS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("text", ["长" * 200, "😀" * 200, "a b" * 200, "x"], ids=["Chinese", "emoji", "words", "short"])
@pytest.mark.parametrize("link", [LINK, LONGEST_LINK], ids=["a link", "the longest link"])
def test_no_letter_is_too_long_for_any_channel_and_its_link_is_whole(notice, language, text, link):
    letter = render(notice, language, filled(text, link))
    assert len(f"{letter.title}\r\n{letter.body}".encode()) <= LETTER_BYTES
    assert "�" not in letter.title + letter.body
    assert letter.link == ("" if notice in NO_LINK else link)
    assert letter.link in letter.body.splitlines()[-1] or f"{letter.link}\n" in letter.body
    message = short(letter, SMS_CHARACTERS)
    assert message.body.endswith(letter.link)
    assert units(message.body) <= SMS_CHARACTERS or link == LONGEST_LINK


def test_a_link_that_no_template_prints_is_not_in_the_letter():
    letter = render("receipt", "zh", filled("x", LINK))
    assert letter.link == ""
    assert LINK not in short(letter, SMS_CHARACTERS).body


@given(TEXTS, TEXTS, st.integers(min_value=120, max_value=2000))
def test_a_text_cut_to_fit_keeps_its_link_whole_on_its_line(before, after, limit):
    text = f"{before}\n页面：{LINK}\n{after}"
    cut = fitted(text, limit, LINK)
    assert len(cut.encode()) <= limit
    assert f"页面：{LINK}" in cut.splitlines()
    if len(text.encode()) <= limit:
        assert cut == text


@given(TEXTS, st.integers(min_value=10, max_value=500))
def test_a_text_without_a_link_is_only_cut(text, limit):
    assert fitted(text, limit, "") == fitted(text, limit, LINK) == capped(text, limit)


@given(TEXTS.filter(str.strip) | EMOJI, st.sampled_from(["", LINK, LONGEST_LINK]))
def test_a_text_message_holds_the_link_and_as_much_of_the_title_as_fits(title, link):
    message = short(Letter(title, f"x\n{link}", link), SMS_CHARACTERS)
    assert message.title == ""
    assert message.body.endswith(link)
    room = max(SMS_CHARACTERS, len(link) + 41 if link else 0)
    assert units(message.body) <= room
    assert "�" not in message.body


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("【超时】20261122-000123 “首次响应”已超时 2 小时", f"超时：20261122-000123 “首次响应”已超时 2 小时\n{LINK}"),
        ("【演示】【汇总】34 项时限需要您处理", f"演示：汇总：34 项时限需要您处理\n{LINK}"),
        ("[Overdue] 20261122-000123: first response", f"[Overdue] 20261122-000123: first response\n{LINK}"),
    ],
)
def test_a_text_message_says_the_title_and_the_link_and_nothing_in_the_brackets_of_a_signature(title, text):
    message = short(Letter(title, f"为什么收到：…\n页面：{LINK}\n\n投诉：…", LINK), SMS_CHARACTERS)
    assert message.body == text
    assert units(message.body) <= 2 * 67


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("wecombot://KEY", "wecombot"),
        (" WeComBot://KEY ", "wecombot"),
        ("mailto:a@b.example", "mailto"),
        ("mailtos://u:p@smtp.example.com/?to=a@b.example", "mailtos"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=KEY", "wecombot"),
        ("https://oapi.dingtalk.com/robot/send?access_token=T", "dingtalk"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/T", "feishu"),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/T", "lark"),
        ("https://hooks.slack.com/services/A/B/C", "slack"),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/a", "workflows"),
        ("https://default1.2.environment.api.powerplatform.com:443/powerautomate/a", "workflows"),
    ],
)
def test_a_contact_is_measured_by_the_service_it_belongs_to(url, scheme):
    assert channel_of(url) is CHANNELS[scheme]


@pytest.mark.parametrize("url", ["", "no url", "ntfy://topic", "https://evil.example/hooks.slack.com"])
def test_what_nobody_has_looked_at_is_treated_with_care(url):
    assert channel_of(url) is OTHER


@pytest.mark.parametrize(
    ("url", "most", "paced"),
    [
        ("wecombot://KEY", 1000, 20),
        ("dingtalk://T", 1000, 20),
        ("feishu://T", 1000, 100),
        ("tgram://1:a/2", 1000, 20),
        ("slack://a/b/c", 1000, 60),
        ("smss://sms.example.com/?to=13800138000", 1000, 5),
        ("json://hooks.example.com", 1000, 1000),
        ("mailtos://u:p@smtp.example.com", 1000, 1000),
        ("wecombot://KEY", 3, 3),
    ],
)
def test_a_target_is_paced_by_its_service_and_never_faster_than_the_setting(url, most, paced):
    assert per_minute(url, most) == paced


@pytest.mark.parametrize(
    ("scheme", "request_bytes"), [("feishu", 20 * 1024), ("lark", 20 * 1024), ("workflows", 28 * 1024)]
)
@pytest.mark.parametrize("sign", ["长", "😀", '"', "\n"], ids=["Chinese", "emoji", "quote", "line break"])
def test_the_longest_letter_fits_a_request_as_json_writes_it(scheme, request_bytes, sign):
    longest = sign * (CHANNELS[scheme].letter_bytes // len(sign.encode()))
    assert len(json.dumps({"text": longest})) + 1024 <= request_bytes
