"""Absences: days and local times become instants, and come back as the same words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.absence import stretch, stretch_words

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
ZONES = [SHANGHAI, BERLIN, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Africa/Cairo"), ZoneInfo("Pacific/Apia")]


@pytest.mark.parametrize(("begins", "ends", "here", "from_utc", "until_utc"), [
    ("2026-12-24", "2026-12-24", SHANGHAI, "2026-12-23T16:00", "2026-12-24T16:00"),
    ("2026-12-24T13:00:00", "2026-12-24T15:30:00", SHANGHAI, "2026-12-24T05:00", "2026-12-24T07:30"),
    ("2026-12-24T13:00:00", "2026-12-26", BERLIN, "2026-12-24T12:00", "2026-12-26T23:00"),
    ("2026-12-24T13:00:00-05:00", "2026-12-24T23:00:00", BERLIN, "2026-12-24T18:00", "2026-12-24T22:00"),
    ("2026-03-29T02:30:00", "2026-03-29", BERLIN, "2026-03-29T01:30", "2026-03-29T22:00"),
    ("2026-10-25T02:30:00", "2026-10-25", BERLIN, "2026-10-25T00:30", "2026-10-25T23:00"),
], ids=["a day", "hours", "from a time to the end of a day", "an offset", "in the gap", "first of two"])  # fmt: skip
def test_what_people_write_is_this_stretch(begins, ends, here, from_utc, until_utc):
    expected = tuple(datetime.fromisoformat(f"{text}+00:00") for text in (from_utc, until_utc))
    assert stretch(begins, ends, here) == expected


def test_whole_days_come_back_as_days():
    begins_at, ends_at = datetime(2026, 12, 23, 16, tzinfo=UTC), datetime(2026, 12, 25, 16, tzinfo=UTC)
    assert stretch_words(begins_at, ends_at, SHANGHAI) == ("2026-12-24", "2026-12-25")
    assert stretch_words(begins_at, ends_at, BERLIN) == ("2026-12-23T17:00:00", "2026-12-25T17:00:00")


instants = st.integers(0, 4_000_000).map(lambda n: datetime(2009, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * n))


@given(instants, st.integers(1, 3000), st.sampled_from(ZONES))
def test_the_words_for_a_stretch_mean_that_stretch(begins_at, quarters, here):
    ends_at = begins_at + timedelta(minutes=15 * quarters)
    assert stretch(*stretch_words(begins_at, ends_at, here), here) == (begins_at, ends_at)
