"""The priority matrix: its counts, that no higher value lowers it, and what the data suggest."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.priority import SCALE, Signs, importance_of, priority, urgency_of
from schemas.item import Priority

RANK = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2}


def test_the_table_has_29_high_46_medium_and_50_low_cells():
    counts = Counter(priority(*cell) for cell in product(SCALE, repeat=3))
    assert counts == {Priority.HIGH: 29, Priority.MEDIUM: 46, Priority.LOW: 50}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_no_higher_value_lowers_the_priority(axis):
    for cell in product(SCALE, repeat=3):
        if cell[axis] < 5:
            higher = tuple(value + (place == axis) for place, value in enumerate(cell))
            assert RANK[priority(*higher)] >= RANK[priority(*cell)], (cell, higher)


@pytest.mark.parametrize(
    ("cell", "told"), [((5, 3, 1), "high"), ((2, 5, 5), "medium"), ((5, 1, 1), "medium"), ((3, 5, 4), "high")]
)
def test_cells_are_looked_up_and_not_multiplied(cell, told):
    assert priority(*cell) == told


def test_what_is_not_one_to_five_is_refused():
    with pytest.raises(ValueError, match="1 to 5"):
        priority(0, 3, 3)


def test_the_heaviest_fifth_is_most_important():
    assert [importance_of(weight, range(1, 11)) for weight in (1, 2, 3, 9, 10)] == [1, 1, 2, 5, 5]
    assert importance_of(3, []) is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_a_heavier_matter_is_never_less_important(weights):
    told = [importance_of(weight, weights) for weight in sorted(weights)]
    assert told == sorted(told)
    assert set(told) <= set(SCALE)


@pytest.mark.parametrize(
    ("signs", "urgency"),
    [(Signs(), 1), (Signs(is_signalled=True), 2), (Signs(True, True, 1), 4), (Signs(True, True, 9), 5)],
)
def test_each_sign_makes_it_more_urgent(signs, urgency):
    assert urgency_of(signs) == urgency
