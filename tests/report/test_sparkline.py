"""A small line is one image with a name, draws its gaps as gaps, and is drawn once."""

from __future__ import annotations

import re

from bihuan.report.sparkline import sparkline


def test_it_is_one_image_that_says_what_it_shows():
    drawn = sparkline((0.9, 0.8), 0.98, "Handled <on time>: 90%, 80%")
    assert drawn.startswith("<svg")
    assert 'role="img" aria-label="Handled &lt;on time&gt;: 90%, 80%"' in drawn
    assert drawn.count('role="img"') == 1


def test_a_month_without_a_figure_is_a_gap_in_the_line():
    def strokes(*values: float | None) -> int:
        (line,) = re.findall(r'<path[^>]* d="([^"]+)"[^>]*stroke="#0072b2"', sparkline(values, 0.5, "x"))
        return line.count("M")

    assert (strokes(0.1, 0.2, 0.3, 0.4), strokes(0.1, 0.2, None, 0.3, 0.4)) == (1, 2)


def test_equal_figures_are_drawn_and_drawn_once():
    assert sparkline((1.0, 1.0), 1.0, "x") is sparkline((1.0, 1.0), 1.0, "x")
