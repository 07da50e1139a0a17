"""One complaint on its page: what it shows and what it hides."""

from __future__ import annotations

import re
from typing import Any

from bihuan.services.deadline import check_due
from bihuan.store.queries import complaint as queries
from schemas.complaint import EventKind

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def stored(office: Any, number: str) -> Any:
    with office.db.read() as session:
        return queries.one(session, number)


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
