"""Many deadlines at once are those that are derived one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.book import PolicyBook
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.loader import load_policy
from bihuan.policy.scope import Facts
from bihuan.rules.complaint import LogLine
from bihuan.rules.replay import NEVER, TURNING, Plain, Promises, joined, replay_one_by_one, replay_plain, watched
from bihuan.rules.timeline import to_microseconds
from schemas.complaint import Channel, EventKind, Severity

POLICY = load_policy(None)
START = datetime(2026, 9, 28, 1, tzinfo=UTC)
"""Two days before a holiday of eight days, and a make-up Saturday after it."""
WATCHED = watched(POLICY.deadline)
USUAL = sorted(WATCHED - TURNING - {EventKind.REGISTERED})


def scoped() -> DeadlinePolicy:
    """The shipped matrix, tighter for premium complaints by telephone."""
    written = POLICY.written()["deadline"]
    cell = {"severity": {"general": {"target": "6h", "clock": "business"}, "major": "none"}}
    when = {"tier": ["premium"], "channel": ["phone"]}
    written["scopes"] = {"pilot": {"when": when, "milestones": {"handled": cell}, "warn": ["50%", "90%"]}}
    return DeadlinePolicy.model_validate(written)


@st.composite
def plain_logs(draw: st.DrawFn) -> tuple[Facts, list[LogLine]]:
    """Registration and some kinds of events, each once and each at an instant of its own, clock skew included."""
    facts = Facts(
        channel=draw(st.sampled_from([Channel.PHONE, Channel.EMAIL])).value,
        tier=draw(st.sampled_from(["basic", "premium", None])),
        severity=draw(st.sampled_from(Severity)).value,
        department="service",
    )
    data = {name: word for name, word in facts._asdict().items() if word}
    kinds = draw(st.lists(st.sampled_from(USUAL), unique=True))
    hours = draw(st.lists(st.integers(-2, 900), min_size=len(kinds), max_size=len(kinds), unique=True))
    started = START + timedelta(minutes=draw(st.integers(0, 20_000)))
    log = [LogLine(EventKind.REGISTERED, started, started, data)]
    log += [
        LogLine(kind, at := started + timedelta(hours=hour, seconds=1), at)
        for kind, hour in zip(kinds, hours, strict=True)
    ]
    return facts, log


def as_columns(logs: Sequence[tuple[Facts, list[LogLine]]]) -> Plain:
    distinct = list(dict.fromkeys(facts for facts, _ in logs))
    occurred = {kind: np.full(len(logs), NEVER) for kind in WATCHED}
    for row, (_, log) in enumerate(logs):
        for line in log:
            occurred[line.kind][row] = to_microseconds(line.occurred_at)
    return Plain(distinct, np.array([distinct.index(facts) for facts, _ in logs], np.int64), occurred)


def rows(promises: Promises) -> list[tuple[object, ...]]:
    """The rows in an order of their own, without the padding of warnings."""
    columns = zip(*promises[:7], promises.warn, strict=True)
    return sorted((*map(int, row[:7]), tuple(int(at) for at in row[7] if at != NEVER)) for row in columns)


@given(st.lists(plain_logs(), min_size=1, max_size=12))
def test_columns_give_what_each_log_gives(logs):
    for policy in (POLICY.deadline, scoped()):
        quick = replay_plain(as_columns(logs), policy, POLICY.calendars)
        slow = replay_one_by_one(enumerate(log for _, log in logs), PolicyBook.of(policy, POLICY.calendars))
        assert rows(quick) == rows(slow)


def test_nothing_gives_nothing_and_joins_with_anything():
    nothing = replay_plain(as_columns([]), POLICY.deadline, POLICY.calendars)
    assert (rows(nothing), rows(joined([])), rows(joined([nothing, joined([])]))) == ([], [], [])


def test_a_deadline_that_a_wait_leaves_open_is_never_due():
    log = [
        LogLine(EventKind.REGISTERED, START, START, {"severity": "general"}),
        LogLine(EventKind.WAITING, START + timedelta(hours=3), START + timedelta(hours=3)),
    ]
    promises = replay_one_by_one([(7, log)], PolicyBook.of(POLICY.deadline, POLICY.calendars))
    handled = list(POLICY.deadline.milestones).index("handled")
    (due,) = promises.due[promises.milestone == handled]
    assert (due, set(promises.complaint)) == (NEVER, {7})
