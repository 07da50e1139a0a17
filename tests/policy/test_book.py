"""The book of the policy: which edition counts when, and what was known of it at an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bihuan.policy.book import EVER, CalendarEdition, DeadlineEdition, PolicyBook
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.scope import Facts
from schemas.complaint import Severity

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def after(days: float) -> datetime:
    return START + timedelta(days=days)


@pytest.fixture
def said(policy):
    """The deadlines with so many hours for handling."""

    def deadlines(hours: int, milestone: str = "handled") -> DeadlinePolicy:
        written = policy.written()["deadline"]
        written["milestones"][milestone] = {
            **written["milestones"]["handled"],
            "severity": {severity: {"target": f"{hours}h", "clock": "calendar"} for severity in Severity},
        }
        return DeadlinePolicy.model_validate(written)

    return deadlines


@pytest.fixture
def edition(said):
    """An edition known by its hours."""

    def made(hours: int, recorded: float, effective: float | None = None, applied: float | None = None):
        return DeadlineEdition(said(hours), after(recorded), after(recorded if effective is None else effective),
                               None if applied is None else after(applied))  # fmt: skip

    return made


@pytest.fixture
def book(policy):
    return lambda *editions: PolicyBook(editions, [CalendarEdition(policy.calendars)])


def hours(edition: DeadlineEdition) -> int:
    return round(edition.policy.milestones["handled"].severity.general.seconds / 3600)


def test_the_first_edition_counts_for_everything_before(book, edition):
    assert hours(book(edition(1, 5)).deadline_at(after(-900))) == 1


def test_an_edition_counts_from_its_effective_instant_on(book, edition):
    two = book(edition(1, 0), edition(2, 1, effective=5))
    assert [hours(two.deadline_at(after(day))) for day in (0, 1, 4.999, 5, 90)] == [1, 1, 1, 2, 2]


def test_one_that_was_replaced_before_it_became_effective_never_counts(book, edition):
    withdrawn = book(edition(1, 0), edition(2, 1, effective=5), edition(3, 2))
    assert [hours(withdrawn.deadline_at(after(day))) for day in (1, 2, 6)] == [1, 3, 3]
    postponed = book(edition(1, 0), edition(2, 1, effective=5), edition(3, 2, effective=9))
    assert [hours(postponed.deadline_at(after(day))) for day in (4, 6, 9)] == [1, 1, 3]


def test_one_that_became_effective_the_instant_it_was_replaced_counted_until_then(book, edition):
    three = book(edition(1, 0), edition(2, 1, effective=2), edition(3, 2, effective=9))
    assert [hours(three.deadline_at(after(day))) for day in (1.9, 2, 8, 9)] == [1, 2, 2, 3]


def test_of_two_effective_at_once_the_later_counts(book, edition):
    assert hours(book(edition(1, 0), edition(2, 1), edition(3, 1)).deadline_at(after(1))) == 3


def test_the_newest_is_the_one_recorded_last_whether_it_counts_or_not(book, edition):
    assert hours(book(edition(1, 0), edition(2, 1, effective=900)).newest[0]) == 2


def test_a_milestone_given_up_is_known_still_after_those_of_the_newest_edition(book, said):
    with_more = DeadlineEdition(said(1, "extra"))
    two = book(with_more, DeadlineEdition(said(2), after(1), after(1)))
    assert two.milestones == (*said(2).milestones, "extra")


class TestAsOf:
    def test_what_was_recorded_or_applied_later_is_not_in_it(self, book, edition):
        whole = book(edition(1, 0), edition(2, 1, applied=3), edition(3, 5))
        assert [hours(whole.as_of(after(day)).newest[0]) for day in (0, 2, 6)] == [1, 2, 3]
        assert [len(whole.as_of(after(day)).later_applications) for day in (2, 3, 6)] == [0, 1, 1]
        assert whole.as_of(after(6)) is whole

    def test_an_edition_withdrawn_later_still_counts_as_it_was_known(self, book, edition):
        whole = book(edition(1, 0), edition(2, 1, effective=5), edition(3, 2))
        assert hours(whole.as_of(after(1)).deadline_at(after(6))) == 2
        assert hours(whole.deadline_at(after(6))) == 3

    def test_before_anything_was_recorded_the_first_edition_counts_and_was_applied_to_nothing(self, book, edition):
        before = book(edition(1, 2, applied=3)).as_of(after(0))
        assert (hours(before.newest[0]), before.later_applications) == (1, ())

    def test_a_calendar_is_the_one_known_then(self, policy, said):
        other = shorter(policy.calendars)
        whole = PolicyBook(
            [DeadlineEdition(said(1))], [CalendarEdition(policy.calendars), CalendarEdition(other, after(3))]
        )
        assert whole.as_of(after(2)).newest[1].calendars is policy.calendars
        assert whole.as_of(after(3)) is whole
        assert [whole.calendar_at(after(day)).calendars for day in (-9, 2.9, 3)] == [policy.calendars] * 2 + [other]
        assert (whole.as_of(after(2)).turns, whole.turns) == ((), (after(3),))


def shorter(calendars: CalendarPolicy, name: str = "china") -> CalendarPolicy:
    """The same calendars, one of them closed on a day more."""
    written = calendars.model_dump(mode="json", by_alias=True)
    written["calendars"][name]["holidays"] = {"2026-11-20": "盘点"}
    return CalendarPolicy.model_validate(written)


class TestCalendars:
    def test_one_is_found_by_its_version_in_any_edition(self, policy, said):
        old, new = policy.calendars, shorter(policy.calendars)
        book = PolicyBook([DeadlineEdition(said(1))], [CalendarEdition(old), CalendarEdition(new, after(1))])
        for calendars in (old, new):
            assert book.calendar_of(calendars.default.version) == ("china", calendars.default)
        assert book.calendar_of("0" * 16) is None

    def test_the_one_that_counts_is_chosen_by_the_complaint(self, policy):
        written = policy.calendars.model_dump(mode="json", by_alias=True)
        written["calendars"]["always"] = {"timezone": "UTC", "weekly": {"mon": [["00:00", "24:00"]]}}
        written["scopes"] = {
            "hotline": {"when": {"department": ["hotline"]}, "calendar": "always"},
            "east": {"when": {"department": ["hotline"], "region": ["华东"]}, "calendar": "china"},
        }
        edition = CalendarEdition(CalendarPolicy.model_validate(written))
        names = [
            edition.calendars.name_for(facts)
            for facts in (Facts(), Facts(department="hotline"), Facts(department="hotline", region="华东"))
        ]
        assert names == ["china", "always", "china"]
        assert edition.calendar(Facts(department="hotline")).timezone == "UTC"


def test_a_book_of_one_edition_has_always_counted(policy):
    book = PolicyBook.of(policy.deadline, policy.calendars)
    assert (book.deadline_at(EVER).policy, book.turns, book.later_calendars) == (policy.deadline, (), ())
