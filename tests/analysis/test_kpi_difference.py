"""The difference of two rates, as published."""

from __future__ import annotations

import pytest

from bihuan.analysis.kpi import difference


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_1998_table_ii_method_10(counts, low, high):
    found = difference(*counts)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.value == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])


def test_the_other_way_round_has_the_other_sign():
    one, other = difference(56, 70, 48, 80), difference(48, 80, 56, 70)
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))
