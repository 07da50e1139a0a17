"""Spans and shares mean what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.flaw import Flaw
from bihuan.policy.span import parse_percent, parse_span, percent_text, span_text


@pytest.mark.parametrize(
    ("text", "hours"), [("30min", 0.5), ("2h", 2), ("24h", 24), ("3d", 72), ("90 min", 1.5), ("1d", 24)]
)
def test_a_span_is_a_whole_number_and_a_unit(text, hours):
    assert parse_span(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["24x", "24", 24, "-1h", "0min", "1.5h", "1h30min", "h", "", None, "999999h"])
def test_what_is_no_span_is_refused_with_the_way_to_write_it(text):
    with pytest.raises(Flaw) as caught:
        parse_span(text)
    assert caught.value.cure == "write it as 30min, 24h or 3d"


def test_a_span_over_ten_years_is_refused():
    with pytest.raises(Flaw, match=r"'3651d' is longer than ten years - write at most 3650d"):
        parse_span("3651d")


@given(st.integers(1, 3650), st.sampled_from(["min", "h", "d"]))
def test_a_span_is_written_so_that_it_reads_the_same(count, unit):
    span = parse_span(f"{count}{unit}")
    assert parse_span(span_text(span)) == span


@pytest.mark.parametrize(("text", "share"), [("80%", 0.8), ("98 %", 0.98), ("0%", 0), ("100%", 1), ("99.5%", 0.995)])
def test_a_percentage_is_a_share_of_one(text, share):
    assert parse_percent(text) == share


@pytest.mark.parametrize("text", [0.8, 80, "80", "0.8", "-5%", "101%", "%", None, True])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(Flaw):
        parse_percent(text)


@given(st.integers(0, 100))
def test_a_share_is_written_as_it_was_read(count):
    assert percent_text(parse_percent(f"{count}%")) == f"{count}%"
