"""The snapshot says what was counted live, keeps it, and mends it where late news change it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, delete

from bihuan.policy.kpi import KpiPolicy
from bihuan.services.kpi import show
from bihuan.services.kpi_snapshot import Taken, take_all, take_batch
from bihuan.store.rows import insert_rows
from schemas.complaint import Channel, EventKind
from schemas.installation import InstallationFact
from schemas.kpi import Grain, Snapshot
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

HERE = ZoneInfo("Asia/Shanghai")
DECEMBER = datetime(2026, 12, 1, 0, 20, tzinfo=HERE)
FIGURES = ("x", "n", "value", "low", "high")
HANDLED, REOPENED, RESPONDED = EventKind.HANDLED, EventKind.REOPENED, EventKind.RESPONDED
LIVES = (
    (), ((HANDLED, 5),), ((HANDLED, 60),), ((RESPONDED, 1), (HANDLED, 9)), ((EventKind.WITHDRAWN, 2),),
    ((RESPONDED, 3), (HANDLED, 20), (REOPENED, 40), (RESPONDED, 44), (HANDLED, 50)),
)  # fmt: skip
"""What may happen to a complaint, by hours after it was registered."""


def take(office, at: datetime = DECEMBER) -> Taken:
    office.at = max(office.at, at)
    return take_all(office.db, office.policy, HERE, at)


def kept(office, **wanted: Any) -> list[Row[Any]]:
    return [row for row in office.rows(Snapshot) if all(getattr(row, name) == said for name, said in wanted.items())]


def one(office, indicator: str, grain: Grain = Grain.MONTH, **wanted: Any) -> Row[Any]:
    (row,) = kept(office, **({"indicator": indicator, "grain": grain, "dimension": ""} | wanted))
    return row


def tell(office, name: str, *news: tuple[EventKind, float], hours: float = 0, **facts: Any) -> str:
    office.at = office.after(hours)
    number = office.register(name, **facts)
    for kind, hour in news:
        office.at = office.after(hour)
        office.record(number, kind)
    return number


def answer(office, about: int, number: int, hours: float, **facts: Any) -> None:
    """An invitation that went out then, and its answer an hour later."""
    at = office.after(hours)
    with office.db.write() as session:
        insert_rows(session, Invitation, [{
            "id": number, "key": f"k{number}", "subject_id": about, "duty": "satisfaction_follow_up",
            "questionnaire": "satisfaction", "policy_version": "x", "started_at": at, "send_at": at, "due_at": at,
            "expires_at": at + timedelta(days=9), "state": InvitationState.ANSWERED, "invited_at": at,
            "answered_at": at + timedelta(hours=1),
        }])  # fmt: skip
        insert_rows(session, Answer, [{
            "invitation_id": number, "source": "bihuan", "external_id": str(number), "subject_id": about,
            "channel": AnswerSource.WEB, "values": {}, "answered_at": at + timedelta(hours=1),
            "changed_at": at + timedelta(hours=1), "is_negative": False, **facts,
        }])  # fmt: skip


@pytest.fixture
def busy(office):
    """Something of everything, on several days of November."""
    office.department("product")
    office.staff("anna")
    office.staff("bela")
    channels = list(Channel)
    for number in range(24):
        hours, deadlines = 7 * number, {"deadlines": {}} if number % 11 == 10 else {}
        told = [(kind, hours + later) for kind, later in LIVES[number % 6]]
        tell(office, f"c{number}", *told, hours=hours, channel=channels[number % 3], region=f"r{number % 2}",
             product=f"p{number % 4}", **deadlines)  # fmt: skip
    for place, row in enumerate(office.complaints[:12]):
        answer(office, row.id, place + 1, 7 * place + 30, csat=1 + place % 5, nps=place % 11, index=10.0 * place,
               index_weight=0.5, is_negative=place % 5 == 0)  # fmt: skip
    moved = office.register("moved", channel=Channel.PHONE)
    office.at += timedelta(hours=1)
    office.record(moved, EventKind.DEPARTMENT_CHANGED, department="product")
    office.at += timedelta(hours=1)
    office.record(moved, HANDLED)
    return office


def live(office, since: date, until: date, by: str | None) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What `kpi show` says, by indicator, element and survey."""
    bounds = [datetime(day.year, day.month, day.day, tzinfo=HERE) for day in (since, until)]
    with office.db.read() as session:
        rows = show(session, office.policy, HERE, *bounds, by, DECEMBER)
    return {(row["indicator"], str(row.get(by) or "") if by else "", row.get("survey", "")): row for row in rows}


