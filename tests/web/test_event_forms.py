"""What people record on a complaint's page: what is offered, what a form records, and how it says no."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bihuan.store.queries import complaint as queries
from schemas.complaint import ComplaintState, CustomerIn, EventKind, Severity
from schemas.deadline import Deadline

WANG = CustomerIn(external_id="wang", name="王女士", contact_url="mailto:wang@mail.example")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def events(office: Any, number: str) -> list[Any]:
    with office.db.read() as session:
        return list(queries.events(session, queries.one(session, number).id))


def stored(office: Any, number: str) -> Any:
    with office.db.read() as session:
        return queries.one(session, number)


def offered(page: str) -> list[str]:
    return re.findall(r'<button[^>]* name="kind" value="(\w+)"', page)


def form_of(page: str, kind: str) -> str:
    """The form that has the button of ``kind``."""
    forms: list[str] = re.findall(r"<form.*?</form>", page, re.DOTALL)
    return next(form for form in forms if kind in offered(form))


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def send(browser: Any, number: str, query: str = "", **fields: str) -> Any:
    """Fill the form of ``kind`` in as the page offers it."""
    return browser.submit(f"/complaints/{number}", f"/complaints/{number}/events{query}", **fields)


SAYS = {EventKind.NEGATIVE_TAKEN_ON: {"plan": "周五前整改"}, EventKind.NEGATIVE_RESOLVED: {"result": "已整改"}}
"""What these say wherever they are recorded."""
OPEN = ["severity_changed", "tier_changed", "department_changed", "merged", "withdrawn", "closed"]
"""The forms folded away while a complaint is open, but for waiting."""


@pytest.mark.parametrize(("story", "expected"), [
    ([], ["responded", "handled", "note", "assigned", "waiting", *OPEN]),
    ([EventKind.RESPONDED], ["handled", "note", "assigned", "waiting", *OPEN]),
    ([EventKind.WAITING], ["resumed", "responded", "handled", "note", "assigned", *OPEN]),
    ([EventKind.WAITING, EventKind.RESUMED], ["responded", "handled", "note", "assigned", "waiting", *OPEN]),
    ([EventKind.HANDLED],
     ["result_told", "followed_up", "closed", "note", "answered_negative", "reopened", "merged", "withdrawn"]),
    ([EventKind.HANDLED, EventKind.RESULT_TOLD],
     ["followed_up", "closed", "note", "answered_negative", "reopened", "merged", "withdrawn"]),
    ([EventKind.HANDLED, EventKind.FOLLOWED_UP, EventKind.ANSWERED_NEGATIVE],
     ["negative_taken_on", "negative_told", "result_told", "closed", "note", "answered_negative", "reopened", "merged",
      "withdrawn"]),
    ([EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE, EventKind.NEGATIVE_TAKEN_ON],
     ["negative_told", "result_told", "followed_up", "closed", "note", "answered_negative", "reopened", "merged",
      "withdrawn"]),
    ([EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE, EventKind.NEGATIVE_TAKEN_ON, EventKind.NEGATIVE_RESOLVED],
     ["negative_told", "result_told", "followed_up", "closed", "note", "answered_negative", "reopened", "merged",
      "withdrawn"]),
    ([EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE, EventKind.NEGATIVE_TOLD],
     ["result_told", "followed_up", "closed", "note", "answered_negative", "reopened", "merged", "withdrawn"]),
    ([EventKind.CLOSED], ["result_told", "followed_up", "reopened", "note", "answered_negative"]),
    ([EventKind.WITHDRAWN], ["reopened", "note"]),
    ([EventKind.HANDLED, EventKind.RESULT_TOLD, EventKind.REOPENED],
     ["responded", "handled", "note", "assigned", "waiting", *OPEN]),
    ([EventKind.HANDLED, EventKind.RESULT_TOLD, EventKind.REOPENED, EventKind.HANDLED],
     ["result_told", "followed_up", "closed", "note", "answered_negative", "reopened", "merged", "withdrawn"]),
])  # fmt: skip
def test_only_what_makes_sense_is_offered(
    office: Any, browser: Any, story: list[EventKind], expected: list[str]
) -> None:
    number = office.complaint()
    for kind in story:
        office.later(minutes=1)
        office.happens(number, kind, **SAYS.get(kind, {}))
    assert offered(browser.get(f"/complaints/{number}").text) == expected


def test_what_is_rare_is_folded_away_and_opens_without_script(office: Any, browser: Any) -> None:
    page = browser.get(f"/complaints/{office.complaint()}").text
    quick = page[page.index('id="record"') : page.index("<details")]
    assert offered(quick) == ["responded", "handled", "note", "assigned"]
    assert not re.search(r"<details[^>]* open", page)


@pytest.mark.parametrize(("kind", "fields", "before"), [
    ("assigned", {"handler": "wang"}, []),
    ("responded", {"note": "已致电"}, []),
    ("waiting", {"reason": "缺照片"}, []),
    ("resumed", {}, [EventKind.WAITING]),
    ("severity_changed", {"severity": "major", "note": "有人受伤"}, []),
    ("tier_changed", {"tier": "premium"}, []),
    ("tier_changed", {"tier": "年度大客户"}, []),
    ("department_changed", {"department": "service"}, []),
    ("handled", {}, []),
    ("handled", {"result": "已换新", "note": "备件已到"}, []),
    ("result_told", {"note": "短信"}, [EventKind.HANDLED]),
    ("followed_up", {}, [EventKind.HANDLED]),
    ("answered_negative", {"note": "仍不满意"}, [EventKind.HANDLED]),
    ("negative_taken_on", {"plan": "周五前整改"}, [EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE]),
    ("negative_resolved", {"result": "已整改"}, [EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE]),
    ("negative_told", {"result": "已整改"}, [EventKind.HANDLED, EventKind.ANSWERED_NEGATIVE]),
    ("reopened", {"note": "又坏了"}, [EventKind.HANDLED]),
    ("withdrawn", {"note": "客户来电撤回"}, []),
    ("closed", {"note": "重复"}, []),
    ("note", {"note": "客户明天在家"}, []),
])  # fmt: skip
def test_each_kind_is_recorded_through_its_form(
    office: Any, browser: Any, kind: str, fields: dict[str, str], before: list[EventKind]
) -> None:
    number = office.complaint(customer=WANG)
    for happened in before:
        office.later(minutes=1)
        office.happens(number, happened)
    office.later(minutes=20)
    form = form_of(browser.get(f"/complaints/{number}").text, kind)
    assert {*fields, "when"} <= set(re.findall(r' name="(\w+)"', form))
    answer = send(browser, number, kind=kind, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/complaints/{number}?done={kind}")
    event = events(office, number)[-1]
    way = {"way": "phone"} if kind == "negative_told" else {}
    assert (event.kind, event.occurred_at, event.actor, event.data) == (kind, office.at, "web", fields | way)


def test_merging_names_the_complaint_that_goes_on(office: Any, browser: Any) -> None:
    into, number = office.complaint(), office.complaint()
    office.later(minutes=1)
    assert send(browser, number, kind="merged", into=into, note="同一件事").status_code == 303
    assert stored(office, number).state is ComplaintState.MERGED
    assert f'<a href="/complaints/{into}">{into}</a>' in browser.get(f"/complaints/{number}").text


def test_what_was_changed_is_so_at_once(office: Any, browser: Any) -> None:
    number = office.complaint()
    for fields in ({"kind": "severity_changed", "severity": "urgent"},
                   {"kind": "department_changed", "department": "service"}):  # fmt: skip
        office.later(minutes=1)
        send(browser, number, **fields)
    row = stored(office, number)
    assert (row.severity, row.department, row.handler) == (Severity.URGENT, "service", None)


def test_the_department_that_has_it_and_its_own_severity_are_not_offered(office: Any, browser: Any) -> None:
    page = browser.get(f"/complaints/{office.complaint(severity=Severity.URGENT)}").text
    assert re.findall(r'<option value="(\w*)"', form_of(page, "department_changed")) == ["", "service"]
    assert re.findall(r'<option value="(\w*)"', form_of(page, "severity_changed")) == ["", "general", "major"]


def test_a_note_keeps_its_lines(office: Any, browser: Any) -> None:
    number = office.complaint()
    send(browser, number, kind="responded", note=" 已致电\r\n客户 ")
    assert events(office, number)[-1].data == {"note": "已致电\n客户"}
    assert "已记录：首次响应" in browser.get(f"/complaints/{number}?done=responded&lang=zh").text


# --- when it happened ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone", "when"), [
    ("Asia/Shanghai", "2026-11-16T09:30"), ("UTC", "2026-11-16T01:30"), ("America/New_York", "2026-11-15T20:30"),
    ("Asia/Shanghai", "2026-11-16 09:30:00"),
])  # fmt: skip
def test_a_call_entered_afterwards_has_its_own_time(office: Any, browser: Any, zone: str, when: str) -> None:
    number = office.complaint()
    office.later(hours=3)
    assert zone in form_of(browser.get(f"/complaints/{number}?tz={zone}").text, "responded")
    assert send(browser, number, kind="responded", when=when).status_code == 303
    event = next(event for event in events(office, number) if event.kind is EventKind.RESPONDED)
    assert event.occurred_at == datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
    assert event.recorded_at == office.at


def test_a_time_is_of_the_zone_the_form_was_shown_in(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.later(hours=3)
    form = hidden(browser.get(f"/complaints/{number}?tz=Asia/Shanghai").text)
    browser.get("/?tz=Europe/Berlin")
    browser.send("POST", f"/complaints/{number}/events",
                 data={**form, "kind": "responded", "when": "2026-11-16T10:00"})  # fmt: skip
    assert datetime(2026, 11, 16, 2, tzinfo=UTC) in [event.occurred_at for event in events(office, number)]


@pytest.mark.parametrize(("when", "instant"), [
    ("2026-11-01T01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # twice that night: the first
    ("2026-03-08T02:30", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),  # left out that night: moves forward
])  # fmt: skip
def test_a_time_when_the_clocks_change_is_taken(office: Any, browser: Any, when: str, instant: datetime) -> None:
    office.at = datetime(2026, 3, 1, tzinfo=UTC)
    number = office.complaint()
    office.at = datetime(2026, 12, 1, tzinfo=UTC)
    browser.get("/?tz=America/New_York")
    assert send(browser, number, kind="note", note="x", when=when).status_code == 303
    assert instant in [event.occurred_at for event in events(office, number)]


def test_the_page_says_when_it_was_recorded(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.later(hours=3)
    send(browser, number, kind="responded", when="2026-11-16T09:05")
    assert re.search(r"补录于 <time [^>]*>11-16 12:00", browser.get(f"/complaints/{number}?lang=zh").text)


# --- sent twice, refused, hostile ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [
    {"kind": "handled"}, {"kind": "waiting", "reason": "缺照片", "when": "2026-11-16T09:30"},
    {"kind": "tier_changed", "tier": "premium"}, {"kind": "department_changed", "department": "service"},
])  # fmt: skip
def test_a_form_sent_twice_records_once(office: Any, browser: Any, fields: dict[str, str]) -> None:
    number = office.complaint()
    office.later(hours=1)
    form = hidden(browser.get(f"/complaints/{number}").text) | fields
    answers = []
    for _ in range(2):
        answers.append(browser.send("POST", f"/complaints/{number}/events", data=form).status_code)
        office.later(seconds=1)
    assert answers == [303, 303]
    assert [event.kind for event in events(office, number)].count(EventKind(fields["kind"])) == 1


def test_another_form_of_the_same_page_is_other_news(office: Any, browser: Any) -> None:
    number = office.complaint()
    form = hidden(browser.get(f"/complaints/{number}").text)
    for said in ({"kind": "note", "note": "a"}, {"kind": "note", "note": "b"}, {"kind": "responded"}):
        assert browser.send("POST", f"/complaints/{number}/events", data=form | said).status_code == 303
    assert len([event for event in events(office, number) if event.actor == "web"]) == 3


REFUSED = [
    ({"kind": "assigned"}, "请选择处理人", "Please choose a handler"),
    ({"kind": "assigned", "handler": "nobody"}, "没有代码为 nobody 的处理人", "There is no handler nobody"),
    ({"kind": "waiting", "note": "x"}, "请写明在等谁、等什么", "Please say whom and what it waits for"),
    ({"kind": "severity_changed"}, "请选择新的严重程度", "Please choose the new severity"),
    ({"kind": "tier_changed", "tier": "  "}, "请填写客户分层", "Please give the customer tier"),
    ({"kind": "tier_changed", "tier": "x" * 21}, "缩短到 20 字以内", "within 20 characters"),
    ({"kind": "department_changed"}, "请选择转给哪个部门", "Please choose the department"),
    ({"kind": "department_changed", "department": "moon"}, "没有代码为 moon 的部门", "There is no department moon"),
    ({"kind": "merged"}, "请填写继续处理的投诉编号", "Please give the number"),
    ({"kind": "merged", "into": "20990101-000001"}, "没有编号为 20990101-000001", "no complaint 20990101-000001"),
    ({"kind": "handled", "note": "x" * 2001}, "缩短到 2000 字以内", "within 2000 characters"),
    ({"kind": "responded", "when": "2026-11-16T13:01"}, "2026-11-16 13:01 还没有到", "13:01 is still to come"),
    ({"kind": "responded", "when": "yesterday"}, "看不懂这个时间：yesterday", "Not a date and time: yesterday"),
    ({"kind": "responded", "when": "2026-02-30T10:00"}, "看不懂这个时间", "Not a date and time"),
    ({"kind": "responded", "when": "0001-01-01T00:00"}, "看不懂这个时间", "Not a date and time"),
    ({"kind": "responded", "when": "2026-11-16"}, "看不懂这个时间", "Not a date and time"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "chinese", "english"), REFUSED)
def test_a_slip_is_said_in_the_reader_s_language_and_nothing_typed_is_lost(
    office: Any, browser: Any, fields: dict[str, str], chinese: str, english: str
) -> None:
    number = office.complaint()
    office.later(hours=4)
    before = office.stored()
    for language, said in (("zh", chinese), ("en", english)):
        answer = send(browser, number, f"?lang={language}", **{"note": "kept remark", **fields})
        assert answer.status_code == 400
        notice = re.search(r'<p class="notice red" role="alert">(.*?)</p>', answer.text, re.DOTALL)
        assert notice is not None
        assert said in notice[1]
        kept = fields.get("note", "kept remark") if fields["kind"] != "waiting" else ""
        assert kept in form_of(answer.text, fields["kind"])
    assert office.stored() == before


def test_a_complaint_cannot_be_merged_into_itself(office: Any, browser: Any) -> None:
    number = office.complaint()
    assert "投诉不能并入自身" in send(browser, number, "?lang=zh", kind="merged", into=number).text
    assert "cannot be merged into itself" in send(browser, number, "?lang=en", kind="merged", into=number).text
    assert stored(office, number).state is not ComplaintState.MERGED


def test_what_made_no_sense_then_is_refused_in_both_languages(office: Any, browser: Any) -> None:
    number = office.complaint()
    form = hidden(browser.get(f"/complaints/{number}").text) | {"kind": "responded", "note": "已致电"}
    office.later(minutes=1)
    office.happens(number, EventKind.HANDLED)
    office.later(minutes=1)
    for language, said in (("zh", "当时投诉是“已处理”，记不了“首次响应”"),
                           ("en", "The complaint was “Handled” then: “First response” makes no")):  # fmt: skip
        answer = browser.send("POST", f"/complaints/{number}/events?lang={language}", data=form)
        assert answer.status_code == 409
        assert said in answer.text
        assert "已致电" in answer.text
        assert "responded" not in offered(answer.text)
    assert events(office, number)[-1].kind is EventKind.HANDLED


def test_the_state_at_the_time_named_decides(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.later(hours=1)
    office.happens(number, EventKind.HANDLED)
    office.later(hours=1)
    too_early = send(browser, number, "?lang=zh", kind="result_told", when="2026-11-16T09:30")
    assert too_early.status_code == 409
    assert "当时投诉是“已分派”" in too_early.text
    assert send(browser, number, kind="result_told", when="2026-11-16T10:30").status_code == 303


def test_a_corrected_form_can_be_sent_from_the_page_that_refused_it(office: Any, browser: Any) -> None:
    number = office.complaint()
    fields = {"kind": "merged", "into": "gone", "note": "同一件事"}
    refused = send(browser, number, **fields).text
    assert len(re.findall(r"<details[^>]* open", refused)) == 2
    assert 'value="gone"' in form_of(refused, "merged")
    form = hidden(refused) | fields | {"into": office.complaint()}
    assert browser.send("POST", f"/complaints/{number}/events", data=form).status_code == 303


@pytest.mark.parametrize("fields", [
    {}, {"kind": "exploded"}, {"kind": "registered"}, {"kind": "amended"}, {"kind": "automatic_reply"},
    {"kind": "severity_changed", "severity": "grave"}, {"kind": "note", "zone": "../../etc/passwd"},
    {"kind": "note", "zone": "Mars/Olympus"}, {"kind": "note", "zone": "A" * 5000},
])  # fmt: skip
def test_what_no_form_says_is_refused_with_a_page(office: Any, browser: Any, fields: dict[str, str]) -> None:
    number = office.complaint()
    before = office.stored()
    answer = send(browser, number, "?lang=zh", **fields)
    assert answer.status_code == 400
    assert "返回上一页" in answer.text
    assert office.stored() == before


@pytest.mark.parametrize(("kind", "name"), [
    ("waiting", "reason"), ("tier_changed", "tier"), ("department_changed", "department"), ("merged", "into"),
    ("assigned", "handler"), ("responded", "when"), ("withdrawn", "note"),
])  # fmt: skip
def test_hostile_text_comes_back_as_text(office: Any, browser: Any, kind: str, name: str) -> None:
    number = office.complaint()
    given = {"reason": "x", "tier": "x", "department": "moon", "into": "x", "handler": "x", name: EVIL, "kind": kind}
    for page in (send(browser, number, **given).text, browser.get(f"/complaints/{number}").text):
        assert "<script" not in page
        assert "<img src=x" not in page


def test_a_department_given_as_zero_bytes_or_braces_is_no_department(office: Any, browser: Any) -> None:
    number = office.complaint()
    for code in ("{0.__class__}", "{limit}", "\0service\0x", "%s", "product'--"):
        assert send(browser, number, kind="department_changed", department=code).status_code == 400


def test_after_a_refusal_reloading_and_changing_the_language_lead_back(office: Any, browser: Any) -> None:
    number = office.complaint()
    answer = browser.get(f"/complaints/{number}/events?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/complaints/{number}?lang=en")
    assert browser.get("/complaints/nope/events").headers["location"] == "/complaints/nope"


# --- what the page says of it ----------------------------------------------------------------------------------------


def test_the_timeline_says_what_changed_in_words(office: Any, browser: Any) -> None:
    into, number = office.complaint(), office.complaint()
    story = [
        (EventKind.SEVERITY_CHANGED, {"severity": "urgent"}), (EventKind.TIER_CHANGED, {"tier": "basic"}),
        (EventKind.SEVERITY_CHANGED, {"severity": "major"}), (EventKind.TIER_CHANGED, {"tier": "星钻"}),
        (EventKind.DEPARTMENT_CHANGED, {"department": "service"}), (EventKind.WAITING, {"reason": "缺照片"}),
        (EventKind.MERGED, {"into": into}),
    ]  # fmt: skip
    for kind, data in story:
        office.later(minutes=1)
        office.happens(number, kind, **data)
    chinese = {"一般 → 紧急", "紧急 → 重大", "→ 基础", "基础 → 星钻", "→ 服务部", "缺照片", "调整客户分层", "转交部门"}
    english = {"General → Urgent", "Urgent → Major", "→ Basic", "Basic → 星钻", "→ 服务部", "Tier changed", "Merged"}
    for language, expected in (("zh", chinese), ("en", english)):
        page = browser.get(f"/complaints/{number}?lang={language}").text
        log = page[page.index('<ol class="line">') :]
        assert {said for said in expected if said not in log} == set()


def test_a_paused_deadline_says_since_when_and_why(office: Any, browser: Any) -> None:
    number = office.complaint()
    office.happens(number, EventKind.RESPONDED)
    office.later(minutes=10)
    send(browser, number, kind="waiting", reason="缺照片 <b>")
    office.later(hours=500)
    for language, said in (("zh", "起暂停：缺照片 &lt;b&gt;"), ("en", "缺照片 &lt;b&gt;")):
        page = browser.get(f"/complaints/{number}?lang={language}").text
        deadlines = page[page.index('<ol class="rows">') : page.index("</ol>")]
        assert said in deadlines
        assert ">11-16 09:10<" in deadlines
    assert "逾期" not in browser.get(f"/complaints/{number}?lang=zh").text
    send(browser, number, kind="resumed")
    page = browser.get(f"/complaints/{number}?lang=zh").text
    assert "起暂停" not in page


def test_reasons_given_while_waiting_add_up(office: Any, browser: Any) -> None:
    number = office.complaint()
    for reason in ("缺照片", "等厂家"):
        office.later(minutes=10)
        office.happens(number, EventKind.WAITING, reason=reason)
    assert "缺照片; 等厂家" in browser.get(f"/complaints/{number}").text


def test_the_clock_of_a_second_department_is_named(office: Any, browser: Any) -> None:
    number = office.complaint()
    with office.db.write() as session:
        whole = session.exec(select(Deadline).where(col(Deadline.milestone) == "handled")).one()
        own = {**whole.model_dump(exclude={"id"}), "leg": 1, "department": "service"}
        session.add(Deadline(**own))
    page = browser.get(f"/complaints/{number}?lang=zh").text
    deadlines = page[page.index('<ol class="rows">') : page.index("</ol>")]
    assert deadlines.count(">服务部</span>") == 1
    assert "产品部" not in deadlines
    assert f'href="/complaints/{number}/explain#handled-1-1"' in deadlines


def test_a_life_told_by_its_forms_alone(office: Any, browser: Any) -> None:
    more = {"waiting": {"reason": "缺照片"}, "assigned": {"handler": "wang"},
            "negative_taken_on": {"plan": "周五前整改"}, "negative_resolved": {"result": "已整改"},
            "negative_told": {"result": "已整改"}}  # fmt: skip
    number = office.complaint(customer=WANG)
    for kind in ("assigned", "responded", "waiting", "note", "resumed", "handled", "result_told", "followed_up",
                 "answered_negative", "negative_taken_on", "negative_resolved", "negative_told", "reopened",
                 "withdrawn", "reopened", "handled", "closed"):  # fmt: skip
        office.at += timedelta(minutes=1)
        assert kind in offered(browser.get(f"/complaints/{number}").text)
        assert send(browser, number, kind=kind, **more.get(kind, {})).status_code == 303
    assert stored(office, number).state is ComplaintState.CLOSED
