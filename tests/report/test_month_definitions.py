"""Whatever the registry can count, the report of a month can say what that is, in both languages."""

from __future__ import annotations

import pytest

from bihuan.notify.words import LANGUAGES, words
from bihuan.policy.kpi import TIMES, Counts


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("counts", Counts)
def test_everything_that_can_be_counted_is_defined(language, counts):
    assert words(language)["month"][f"defined_{counts}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_are_told_in_hours(language):
    assert TIMES
    assert "{hours}" in words(language)["month"]["in_hours"]