@pytest.mark.parametrize("by", [None, "department", "channel", "product", "region", "severity", "kind"])
def test_a_month_and_each_of_its_days_are_what_is_counted_live(busy, by):
    take(busy)
    spans = [(Grain.MONTH, date(2026, 11, 1), date(2026, 12, 1))]
    spans += [(Grain.DAY, date(2026, 11, day), date(2026, 11, day + 1)) for day in (16, 17, 20, 23)]
    for grain, since, until in spans:
        told = live(busy, since, until, by)
        rows = {(row.indicator, row.element, row.survey): row
                for row in kept(busy, grain=grain, starts_on=since, dimension=by or "")}  # fmt: skip
        medians = {"first_response_time", "handling_time"} if by else set()
        assert told.keys() - rows.keys() <= {key for key in told if key[0] in medians or not told[key]["n"]}
        for key, row in rows.items():
            if row.n:
                assert [getattr(row, name) for name in ("value", "low", "high")] == pytest.approx(
                    [told[key][name] for name in ("value", "low", "high")], nan_ok=True), key  # fmt: skip
                assert row.n == told[key]["n"], key
            apart = {name: told[key][name] for name in row.apart if name in told.get(key, {})}
            assert {name: row.apart[name] for name in apart} == pytest.approx(apart, abs=1e-6), key


def test_all_dimensions_of_the_policy_are_kept(busy):
    take(busy)
    assert {row.dimension for row in busy.rows(Snapshot)} == {"", *busy.policy.kpi.snapshot.dimensions}


def test_taking_it_again_changes_nothing(busy):
    done = take(busy)
    before = busy.rows(Snapshot)
    assert (done.new, done.changed) == (len(before), 0)
    again, later = take(busy), take(busy, DECEMBER + timedelta(hours=5))
    assert [(found.new, found.changed, found.corrected) for found in (again, later)] == [(0, 0, 0)] * 2
    assert busy.rows(Snapshot) == before


def test_late_news_correct_a_day_and_its_month_and_say_so(office):
    """Handled in time on the seventeenth, and told of in December: both had been counted without it."""
    tell(office, "in time", (HANDLED, 5))
    late = tell(office, "told late")
    take(office)
    assert (one(office, "on_time_handled").n, one(office, "on_time_handled").value) == (1, 1.0)
    office.at = DECEMBER + timedelta(hours=9)
    office.record(late, HANDLED, at=office.after(72))
    done = take(office, DECEMBER + timedelta(days=1))
    assert done.corrected
    for grain in (Grain.DAY, Grain.MONTH):
        row = one(office, "on_time_handled", grain)
        assert (row.n, row.value, row.first_value, row.revision) == (2, 0.5, 1.0, 2)
        assert row.corrected_at == row.counted_at == DECEMBER + timedelta(days=1)


def test_what_happens_in_time_but_after_its_day_is_no_correction(office):
    number = tell(office, "a")
    take(office)
    office.at = DECEMBER + timedelta(hours=9)
    office.record(number, HANDLED)
    take(office, DECEMBER + timedelta(days=1))
    row = one(office, "on_time_handled")
    assert (row.n, row.value, row.revision, row.corrected_at) == (1, 0.0, 2, None)


def test_a_handling_that_comes_to_stand_is_counted_though_nothing_was_recorded(office):
    tell(office, "a", (HANDLED, 14 * 24), hours=13 * 24)
    take(office)
    assert one(office, "resolved_rate").n == 0
    take(office, DECEMBER + timedelta(days=8))
    row = one(office, "resolved_rate")
    assert (row.n, row.value, row.corrected_at) == (1, 1.0, None)


def test_a_deadline_that_comes_due_is_counted_though_nothing_was_recorded(office):
    tell(office, "a", hours=14 * 24)
    take(office)
    assert one(office, "on_time_handled").apart == {"open": 1}
    take(office, DECEMBER + timedelta(days=2))
    assert one(office, "on_time_handled").apart == {"open_overdue": 1}


def test_missed_days_are_caught_up_from_the_first_complaint_on(office):
    tell(office, "a", (HANDLED, 2))
    tell(office, "b", (HANDLED, 75 * 24 + 2), hours=75 * 24)
    take(office, datetime(2027, 2, 3, 0, 20, tzinfo=HERE))
    rows = kept(office, indicator="on_time_handled", dimension="")
    assert [(row.grain, row.starts_on.isoformat()) for row in rows] == [
        (Grain.DAY, "2026-11-16"), (Grain.MONTH, "2026-11-01"), (Grain.DAY, "2027-01-30"), (Grain.MONTH, "2027-01-01"),
    ]  # fmt: skip


def test_one_batch_takes_one_month_and_a_run_that_was_cut_off_goes_on(office):
    for month in range(3):
        tell(office, f"m{month}", (HANDLED, 31 * 24 * month + 1), hours=31 * 24 * month)
    at = datetime(2027, 2, 3, 0, 20, tzinfo=HERE)
    take_batch(office.db, office.policy, HERE, at)
    assert {row.starts_on.month for row in kept(office, grain=Grain.MONTH)} == {11}
    done = take(office, at + timedelta(hours=1))
    assert done.taken == 2 + 1  # January, the running month with nothing in it, and December
    assert {row.starts_on.month for row in kept(office, grain=Grain.MONTH)} == {11, 12, 1}


