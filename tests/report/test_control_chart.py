"""The control chart as SVG: whole in itself, quick, and told to whoever cannot see it."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter
from xml.etree import ElementTree as ET

import pytest

from bihuan.report.control_chart import MARKS, Dot, Picture, control_chart
from bihuan.report.drawing import NARROW


def picture(count: int = 60, label: str = "及时率", **changed) -> Picture:
    dots = tuple(
        Dot(date(2026, 1, 5) + place * timedelta(weeks=1), None if place == 7 else 0.9 - place % 5 / 100, 0.9,
            0.8 - place % 3 / 100, 0.97, list(MARKS)[place % len(MARKS)], place < 24, int(place >= 40))
        for place in range(count)
    )  # fmt: skip
    return Picture(dots, 0.98, "share", label)._replace(**changed)


def parsed(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - our own drawing


@pytest.mark.parametrize("count", [1, 2, 60])
def test_it_is_one_image_with_a_name_and_without_styles_of_its_own(count: int):
    drawn = control_chart(picture(count))
    root = parsed(drawn)
    assert root.tag.endswith("svg")
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "及时率")
    assert "style=" not in drawn
    assert "<script" not in drawn
    assert "graphics-symbol" not in drawn  # a screen reader would ask each point for its name


def test_what_people_wrote_is_escaped():
    drawn = control_chart(picture(label='<script>"x"'))
    assert "<script" not in drawn
    assert parsed(drawn).attrib["aria-label"] == '<script>"x"'


def test_every_mark_has_a_shape_and_a_colour_of_its_own():
    assert len({look[:2] for look in MARKS.values()}) == len(MARKS)
    drawn = control_chart(picture())
    assert all(colour in drawn for _, colour, _ in MARKS.values())


def test_a_phone_gets_a_narrow_one():
    wide, narrow = (float(parsed(control_chart(picture(), width)).attrib["width"]) for width in (540, NARROW))
    assert narrow <= NARROW < wide <= 540 + 1


def test_without_limits_the_points_are_drawn_alone():
    dots = tuple(dot._replace(center=None, low=None, high=None, is_baseline=False) for dot in picture(5).dots)
    assert parsed(control_chart(picture()._replace(dots=dots))).tag.endswith("svg")


def test_the_same_picture_is_drawn_once():
    control_chart(picture(label="once"))
    began = perf_counter()
    control_chart(picture(label="once"))
    assert perf_counter() - began < 0.05
