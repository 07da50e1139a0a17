"""Once a week how far each improvement is against its plan, on the first working day, and only once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bihuan.errors import UsageError
from bihuan.services.checkpoint import Reviewed, record_review, review_week
from bihuan.services.improvement_day import live_a_day
from bihuan.services.measure import record_progress
from schemas.plan import Checkpoint


def review(works, *day):
    works.office.at = datetime(*day, 0, 30, tzinfo=UTC)
    return review_week(works.office.db, works.office.policy, works.office.clock)


def test_a_week_is_looked_at_on_its_first_working_day_and_once(works):
    number = works.approved()  # one measure, from 5 to 30 November
    assert review(works, 2026, 11, 15) == Reviewed()  # a Sunday
    assert review(works, 2026, 11, 16) == Reviewed(items=1, behind=1)
    assert review(works, 2026, 11, 16) == review(works, 2026, 11, 18) == Reviewed()
    (row,) = works.office.rows(Checkpoint)
    assert (row.week_on, row.next_on) == (date(2026, 11, 16), date(2026, 11, 23))
    assert row.planned_ratio == pytest.approx(11 / 26, abs=1e-4)  # by the end of Sunday the 15th
    assert row.actual_ratio == 0
    works(record_progress, f"{number}.1", "wang", ratio=0.9)
    assert review(works, 2026, 11, 23) == Reviewed(items=1)
    assert review(works, 2026, 11, 30) == Reviewed(items=1, behind=1, near=1)
    assert review(works, 2026, 12, 7) == Reviewed(items=1, behind=1, late=1)


def test_a_missed_monday_and_one_in_the_holidays_are_made_up_for_once(works):
    works.approved()
    assert review(works, 2026, 11, 18).items == 1  # nothing ran on Monday and Tuesday
    assert review(works, 2027, 1, 1) == Reviewed()  # New Year's Day
    assert review(works, 2027, 1, 4).items == 1
    assert [row.week_on for row in works.office.rows(Checkpoint)] == [date(2026, 11, 16), date(2027, 1, 4)]


def test_a_deviation_is_explained_with_what_was_decided(works):
    number = works.approved()
    with pytest.raises(UsageError, match="no checkpoint yet"):
        works(record_review, number, "the supplier is late", "order elsewhere", "li")
    review(works, 2026, 11, 16)
    works(record_review, number, "the supplier is late", "order elsewhere", "li")
    revision = works.show(number)["revision"]
    works(record_review, number, "the supplier is late", "order elsewhere", "li")
    told = works.show(number)
    assert told["revision"] == revision
    (row,) = told["checkpoints"]
    assert (row["deviation"], row["decision"], row["reviewed_by"]) == ("the supplier is late", "order elsewhere", "li")


def test_a_day_without_news_changes_nothing(works):
    number = works.done()
    here = works.office
    first = live_a_day(here.db, here.policy, here.settings, here.clock)
    before = works.show(number)
    again = live_a_day(here.db, here.policy, here.settings, here.clock)
    assert works.show(number) == before
    assert again == first | {"effects": first["effects"] | {"moved": 0}}
