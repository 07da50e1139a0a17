"""The page of the ledger: a person decides what is unknown, and each day is shown to hold."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from bihuan.rules.outbox import message_key
from bihuan.services.claim import CUT_OFF
from bihuan.services.deadline import check_all
from bihuan.services.outbox import deliver_all
from bihuan.store.queries.outbox import audit
from bihuan.testing import RecordingGateway
from schemas.complaint import CustomerIn
from schemas.outbox import SWEEP, AttemptOutcome, Audience, DeliveryAttempt, Message, MessageState, Notice


@pytest.fixture
def unknown(office: Any) -> int:
    """A customer's receipt of which nobody knows whether it arrived; its id."""
    office.complaint(customer=CustomerIn(name="张三丰", contact_url="json://hooks.example.com/zhang-secret"))
    gateway = RecordingGateway([AttemptOutcome.AMBIGUOUS])
    deliver_all(office.db, gateway, office.settings, office.clock)
    office.later(hours=1)
    return int(one(office).id)


def one(office: Any) -> Any:
    with office.db.read() as session:
        return session.execute(select(Message.__table__)).one()


@pytest.fixture
def held(office: Any) -> str:
    """A complaint answered too late, whose handler is told at eight: it is eleven at night."""
    number = str(office.complaint())
    office.later(hours=14)
    check_all(office.db, office.policy, office.at)
    reminders = office.policy.escalation.reminders
    assert deliver_all(office.db, RecordingGateway(), office.settings, office.clock, reminders=reminders).held
    return number


@pytest.mark.parametrize(
    ("language", "words", "explained"),
    [("en", ("Held until", "Quiet hours"), "held until 2026-11-17 08:00 +08:00 (quiet hours)"),
     ("zh", ("暂缓至", "免打扰时段"), "暂缓至 2026-11-17 08:00 +08:00（免打扰时段）")],
)  # fmt: skip
def test_wherever_a_held_message_stands_the_page_says_until_when_and_why(
    browser: Any, held: str, language: str, words: tuple[str, ...], explained: str
) -> None:
    for path in ("/outbox", f"/complaints/{held}"):
        page = browser.get(f"{path}?lang={language}&tz=Asia/Shanghai").text
        assert [word for word in words if word not in page] == []
        assert 'datetime="2026-11-17T08:00' in page or 'datetime="2026-11-17T00:00' in page
    assert explained in browser.get(f"/complaints/{held}/explain?lang={language}&tz=Asia/Shanghai").text


def test_what_was_held_and_went_out_says_nothing_of_it(office: Any, browser: Any, held: str) -> None:
    office.later(hours=10)
    reachable = office.settings.model_copy(update={"operator_url": SecretStr("json://hooks.example.com/operator")})
    reminders = office.policy.escalation.reminders
    assert deliver_all(office.db, RecordingGateway(), reachable, office.clock, reminders=reminders).sent
    page = browser.get("/outbox?lang=en").text
    assert "Held until" not in page
    assert "Quiet hours" not in page


def send(browser: Any, message_id: int, **fields: str) -> Any:
    return browser.submit("/outbox", f"/outbox/{message_id}/decide", **fields)


def holds(office: Any) -> bool:
    with office.db.read() as session:
        return audit(session, office.at.tzinfo).holds


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Waiting for a person", "It arrived", "Send it again", "Complainant", "Tries: 1")),
     ("zh", ("等人判断", "已送达", "再次发送", "投诉者", "尝试 1 次"))],
)  # fmt: skip
def test_an_unknown_message_stands_first_with_what_is_known_and_two_buttons(
    browser: Any, unknown: int, language: str, words: tuple[str, ...]
) -> None:
    page = browser.get(f"/outbox?lang={language}").text
    section = page[page.index('id="unknown"') : page.index('class="filter"')]
    assert [
        word for word in (*words, "json://hooks.example.com/***", "scripted: ambiguous") if word not in section
    ] == []
    assert "zhang-secret" not in page
    assert "张" not in page
    assert "<script" not in page


def test_where_nothing_is_unknown_nobody_is_asked(office: Any, browser: Any) -> None:
    office.complaint()
    assert 'id="unknown"' not in browser.get("/outbox").text


@pytest.mark.parametrize(
    ("fields", "state"),
    [({"verdict": "arrived"}, MessageState.SENT), ({"verdict": "again", "sure": "yes"}, MessageState.PLANNED)],
)
def test_a_decision_is_recorded_once_and_shown_with_who_said_so(
    office: Any, browser: Any, unknown: int, fields: dict[str, str], state: MessageState
) -> None:
    said = {"who": "王芳", "how": "<b>电话</b>", **fields}
    said["token"] = re.findall(r'name="token" value="(\w+)"', browser.get("/outbox").text)[0]
    path = f"/outbox/{unknown}/decide"
    first = browser.send("POST", path, data=said)
    assert (first.status_code, first.headers["location"]) == (303, f"/outbox?done={fields['verdict']}")
    stored = office.stored()
    assert browser.send("POST", path, data=said).status_code == 303
    assert office.stored() == stored
    assert (one(office).state, holds(office)) == (state, True)
    page = browser.get(f"/outbox?done={fields['verdict']}").text
    assert "王芳: &lt;b&gt;电话&lt;/b&gt;" in page
    assert 'class="notice green"' in page
    assert 'id="unknown"' not in page


