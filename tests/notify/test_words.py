"""Words: every language has the same ones, and every member of an enum has one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bihuan.notify.words import LANGUAGES, instant, span, spoken, standing, word, words
from schemas.access import Role
from schemas.complaint import Channel, ComplaintState, EventKind, Kind, Severity
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import AttemptOutcome, Audience, MessageState, Notice
from schemas.survey import CallOutcome

SECTIONS = {
    "channel": Channel,
    "kind": Kind,
    "severity": Severity,
    "event": EventKind,
    "state": ComplaintState,
    "mode": Mode,
    "deadline_state": DeadlineState,
    "audience": Audience,
    "role": Role,
    "notice": Notice,
    "message_state": MessageState,
    "outcome": AttemptOutcome,
    "call_outcome": CallOutcome,
}
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def test_both_languages_have_the_same_sections_and_keys():
    keys = {
        language: {(section, key) for section, entries in words(language).items() for key in entries}
        for language in LANGUAGES
    }
    assert keys["zh"] == keys["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_empty(language):
    assert all(entry.strip() for entries in words(language).values() for entry in entries.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", SECTIONS)
def test_every_member_of_an_enum_has_a_word(section, language):
    assert {member.value for member in SECTIONS[section]} <= set(words(language)[section])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_milestone_of_the_requirements_has_a_word(language):
    assert set(words(language)["milestone"]) >= {
        "assigned",
        "first_response",
        "handled",
        "result_feedback",
        "satisfaction_follow_up",
        "negative_taken_on",
        "negative_told",
    }


def test_a_milestone_of_ones_own_policy_is_shown_as_it_is_written():
    assert word("milestone", "call_back", "zh") == "call back"
    assert word("kind", None, "zh") == ""


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("en_GB", "en"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_a_language_without_words_is_served_in_english(asked, served):
    assert spoken(asked) == served
    assert words(asked) == words(served)


@pytest.mark.parametrize(
    ("length", "zh", "en"),
    [
        (timedelta(days=2, hours=3, minutes=59), "2 天 3 小时", "2 d 3 h"),
        (timedelta(days=1, minutes=5), "1 天 5 分钟", "1 d 5 min"),
        (timedelta(minutes=-45), "45 分钟", "45 min"),
        (timedelta(seconds=59), "不足 1 分钟", "less than a minute"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(length, zh, en):
    assert (span(length, "zh"), span(length, "en")) == (zh, en)


def test_a_deadline_stands_overdue_from_the_instant_it_is_due():
    assert standing(NOON, NOON - timedelta(hours=3), "zh") == "还剩 3 小时"
    assert standing(NOON, NOON, "en") == "overdue by less than a minute"
    assert standing(NOON, NOON + timedelta(days=1), "zh") == "已超时 1 天"


def test_an_instant_is_told_in_the_readers_zone_with_its_offset():
    assert instant(NOON, "Asia/Shanghai") == "2026-11-22 12:00 +08:00"
    assert instant(NOON, "America/New_York") == "2026-11-21 23:00 -05:00"