def test_the_running_month_is_told_anew_each_night_and_its_end_is_the_first_telling(office):
    """What changes while it runs, and what its last day brings, is no correction; what comes after is."""
    first = tell(office, "a", (HANDLED, 2))
    take(office, datetime(2026, 11, 20, 0, 20, tzinfo=HERE))
    assert (one(office, "handling_time").n, one(office, "handling_time").revision) == (1, 1)
    tell(office, "b", (HANDLED, 10 * 24 + 4), hours=10 * 24)
    take(office)
    row = one(office, "handling_time")
    assert (row.n, row.revision, row.first_value, row.corrected_at) == (2, 1, row.value, None)
    office.at = DECEMBER + timedelta(hours=9)
    office.record(first, REOPENED, at=office.after(3))
    take(office, DECEMBER + timedelta(days=1))
    row = one(office, "handling_time")
    assert (row.revision, row.corrected_at) == (2, DECEMBER + timedelta(days=1))


def test_the_running_day_is_not_counted(office):
    tell(office, "a", (HANDLED, 2))
    take(office, datetime(2026, 11, 16, 23, 59, tzinfo=HERE))
    assert office.rows(Snapshot) == []


def test_an_answer_changed_late_corrects_its_day(office):
    tell(office, "a", (HANDLED, 2))
    answer(office, office.complaints[0].id, 1, 30, csat=5)
    take(office)
    with office.db.write() as session:
        session.connection().exec_driver_sql("UPDATE answer SET csat = 1, revision = 2")
        changed = Answer.__table__.update().values(changed_at=DECEMBER + timedelta(hours=9))
        session.execute(changed)
    take(office, DECEMBER + timedelta(days=1))
    row = one(office, "csat_mean")
    assert (row.value, row.first_value, row.revision) == (1.0, 5.0, 2)
    assert row.corrected_at is not None


def test_a_complaint_that_goes_elsewhere_leaves_its_old_slice_empty(office):
    office.department("product")
    number = tell(office, "a")
    take(office)
    office.at = DECEMBER + timedelta(hours=9)
    office.record(number, EventKind.DEPARTMENT_CHANGED, department="product")
    take(office, DECEMBER + timedelta(days=1))
    rows = kept(office, indicator="resolved_rate", grain=Grain.MONTH, dimension="department")
    assert {row.element: (row.n, row.value) for row in rows} == {"service": (0, None), "product": (1, 0.0)}


def test_of_a_dimension_the_most_frequent_values_are_kept(office):
    snapshot = office.policy.kpi.snapshot.model_copy(update={"most": 2})
    office.policy = office.policy.model_copy(
        update={"kpi": office.policy.kpi.model_copy(update={"snapshot": snapshot})}
    )
    for number, product in enumerate(["a", "b", "b", "c", "c", "c"]):
        tell(office, f"n{number}", (HANDLED, 2), product=product)
    take(office)
    rows = kept(office, indicator="on_time_handled", grain=Grain.MONTH, dimension="product")
    assert {row.element: row.n for row in rows} == {"b": 2, "c": 3}


def test_another_policy_counts_everything_anew(office):
    tell(office, "a", (HANDLED, 2), (REOPENED, 3 * 24), (HANDLED, 4 * 24))
    take(office)
    assert one(office, "reopened_rate").value == 1.0
    said = office.policy.written()["kpi"]
    said["indicators"]["reopened_rate"]["within"] = "2d"
    office.policy = office.policy.model_copy(update={"kpi": KpiPolicy.model_validate(said)})
    take(office, DECEMBER + timedelta(hours=1))
    row = one(office, "reopened_rate")
    assert (row.value, row.first_value, row.revision, row.corrected_at) == (0.0, 1.0, 2, None)


def test_stepped_to_an_instant_it_is_blind_to_what_happened_later(office):
    tell(office, "a", (HANDLED, 100))
    take_all(office.db, office.policy, HERE, office.after(40))
    row = one(office, "handling_time", Grain.DAY)
    assert (row.n, row.apart["events"], row.apart["censored"]) == (1, 0, 1)
    assert one(office, "on_time_handled", Grain.DAY).apart == {"open": 1}


def test_an_empty_register_has_nothing_to_keep(office):
    assert take(office) == Taken()
    assert office.rows(Snapshot) == []


def test_a_day_on_which_all_was_withdrawn_has_no_median_and_stops_nothing(office):
    tell(office, "gone", (EventKind.WITHDRAWN, 2))
    take(office)
    row = one(office, "first_response_time", Grain.DAY)
    assert (row.n, row.value, row.apart["events"], row.apart["not_applicable"]) == (0, None, 0, 1)
    assert take(office, DECEMBER + timedelta(hours=1)).new == 0


def told(office) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What is kept, by its slice."""
    return {tuple(row[1:7]): tuple(row[7:13]) for row in kept(office)}


def test_two_who_share_a_month_keep_what_one_alone_does(office, monkeypatch):
    office.staff("anna")
    for number, life in enumerate(LIVES * 3):
        tell(office, str(number), *life, hours=number, channel="phone" if number % 2 else "email")
    take(office)
    alone = told(office)
    with office.db.write() as session:
        session.execute(delete(Snapshot))
        session.execute(delete(InstallationFact))
    monkeypatch.setattr("bihuan.services.kpi_snapshot.MANY", 1)
    take(office)
    assert told(office) == alone
    assert len(alone) > 100
