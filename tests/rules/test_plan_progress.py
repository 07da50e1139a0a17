"""Progress of a plan: weighted by effort, capped until verified; what was cancelled is not done."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules.plan_progress import Part, is_all_done, planned, progress
from schemas.plan import MeasureState as State

PARTS = st.lists(st.builds(Part, st.sampled_from(State), st.floats(0, 1), st.floats(0.1, 10)), max_size=6)


def test_a_heavier_measure_counts_for_more():
    assert progress([Part(State.DOING, 0.5, 3), Part(State.PLANNED, 0, 1)]) == 0.375


def test_what_is_not_verified_is_at_most_nine_tenths():
    done = [Part(State.DONE)]
    assert (progress(done), progress(done, is_verified=True)) == (0.9, 1.0)


def test_a_plan_whose_measures_were_all_cancelled_is_not_done():
    dropped = [Part(State.CANCELLED, 1.0), Part(State.CANCELLED, 1.0)]
    assert (progress(dropped, is_verified=True), is_all_done(dropped)) == (0.0, False)
    assert is_all_done([]) is False


def test_a_cancelled_one_neither_helps_nor_hinders():
    assert progress([Part(State.DOING, 0.4), Part(State.CANCELLED, 1.0)]) == 0.4
    assert is_all_done([Part(State.DONE), Part(State.CANCELLED)])


@given(PARTS)
def test_progress_lies_within_its_bounds_and_verification_never_lowers_it(parts):
    assert 0 <= progress(parts) <= 0.9
    assert progress(parts) <= progress(parts, is_verified=True) <= 1 + 1e-9


@given(PARTS)
def test_cancelling_all_of_it_always_comes_to_nothing(parts):
    assert progress([part._replace(state=State.CANCELLED) for part in parts], is_verified=True) == 0


@pytest.mark.parametrize(
    ("on", "ratio"), [(date(2026, 11, 1), 0), (date(2026, 11, 2), 0.1), (date(2026, 11, 6), 0.5), (date(2027, 1, 1), 1)]
)
def test_planned_grows_evenly_from_start_to_due(on, ratio):
    part = Part(State.DOING, 0, 1, date(2026, 11, 2), date(2026, 11, 11))
    assert planned([part], on) == pytest.approx(ratio)


def test_without_a_start_all_of_it_is_planned_for_the_due_day():
    part = Part(State.PLANNED, due_on=date(2026, 11, 11))
    assert (planned([part], date(2026, 11, 10)), planned([part], date(2026, 11, 11))) == (0, 1)
    assert planned([Part(State.PLANNED)], date(2026, 11, 11)) == 0