def test_a_customer_is_not_sent_it_again_unless_the_box_is_ticked(office: Any, browser: Any, unknown: int) -> None:
    before = office.stored()
    answer = send(browser, unknown, who="王芳", how="猜的", verdict="again")
    assert answer.status_code == 409
    assert "请先核实确未送达" in answer.text
    assert 'value="王芳"' in answer.text
    assert (one(office).state, office.stored()) == (MessageState.UNKNOWN, before)


def test_whoever_decides_gives_a_name(office: Any, browser: Any, unknown: int) -> None:
    for fields in ({"who": ""}, {"who": "x" * 61}, {"who": "x", "how": "y" * 301}):
        answer = send(browser, unknown, verdict="arrived", **fields)
        assert answer.status_code == 400
        assert "请填写姓名" in answer.text
    assert one(office).state is MessageState.UNKNOWN


def test_what_is_decided_is_not_decided_otherwise(office: Any, browser: Any, unknown: int) -> None:
    browser.get("/outbox")
    send(browser, unknown, who="a", verdict="arrived")
    office.complaint(customer=CustomerIn(name="李", contact_url="json://hooks.example.com/li"))
    with office.db.write() as session:
        newest = select(Message.id).order_by(Message.id.desc()).limit(1).scalar_subquery()
        session.execute(update(Message).where(Message.id == newest).values(state=MessageState.UNKNOWN, next_at=None))
    answer = send(browser, unknown, who="a", verdict="again", sure="yes")
    assert answer.status_code == 409
    assert "不再等待判断" in answer.text


@pytest.mark.parametrize(
    ("message_id", "fields", "status"),
    [(999_999, {"verdict": "arrived"}, 404), (2**63, {"verdict": "arrived"}, 404), (1, {"verdict": "lost"}, 400)],
)
def test_what_no_form_here_offers_is_refused(
    browser: Any, unknown: int, message_id: int, fields: dict[str, str], status: int
) -> None:
    assert send(browser, message_id, who="x", **fields).status_code == status


def test_a_decision_without_its_token_records_nothing(office: Any, browser: Any, unknown: int) -> None:
    browser.get("/outbox")
    for proof in ({}, {"token": "0" * 64}):
        fields = {"who": "x", "verdict": "arrived", **proof}
        assert browser.send("POST", f"/outbox/{unknown}/decide", data=fields).status_code == 403
    assert one(office).state is MessageState.UNKNOWN


def test_looking_at_the_address_of_a_decision_leads_back_to_the_ledger(office: Any, browser: Any, unknown: int) -> None:
    answer = browser.get(f"/outbox/{unknown}/decide?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/outbox")
    assert one(office).state is MessageState.UNKNOWN


def test_the_enter_key_decides_nothing(browser: Any, unknown: int) -> None:
    form = browser.get("/outbox").text.partition('class="decide"')[2].partition("</form>")[0]
    first = re.search(r"<button[^>]*>", form)
    assert first is not None
    assert "disabled" in first[0]


def test_many_unknown_messages_are_shown_a_part_at_a_time(office: Any, browser: Any) -> None:
    add(office, *[{"state": MessageState.UNKNOWN, "reason": CUT_OFF}] * 23)
    page = browser.get("/outbox?lang=en").text
    assert page.count('class="decide"') == 20
    assert "3 more come up here" in page
    assert "Cut off between sending and recording" in page


def add(office: Any, *rows: dict[str, Any]) -> None:
    """Rows of the ledger about nothing in particular."""
    with office.db.write() as session:
        for number, facts in enumerate(rows):
            told = {"subject_id": 0, "notice": Notice.BREACH, "audience": Audience.STAFF, "recipient": "operator",
                    "planned_at": office.at, "key": f"{number}"}  # fmt: skip
            session.add(Message(**{**told, **facts}))


def test_the_last_fourteen_days_stand_by_day_newest_first(office: Any, browser: Any) -> None:
    days = [office.at - timedelta(days=ago) for ago in (0, 1, 13, 14)]
    add(office, *[{"state": MessageState.SUPPRESSED, "planned_at": at, "key": f"d{at}"} for at in days],
        {"state": MessageState.SENT, "planned_at": days[1]})  # fmt: skip
    page = browser.get("/outbox?lang=en").text
    table = page[page.index('class="days"') : page.index("</table>")]
    assert re.findall(r'datetime="([\d-]+)"', table) == ["2026-11-16", "2026-11-15", "2026-11-03"]
    shown = re.sub(r"<[^>]+>|\s+", " ", table).split("11-15")[1].split("11-03")[0].split()
    assert shown == ["Does", "not", "hold", "2", "1", "1", "0", "0", "0"]


def test_what_the_watchdog_said_names_its_sweep(office: Any, browser: Any) -> None:
    key = message_key(f"{SWEEP}:sla-check", "silence", "operator", "preferred", "never")
    add(office, {"subject_kind": SWEEP, "notice": Notice.SILENCE, "state": MessageState.FAILED, "key": key})
    page = browser.get("/outbox?lang=en").text
    assert "Sweep stopped" in page
    assert "<span>sla-check</span>" in page


def test_an_attempt_shown_is_the_last_one(office: Any, browser: Any, unknown: int) -> None:
    attempt = DeliveryAttempt(
        message_id=unknown, number=2, target="json://other.example.com/***", target_key="k", started_at=office.at,
        ended_at=office.at, outcome=AttemptOutcome.AMBIGUOUS,
    )  # fmt: skip
    with office.db.write() as session:
        session.execute(update(Message).values(attempts=2))
        session.add(attempt)
    assert "json://other.example.com/***" in browser.get("/outbox").text
