"""Behind every number are exactly so many complaints, for every indicator, dimension and side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.errors import UsageError
from bihuan.policy.kpi import DIMENSIONS
from bihuan.services.kpi import Look, rows_of
from bihuan.services.kpi_behind import SIDES, complaints_behind, count_behind, named
from bihuan.store.queries.countable import APART
from bihuan.store.queries.cut import Cut
from bihuan.store.rows import insert_rows
from schemas.complaint import Channel, EventKind, Kind, Severity
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

HERE = ZoneInfo("Asia/Shanghai")
NOW = 12 * 24.0
HANDLED, REOPENED, RESPONDED = EventKind.HANDLED, EventKind.REOPENED, EventKind.RESPONDED
LIVES = (
    (), ((HANDLED, 5),), ((HANDLED, 60),), ((RESPONDED, 1), (HANDLED, 9)), ((EventKind.WITHDRAWN, 2),),
    ((RESPONDED, 3), (HANDLED, 20), (REOPENED, 40), (RESPONDED, 44), (HANDLED, 50)), ((HANDLED, 3), (REOPENED, 4)),
)  # fmt: skip


@pytest.fixture
def busy(office):
    """Complaints of every kind, some handed over, some asked, some answered, and a foreign survey."""
    office.department("product")
    for code in ("anna", "bela"):
        office.staff(code)
    for number in range(21):
        start = 10.0 * number
        office.at = office.after(start)
        at = office.register(
            f"c{number}", channel=list(Channel)[number % 3], kind=[None, *Kind][number % 4],
            tier=[None, "gold"][number % 2], severity=list(Severity)[number % 3], region=f"r{number % 2}",
            product=f"p{number % 4}", business_line="b", **({"deadlines": {}} if number % 10 == 9 else {}),
            attributes={"shop": f"s{number % 2}"},
        )  # fmt: skip
        for kind, later in LIVES[number % 7]:
            office.at = office.after(start + later)
            office.record(at, kind)
    last = office.register("handed on")
    for step, said in enumerate(({"department": "product"}, {"department": "service"}), start=1):
        office.at += timedelta(hours=step)
        office.record(last, EventKind.DEPARTMENT_CHANGED, **said)
    office.at += timedelta(hours=1)
    office.record(last, HANDLED)
    surveys(office)
    return office


def surveys(office) -> None:
    states = (InvitationState.ANSWERED, InvitationState.INVITED, InvitationState.EXPIRED, InvitationState.CANCELLED)
    at = office.after(100)
    invitations = [
        {"id": number, "key": f"k{number}", "subject_id": row.id, "duty": "d", "questionnaire": "q",
         "policy_version": "x", "started_at": at, "send_at": at, "due_at": at, "expires_at": at,
         "state": states[number % 4], "invited_at": at,
         "answered_at": at if states[number % 4] is InvitationState.ANSWERED else None}
        for number, row in enumerate(office.complaints)
    ]  # fmt: skip
    answers = [
        {"invitation_id": None, "source": "bihuan" if number < 12 else "mall", "external_id": str(number),
         "subject_id": row.id if number < 12 else None, "channel": AnswerSource.WEB, "values": {}, "answered_at": at,
         "changed_at": at, "csat": None if number % 5 == 4 else 1 + number % 5, "nps": number % 11,
         "index": 10.0 * (number % 11), "index_weight": 1.0, "is_negative": number % 3 == 0}
        for number, row in enumerate(office.complaints)
    ]  # fmt: skip
    with office.db.write() as session:
        insert_rows(session, Invitation, invitations)
        insert_rows(session, Answer, answers)


@pytest.mark.parametrize("by", [None, *DIMENSIONS, "attribute:shop"])
def test_every_number_has_as_many_complaints_behind_it(busy, by):
    with busy.db.read() as session:
        for name, indicator in busy.policy.kpi.indicators.items():
            rows = rows_of(Look(session, HERE, Cut(by=by), busy.after(NOW)), indicator)
            assert rows or name == "on_time_by_source", name
            for row in rows:
                where = {by: None if row[by] is None else str(row[by])} if by else {}
                look = Look(session, HERE, Cut(where=where), busy.after(NOW))
                for side, number in numbers(row):
                    listed = complaints_behind(look, indicator, side, row.get("survey"))
                    assert len(listed) == number == count_behind(look, indicator, side, row.get("survey")), (name, side)


def numbers(row: dict[str, Any]) -> list[tuple[str, int]]:
    """The numbers of a row that can be asked for, by side."""
    return [("counted", row["n"]), *((side, row[side]) for side in (*APART, "awaited") if side in row)]


def test_what_is_missed_keeps_an_indicator_from_its_target(busy):
    """Late ones of those met, reopened ones of those handled, the slow and the dissatisfied by themselves."""
    with busy.db.read() as session:
        look = Look(session, HERE, Cut(), busy.after(NOW))
        rows = {
            name: rows_of(look, it)[0] for name, it in busy.policy.kpi.indicators.items() if name != "on_time_by_source"
        }
        missed = {name: count_behind(look, named(busy.policy, name), "missed", row.get("survey"))
                  for name, row in rows.items()}  # fmt: skip
        slow = complaints_behind(look, named(busy.policy, "handling_time"), "missed")
        sad = complaints_behind(look, named(busy.policy, "csat_mean"), "missed", "bihuan")
    for name in ("on_time_handled", "resolved_rate", "first_contact_rate", "response_rate", "csat_top_two"):
        assert missed[name] == rows[name]["n"] - rows[name]["x"] > 0, name
    for name in ("reopened_rate", "negative_rate"):
        assert missed[name] == rows[name]["x"] > 0, name
    assert min(row["hours"] for row in slow) > 48
    assert {row["score"] for row in sad} == {1, 2, 3}


def test_a_page_goes_on_where_the_last_one_ended(busy):
    with busy.db.read() as session:
        look, it = Look(session, HERE, Cut(), busy.after(NOW)), named(busy.policy, "handling_time")
        whole = complaints_behind(look, it, "counted")
        pages = [complaints_behind(look, it, "counted", limit=7, offset=7 * page) for page in range(4)]
    assert [row for page in pages for row in page] == whole
    assert [row["at"] for row in whole] == sorted((row["at"] for row in whole), reverse=True)


def test_an_answer_about_no_complaint_of_ours_has_no_number(busy):
    with busy.db.read() as session:
        look = Look(session, HERE, Cut(), busy.after(NOW))
        rows = complaints_behind(look, named(busy.policy, "nps"), "counted", "mall")
    assert {row["number"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("indicator", "side", "said"), [("speed", "counted", "no indicator 'speed'"), ("nps", "left", "no side 'left'")]
)
def test_an_unknown_indicator_or_side_is_refused_with_those_there_are(busy, indicator, side, said):
    with busy.db.read() as session, pytest.raises(UsageError, match=said):
        complaints_behind(Look(session, HERE, Cut()), named(busy.policy, indicator), side)


def test_a_side_that_an_indicator_does_not_have_is_empty(busy):
    with busy.db.read() as session:
        look = Look(session, HERE, Cut(), busy.after(NOW))
        assert complaints_behind(look, named(busy.policy, "nps"), "corrected") == []
        assert {side: count_behind(look, named(busy.policy, "nps"), side) for side in SIDES}["no_sla"] == 0
