"""Indicators of surveys: of our own answers by the facts of their complaints, of foreign ones by themselves."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bihuan.analysis import score
from bihuan.services.kpi import show
from bihuan.store.rows import insert_rows
from schemas.complaint import Channel
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

SHANGHAI = ZoneInfo("Asia/Shanghai")
SURVEYS = {"csat_mean", "csat_top_two", "nps", "satisfaction_index", "response_rate", "negative_rate"}


@pytest.fixture
def two(office) -> dict[str, int]:
    """A complaint by telephone and one by app, by external id."""
    office.take_in(
        office.complaint("phone", deadlines={}, channel=Channel.PHONE, region="north"),
        office.complaint("app", deadlines={}, channel=Channel.APP, region="south"),
    )
    return {row.external_id: row.id for row in office.complaints}


def answer(office, about: int | None, number: str, hours: float = 0, **facts) -> None:
    """One answer, given so many hours after Monday's opening; about no complaint: of a foreign survey."""
    told = {
        "source": "bihuan" if about else "mall", "external_id": number, "subject_id": about,
        "subject_kind": "complaint" if about else "survey", "channel": AnswerSource.WEB, "values": {},
        "answered_at": office.after(hours), "changed_at": office.after(hours), "is_negative": False,
    }  # fmt: skip
    with office.db.write() as session:
        insert_rows(session, Answer, [told | facts])


def invite(office, about: int, key: str, state: InvitationState, hours: float = 0, **facts) -> None:
    """An invitation that went out then, unless the facts say otherwise."""
    at = office.after(hours)
    told = {
        "key": key, "subject_id": about, "duty": "satisfaction_follow_up", "questionnaire": "satisfaction",
        "policy_version": "x", "started_at": at, "send_at": at, "due_at": at, "expires_at": at, "state": state,
        "invited_at": at, "answered_at": at if state is InvitationState.ANSWERED else None,
    }  # fmt: skip
    with office.db.write() as session:
        insert_rows(session, Invitation, [told | facts])


def shown(office, name: str | None = None, *, by: str | None = None, since=None, until=None) -> list[dict]:
    with office.db.read() as session:
        rows = show(session, office.policy, SHANGHAI, since, until, by)
    return [row for row in rows if row["indicator"] == name or (name is None and row["indicator"] in SURVEYS)]


def test_without_answers_there_are_no_scores(office, two):
    assert shown(office) == []


def test_an_answer_has_the_facts_of_its_complaint(office, two):
    for number, csat in enumerate([5, 4, 1]):
        answer(office, two["phone"], f"p{number}", csat=csat)
    answer(office, two["app"], "a", csat=3)
    rows = {row["channel"]: row for row in shown(office, "csat_mean", by="channel")}
    assert {channel: (row["value"], row["n"], row["survey"]) for channel, row in rows.items()} == {
        "phone": (pytest.approx(10 / 3), 3, "bihuan"), "app": (3, 1, "bihuan"),
    }  # fmt: skip
    assert {row["region"]: row["value"] for row in shown(office, "csat_top_two", by="region")} == {
        "north": pytest.approx(2 / 3), "south": 0,
    }  # fmt: skip
    assert [row["source"] for row in shown(office, "csat_mean", by="source")] == ["desk"]


def test_a_foreign_survey_stands_by_itself(office, two):
    answer(office, two["phone"], "1", nps=10)
    answer(office, None, "1", nps=0)
    answer(office, None, "2", nps=0)
    assert {row["survey"]: (row["value"], row["n"]) for row in shown(office, "nps")} == {
        "bihuan": (100, 1), "mall": (-100, 2),
    }  # fmt: skip
    by_channel = {(row["channel"], row["survey"]) for row in shown(office, "nps", by="channel")}
    assert by_channel == {("phone", "bihuan"), (None, "mall")}
    assert {row["source"] for row in shown(office, "nps", by="source")} == {"desk", "mall"}


def test_a_foreign_line_that_has_the_id_of_a_complaint_is_not_about_it(office, two):
    answer(office, None, "1", nps=0, subject_id=two["phone"])
    assert [row["region"] for row in shown(office, "nps", by="region")] == [None]


def test_what_was_left_blank_is_no_answer(office, two):
    answer(office, two["phone"], "1", csat=5)
    answer(office, two["phone"], "2", nps=9, is_solved=True)
    answer(office, two["phone"], "3")
    rows = {row["indicator"]: row["n"] for row in shown(office)}
    assert rows == {"csat_mean": 1, "csat_top_two": 1, "nps": 1, "negative_rate": 2}


def test_what_is_below_the_least_n_says_so(office, two):
    for number in range(30):
        answer(office, two["phone"], str(number), csat=5, nps=10)
    assert {row["indicator"]: row["is_enough"] for row in shown(office)} == {
        "csat_mean": True, "csat_top_two": True, "nps": False, "negative_rate": True,
    }  # fmt: skip


def test_the_span_is_of_the_answer_and_not_of_the_complaint(office, two):
    for number, hours in enumerate([0, 1, 2]):
        answer(office, two["phone"], str(number), hours, csat=number + 1)
    (row,) = shown(office, "csat_mean", since=office.after(1), until=office.after(2))
    assert (row["value"], row["n"]) == (2, 1)
    (whole,) = shown(office, "csat_mean")
    assert whole["n"] == 3
    assert shown(office, since=office.after(3)) == []


