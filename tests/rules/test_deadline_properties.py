"""What holds of every log, and of every way to step the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bihuan.policy.book import PolicyBook
from bihuan.policy.loader import load_policy
from bihuan.rules.complaint import LogLine, rounds, standing
from bihuan.rules.deadline import Decision, DerivedDeadline, decide, derive, next_step
from schemas.complaint import ComplaintState, EventKind, Severity
from schemas.outbox import Notice

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
LATEST = 600
"""Hours that a log or a walk may take."""
OVER = {ComplaintState.HANDLED, ComplaintState.CLOSED, ComplaintState.WITHDRAWN, ComplaintState.MERGED}
BOOK = PolicyBook.of(load_policy(None).deadline, load_policy(None).calendars)

hours = st.integers(-1, LATEST).map(lambda count: START + timedelta(hours=count))
"""Whole hours, so that instants often meet."""
happenings = st.sampled_from(sorted(set(EventKind) - {EventKind.REGISTERED, EventKind.AMENDED}))


@st.composite
def logs(draw: st.DrawFn) -> list[LogLine]:
    """Registration, whatever may have happened in any order, and corrections each recorded at an instant of its own."""
    log = [LogLine(EventKind.REGISTERED, START, START, {"severity": draw(st.sampled_from(Severity)).value})]
    log += draw(st.lists(st.builds(LogLine, happenings, hours, hours), max_size=8))
    changed = draw(st.lists(st.tuples(hours, hours, st.sampled_from(Severity)), max_size=2))
    log += [LogLine(EventKind.SEVERITY_CHANGED, at, known, {"severity": said.value}) for at, known, said in changed]
    for recorded_at in draw(st.lists(hours, max_size=2, unique=True)):
        severity = draw(st.sampled_from(Severity)).value
        log.append(LogLine(EventKind.AMENDED, recorded_at, recorded_at, {"severity": severity}))
    return log


@st.composite
def deadlines(draw: st.DrawFn) -> tuple[list[datetime], datetime, datetime | None]:
    """Warnings, due instant and perhaps an end."""
    due_at = draw(hours)
    warn_at = sorted(at for at in draw(st.sets(hours, max_size=3)) if at < due_at)
    return warn_at, due_at, draw(st.none() | hours)


steppings = st.sets(hours, min_size=1).map(sorted)


def derived(log: Sequence[LogLine]) -> list[DerivedDeadline]:
    return derive(log, BOOK)


def walk(
    warn_at: Sequence[datetime], due_at: datetime, ended_at: datetime | None, instants: Sequence[datetime]
) -> list[Decision]:
    """Everything decided by looking at these instants in turn."""
    step, found = 0, []
    for at in instants:
        if decision := decide(warn_at, due_at, step, ended_at, at):
            found.append(decision)
            step = decision.step
    return found


@given(logs(), st.randoms(use_true_random=False))
def test_the_order_in_which_news_arrive_does_not_matter(log, dice):
    shuffled = log[:]
    dice.shuffle(shuffled)
    assert derived(shuffled) == derived(log)
    assert standing(shuffled) == standing(log)


@given(logs(), st.data())
def test_the_same_news_twice_say_nothing_new(log, data):
    again = [*log, data.draw(st.sampled_from([line for line in log if line.kind is not EventKind.REOPENED]))]
    assert derived(again) == derived(log)
    assert standing(again).round == standing(log).round


@given(logs())
def test_a_complaint_is_handled_where_its_state_says_so(log):
    now = standing(log)
    assert (now.handled_at is not None) == (now.state in OVER)
    assert now.round == len(rounds(log))


@given(logs())
def test_each_milestone_has_one_deadline_a_round(log):
    names = [(one.milestone, one.round) for one in derived(log)]
    assert len(names) == len(set(names))
    assert {round_ for _, round_ in names} <= set(range(1, standing(log).round + 1))


@given(logs())
def test_nothing_of_an_earlier_round_still_runs(log):
    now = standing(log)
    assert all(one.ended_at for one in derived(log) if one.round < now.round)


@given(logs())
def test_warnings_come_in_order_and_before_the_due_instant(log):
    for one in derived(log):
        instants = (one.started_at, *one.warn_at, one.due_at)
        assert all(earlier < later for earlier, later in pairwise(instants))


@given(logs())
def test_a_deadline_is_met_or_cancelled_never_both(log):
    assert not any(one.met_at and one.cancelled_at for one in derived(log))


@given(logs())
def test_a_pause_never_makes_a_deadline_earlier(log):
    """Nor does it take one away or add one.

    Changed terms are left out: they reach what is open, and a pause keeps open what would have been due by then.
    """
    log = [line for line in log if line.kind is EventKind.REGISTERED or "severity" not in line.data]
    unpaused = [line for line in log if line.kind is not EventKind.WAITING]
    for paused, plain in zip(derived(log), derived(unpaused), strict=True):
        assert (paused.milestone, paused.round) == (plain.milestone, plain.round)
        assert paused.due_at >= plain.due_at
        assert all(later >= sooner for later, sooner in zip(paused.warn_at, plain.warn_at, strict=False))


@given(logs(), hours, hours)
def test_what_is_met_in_time_stays_so_whatever_pauses_are_added(log, at, recorded_at):
    more = [*log, LogLine(EventKind.WAITING, at, recorded_at)]
    in_time = {(one.milestone, one.round) for one in derived(log) if one.met_at and one.met_at <= one.due_at}
    assert in_time <= {(one.milestone, one.round) for one in derived(more) if one.met_at and one.met_at <= one.due_at}


@given(logs(), hours)
def test_no_breach_is_undone_by_what_occurs_later(log, at):
    """A replay at an instant decides what a sweep at that instant did, whatever the log holds by now."""
    seen = [line for line in log if line.occurred_at <= at or line.kind is EventKind.REGISTERED]
    blind = [LogLine(line.kind, line.occurred_at, line.recorded_at) for line in seen]
    whole = [LogLine(line.kind, line.occurred_at, line.recorded_at) for line in log]

    def breached(lines: Sequence[LogLine]) -> set[tuple[str, int]]:
        return {
            (one.milestone, one.round)
            for one in derived(lines)
            if (said := decide(one.warn_at, one.certain_due_at, 0, one.ended_at, at)) and said.notice is Notice.BREACH
        }

    assert breached(blind) == breached(whole)


@given(deadlines(), steppings, steppings)
def test_finely_or_coarsely_stepped_the_same_is_breached(deadline, some, others):
    """Both walks look at the last instant; between them they may look as often as they like."""
    last = max(some[-1], others[-1])

    def breaches(instants: Sequence[datetime]) -> list[datetime]:
        return [said.instant for said in walk(*deadline, [*instants, last]) if said.notice is Notice.BREACH]

    assert breaches(some) == breaches(others) == breaches([])


@given(deadlines(), steppings)
def test_each_step_is_decided_at_most_once_and_in_order(deadline, instants):
    steps = [said.step for said in walk(*deadline, instants)]
    assert steps == sorted(set(steps))


@given(deadlines(), hours)
def test_what_comes_next_lies_ahead(deadline, at):
    said = decide(*deadline[:2], 0, deadline[2], at)
    if said and said.next_at is not None:
        assert said.next_at >= at > said.instant


@given(deadlines(), hours)
def test_the_row_a_sweep_takes_is_one_it_decides(deadline, at):
    """A row whose ``next_at`` has passed and that says nothing would be taken again and again."""
    warn_at, due_at, ended_at = deadline
    for step in range(len(warn_at) + 2):
        next_at = next_step(warn_at, due_at, step, ended_at)
        is_due = next_at is not None and next_at < at
        assert is_due == (decide(warn_at, due_at, step, ended_at, at) is not None)


@given(deadlines(), hours)
def test_a_sweep_is_blind_to_an_end_that_lies_ahead(deadline, at):
    warn_at, due_at, ended_at = deadline
    if ended_at is None or ended_at <= at:
        ended_at = at + timedelta(microseconds=1)
    said, blind = decide(warn_at, due_at, 0, ended_at, at), decide(warn_at, due_at, 0, None, at)
    assert (said and (said.notice, said.instant, said.has_ended)) == (
        blind and (blind.notice, blind.instant, blind.has_ended)
    )
