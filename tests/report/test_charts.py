"""The charts: drawn without a browser, in words of the reader, never as markup of somebody's name."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.notify.words import LANGUAGES, words
from bihuan.report import charts
from bihuan.report.drawing import COLOURS, NARROW, WIDE

ROOT = Path(__file__).resolve().parents[2]
ZH = words("zh")
DRAW = """
import pickle, sys
from bihuan.notify.words import words
from bihuan.report import charts
sys.stdout.buffer.write(charts.nights(pickle.load(sys.stdin.buffer), words("zh")).encode())
"""
EACH = pytest.mark.parametrize("name", list(charts.CHARTS))


def said(svg):
    """Every text of the drawing."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@EACH
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chart_names_itself_and_both_policies(rehearsal, name, language):
    svg = charts.CHARTS[name](rehearsal, words(language))
    texts = words(language)["rehearsal"]
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    head = svg[: svg.index(">")]
    assert 'role="img"' in head
    assert f'aria-label="{texts[f"chart_{name}"]}' in head
    assert {texts["today"], texts["draft"]} <= set(said(svg))
    assert all(colour in svg for colour in COLOURS)


@EACH
def test_a_chart_of_nothing_says_so(empty, name):
    assert said(charts.CHARTS[name](empty, ZH)) == ["没有数据"]


@EACH
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_chart_keeps_to_its_width(rehearsal, name, width):
    drawn = re.search(r' width="([0-9.]+)"', charts.CHARTS[name](rehearsal, ZH, width=width))
    assert width * 0.85 < float(drawn[1]) <= width


def test_rates_carry_their_n_and_milestones_their_chinese_names(rehearsal):
    texts = said(charts.on_time(rehearsal, ZH))
    assert {"分派", "首次响应", "处理完毕", "负面反馈答复", "n 980", "n 7"} <= set(texts)


def test_names_are_text_and_namesakes_are_told_apart(rehearsal):
    svg = charts.people(rehearsal, ZH)
    assert {"张伟", "王芳 (staff:2)", "王芳 (staff:3)", "staff:4"} <= set(said(svg))
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def test_a_hostile_milestone_stays_text(rehearsal):
    evil = rehearsal.milestones.replace({"milestone": {"assigned": "<img src=x onerror=alert(1)>"}})
    assert "<img" not in charts.on_time(replace(rehearsal, milestones=evil), ZH)


def test_days_are_those_of_the_frame_whatever_the_zone_of_the_machine(rehearsal):
    drawn = subprocess.run(
        [sys.executable, "-c", DRAW], input=pickle.dumps(rehearsal), capture_output=True, check=True,
        env={**os.environ, "TZ": "America/Los_Angeles"}, cwd=ROOT,
    )  # fmt: skip
    assert {"08-01", "08-05"} <= set(said(drawn.stdout.decode()))


def test_a_long_period_is_shown_by_weeks_and_says_so(rehearsal):
    long = replace(rehearsal, since=rehearsal.since - timedelta(days=300))
    for draw in (charts.nights, charts.follow_ups):
        assert "每点为 7 天的日均" in said(draw(long, ZH))
        assert "每点为 7 天的日均" not in said(draw(rehearsal, ZH))


def test_at_most_fifteen_people_are_drawn(rehearsal):
    many = rehearsal.people.iloc[[0] * 40].assign(recipient=[f"staff:{n}" for n in range(40)], warnings=range(40))
    names = [text for text in said(charts.people(replace(rehearsal, people=many), ZH)) if "staff:" in text]
    assert len(names) == 15
    assert names[0] == "张伟 (staff:39)"
