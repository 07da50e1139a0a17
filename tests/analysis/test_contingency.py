"""Tables of counts, ranks and raters: textbook answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.analysis import agreement, contingency, multiple, rank

KIDNEY = [[[81, 6], [234, 36]], [[192, 71], [55, 25]]]
SMOKERS = ([83, 90, 129, 70], [86, 93, 136, 82])
PERMEABILITY = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46], [1.15, 0.88, 0.90, 0.74, 1.21]
DEPRESSION = (
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
    [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
)
BENJAMINI_HOCHBERG = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1,
]  # fmt: skip


def test_two_shares_are_compared_with_the_pooled_variance():
    assert contingency.two_proportions([56, 48], [70, 80]) == pytest.approx((2.6502, 0.00805), abs=5e-5)


def test_z_of_two_groups_is_the_root_of_chi_square():
    assert contingency.two_proportions([56, 48], [70, 80]).z ** 2 == pytest.approx(
        contingency.k_proportions([56, 48], [70, 80]).value
    )


def test_shares_of_four_groups_are_as_r_says():
    assert contingency.k_proportions(*SMOKERS) == pytest.approx((12.6004, 3, 0.005585), abs=5e-5)


def test_the_trend_of_shares_is_as_r_says():
    assert contingency.trend(*SMOKERS) == pytest.approx((8.2249, 1, 0.004132), abs=5e-5)


def test_a_trend_does_not_care_how_scores_are_scaled():
    assert contingency.trend(*SMOKERS, scores=[10, 20, 30, 40]) == pytest.approx(contingency.trend(*SMOKERS))


def test_mcnemar_is_as_agresti_printed_it_three_ways():
    found = contingency.mcnemar([[794, 150], [86, 570]])
    assert (found.value, found.corrected) == pytest.approx((17.356, 16.818), abs=5e-4)
    assert found.p_exact == pytest.approx(3.716e-5, abs=5e-9)


def test_the_lady_tasting_tea_is_not_convincing():
    found = contingency.fisher([[3, 1], [1, 3]])
    assert (found.p, found.p_greater) == pytest.approx((0.4857, 0.2429), abs=5e-5)


def test_strata_of_kidney_stones_share_an_odds_ratio():
    found = contingency.mantel_haenszel(KIDNEY)
    assert (found.odds_ratio, found.value, found.p) == pytest.approx((1.446847, 2.433856, 0.118741), abs=5e-7)
    assert found.low < 1 < found.high


def test_a_correction_never_turns_a_difference_around():
    even = [[[10, 10], [10, 10]]]
    assert contingency.mantel_haenszel(even, is_corrected=True).value == 0
    assert contingency.mantel_haenszel(KIDNEY, is_corrected=True).value == pytest.approx(2.091257, abs=5e-7)


@pytest.mark.parametrize("refused", [
    lambda: contingency.two_proportions([1, 2, 3], [4, 4, 4]),
    lambda: contingency.k_proportions([0, 0], [4, 4]),
    lambda: contingency.k_proportions([5], [4]),
    lambda: contingency.independence([[1, -1], [2, 2]]),
    lambda: contingency.mcnemar([[4, 0], [0, 4]]),
    lambda: contingency.fisher([[1, 2, 3], [4, 5, 6]]),
    lambda: contingency.mantel_haenszel([[[4, 0], [4, 0]]]),
    lambda: contingency.trend([1, 2], [4, 4], scores=[1, 1]),
])  # fmt: skip
def test_tables_that_say_nothing_are_refused(refused):
    with pytest.raises(ValueError, match=r".{20}"):
        refused()


def test_mann_whitney_is_as_hollander_and_wolfe_have_it():
    found = rank.mann_whitney(*PERMEABILITY)
    assert (found.u1, found.p_greater, found.is_exact) == (35, pytest.approx(0.1272, abs=5e-5), True)


def test_tied_values_are_not_called_exact():
    assert not rank.mann_whitney([1, 2, 3, 3], [3, 4, 5]).is_exact


def test_wilcoxon_is_as_hollander_and_wolfe_have_it():
    found = rank.wilcoxon(*DEPRESSION)
    assert (found.v, found.p_greater) == (40, pytest.approx(0.01953, abs=5e-6))


def test_kruskal_wallis_is_as_hollander_and_wolfe_have_it():
    mucociliary = [[2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0]]
    assert rank.kruskal_wallis(mucociliary) == pytest.approx((0.77143, 2, 0.68), abs=5e-5)


def test_a_shift_is_found_whatever_the_spread():
    assert rank.hodges_lehmann([11, 12, 13, 400], [1, 2, 3]) == 10.5


def test_cohens_kappa_is_as_the_textbook_table():
    found = agreement.cohen([[20, 5], [10, 15]])
    assert (found.value, found.observed, found.expected) == pytest.approx((0.4, 0.7, 0.5))


def test_near_misses_count_for_something_when_weighted():
    """One pair of raters who are never more than a step apart."""
    table = [[4, 2, 0], [2, 4, 2], [0, 2, 4]]
    plain, linear, quadratic = (agreement.cohen(table, weights) for weights in ("none", "linear", "quadratic"))
    assert (plain.observed, linear.observed, quadratic.observed) == pytest.approx((12 / 20, 16 / 20, 18 / 20))
    assert plain.value < linear.value < quadratic.value
    for found in (plain, linear, quadratic):
        assert found.value == pytest.approx(1 - (1 - found.observed) / (1 - found.expected))


def test_fleiss_kappa_is_as_he_worked_it():
    psychiatrists = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert agreement.fleiss(psychiatrists) == pytest.approx((0.210, 0.378, 0.213), abs=5e-4)


def test_of_fifteen_tests_benjamini_and_hochberg_reject_four_and_the_others_three():
    rejected = {
        method: int(multiple.adjust(BENJAMINI_HOCHBERG, 0.05, method).is_rejected.sum())
        for method in ("benjamini_hochberg", "holm", "bonferroni")
    }
    assert rejected == {"benjamini_hochberg": 4, "holm": 3, "bonferroni": 3}


@settings(max_examples=30)
@given(st.lists(st.integers(0, 1000), max_size=20))
def test_adjusting_keeps_the_order_and_never_makes_a_finding_stronger(thousandths):
    p = [one / 1000 for one in thousandths]
    for method in ("benjamini_hochberg", "holm", "bonferroni"):
        adjusted = multiple.adjust(p, 0.1, method).p
        ranked = [one for _, one in sorted(zip(p, adjusted, strict=True))]
        assert all(before <= after + 1e-12 for before, after in pairwise(ranked))
        assert all(before <= after + 1e-12 <= 1 + 1e-9 for before, after in zip(p, adjusted, strict=True))
