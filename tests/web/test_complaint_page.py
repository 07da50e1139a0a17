"""One complaint on its page: what it shows, what it hides, and what its buttons record."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bihuan.services.deadline import check_due
from bihuan.store.queries import complaint as queries
from schemas.complaint import ComplaintState, EventKind

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def events(office: Any, number: str) -> list[Any]:
    with office.db.read() as session:
        return list(queries.events(session, queries.one(session, number).id))


def stored(office: Any, number: str) -> Any:
    with office.db.read() as session:
        return queries.one(session, number)


def offered(page: str) -> list[str]:
    return re.findall(r'<button[^>]* name="kind" value="(\w+)"', page)


def test_what_people_wrote_is_shown_as_text(office: Any, browser: Any) -> None:
    number = office.complaint(EVIL, matter=EVIL, demand=EVIL, product=EVIL, region="{{ 7 * 7 }}")
    office.happens(number, EventKind.RESPONDED, note=EVIL)
    for path in ("/", "/complaints", f"/complaints/{number}", "/outbox"):
        page = browser.get(path).text
        assert "<script" not in page
        assert "<img src=x" not in page
    page = browser.get(f"/complaints/{number}").text
    assert page.count("&lt;script&gt;") >= 5
    assert "{{ 7 * 7 }}" in page


def test_name_and_contact_of_the_complainant_stay_hidden(office: Any, browser: Any, customer: Any) -> None:
    page = browser.get(f"/complaints/{office.complaint(customer=customer)}").text
    assert "张**" in page
    assert "张三" not in page
    assert "zhangsanfeng" not in page
    assert "mail.example" not in page


def test_the_page_tells_the_whole_story(office: Any, browser: Any) -> None:
    number = office.complaint("打不开")
    office.later(hours=50)
    while check_due(office.db, office.policy, office.at).decided:
        pass
    office.happens(number, EventKind.HANDLED, note="换了新的")
    page = browser.get(f"/complaints/{number}?lang=zh").text
    for said in ("打不开", "产品部", "受理登记", "处理完毕", "换了新的", "超时达成", "判定超时", "超时通知", "Li 处理"):
        assert said in page


@pytest.mark.parametrize(("story", "expected"), [
    ([], ["responded", "waiting", "handled", "closed", "withdrawn", "note", "assigned"]),
    ([EventKind.RESPONDED], ["waiting", "handled", "closed", "withdrawn", "note", "assigned"]),
    ([EventKind.WAITING], ["responded", "resumed", "handled", "closed", "withdrawn", "note", "assigned"]),
    ([EventKind.WAITING, EventKind.RESUMED],
     ["responded", "waiting", "handled", "closed", "withdrawn", "note", "assigned"]),
    ([EventKind.HANDLED], ["result_told", "followed_up", "reopened", "closed", "withdrawn", "note"]),
    ([EventKind.HANDLED, EventKind.RESULT_TOLD], ["followed_up", "reopened", "closed", "withdrawn", "note"]),
    ([EventKind.CLOSED], ["result_told", "followed_up", "reopened", "note"]),
    ([EventKind.WITHDRAWN], ["reopened", "note"]),
    ([EventKind.HANDLED, EventKind.RESULT_TOLD, EventKind.REOPENED],
     ["responded", "waiting", "handled", "closed", "withdrawn", "note", "assigned"]),
    ([EventKind.HANDLED, EventKind.RESULT_TOLD, EventKind.REOPENED, EventKind.HANDLED],
     ["result_told", "followed_up", "reopened", "closed", "withdrawn", "note"]),
])  # fmt: skip
def test_only_what_makes_sense_is_offered(
    office: Any, browser: Any, story: list[EventKind], expected: list[str]
) -> None:
    number = office.complaint()
    for kind in story:
        office.later(minutes=1)
        office.happens(number, kind)
    assert offered(browser.get(f"/complaints/{number}").text) == expected


def test_every_button_offered_can_be_pressed(office: Any, browser: Any) -> None:
    for kind in ("responded", "waiting", "note", "resumed", "handled", "result_told", "followed_up", "reopened",
                 "withdrawn", "reopened", "handled", "closed"):  # fmt: skip
        number = number if kind != "responded" else office.complaint()  # type: ignore[has-type]  # noqa: F821
        office.later(minutes=1)
        assert kind in offered(browser.get(f"/complaints/{number}").text)
        answer = browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind=kind)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/complaints/{number}?done={kind}")
    assert stored(office, number).state is ComplaintState.CLOSED


def test_a_button_adds_its_event_now_with_the_note(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.later(minutes=20)
    browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind="responded", note=" 已致电\r\n客户 ")
    event = events(office, number)[-1]
    assert (event.kind, event.occurred_at, event.actor) == (EventKind.RESPONDED, office.at, "web")
    assert event.data == {"note": "已致电\n客户"}
    assert "已记录：首次响应" in browser.get(f"/complaints/{number}?done=responded&lang=zh").text


def test_a_form_sent_twice_records_once(office: Any, browser: Any) -> None:
    number = office.complaint()
    page = browser.get(f"/complaints/{number}").text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)) | {"kind": "handled"}
    answers = [browser.send("POST", f"/complaints/{number}/events", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert [event.kind for event in events(office, number)].count(EventKind.HANDLED) == 1


def test_assigning_changes_handler_and_department(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.later(minutes=1)
    browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind="assigned", handler="zhao")
    row = stored(office, number)
    assert (row.handler, row.department) == ("zhao", "service")


def test_handlers_of_the_department_are_offered_first_with_their_load(office: Any, browser: Any) -> None:
    for _ in range(3):
        number = office.complaint()
    page = browser.get(f"/complaints/{number}?lang=en").text
    choices = page[
        page.index('<select name="handler">') : page.index("</select>", page.index('<select name="handler">'))
    ]
    assert re.findall(r'label="([^"]+)"', choices) == ["Product", "服务部"]
    assert re.findall(r">([^<>]+ open\))<", choices) == ["Wang 处理 (1 open)", "Li 处理 (2 open)", "Zhao 处理 (0 open)"]


def test_what_no_longer_makes_sense_is_refused_with_a_page(office: Any, browser: Any) -> None:
    number = office.complaint()
    page = browser.get(f"/complaints/{number}").text
    office.happens(number, EventKind.HANDLED)
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)) | {"kind": "responded"}
    answer = browser.send("POST", f"/complaints/{number}/events?lang=en", data=form)
    assert answer.status_code == 409
    assert "The complaint has moved on" in answer.text
    assert events(office, number)[-1].kind is EventKind.HANDLED


@pytest.mark.parametrize("fields", [
    {}, {"kind": "exploded"}, {"kind": "assigned"}, {"kind": "assigned", "handler": "nobody"},
    {"kind": "handled", "note": "x" * 2001},
])  # fmt: skip
def test_a_bad_entry_is_refused_with_a_page(office: Any, browser: Any, fields: dict[str, str]) -> None:
    number = office.complaint()
    before = events(office, number)
    answer = browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", **fields)
    assert answer.status_code == 400
    assert "返回上一页" in answer.text
    assert events(office, number) == before


def test_an_unknown_number_has_a_friendly_page(office: Any, browser: Any) -> None:
    answer = browser.get("/complaints/20990101-<b>?lang=en")
    assert answer.status_code == 404
    assert "There is no complaint 20990101-&lt;b&gt;" in answer.text
    assert (
        browser.submit(f"/complaints/{office.complaint()}", "/complaints/none/events", kind="handled").status_code
        == 404
    )


def test_an_imported_complaint_without_title_department_or_deadline_has_a_page(office: Any, browser: Any) -> None:
    number = office.complaint("", deadlines={}, kind=None)
    page = browser.get(f"/complaints/{number}?lang=en").text
    assert "(no title)" in page
    assert "This complaint has no deadline." in page
    assert "Still missing" in page


def test_an_event_without_what_it_says_is_refused(office: Any, browser: Any) -> None:
    number = office.complaint()
    answer = browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind="severity_changed")
    assert answer.status_code == 400


def test_the_page_says_what_is_waited_for_and_never_that_it_is_late(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.happens(number, EventKind.RESPONDED)
    browser.submit(f"/complaints/{number}", f"/complaints/{number}/events", kind="waiting", note="缺照片")
    office.happens(number, EventKind.SEVERITY_CHANGED, severity="major")
    office.later(hours=500)
    page = browser.get(f"/complaints/{number}?lang=zh").text
    for said in ("等待中", "缺照片", "→ 重大", "暂停"):
        assert said in page
    assert "逾期" not in page
