"""The review of a month: what its problems are told apart by."""

from __future__ import annotations

import pandas as pd
import pytest

from bihuan.analysis.review import problems_by


@pytest.mark.parametrize(
    ("products", "by"),
    [
        (["lamp", "fan", None], "product"),
        (["lamp", None], "product"),
        (["lamp", None, None], "kind"),
        ([None], "kind"),
        ([], "product"),
    ],
)
def test_problems_are_told_apart_by_kind_where_hardly_any_complaint_has_a_product(products, by):
    assert problems_by(pd.DataFrame({"product": pd.Categorical(products, ["lamp", "fan"])})) == by
