"""The reader's language and zone, and that both languages say everything the pages say."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.errors import UnavailableError
from bihuan.notify.words import LANGUAGES, words
from bihuan.rules.negative import Stage, Wanted
from bihuan.services.deadline import check_due
from bihuan.web.__main__ import listen
from bihuan.web.app import _EXPLAINED
from bihuan.web.complaint import STATES
from bihuan.web.event import ANSWERING, CASES, SAID_HERE
from bihuan.web.negative import DONE
from bihuan.web.reader import Reader, masked
from schemas.complaint import Channel, ComplaintState, EventKind, Kind, Severity
from schemas.deadline import DeadlineState
from schemas.outbox import MessageState, Notice

CHINESE = re.compile(r"[\u4e00-\u9fff]+")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: words do not depend on it."""
    return sqlite_url


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh-TW,zh;q=0.9", "zh"),
        ("fr,de", "zh"),
        ("", "zh"),
        ("fr,EN-us", "en"),
    ],
)
def test_a_browser_s_wish_is_heard_else_the_installation_s_language(browser: Any, accept: str, language: str) -> None:
    page = browser.get("/", **{"Accept-Language": accept}).text
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page


def test_a_chosen_language_and_zone_are_remembered(browser: Any) -> None:
    browser.get("/?lang=en&tz=UTC")
    page = browser.get("/", **{"Accept-Language": "zh"}).text
    assert '<html lang="en">' in page
    assert "<option selected>UTC</option>" in page


def test_the_other_language_shows_the_same_page(office: Any, browser: Any) -> None:
    office.complaint()
    page = browser.get("/complaints?state=open&department=product&lang=zh").text
    assert 'href="?state=open&amp;department=product&amp;lang=en"' in page


@pytest.mark.parametrize("query", ["lang=klingon", "lang=", "tz="])
def test_an_unknown_language_changes_nothing(browser: Any, query: str) -> None:
    assert '<html lang="zh-CN">' in browser.get(f"/?{query}").text
    assert "bihuan_lang" not in browser.cookies


def test_an_unknown_zone_is_refused_and_a_stale_one_ignored(browser: Any) -> None:
    assert browser.get("/?tz=Mars/Olympus").status_code == 400
    browser.cookies.set("bihuan_tz", "Mars/Olympus", domain="127.0.0.1")
    assert "<option selected>Asia/Shanghai</option>" in browser.get("/").text


def test_an_instant_is_short_to_read_and_whole_when_pointed_at() -> None:
    reader, now = Reader("en", ZoneInfo("America/New_York")), datetime(2026, 12, 31, 23, tzinfo=UTC)
    at = datetime(2026, 11, 1, 5, 30, 15, tzinfo=UTC)
    assert reader.moment(at, now) == (
        '<time datetime="2026-11-01T05:30:15+00:00" title="2026-11-01 01:30:15 UTC-04:00 (America/New_York)">'
        "11-01 01:30</time>"
    )
    assert ">2026-11-01 01:30<" in reader.moment(at, datetime(2027, 1, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(("name", "shown"), [
    ("张三", "张**"), ("Mary Ann", "M**"), (" 李 ", "李**"), ("", ""), (None, ""),
])  # fmt: skip
def test_a_name_shows_its_first_character_only(name: str | None, shown: str) -> None:
    assert masked(name) == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_missing_for_any_code(language: str) -> None:
    page = words(language)["page"]
    needed = [f"button_{kind}" for kind in SAID_HERE - set(ANSWERING)] + [f"refused_{case}" for case in CASES]
    cases = (*_EXPLAINED, "complaint", "role", "stranger", "unnamed", "impostor")
    needed += [f"error_{case}_{part}" for case in cases for part in ("what", "cure")]
    needed += [f"state_{state}" for state in STATES if state not in set(ComplaintState)]
    needed += [f"problem_{problem}" for problem in ("required", "unknown", "too_long", "no_address")]
    assert [key for key in needed if not page.get(key)] == []
    bad = [
        *(f"stage_{stage}" for stage in Stage),
        *(f"state_{one}" for one in Wanted),
        *(f"done_{one}" for one in DONE),
    ]
    assert [key for key in bad if not words(language)["negative"].get(key)] == []
    for section, codes in (("event", EventKind), ("state", ComplaintState), ("kind", Kind), ("channel", Channel),
                           ("severity", Severity), ("message_state", MessageState), ("notice", Notice),
                           ("deadline_state", DeadlineState)):  # fmt: skip
        assert [code for code in codes if not words(language)[section].get(code)] == []


def test_both_languages_say_the_same_things() -> None:
    chinese, english = words("zh")["page"], words("en")["page"]
    assert chinese.keys() == english.keys()
    holes = re.compile(r"\{(\w*)\}")
    for key, said in chinese.items():
        assert sorted(holes.findall(said)) == sorted(holes.findall(english[key])), key


def test_every_page_is_whole_in_english(office: Any, browser: Any) -> None:
    """What is Chinese on an English page came from people: names and the complaint's own words."""
    number = office.complaint("noise", severity=Severity.URGENT)
    office.later(hours=50)
    while check_due(office.db, office.policy, office.at).decided:
        pass
    office.happens(number, EventKind.HANDLED)
    browser.get("/?lang=en")
    given = {"闭环", "中文", "处理", "服务部"}
    paths = ["/", "/complaints", "/complaints/new", "/outbox", "/nope", "/complaints/x"]
    for path in [*paths, f"/complaints/{number}"]:
        assert set(CHINESE.findall(browser.get(path).text)) <= given, path


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port} for the web page is in use - stop what uses it"):
            listen(port)
