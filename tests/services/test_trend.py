"""Warnings: found once, kept with their evidence, told to whoever is to know, never taken away silently."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bihuan.errors import UsageError
from bihuan.policy.trend import TrendPolicy
from bihuan.services import trend
from bihuan.services.trend import Watched, watch
from bihuan.settings import Settings
from bihuan.store.rows import insert_rows, table_of
from bihuan.testing import RecordingGateway
from schemas.access import Role
from schemas.kpi import Grain, Signal, Snapshot
from schemas.outbox import Message, MessageState, Notice, Urgency

FIRST = date(2026, 4, 6)
"""A Monday; 32 weeks before the office's own."""
HANDLED, SCORE = "on_time_handled", "csat_mean"
WEEKS = 30
_DAY = timedelta(days=1)


@pytest.fixture
def settings() -> Settings:
    return Settings(secret="for tests only", web_url="http://bihuan.example:8700")


@pytest.fixture
def counts(office) -> Callable[..., None]:
    """Writes daily snapshots of 20 cases and more: of the whole, or of one value of a dimension."""

    def write(
        share: Callable[[int], float],
        *,
        weeks: int = WEEKS,
        indicator: str = HANDLED,
        n: int = 20,
        of: tuple = ("", ""),
    ):
        rows = []
        for place in range(weeks * 7):
            day, cases = FIRST + place * _DAY, n + (place * 7) % 5
            x = round(cases * share(place // 7) + (0.4 if place % 2 else -0.4))
            x = min(max(x, 0), cases)
            rows.append(
                {
                    "grain": Grain.DAY,
                    "starts_on": day,
                    "indicator": indicator,
                    "dimension": of[0],
                    "element": of[1],
                    "survey": "",
                    "x": float(x),
                    "n": cases,
                    "value": x / cases,
                    "counted_at": office.at,
                    "apart": {},
                }
            )
        with office.db.write() as session:
            insert_rows(session, Snapshot, rows)

    return write


def falls(week: int) -> float:
    return 0.9 if week < 28 else 0.6


def steady(week: int) -> float:
    return 0.9 + 0.02 * (week % 3 - 1)


def at_end_of(office, week: int) -> datetime:
    """When that week has settled, counted from the first."""
    office.at = office.after(24 * (7 * (week + 1) - 224 + 3))
    return office.at


def look(office, week: int = WEEKS - 1) -> Watched:
    return watch(office.db, office.policy, office.settings, at_end_of(office, week))


def correct(office, week: int, share: float) -> None:
    """Late news changes every day of that week."""
    table = table_of(Snapshot)
    with office.db.write() as session:
        for day in range(7):
            on = FIRST + (week * 7 + day) * _DAY
            n = session.execute(select(table.c.n).where(table.c.starts_on == on, table.c.dimension == "")).scalar_one()
            session.execute(
                update(table)
                .where(table.c.starts_on == on, table.c.dimension == "")
                .values(x=round(n * share), value=round(n * share) / n, revision=2)
            )


def test_a_fall_is_kept_with_its_evidence_and_told_to_the_quality_manager(office, counts):
    to = office.staff("qin", roles=[Role.QUALITY_MANAGER])
    counts(falls)
    assert (look(office).worse, look(office)) == (1, Watched(charts=1))
    (row,) = office.rows(Signal)
    assert (row.indicator, row.dimension, row.grain, row.rule, row.is_worse) == (HANDLED, "", Grain.WEEK, "limit", True)
    assert (row.since_on, row.starts_on) == (date(2026, 10, 19), date(2026, 10, 19))
    assert (round(row.center, 2), round(row.value, 2), row.chart) == (0.9, 0.6, "p'")
    assert row.evidence["points"] == 2
    (message,) = office.messages
    assert (message.recipient, message.notice, message.subject_id) == (to, Notice.SIGNAL, row.id)
    assert (message.urgency, message.state) == (Urgency.CAN_WAIT, MessageState.PLANNED)


def test_looking_twice_changes_nothing_the_second_time(office, counts):
    counts(falls)
    look(office)
    before = office.rows(Signal), office.messages
    assert look(office) == Watched(charts=1)
    assert (office.rows(Signal), office.messages) == before


def test_a_run_that_goes_on_is_told_once_whatever_rule_finds_it_again(office, counts):
    """It is found at its first week; weeks later runs rules find the same and are kept without a letter."""
    counts(lambda week: 0.9 if week < 16 else 0.75, weeks=WEEKS)
    told = sum(look(office, week).told for week in range(12, WEEKS))
    rules = [row.rule for row in office.rows(Signal) if row.is_worse]
    assert told == len(office.messages) == 1
    assert len(set(rules)) >= 2


def test_weeks_that_were_missed_are_caught_up(office, counts):
    counts(lambda week: 0.6 if week == 26 else 0.9)
    done = look(office)
    assert (done.worse, done.told) == (1, 1)
    assert office.rows(Signal)[0].starts_on == FIRST + 26 * 7 * _DAY


def test_what_ended_long_ago_is_kept_and_nobody_is_told(office, counts):
    counts(lambda week: 0.6 if week == 18 else 0.9)
    done = look(office)
    assert (done.worse, done.told, office.messages) == (1, 0, [])
    assert office.rows(Signal)[0].evidence["is_told"] is False


def test_what_gets_better_is_kept_and_nobody_is_told(office, counts):
    counts(lambda week: 0.6 if week < 28 else 0.9)
    done = look(office)
    assert (done.signals, done.worse, done.told) == (1, 0, 0)


def test_nothing_is_said_of_a_stable_process_nor_of_eleven_weeks(office, counts):
    counts(steady)
    assert look(office) == Watched(charts=1)
    assert look(office, 10).signals == 0


def test_a_week_is_looked_at_only_once_it_has_settled(office, counts):
    counts(lambda week: 0.9 if week < 29 else 0.5)
    settled = at_end_of(office, 29)
    early = settled - timedelta(hours=10)
    assert watch(office.db, office.policy, office.settings, early).signals == 0
    assert watch(office.db, office.policy, office.settings, settled).signals == 1


def test_without_a_quality_manager_the_operator_is_told(office, counts):
    counts(falls)
    look(office)
    assert [row.recipient for row in office.messages] == ["operator"]


def test_a_signal_that_corrected_figures_do_not_bear_out_is_marked_and_not_told_any_more(office, counts):
    office.staff("qin", roles=[Role.QUALITY_MANAGER])
    counts(lambda week: 0.6 if week == 29 else 0.9)
    look(office)
    correct(office, 29, 0.9)
    assert look(office).withdrawn == 1
    (row,), (message,) = office.rows(Signal), office.messages
    assert row.evidence["withdrawn_at"]
    assert (message.state, message.reason) == (MessageState.SUPPRESSED, "ended")
    assert look(office) == Watched(charts=1)
    correct(office, 29, 0.6)
    look(office)
    assert [("withdrawn_at" in row.evidence) for row in office.rows(Signal)] == [False]


def test_late_news_adds_a_signal_of_a_week_that_was_quiet(office, counts):
    office.staff("qin", roles=[Role.QUALITY_MANAGER])
    counts(steady)
    assert look(office).signals == 0
    correct(office, 27, 0.5)
    assert (look(office).told, office.rows(Signal)[0].since_on) == (1, FIRST + 27 * 7 * _DAY)


def test_the_slices_that_explain_it_are_named_and_each_watched_slice_is_a_chart_of_its_own(office, counts):
    office.staff("qin", roles=[Role.QUALITY_MANAGER])
    for of, share in ((("", ""), lambda week: 0.9 if week < 28 else 0.7), (("department", "service"), lambda _: 0.9),
                      (("department", "logistics"), lambda week: 0.9 if week < 28 else 0.5),
                      (("channel", "phone"), lambda week: 0.9 if week < 28 else 0.7)):  # fmt: skip
        counts(share, of=of, n=40 if of == ("", "") else 20)
    done = look(office)
    assert (done.charts, done.worse, done.told) == (3, 2, 2)
    whole = next(row for row in office.rows(Signal) if not row.dimension)
    (first, *_) = whole.evidence["changed"]
    assert (first["dimension"], first["element"], first["is_localised"]) == ("department", "logistics", True)
    assert len({row.bundle for row in office.messages}) == 1


def test_one_look_is_one_letter_that_says_what_where_since_when_and_why_one_believes_it(office, counts):
    office.staff("qin", roles=[Role.QUALITY_MANAGER])
    for of in (("", ""), ("department", "service"), ("department", "logistics")):
        counts(steady if of[1] == "service" else falls, of=of, n=40)
    look(office)
    office.deliver()
    ((url, letter),) = office.mail.sent
    assert url.endswith("/qin")
    assert letter.title == "【异常预警】处理及时率变差：89.5% → 60.0%，另有 1 项"
    for words in (
        "自 2026-10-19 那一周起，2 个点超出控制下限",
        "变化最大的：部门“logistics” 89.5% → 60.0%",
        "依据：此后 2 个点、",
        "http://bihuan.example:8700/charts",
        "处理及时率（部门“logistics”）变差",
    ):
        assert words in letter.body
    assert office.audit().holds


def test_a_single_signal_has_the_link_of_its_chart_and_is_english_for_who_reads_english(office, counts):
    office.staff("qin", roles=[Role.QUALITY_MANAGER], language="en")
    counts(falls)
    look(office)
    office.deliver()
    ((_, letter),) = office.mail.sent
    assert letter.title == "[Warning] Handled on time has become worse: 89.5% → 60.0%"
    assert letter.link == "http://bihuan.example:8700/charts/on_time_handled?grain=week"
    assert "Since the week of 2026-10-19: points beyond the lower limit: 2" in letter.body


def test_a_signal_that_somebody_noted_is_not_told_any_more(office, counts):
    office.staff("qin", roles=[Role.QUALITY_MANAGER])
    counts(falls)
    look(office)
    with office.db.write() as session:
        trend.note(session, office.rows(Signal)[0].id, " 新系统上线，已回退 ", "秦 (qin)", office.at)
    (row,) = office.rows(Signal)
    assert (row.note, row.noted_by, row.noted_at) == ("新系统上线，已回退", "秦 (qin)", office.at)
    office.deliver()
    assert office.mail.sent == []


@pytest.mark.parametrize(("text", "who"), [("", "qin"), ("x" * 501, "qin"), ("x", " "), ("x", "q" * 121)])
def test_a_note_says_something_and_who_says_it(office, counts, text, who):
    counts(falls)
    look(office)
    with pytest.raises(UsageError), office.db.write() as session:
        trend.note(session, office.rows(Signal)[0].id, text, who, office.at)


def test_a_note_on_nothing_is_refused(office):
    with pytest.raises(UsageError, match="no signal 7"), office.db.write() as session:
        trend.note(session, 7, "x", "qin", office.at)


def test_limits_start_anew_with_a_phase_and_what_was_said_before_stays(office, counts):
    counts(lambda week: 0.9 if week < 15 else 0.6)
    look(office)
    before = {row.key for row in office.rows(Signal)}
    said = office.policy.trend.model_dump() | {
        "phases": [
            {
                "starts_on": FIRST + 15 * 7 * _DAY,
                "reason": {"zh": "新排班", "en": "new shifts"},
                "indicators": [HANDLED],
            }
        ]
    }
    office.policy = office.policy.model_copy(update={"trend": TrendPolicy.model_validate(said)})
    assert look(office).signals == 0
    assert {row.key for row in office.rows(Signal)} == before


def test_scores_without_a_numerator_are_charted_one_by_one(office, counts):
    counts(lambda week: 0.9 if week < 28 else 0.6, indicator=SCORE)
    table = table_of(Snapshot)
    with office.db.write() as session:
        session.execute(update(table).values(x=None, value=table.c.value * 5))
    assert look(office).worse == 1
    (row,) = office.rows(Signal)
    assert (row.chart, row.evidence["unit"]) == ("XmR", "points")
    assert 4.4 < row.center < 4.6


def test_a_warning_shares_the_morning_digest_and_leaves_its_link_to_the_matters(office, counts):
    """Held until the morning, it goes with a matter in one letter; the private link is that of the matter."""
    office.staff("qin", roles=[Role.QUALITY_MANAGER], is_head=True)
    counts(falls)
    look(office)
    number = office.register("late", hours=0)
    office.check((office.at - office.after(0)) / timedelta(hours=1) + 500)
    table = table_of(Message)
    with office.db.write() as session:
        session.execute(
            update(table).where(table.c.recipient == office.messages[0].recipient).values(bundle="one letter")
        )
    office.mail = RecordingGateway()
    office.deliver()
    letter = next(letter for url, letter in office.mail.sent if url.endswith("/qin"))
    assert number in letter.body
    assert "处理及时率" in letter.body
    assert "/a/" in letter.link


def test_long_names_make_keys_that_fit(office, counts):
    element = "部" * 160
    counts(falls, of=("department", element))
    assert look(office).worse == 1
    (row,) = office.rows(Signal)
    assert (row.element, len(row.key) <= 240) == (element, True)
    assert look(office) == Watched(charts=1)


def test_times_without_a_numerator_are_told_in_hours(office, counts):
    """By week it is the mean of the days' medians, which the page says."""
    counts(lambda week: 0.5 if week < 28 else 0.9, indicator="handling_time", n=40)
    table = table_of(Snapshot)
    with office.db.write() as session:
        session.execute(update(table).values(x=None, value=table.c.value * 40))
    office.staff("qin", roles=[Role.QUALITY_MANAGER])
    assert look(office, WEEKS).worse == 1
    office.deliver()
    ((_, letter),) = office.mail.sent
    assert re.fullmatch(r"【异常预警】处理时长变差：(19|20)\.\d 小时 → 3[56]\.\d 小时", letter.title)
    assert "离散系数" not in letter.body
