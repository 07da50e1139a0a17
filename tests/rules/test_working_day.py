"""Terms in working days."""

from __future__ import annotations

from datetime import date

import pytest

from bihuan.rules.working_day import working_days_after


@pytest.mark.parametrize(
    ("day", "count", "until"),
    [
        (date(2026, 11, 2), 3, date(2026, 11, 5)),  # Monday to Thursday
        (date(2026, 11, 5), 3, date(2026, 11, 10)),  # over a weekend
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # over the National Day
        (date(2026, 11, 2), 0, date(2026, 11, 2)),
    ],
)
def test_a_term_skips_days_off(policy, day, count, until):
    assert working_days_after(day, count, policy.calendars.default) == until
