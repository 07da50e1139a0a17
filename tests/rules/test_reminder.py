"""How staff are let be: quiet hours, one letter within a window, a morning digest; and what holds whatever comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.clock import zone
from bihuan.policy.escalation import ReminderPolicy
from bihuan.policy.loader import load_policy
from bihuan.rules.reminder import (
    Held,
    Hold,
    Hours,
    Waiting,
    held,
    held_bundle,
    joined_bundle,
    may_wait,
    quiet_hours,
    sort_out,
)
from bihuan.rules.wall_time import window_at
from schemas.outbox import Audience, Message, Notice, Urgency

URGENT, USUAL, CAN_WAIT = Urgency.URGENT, Urgency.USUAL, Urgency.CAN_WAIT
SHANGHAI, BERLIN = Hours(zone("Asia/Shanghai")), Hours(zone("Europe/Berlin"))
SHIPPED = load_policy(None).escalation.reminders
"""Quiet from 22:00 to 08:00, a window of 5 minutes, a digest at 08:30 that comes 4 h before a deadline."""


def policy(**said: object) -> ReminderPolicy:
    return ReminderPolicy.model_validate(said)


def shanghai(local: str) -> datetime:
    """A time of Monday 16 November 2026 in Shanghai, or of another day ``17 08:00``."""
    day, _, clock = local.rpartition(" ")
    return datetime.fromisoformat(f"2026-11-{day or '16'}T{clock}+08:00").astimezone(UTC)


def usual(planned: str, notice: Notice = Notice.BREACH, **facts: object) -> Waiting:
    return Waiting(USUAL, notice, shanghai(planned), **facts)


def can_wait(planned: str, **facts: object) -> Waiting:
    return Waiting(CAN_WAIT, Notice.ESCALATION, shanghai(planned), **facts)


def warning(planned: str, due: str) -> Waiting:
    return usual(planned, Notice.WARNING, due_at=shanghai(due))


def now(message: Waiting, at: str, **how: object) -> Held | None:
    facts = {"hours": SHANGHAI, "last_at": None, "policy": SHIPPED} | how
    return held(message, at=shanghai(at), **facts)


# --- what may wait at all ---


@pytest.mark.parametrize(
    ("audience", "urgency", "notice", "waits"),
    [
        (Audience.STAFF, USUAL, Notice.BREACH, True),
        (Audience.STAFF, CAN_WAIT, Notice.ESCALATION, True),
        (Audience.STAFF, URGENT, Notice.OVERSIGHT, False),
        (Audience.STAFF, USUAL, Notice.SIGN_IN, False),
        (Audience.CUSTOMER, USUAL, Notice.RECEIPT, False),
        (Audience.CUSTOMER, CAN_WAIT, Notice.RECEIPT, False),
    ],
)
def test_only_what_is_for_staff_and_not_urgent_may_wait(audience, urgency, notice, waits):
    assert may_wait(audience, urgency, notice) is waits


def test_without_a_word_in_the_policy_nothing_waits():
    assert now(can_wait("23:00"), "23:00", policy=policy()) is None


# --- quiet hours ---


@pytest.mark.parametrize(
    ("at", "until"),
    [("21:59", None), ("22:00", "17 08:00"), ("17 00:00", "17 08:00"), ("17 07:59", "17 08:00"), ("17 08:00", None)],
)
def test_nobody_is_told_between_the_first_instant_of_quiet_hours_and_their_end(at, until):
    assert now(usual("12:00"), at) == (until and Held(shanghai(until), Hold.QUIET))


def test_the_hours_are_those_of_the_readers_own_zone():
    assert now(usual("23:00"), "23:00", hours=BERLIN) is None  # 16:00 in Berlin
    assert now(usual("08:00"), "08:00", hours=BERLIN) == Held(shanghai("15:00"), Hold.QUIET)  # 01:00 there


def test_a_persons_own_hours_count_before_the_policys():
    early = SHANGHAI._replace(quiet=("20:00", "06:00"))
    assert now(usual("20:30"), "20:30", hours=early) == Held(shanghai("17 06:00"), Hold.QUIET)
    assert now(usual("20:30"), "17 06:30", hours=early) is None


def test_hours_that_begin_when_they_end_are_none_at_all():
    assert now(usual("23:00"), "23:00", hours=SHANGHAI._replace(quiet=("00:00", "00:00"))) is None


def test_somebody_may_be_let_be_where_the_policy_lets_nobody_be():
    own = SHANGHAI._replace(quiet=("12:00", "14:00"))
    assert now(usual("12:30"), "12:30", hours=own, policy=policy()) == Held(shanghai("14:00"), Hold.QUIET)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        # At 02:00 the clocks of Berlin went to 03:00: half past two is moved on by that hour.
        ("2026-03-29T00:30+01:00", "2026-03-29T03:30+02:00"),
        # At 03:00 they go back to 02:00: half past two comes twice, and the first one counts.
        ("2026-10-25T00:30+02:00", "2026-10-25T02:30+02:00"),
    ],
)
def test_hours_that_end_in_a_change_of_clocks_end_once_and_forward(at, until):
    night = BERLIN._replace(quiet=("22:00", "02:30"))
    found = held(usual("12:00"), night, None, SHIPPED, datetime.fromisoformat(at))
    assert found == Held(datetime.fromisoformat(until), Hold.QUIET)


def test_hours_are_over_in_the_second_half_past_two():
    second = datetime.fromisoformat("2026-10-25T02:30+01:00")
    assert held(usual("12:00"), BERLIN._replace(quiet=("22:00", "02:30")), None, SHIPPED, second) is None


# --- the morning digest ---


@pytest.mark.parametrize(
    ("planned", "until"), [("08:29", "08:30"), ("08:30", None), ("08:31", "17 08:30"), ("23:00", "17 08:30")]
)
def test_what_can_wait_comes_with_the_next_digest(planned, until):
    assert now(can_wait(planned), planned) == (until and Held(shanghai(until), Hold.DIGEST))


def test_the_digest_that_counts_is_the_first_after_planning_however_late_it_is_sent():
    assert now(can_wait("10:00", reason="digest"), "17 08:30") is None
    assert now(can_wait("10:00", reason="scripted: retry"), "17 11:00") is None


@pytest.mark.parametrize(
    ("due", "waits"), [("17 12:30", True), ("17 12:29", False), ("17 08:00", False), ("11:00", False)]
)
def test_a_warning_waits_where_the_digest_still_leaves_time(due, waits):
    assert now(warning("10:00", due), "10:00") == (Held(shanghai("17 08:30"), Hold.DIGEST) if waits else None)


def test_a_warning_the_digest_comes_too_late_for_is_still_not_told_at_night():
    assert now(warning("23:00", "17 09:00"), "23:00") == Held(shanghai("17 08:00"), Hold.QUIET)


@pytest.mark.parametrize("notice", [Notice.BREACH, Notice.ESCALATION, Notice.HANDED_OVER])
def test_no_other_usual_notice_waits_for_a_digest(notice):
    assert now(usual("10:00", notice, due_at=shanghai("20 10:00")), "10:00") is None


def test_a_warning_of_no_deadline_waits_for_no_digest():
    assert now(usual("10:00", Notice.WARNING), "10:00") is None


def test_a_digest_in_quiet_hours_moves_to_their_end():
    late_riser = SHANGHAI._replace(quiet=("23:00", "10:00"))
    assert now(can_wait("15:00"), "15:00", hours=late_riser) == Held(shanghai("17 10:00"), Hold.DIGEST)
    tight = policy(digest={"at": "08:30", "before_due": "4h"})
    assert now(warning("15:00", "17 13:00"), "15:00", hours=late_riser, policy=tight) is None


def test_without_a_digest_what_can_wait_is_as_any_other():
    assert now(can_wait("10:00"), "10:00", policy=policy(quiet={"from": "22:00", "until": "08:00"})) is None


# --- the window behind a letter ---


@pytest.mark.parametrize(("at", "until"), [("10:00", "10:05"), ("10:04", "10:05"), ("10:05", None), ("11:00", None)])
def test_what_comes_soon_after_a_letter_waits_for_the_end_of_its_window(at, until):
    found = now(usual(at), at, last_at=shanghai("10:00"))
    assert found == (until and Held(shanghai(until), Hold.BUNDLED))


def test_the_first_one_goes_at_once():
    assert now(usual("10:00"), "10:00", last_at=None) is None


def test_nothing_is_held_for_the_window_twice():
    assert now(usual("10:00", reason="bundled"), "10:06", last_at=shanghai("10:04")) is None


def test_a_window_that_runs_into_the_night_gives_way_to_it():
    assert now(usual("21:58", reason="bundled"), "22:02") == Held(shanghai("17 08:00"), Hold.QUIET)


def test_a_letter_that_goes_anyway_takes_along_what_waited_for_the_window():
    messages = [usual("10:02", reason="bundled"), usual("10:06"), can_wait("10:06")]
    found = sort_out(messages, SHANGHAI, shanghai("10:04"), SHIPPED, shanghai("10:07"))
    assert found == [None, None, Held(shanghai("17 08:30"), Hold.DIGEST)]


def test_where_nothing_goes_now_each_waits_for_its_own_instant():
    messages = [usual("10:06"), can_wait("10:06")]
    found = sort_out(messages, SHANGHAI, shanghai("10:04"), SHIPPED, shanghai("10:07"))
    assert found == [Held(shanghai("10:09"), Hold.BUNDLED), Held(shanghai("17 08:30"), Hold.DIGEST)]


def test_nobody_waiting_is_nothing_to_sort():
    assert sort_out([], SHANGHAI, None, SHIPPED, shanghai("10:00")) == []


def test_the_longest_name_of_a_letter_fits_its_column():
    longest = Message.__table__.c.bundle.type.length
    recipient, channel = (
        "x" * Message.__table__.c[name].type.length for name in ("recipient", "channel")
    )  # fmt: skip
    until = shanghai("10:00") + timedelta(microseconds=1)
    assert len(held_bundle(recipient, channel, until)) <= longest
    assert len(joined_bundle(recipient, channel, 2**63 - 1)) <= longest


# --- whatever comes ---


@dataclass
class Person:
    """One reader's messages through some days, claimed as the outbox does: oldest first, so many at once at most."""

    hours: Hours
    policy: ReminderPolicy
    limit: int
    waiting: dict[int, tuple[datetime, Waiting, str]] = field(default_factory=dict)
    """When each is to be tried, and in which bundle."""
    sent: dict[int, datetime] = field(default_factory=dict)
    letters: list[datetime] = field(default_factory=list)
    """Those that were not urgent."""

    def live(self, every: timedelta) -> None:
        """Deliver at every step of the clock at which something is due, until nothing waits."""
        start = min(at for at, _, _ in self.waiting.values())
        while self.waiting:
            due_at = min(at for at, _, _ in self.waiting.values())
            steps = -((start - due_at) // every)
            self.deliver(start + steps * every)

    def deliver(self, at: datetime) -> None:
        while claimed := self._claimed(at):
            urgent = [one for one in claimed if self.waiting[one][1].urgency is URGENT]
            others = [one for one in claimed if one not in urgent]
            verdicts = sort_out(
                [self.waiting[one][1] for one in others], self.hours, max(self.letters, default=None), self.policy, at
            )
            going = [one for one, verdict in zip(others, verdicts, strict=True) if verdict is None]
            for one, verdict in zip(others, verdicts, strict=True):
                if verdict:
                    assert verdict.until > at
                    message = self.waiting[one][1]._replace(reason=verdict.why.value)
                    self.waiting[one] = (verdict.until, message, held_bundle("staff:1", "preferred", verdict.until))
            self._send(urgent, at)
            if going:
                self._send(going, at)
                self.letters.append(at)

    def _claimed(self, at: datetime) -> list[int]:
        due = sorted((when, one) for one, (when, _, _) in self.waiting.items() if when <= at)
        first = [one for _, one in due[: self.limit]]
        bundles = {self.waiting[one][2] for one in first} - {""}
        return [one for _, one in due if one in first or self.waiting[one][2] in bundles or (self.policy.bundle_within
                and self.waiting[one][1].urgency is not URGENT)]  # fmt: skip

    def _send(self, some: list[int], at: datetime) -> None:
        for one in some:
            self.sent[one] = at
            del self.waiting[one]


def leaves_time(quiet: tuple[str, str]) -> bool:
    """Three hours at least, less one that a change of clocks may take: longer than any step of the tests' clocks."""
    begins, ends = (int(text[:2]) * 60 + int(text[3:]) for text in quiet)
    return begins == ends or (begins - ends) % (24 * 60) >= 3 * 60


times_of_day = st.sampled_from(
    ["00:00", "01:30", "02:30", "03:00", "06:00", "08:00", "08:30", "12:00", "19:45", "22:00"]
)
quiet_times = st.tuples(times_of_day, times_of_day).filter(leaves_time)
starts = st.sampled_from([
    ("Asia/Shanghai", datetime(2026, 11, 15, 16, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 28, 0, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 0, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 0, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 0, 0, tzinfo=UTC)),
])  # fmt: skip


@st.composite
def people(draw: st.DrawFn) -> tuple[Person, dict[int, Waiting]]:
    """Somebody with hours of their own or the policy's, and up to twelve messages within three days."""
    zone_name, start = draw(starts)
    minutes = st.integers(0, 3 * 24 * 60).map(lambda count: timedelta(minutes=count))
    said: dict[str, object] = {}
    if draw(st.booleans()):
        quiet = draw(quiet_times)
        said["quiet"] = {"from": quiet[0], "until": quiet[1]}
    if draw(st.booleans()):
        said["bundle_within"] = draw(st.sampled_from(["1min", "5min", "45min"]))
    if draw(st.booleans()):
        said["digest"] = {"at": draw(times_of_day), "before_due": draw(st.sampled_from(["30min", "4h", "2d"]))}
    messages = {}
    for number in range(draw(st.integers(1, 12))):
        planned_at = start + draw(minutes)
        due_at = draw(st.none() | minutes.map(lambda ahead, since=planned_at: since + ahead))
        notice = draw(st.sampled_from([Notice.WARNING, Notice.BREACH, Notice.ESCALATION]))
        messages[number] = Waiting(draw(st.sampled_from(Urgency)), notice, planned_at, due_at)
    hours = Hours(zone(zone_name), draw(st.none() | quiet_times))
    person = Person(hours, policy(**said), draw(st.integers(1, 4)))
    person.waiting = {number: (message.planned_at, message, "") for number, message in messages.items()}
    return person, messages


@settings(max_examples=400)
@given(people(), st.sampled_from([timedelta(minutes=1), timedelta(minutes=7), timedelta(hours=1)]))
def test_whatever_comes_every_message_goes_once_in_time_and_at_a_good_hour(found, every):
    """Nothing is lost or held for ever; nobody hears at night but of what is urgent, and otherwise once a window."""
    person, messages = found
    person.live(every)
    assert set(person.sent) == set(messages)
    quiet = quiet_hours(person.hours, person.policy)
    window = person.policy.bundle_within or timedelta(0)
    for number, at in person.sent.items():
        message = messages[number]
        if message.urgency is URGENT:
            assert message.planned_at <= at < message.planned_at + every
            continue
        assert not (quiet and window_at(at, *quiet, person.hours.zone))
        # A day of 25 hours up to the digest, a night up to the end of quiet hours, a window, and as many late steps.
        assert at - message.planned_at <= timedelta(hours=25) + 2 * timedelta(hours=24) + window + 4 * every
    assert all(later - earlier >= window for earlier, later in pairwise(person.letters))


@settings(max_examples=200)
@given(people())
def test_with_the_clock_watched_by_the_minute_nobody_waits_longer_than_a_digest_a_night_and_a_window(found):
    person, messages = found
    person.live(timedelta(minutes=1))
    quiet = quiet_hours(person.hours, person.policy)
    night = timedelta(hours=25) if quiet else timedelta(0)
    digest = timedelta(hours=25) if person.policy.digest else timedelta(0)
    window = person.policy.bundle_within or timedelta(0)
    for number, at in person.sent.items():
        assert at - messages[number].planned_at <= digest + night + window + timedelta(minutes=3)