def test_months_are_those_of_the_answer_where_the_installation_is(office, two):
    """15 days less nine hours after Monday 16 November, 09:00, is the midnight that ends the month in Shanghai."""
    edge = 15 * 24 - 9
    answer(office, two["phone"], "1", edge - 0.1, csat=1)
    answer(office, two["phone"], "2", edge, csat=5)
    found = {row["month"]: row["value"] for row in shown(office, "csat_mean", by="month")}
    assert found == {"2026-11": 1, "2026-12": 5}
    assert shown(office, by="month", since=office.after(edge + 1), until=office.after(edge)) == []


def test_weights_stand_beside_the_plain_figure_and_only_where_there_are_any(office, two):
    answer(office, None, "1", csat=5, weight=3.0)
    answer(office, None, "2", csat=1, weight=1.0)
    answer(office, two["phone"], "3", csat=5)
    rows = {row["survey"]: row for row in shown(office, "csat_mean")}
    assert (rows["mall"]["value"], rows["mall"]["weighted"]) == (3, 4)
    assert rows["mall"]["weighted_low"] < 4 < rows["mall"]["weighted_high"]
    assert "weighted" not in rows["bihuan"]


def test_an_index_tells_the_weight_that_was_missing(office, two):
    answer(office, two["phone"], "1", index=80.0, index_weight=1.0)
    answer(office, two["phone"], "2", index=50.0, index_weight=0.7)
    (row,) = shown(office, "satisfaction_index")
    assert (row["value"], row["n"], row["missing_weight"]) == (65, 2, pytest.approx(0.15))
    assert (row["low"], row["high"]) == pytest.approx(score.mean(score.tally([80, 50]), score.INDEX)[1:])


def test_negative_are_those_called_so_among_those_who_said_anything(office, two):
    answer(office, two["phone"], "1", csat=1, is_negative=True)
    answer(office, two["phone"], "2", is_solved=True)
    answer(office, two["phone"], "3", comment="太慢", is_negative=True)
    answer(office, two["phone"], "4", comment="谢谢")
    (row,) = shown(office, "negative_rate")
    assert (row["value"], row["n"], row["target"]) == (pytest.approx(2 / 3), 3, 0.05)


def test_the_response_rate_counts_whom_we_asked_and_tells_who_may_still_answer(office, two):
    phone, app = two["phone"], two["app"]
    invite(office, phone, "1", InvitationState.ANSWERED)
    invite(office, phone, "2", InvitationState.INVITED)
    invite(office, phone, "3", InvitationState.EXPIRED)
    invite(office, app, "4", InvitationState.PHONE, invited_at=None, calls=1)
    for key, state in enumerate([InvitationState.PLANNED, InvitationState.SUPPRESSED, InvitationState.PHONE]):
        invite(office, phone, f"not yet {key}", state, invited_at=None)
    invite(office, phone, "taken back", InvitationState.CANCELLED)
    (row,) = shown(office, "response_rate")
    assert (row["value"], row["n"], row["awaited"], row["survey"]) == (0.25, 4, 2, "bihuan")
    assert 0 < row["low"] < 0.25 < row["high"] < 1
    by_channel = {row["channel"]: (row["value"], row["n"]) for row in shown(office, "response_rate", by="channel")}
    assert by_channel == {"phone": (pytest.approx(1 / 3), 3), "app": (0, 1)}


def test_the_response_rate_goes_by_when_we_asked(office, two):
    invite(office, two["phone"], "1", InvitationState.ANSWERED, 1, answered_at=office.after(50))
    invite(office, two["phone"], "2", InvitationState.EXPIRED, 30)
    (row,) = shown(office, "response_rate", until=office.after(24))
    assert (row["value"], row["n"]) == (1, 1)
    (later,) = shown(office, "response_rate", since=office.after(24), until=office.after(60))
    assert (later["value"], later["n"]) == (0, 1)


def test_reasons_are_counted_by_segment_most_frequent_first(office, two):
    for number, (nps, why) in enumerate([(2, "slow"), (6, "slow"), (7, "attitude"), (10, "slow"), (9, None)]):
        answer(office, two["phone"], str(number), nps=nps, values={"why_low": why} if why else {})
    answer(office, two["phone"], "no score", values={"why_low": "slow"})
    answer(office, two["app"], "several", nps=0, values={"why_low": ["attitude", "price"]})
    (row,) = shown(office, "nps")
    assert row["reasons"] == [
        {"question": "why_low", "choice": "slow", "promoters": 1, "passives": 0, "detractors": 2},
        {"question": "why_low", "choice": "attitude", "promoters": 0, "passives": 1, "detractors": 1},
        {"question": "why_low", "choice": "price", "promoters": 0, "passives": 0, "detractors": 1},
    ]
    by_channel = {
        row["channel"]: [reason["choice"] for reason in row["reasons"]] for row in shown(office, "nps", by="channel")
    }
    assert by_channel == {"phone": ["slow", "attitude"], "app": ["attitude", "price"]}


def test_a_score_whose_reasons_nobody_asked_has_none(office, two):
    answer(office, two["phone"], "1", nps=9)
    (row,) = shown(office, "nps", since=office.at - timedelta(days=1))
    assert "reasons" not in row
