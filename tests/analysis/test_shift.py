"""Where a change comes from: the slice that moved is named, and nothing is where all moved alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.shift import COLUMNS, moved

NAMES = ["dimension", "element", "sum_before", "n_before", "sum_after", "n_after"]


def cells(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=NAMES)


def test_the_slice_that_fell_is_named_with_what_it_explains():
    found = moved(
        cells(("channel", "app", 900, 1000, 600, 1000), ("channel", "phone", 1800, 2000, 1795, 2000),
              ("kind", "service", 1350, 1500, 1200, 1500), ("kind", "product", 1350, 1500, 1195, 1500)),
        is_share=True,
    )  # fmt: skip
    first = found.slices.iloc[0]
    assert (first["element"], first["before"], first["after"], bool(first["is_localised"])) == ("app", 0.9, 0.6, True)
    assert first["contribution"] == pytest.approx(300 / 305)
    assert not found.slices.query("dimension == 'kind'")["is_localised"].any()
    assert found.tested == 4


def test_what_falls_everywhere_at_once_points_at_nobody():
    found = moved(cells(*(("department", name, 900, 1000, 700, 1000) for name in "abcd")), is_share=True)
    assert len(found.slices) == 4
    assert not found.slices["is_localised"].any()


def test_a_mix_that_moved_explains_nothing():
    """Both kept their own share; there is only more of the worse one."""
    found = moved(cells(("kind", "good", 900, 1000, 180, 200), ("kind", "bad", 500, 1000, 900, 1800)), is_share=True)
    assert found.slices.empty


def test_small_slices_are_not_looked_at():
    found = moved(cells(("channel", "app", 20, 20, 0, 20), ("channel", "phone", 900, 1000, 880, 1000)), is_share=True)
    assert found.slices["element"].tolist() == ["phone"]


def test_over_dispersed_figures_need_more_to_convince():
    rows = cells(("channel", "app", 900, 1000, 860, 1000), ("channel", "phone", 900, 1000, 900, 1000))
    calm, wild = (moved(rows, is_share=True, scatter=scatter).slices for scatter in (1.0, 5.0))
    assert bool(calm.iloc[0]["is_localised"]) is True
    assert bool(wild.iloc[0]["is_localised"]) is False


def test_scores_are_compared_and_not_tested():
    found = moved(cells(("channel", "app", 4000, 1000, 3000, 1000), ("channel", "phone", 4000, 1000, 4000, 1000)),
                  is_share=False)  # fmt: skip
    assert found.tested == 0
    assert np.isnan(found.slices.iloc[0]["q"])
    assert found.slices.iloc[0]["contribution"] == pytest.approx(1.0)


def test_nothing_compared_finds_nothing():
    found = moved(cells(), is_share=True)
    assert (list(found.slices.columns), len(found.slices), found.tested) == (list(COLUMNS), 0, 0)
