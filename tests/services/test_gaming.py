"""Each sign counted by hand on small registers, on both databases; hours count from Monday's opening."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from bihuan.analysis.gaming import Sign, Thresholds, Verdict
from bihuan.errors import UsageError
from bihuan.services.gaming import OURS, SHOWN, calendars_of, signs
from bihuan.services.gaming_words import counts, figure, remarks, verdict
from bihuan.store.queries.gaming import Scope
from schemas.complaint import Channel, EventIn, EventKind, Severity

K = EventKind
LATER = 5000
"""Long after everything here, in hours."""


def happened(office, kind: K, hours: float, actor: str = "", **data: str) -> EventIn:
    return EventIn(kind=kind, occurred_at=office.after(hours), actor=actor, data=data)


def told(office, number: str, *events: EventIn, hours: float = 0, **facts):
    """A complaint of the register; its handling has 48 hours of every hour unless ``deadlines`` says otherwise."""
    return office.complaint(number, hours, **{"deadlines": {"handled": None}, "events": events, **facts})


def looked(office, by: str | None = None, *, at: float = LATER, thresholds: Thresholds = OURS, **span: float):
    """The figures by sign and key."""
    scope = Scope(*(office.after(span[name]) if name in span else None for name in ("since", "until")), by)
    with office.db.read() as session:
        found = signs(session, office.policy, calendars_of(session, office.policy), scope, office.after(at), thresholds)
    return {(it.sign, it.key): it for it in found}


def one(office, sign: Sign, key: str | None = None, **how):
    return looked(office, **how)[sign, key]


def numbers(office, *external: str) -> tuple[str, ...]:
    known = {row.external_id: row.number for row in office.complaints}
    return tuple(known[name] for name in external)


def waited(office, number: str, began: float, ended: float, handled: float = 100, **facts):
    events = [happened(office, kind, hours) for kind, hours in
              ((K.WAITING, began), (K.RESUMED, ended), (K.HANDLED, handled))]  # fmt: skip
    return told(office, number, *events, **facts)


def test_an_empty_register_has_every_sign_without_a_figure(office):
    found = looked(office)
    assert [(sign, it.x, it.n, it.value, it.low) for (sign, _), it in found.items()] == [
        (sign, 0, 0, None, None) for sign in Sign
    ]
    assert {it.verdict for it in found.values()} == {Verdict.NOT_ENOUGH_DATA}
    assert {it.complaints for it in found.values()} == {()}
    assert looked(office, "handler") == {}


def test_late_pauses_of_those_that_stopped_a_running_clock(office):
    office.take_in(
        waited(office, "early", 10, 20),
        waited(office, "edge", 45.6, 50),  # 95 % of 48 hours
        waited(office, "before", 45.59, 50),
        waited(office, "overdue", 48, 50),
        waited(office, "promised", 99, 100, deadlines={"handled": office.after(100)}),
        waited(office, "answering", 1.95, 3, deadlines={"first_response": None}),  # runs on while it waits
    )
    it = one(office, Sign.LATE_PAUSE)
    assert (it.x, it.n, it.complaints) == (1, 3, numbers(office, "edge"))


def test_each_pause_counts_and_earlier_ones_are_not_time_used(office):
    """Ten hours waited, so 45.6 of the 48 are used 55.6 hours after registration."""
    events = [happened(office, kind, hours) for kind, hours in
              ((K.WAITING, 10), (K.RESUMED, 20), (K.WAITING, 55.6), (K.RESUMED, 57), (K.HANDLED, 57.5))]  # fmt: skip
    office.take_in(told(office, "1", *events))
    it = one(office, Sign.LATE_PAUSE)
    assert (it.x, it.n) == (1, 2)


def test_a_pause_that_lasts_counts(office):
    office.take_in(told(office, "1", happened(office, K.WAITING, 47)))
    assert one(office, Sign.LATE_PAUSE).x == 1


def test_reopened_within_seven_days_of_being_handled(office):
    week = 7 * 24
    office.take_in(
        told(office, "held", happened(office, K.HANDLED, 1)),
        told(office, "soon", happened(office, K.HANDLED, 1), happened(office, K.REOPENED, 1 + week)),
        told(office, "late", happened(office, K.HANDLED, 1), happened(office, K.REOPENED, 1.01 + week)),
        told(office, "withdrawn", happened(office, K.WITHDRAWN, 1), happened(office, K.REOPENED, 2)),
        told(office, "dropped", happened(office, K.HANDLED, 1), happened(office, K.WITHDRAWN, 2)),
        told(office, "open"),
        told(office, "waited", happened(office, K.WAITING, 1), happened(office, K.HANDLED, 2)),
        told(office, "twice", happened(office, K.HANDLED, 1), happened(office, K.REOPENED, 2),
             happened(office, K.HANDLED, 3), happened(office, K.REOPENED, 4), happened(office, K.HANDLED, 5)),
    )  # fmt: skip
    it = one(office, Sign.REOPENED_AFTER_HANDLING)
    assert (it.x, it.n, it.left_out) == (3, 8, 0)
    assert it.complaints == numbers(office, "soon", "twice")


def test_what_was_handled_too_lately_to_know_is_left_out(office):
    office.take_in(
        told(office, "old", happened(office, K.HANDLED, 10)),
        told(office, "new", happened(office, K.HANDLED, 11)),
        told(office, "again", happened(office, K.HANDLED, 11), happened(office, K.REOPENED, 12)),
    )
    it = one(office, Sign.REOPENED_AFTER_HANDLING, at=10 + 7 * 24)
    assert (it.x, it.n, it.left_out) == (0, 1, 2)
    assert one(office, Sign.REOPENED_AFTER_HANDLING, at=11 + 7 * 24).n == 3


def test_bunching_counts_each_band_around_due_and_compares(office):
    """Due a hundred hours after registration; 30 met just before, 10 just after, 24 and 20 in the bands before."""
    met = [*[82] * 3, *[87] * 24, *[92] * 20, *[95] * 15, *[100] * 15, *[100.5] * 10, *[108] * 2, 50, 121]
    office.take_in(*(
        told(office, f"{n}", happened(office, K.HANDLED, hours), deadlines={"handled": office.after(100)})
        for n, hours in enumerate(met)
    ))  # fmt: skip
    it = one(office, Sign.BUNCHING)
    assert [band.count for band in it.bands] == [3, 24, 20, 30, 10, 2, 0, 0]
    assert [round(band.upto, 2) for band in it.bands] == [0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2]
    assert (it.x, it.n, it.value, it.expected) == (30, 40, 0.75, 25 / 46)
    assert (round(it.low, 4), round(it.high, 4), it.verdict) == (0.5880, 0.8731, Verdict.UNREMARKABLE)
    assert len(it.complaints) == 30


def test_bunching_runs_on_the_deadlines_own_clock_without_its_pauses(office):
    """Two working hours from Friday 17:00 are due on Monday at 10:00; 96 % of them are used at 9:55 on Monday."""
    friday = 4 * 24 + 8
    monday = 7 * 24
    answered = {"hours": friday, "deadlines": {"first_response": None}}
    office.take_in(
        told(office, "1", happened(office, K.RESPONDED, monday + 55 / 60), **answered),
        told(office, "2", happened(office, K.RESPONDED, monday + 53 / 60), **answered),
        told(office, "3", happened(office, K.RESPONDED, monday + 65 / 60), **answered),
        waited(office, "4", 10, 20, handled=57),  # 47 of 48 hours
        waited(office, "5", 10, 57, handled=57),  # met while it waited: 10 of 48 hours
    )
    it = one(office, Sign.BUNCHING)
    assert [band.count for band in it.bands] == [0, 0, 1, 2, 1, 0, 0, 0]
    assert it.complaints == numbers(office, "1", "4")


def test_only_the_complaints_own_promise_is_counted(office):
    office.take_in(told(office, "1", happened(office, K.HANDLED, 47)))
    assert one(office, Sign.BUNCHING).x == 1
    with office.db.write() as session:
        session.execute(text("UPDATE deadline SET leg = 1"))
    assert one(office, Sign.BUNCHING).x == 0


def test_answers_that_look_like_a_machine(office):
    minute, second = 1 / 60, 1 / 3600
    office.take_in(
        told(office, "at once", happened(office, K.RESPONDED, minute)),
        told(office, "slower", happened(office, K.RESPONDED, minute + second)),
        told(office, "with a reply", happened(office, K.AUTOMATIC_REPLY, 1), happened(office, K.RESPONDED, 1 - minute)),
        told(office, "after a reply", happened(office, K.AUTOMATIC_REPLY, 1), happened(office, K.RESPONDED, 2, "li")),
        told(office, "robot replies", happened(office, K.AUTOMATIC_REPLY, 5, "robot")),
        told(office, "robot answers", happened(office, K.RESPONDED, 9, "robot")),
        told(office, "typed", happened(office, K.AUTOMATIC_REPLY, 5, "web"), happened(office, K.RESPONDED, 9, "web")),
    )
    it = one(office, Sign.AUTOMATIC_ANSWER)
    assert (it.x, it.n) == (3, 6)
    assert it.complaints == numbers(office, "at once", "with a reply", "robot answers")


def test_two_automatic_replies_near_one_answer_count_it_once(office):
    replies = [happened(office, K.AUTOMATIC_REPLY, 1 + n / 3600) for n in range(3)]
    office.take_in(told(office, "1", *replies, happened(office, K.RESPONDED, 1)))
    it = one(office, Sign.AUTOMATIC_ANSWER)
    assert (it.x, it.n) == (1, 1)


def test_the_span_takes_in_its_beginning_and_leaves_out_its_end(office):
    office.take_in(*(told(office, f"{n}", happened(office, K.RESPONDED, n), happened(office, K.HANDLED, n + 1),
                          hours=n) for n in range(3)))  # fmt: skip
    found = looked(office, since=0, until=2)
    assert {
        it.n for (sign, _), it in found.items() if sign in {Sign.AUTOMATIC_ANSWER, Sign.REOPENED_AFTER_HANDLING}
    } == {2}


def test_pauses_and_rounds_go_to_whoever_was_in_charge_then(office):
    office.department("product")
    office.staff("li", "product")
    office.staff("wang")
    events = (
        happened(office, K.ASSIGNED, 1, handler="li"), happened(office, K.WAITING, 46), happened(office, K.RESUMED, 47),
        happened(office, K.HANDLED, 48), happened(office, K.REOPENED, 50),
        happened(office, K.ASSIGNED, 51, handler="wang"), happened(office, K.HANDLED, 60),
    )  # fmt: skip
    office.take_in(told(office, "1", *events, handler="wang"))
    by_handler, by_department = looked(office, "handler"), looked(office, "department")
    assert {key: it.x for (sign, key), it in by_handler.items() if sign is Sign.REOPENED_AFTER_HANDLING} == {
        "li": 1, "wang": 0,
    }  # fmt: skip
    assert {key for sign, key in by_handler if sign is Sign.LATE_PAUSE} == {"li"}
    assert {key for sign, key in by_department if sign is Sign.LATE_PAUSE} == {"product"}


@pytest.mark.parametrize(
    ("by", "keys"),
    [("channel", {"phone", "app"}), ("severity", {"general", "urgent"}), ("kind", {None}), ("handler", {None}),
     ("department", {"service", None})],
)  # fmt: skip
def test_by_a_dimension_each_value_with_cases_has_its_figure(office, by, keys):
    office.take_in(
        told(office, "1", happened(office, K.RESPONDED, 1), channel=Channel.PHONE),
        told(office, "2", happened(office, K.RESPONDED, 1), channel=Channel.APP, severity=Severity.URGENT,
             department=None),
    )  # fmt: skip
    assert {key for sign, key in looked(office, by) if sign is Sign.AUTOMATIC_ANSWER} == keys


def test_what_is_worth_a_look_comes_first(office):
    many = [told(office, f"{n}", happened(office, K.RESPONDED, 0 if n % 2 else 1),
                 channel=Channel.WEB if n % 2 else Channel.APP) for n in range(120)]  # fmt: skip
    office.take_in(*many)
    found = [it for (sign, _), it in looked(office, "channel").items() if sign is Sign.AUTOMATIC_ANSWER]
    assert [(it.key, it.verdict) for it in found] == [("web", Verdict.WORTH_A_LOOK), ("app", Verdict.UNREMARKABLE)]
    assert (found[0].x, len(found[0].complaints)) == (60, SHOWN)


def test_thresholds_are_data(office):
    office.take_in(told(office, "1", happened(office, K.HANDLED, 1), happened(office, K.REOPENED, 30)))
    strict = Thresholds(reopened_within=timedelta(hours=28), reopened=0.0, min_n=1)
    assert one(office, Sign.REOPENED_AFTER_HANDLING, thresholds=strict).x == 0
    loose = Thresholds(reopened=0.0, min_n=1)
    assert one(office, Sign.REOPENED_AFTER_HANDLING, thresholds=loose).verdict is Verdict.WORTH_A_LOOK


def test_an_unknown_dimension_is_refused():
    with pytest.raises(UsageError, match="no dimension 'colour'"):
        Scope(by="colour")


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_news_arrive_does_not_matter(office, seed):
    """The same history, told in another order and by halves."""
    chance = random.Random(seed)
    history = []
    for n in range(8):
        hours = sorted(chance.uniform(0, 100) for _ in range(7))
        kinds = (K.AUTOMATIC_REPLY, K.RESPONDED, K.WAITING, K.RESUMED, K.HANDLED, K.REOPENED, K.HANDLED)
        history.append((f"{n}", [happened(office, kind, at) for kind, at in zip(kinds, hours, strict=True)]))
    office.take_in(*(told(office, f"a{name}", *events, channel=Channel.APP) for name, events in history))
    for name, events in history:
        shuffled = chance.sample(events, len(events))
        office.take_in(told(office, f"b{name}", *shuffled[:3], channel=Channel.WEB))
        office.take_in(told(office, f"b{name}", *shuffled, channel=Channel.WEB))
    found = looked(office, "channel")
    for sign in Sign:
        one_way, other = found.get((sign, "app")), found.get((sign, "web"))
        assert (one_way is None) == (other is None)
        if one_way and other:
            assert (one_way.x, one_way.n, one_way.bands) == (other.x, other.n, other.bands), sign


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", ["3 中有 1：33.3%，95% 区间 6.1% 至 79.2%", "数据不足：不足 30 例，不下结论"]),
        ("en", ["1 of 3: 33.3%, 95% interval 6.1% to 79.2%", "Not enough data: fewer than 30 cases, no verdict"]),
    ],
)
def test_a_figure_is_told_with_n_interval_and_why(office, language, said):
    office.take_in(waited(office, "1", 10, 20), waited(office, "2", 46, 50), waited(office, "3", 11, 20))
    it = one(office, Sign.LATE_PAUSE)
    assert [figure(it, language), verdict(it, OURS, language)] == said
    assert remarks(it, OURS, language) == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("sign", Sign)
def test_what_is_counted_is_said_with_the_numbers_in_force(sign, language):
    said = counts(sign, OURS, language)
    assert {Sign.LATE_PAUSE: "95%", Sign.REOPENED_AFTER_HANDLING: "7", Sign.BUNCHING: "85–95%",
            Sign.AUTOMATIC_ANSWER: "60"}[sign] in said  # fmt: skip
    assert "{" not in said
