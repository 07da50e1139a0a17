"""The telephone worklist on pages: who is called, with what in hand, and what a press of a button records."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.complaint import Complaint, ComplaintEvent, CustomerIn, EventKind
from schemas.survey import Answer, CallAttempt, Invitation, InvitationState, OptOut

NUMBER = "+8613800138000"
ZHOU = CustomerIn(external_id="zhou", name="周小姐", contact_url=f"tel:{NUMBER}", language="zh")


@pytest.fixture
def to_call(office: Any) -> Any:
    """A complaint that was handled an hour ago; its complainant left a telephone number only."""
    office.number = office.complaint(customer=ZHOU)
    office.later(hours=1)
    office.happens(office.number, EventKind.HANDLED, result="已换新屏", note="换了两次")
    sweep(office)
    return office


def sweep(office: Any) -> None:
    follow_up(office.db, office.policy, office.settings, office.at)
    deliver_all(office.db, RecordingGateway(), office.settings, office.clock)


def rows(office: Any, table: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))


def state(office: Any) -> tuple[str, int]:
    row = rows(office, Invitation)[0]
    return row.state.value, row.calls


def press(browser: Any, outcome: str, **fields: str) -> Any:
    return browser.submit("/calls/1", "/calls/1", outcome=outcome, **fields)


def test_the_list_names_who_is_to_be_called_and_shows_no_number(to_call: Any, browser: Any) -> None:
    page = browser.get("/calls?lang=zh").text
    assert 'href="/calls/1"' in page
    assert all(
        word in page for word in ("屏幕碎了", "周**", "没有可写信的联系方式", "第 1 次，共 3 次", to_call.number)
    )
    assert "现在该打的：1" in page
    assert "138" not in page.replace(to_call.number, "")


def test_the_list_is_by_department_and_says_when_it_is_empty(to_call: Any, browser: Any) -> None:
    assert "/calls/1" in browser.get("/calls?department=product").text
    assert "没有要打的电话" in browser.get("/calls?department=service&lang=zh").text
    assert browser.get("/calls?after=x").status_code == 400


def test_the_page_of_a_call_has_the_number_what_was_done_and_the_questions(to_call: Any, browser: Any) -> None:
    before = to_call.stored()
    page = browser.get("/calls/1?lang=zh").text
    assert f'href="tel:{NUMBER}"' in page
    assert all(word in page for word in ("周小姐", "处理结果：已换新屏", "换了两次", "您的问题解决了吗？"))
    assert "仅当“您的问题解决了吗？”答的是：否" in page
    assert (to_call.stored(), state(to_call)) == (before, ("phone", 0))


def test_the_number_stands_on_no_other_page(to_call: Any, browser: Any) -> None:
    for path in ("/", "/calls", "/complaints", f"/complaints/{to_call.number}", "/outbox", "/signs"):
        assert NUMBER not in browser.get(path).text, path
    assert "13800138000" not in browser.get("/calls/1?tz=Nowhere").text


def test_questions_are_read_out_in_the_language_of_the_complainant(office: Any, browser: Any) -> None:
    office.complaint(customer=ZHOU.model_copy(update={"language": "en"}))
    office.happens(rows(office, Complaint)[0].number, EventKind.HANDLED)
    sweep(office)
    page = browser.get("/calls/1?lang=zh").text
    assert "Has your problem been solved?" in page
    assert "可以这样说" in page
    assert "处理人没有写下可以告知投诉者的结果" in page


def test_reached_with_an_answer_is_recorded_and_the_page_says_so(to_call: Any, browser: Any) -> None:
    answer = press(browser, "reached", **{"q-solved": "yes", "note": "很客气"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls/1?done=reached")
    page = browser.get("/calls/1?done=reached&lang=zh").text
    assert "已记录：接通。" in page
    assert "<fieldset" not in page
    assert NUMBER not in page
    (attempt,) = rows(to_call, CallAttempt)
    assert (attempt.called_by, attempt.note) == ("web", "很客气")
    assert rows(to_call, Answer)[0].is_solved is True
    log = browser.get(f"/complaints/{to_call.number}?lang=zh").text
    assert "电话 · 已接通 · 第 1 次" in log
    assert "没有要打的电话" in browser.get("/calls?lang=zh").text


def test_a_bad_answer_by_telephone_reopens(to_call: Any, browser: Any) -> None:
    press(browser, "reached", **{"q-solved": "no", "q-still_open": "还是碎的"})
    assert rows(to_call, ComplaintEvent)[-1].kind is EventKind.REOPENED
    assert rows(to_call, Answer)[0].values == {"solved": False, "still_open": "还是碎的"}


def test_not_reached_says_when_the_next_call_is_due(to_call: Any, browser: Any) -> None:
    answer = press(browser, "no_answer")
    page = browser.get(answer.headers["location"] + "&lang=zh").text
    assert "已记录：无人接听。" in page
    assert "11-16 14:00" in page
    assert "第 1 次 · 无人接听" in page
    assert "第 2 次，共 3 次" in browser.get("/calls/1?lang=zh").text
    assert "11-16 14:00</time> 再打" in browser.get("/calls?lang=zh").text


def test_three_times_not_reached_is_enough(to_call: Any, browser: Any) -> None:
    for _ in range(3):
        press(browser, "no_answer")
        to_call.later(hours=4)
    assert state(to_call) == ("expired", 3)
    assert rows(to_call, ComplaintEvent)[-1].kind is EventKind.RESULT_TOLD
    assert "多次无人接听" in browser.get("/calls/1?lang=zh").text


def test_declining_may_end_the_asking(to_call: Any, browser: Any) -> None:
    press(browser, "declined", no_more="yes")
    assert (state(to_call), [row.how for row in rows(to_call, OptOut)]) == (("suppressed", 1), ["phone"])


def test_the_tick_to_be_asked_no_more_counts_with_its_button_only(to_call: Any, browser: Any) -> None:
    press(browser, "no_answer", no_more="yes")
    assert rows(to_call, OptOut) == []


def test_a_form_sent_twice_counts_once(to_call: Any, browser: Any) -> None:
    page = browser.get("/calls/1").text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)) | {"outcome": "busy"}
    first, second = (browser.send("POST", "/calls/1", data=form) for _ in range(2))
    assert (first.status_code, second.status_code, second.headers["location"]) == (303, 303, first.headers["location"])
    assert state(to_call) == ("phone", 1)


def test_the_second_of_two_colleagues_is_told_and_keeps_what_was_typed(to_call: Any, browse: Any) -> None:
    one, other = browse(), browse()
    page = other.get("/calls/1").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    press(one, "no_answer")
    late = other.send("POST", "/calls/1?lang=zh", data=hidden | {
        "outcome": "reached", "q-solved": "no", "q-still_open": "还是碎的", "note": "打通了"})  # fmt: skip
    assert late.status_code == 409
    assert all(word in late.text for word in ("这一次已有同事登记过", "还是碎的", "打通了", "第 2 次，共 3 次"))
    assert 'name="q-solved" value="no" checked' in late.text
    assert (state(to_call), rows(to_call, Answer)) == (("phone", 1), [])


def test_what_was_answered_on_the_page_meanwhile_is_said_and_not_recorded(to_call: Any, browser: Any) -> None:
    page = browser.get("/calls/1").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    to_call.happens(to_call.number, EventKind.REOPENED)
    late = browser.send("POST", "/calls/1?lang=zh", data=hidden | {"outcome": "reached", "q-solved": "yes"})
    assert (late.status_code, rows(to_call, CallAttempt)) == (409, [])
    assert "已不用再打" in late.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"outcome": "reached", "q-solved": "perhaps"}, 400),
        ({"outcome": "reached", "q-nothing": "yes"}, 400),
        ({"outcome": "reached", "q-still_open": "长" * 501, "q-solved": "no"}, 400),
        ({"outcome": "elsewhere"}, 400),
        ({"outcome": "busy", "number": "2"}, 400),
        ({"outcome": "busy", "number": "x"}, 400),
        ({"outcome": "busy", "note": "长" * 501}, 400),
        ({}, 400),
    ],
)
def test_what_is_no_call_records_nothing(to_call: Any, browser: Any, fields: dict[str, str], status: int) -> None:
    before = to_call.stored()
    assert browser.submit("/calls/1", "/calls/1", **fields).status_code == status
    assert (to_call.stored(), state(to_call)) == (before, ("phone", 0))


def test_a_bad_answer_to_a_question_is_said_at_the_question(to_call: Any, browser: Any) -> None:
    page = browser.submit(
        "/calls/1", "/calls/1?lang=zh", outcome="reached", note="在的", **{"q-solved": "perhaps"}
    ).text
    assert "请从选项里选一项" in page
    assert "在的" in page


@pytest.mark.parametrize("address", ["/calls/3", "/calls/999999999999999999999"])
def test_there_is_no_page_of_a_call_nobody_planned(to_call: Any, browser: Any, address: str) -> None:
    assert browser.get(address).status_code == 404
    assert browser.submit("/calls/1", address, outcome="busy").status_code == 404


def test_a_form_from_elsewhere_records_nothing(to_call: Any, browser: Any) -> None:
    answer = browser.send("POST", "/calls/1", data={"number": "1", "outcome": "busy"})
    assert (answer.status_code, state(to_call)) == (403, ("phone", 0))


def test_whoever_signed_in_stands_in_the_record(to_call: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    browser.get("/calls/1", **{"X-Forwarded-User": "li"})
    page = browser.get("/calls/1", **{"X-Forwarded-User": "li"}).text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)) | {"outcome": "reached"}
    browser.send("POST", "/calls/1", data=form, headers={"X-Forwarded-User": "li"})
    assert [row.called_by for row in rows(to_call, CallAttempt)] == ["li"]
    assert rows(to_call, ComplaintEvent)[-1].actor == "li"


def test_a_complaint_taken_down_by_telephone_is_followed_up_by_telephone(office: Any, browser: Any) -> None:
    """From the form of the call centre to the call that meets the duty."""
    said = {"title": "快递丢了", "channel": "phone", "severity": "general", "customer": "周小姐",
            "phone": "138 0013 8000"}  # fmt: skip
    number = (
        browser.submit("/complaints/new", "/complaints/new", **said).headers["location"].split("/")[-1].split("?")[0]
    )
    office.later(hours=1)
    office.happens(number, EventKind.HANDLED)
    sweep(office)
    assert 'href="tel:13800138000"' in browser.get("/calls/1").text
    press(browser, "reached", **{"q-solved": "yes"})
    assert rows(office, Invitation)[0].state is InvitationState.ANSWERED
    assert rows(office, ComplaintEvent)[-1].kind is EventKind.RESULT_TOLD
