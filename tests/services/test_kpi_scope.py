"""A scope's indicators: those of its complaints, and of what was asked and answered about them, and of nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import delete, or_

from bihuan.policy.improvement import MonthScope
from bihuan.policy.scope import When
from bihuan.services.kpi import Look, every
from bihuan.services.month import review
from bihuan.services.month_indicators import by_month, of_month
from bihuan.store.queries.cut import Cut
from bihuan.store.rows import insert_rows, table_of
from schemas.complaint import Channel, Complaint, ComplaintEvent, EventIn, EventKind
from schemas.deadline import Deadline
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = 40
NORTH = When(region=["north"])
SCOPES = [
    NORTH, When(department=["service"]), When(channel=["phone", "app"], region=["south"]),
    When(department=["product"], region=["north"]),
]  # fmt: skip


@pytest.fixture
def house(office):
    """Complaints of two departments, two regions and three channels, some reopened, with answers; and foreign ones."""
    chance = np.random.default_rng(11)
    office.department("product")
    office.take_in(*(complaint(office, chance, number) for number in range(120)))
    with office.db.write() as session:
        asked = [invitation(office, row, chance) for row in office.complaints]
        insert_rows(session, Invitation, asked)
        insert_rows(session, Answer, [
            answer(office, chance, number, one["subject_id"])
            for number, one in enumerate(asked) if one["state"] is InvitationState.ANSWERED
        ])  # fmt: skip
        insert_rows(session, Answer, [answer(office, chance, number, None) for number in range(1000, 1010)])
    return office


def complaint(office, chance, number):
    registered = float(chance.integers(24 * 20))
    kinds = [EventKind.RESPONDED, EventKind.HANDLED, EventKind.REOPENED, EventKind.HANDLED][: chance.integers(5)]
    hours = registered + np.cumsum(chance.integers(1, 40, len(kinds)))
    moved = [EventIn(kind=EventKind.DEPARTMENT_CHANGED, occurred_at=office.after(registered + 0.5),
                     data={"department": "product"})] if number % 7 == 0 else []  # fmt: skip
    events = [EventIn(kind=kind, occurred_at=office.after(float(hour)), data={"on_time": bool(chance.random() < 0.6)})
              for kind, hour in zip(kinds, hours, strict=True)]  # fmt: skip
    return office.complaint(
        str(number), registered, channel=list(Channel)[number % 3], region=("north", "south", None)[number % 5 % 3],
        department=("service", "product")[number % 2], events=(*moved, *events),
    )  # fmt: skip


def invitation(office, row, chance):
    is_answered = chance.random() < 0.6
    at = office.after(24 * 25)
    return {
        "key": f"i{row.id}", "subject_id": row.id, "duty": "satisfaction_follow_up", "questionnaire": "satisfaction",
        "policy_version": "x", "started_at": at, "send_at": at, "due_at": at, "expires_at": at, "invited_at": at,
        "state": InvitationState.ANSWERED if is_answered else InvitationState.EXPIRED,
        "answered_at": at if is_answered else None,
    }  # fmt: skip


def answer(office, chance, number, about):
    at = office.after(24 * 25 + number / 100)
    return {
        "source": "bihuan" if about else "mall", "external_id": str(number), "subject_id": about,
        "subject_kind": "complaint" if about else "survey", "channel": AnswerSource.WEB, "values": {},
        "answered_at": at, "changed_at": at, "csat": int(chance.integers(1, 6)), "nps": int(chance.integers(11)),
        "index": float(chance.integers(101)), "index_weight": 1.0, "is_negative": bool(chance.random() < 0.3),
    }  # fmt: skip


def shown(office, by=None, scope=None):
    """Every indicator of forty days."""
    cut = Cut(office.after(0), office.after(24 * DAYS), by, scope=scope)
    with office.db.read() as session:
        rows = every(Look(session, SHANGHAI, cut), office.policy)
    return sorted(rows, key=lambda row: (row["indicator"], str(row.get(by)), row.get("survey", "")))


def keep_only(office, when):
    """Take every complaint out that is not of the scope, with what was said of it, and what is about no complaint."""
    places = {row.id: row.department_id for row in office.complaints}
    codes = {office.department(code): code for code in ("service", "product")}
    mine = [
        row.id for row in office.complaints
        if when.region in ((), (row.region,)) and (not when.channel or row.channel in when.channel)
        and (not when.department or codes[places[row.id]] in when.department)
    ]  # fmt: skip
    assert 5 < len(mine) < len(places), "a scope that says nothing"
    a, e, d, i = (table_of(table).c for table in (Answer, ComplaintEvent, Deadline, Invitation))
    with office.db.write() as session:
        session.execute(delete(table_of(Answer)).where(or_(a.subject_id.is_(None), a.subject_id.not_in(mine))))
        session.execute(delete(table_of(Invitation)).where(i.subject_id.not_in(mine)))
        session.execute(delete(table_of(Deadline)).where(d.subject_id.not_in(mine)))
        session.execute(delete(table_of(ComplaintEvent)).where(e.complaint_id.not_in(mine)))
        session.execute(delete(table_of(Complaint)).where(table_of(Complaint).c.id.not_in(mine)))


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: "-".join(scope.named))
def test_a_scopes_indicators_are_those_of_a_house_that_has_only_its_complaints(house, scope):
    whole = shown(house)
    told = {by: shown(house, by, scope) for by in (None, "month", "department", "region")}
    keep_only(house, scope)
    assert told == {by: shown(house, by) for by in told}
    assert {row["indicator"] for row in told[None]} == {row["indicator"] for row in whole}
    assert told[None] != whole


def test_the_month_of_a_scope_tells_its_own_indicators_by_month_too(house):
    said = house.policy.improvement.month
    month = said.model_copy(update={"scopes": {"north": MonthScope(when=NORTH)}})
    improvement = house.policy.improvement.model_copy(update={"month": month})
    house.policy = house.policy.model_copy(update={"improvement": improvement})
    first = (house.after(0) + timedelta(days=1)).date().replace(day=1)
    own, whole = (review(house.db, house.policy, house.settings, first, scope) for scope in ("north", ""))
    counted = {row["indicator"]: row["n"] for row in own.indicators}
    assert counted["handling_time"] == int(own.is_now.sum()) < int(whole.is_now.sum())
    assert {row["indicator"] for row in own.trend} == {row["indicator"] for row in whole.trend}


@pytest.mark.parametrize("days", [(0, DAYS), (3, 9), (200, 300)])
def test_months_counted_in_one_pass_are_what_each_indicator_gives_by_itself(house, days):
    since, until = (house.after(24 * day) for day in days)
    december = datetime(2026, 12, 1, tzinfo=SHANGHAI)
    for scope in (None, *SCOPES):
        with house.db.read() as session:
            look = Look(session, SHANGHAI, Cut(since, until, "month", scope=scope))
            found, singly = by_month(look, house.policy), every(look, house.policy)
            alone = every(Look(session, SHANGHAI, Cut(max(since, december), until, scope=scope)), house.policy)
        assert [list(row.items()) for row in found] == [list(row.items()) for row in singly]
        assert of_month(found, "2026-12") == (alone if december < until else [])
