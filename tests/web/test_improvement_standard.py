"""From the judgement on, by forms: the standard is written, put in force, trained and audited; people are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import update

from schemas.complaint import CustomerIn
from schemas.effect import Standard
from schemas.improvement import Finding
from schemas.outbox import Message, Notice

FORM = "/complaints/new"
WORDS = {"title": "门店备件", "content": "门店常备十种配件。\n每周一盘点。"}


def send(improving: Any, browser: Any, act: str, **fields: str) -> Any:
    return browser.submit(FORM, f"/improvement/{improving.number}?lang=zh", act=act, **fields)


def is_done(answer: Any, said: str) -> bool:
    return str(answer.headers.get("location", "")).endswith(f"?done={said}#standard")


def test_a_standard_is_written_put_in_force_and_trained(improving: Any, browser: Any) -> None:
    improving.judged()
    assert is_done(send(improving, browser, "standard", who="li", **WORDS), "standard")
    day = improving.office.at.date().isoformat()
    assert is_done(send(improving, browser, "in_force", effective_on=day, elsewhere="洗碗机同样处理"), "in_force")
    assert is_done(send(improving, browser, "train", trained_ratio="95"), "train")
    (row,) = improving.rows(Standard)
    assert (row.number, row.title, row.trained_ratio, row.elsewhere) == (
        "SOP-2027-001", "门店备件", 0.95, "洗碗机同样处理",
    )  # fmt: skip
    page = browser.get(f"/improvement/{improving.number}?lang=zh").text
    assert [word for word in ("编写标准", "标准生效", "登记培训") if word not in page] == []
    assert "+门店常备十种配件。" in browser.get("/improvement/standards/SOP-2027-001?lang=zh").text
    answer = send(improving, browser, "in_force", effective_on="2027-03-01")
    assert (answer.status_code, "请编写下一版" in answer.text) == (409, True)


def test_an_audit_is_asked_for_on_its_day_and_never_before(improving: Any, browser: Any) -> None:
    improving.judged()
    send(improving, browser, "standard", **WORDS)
    began = improving.office.at.date()
    send(improving, browser, "in_force", effective_on=began.isoformat())
    due = (began + timedelta(days=30)).isoformat()
    assert "是否按标准执行？" not in browser.get(f"/improvement/{improving.number}?lang=zh").text
    early = send(improving, browser, "audit", key=due, answer="kept")
    assert (early.status_code, "审核尚未到期" in early.text) == (409, True)
    improving.office.later(days=30)
    assert f"{due} 的审核：是否按标准执行？" in browser.get(f"/improvement/{improving.number}?lang=zh").text
    assert is_done(send(improving, browser, "audit", key=due, answer="broken", who="han"), "audit")
    (row,) = improving.rows(Standard)
    assert (row.audits[0]["is_kept"], row.audits[0]["by"]) == (False, "han")


def test_complainants_are_told_once_when_it_is_in_force(improving: Any, browser: Any) -> None:
    customer = CustomerIn(external_id="c1", name="王女士", contact_url="mailto:wang@mail.example")
    improving.evidence.append(improving.office.complaint("又超时", product="洗衣机", customer=customer))
    with improving.office.db.write() as session:
        session.exec(update(Finding).values(evidence=improving.evidence))
    improving.judged()
    send(improving, browser, "standard", **WORDS)
    early = send(improving, browser, "tell", words="门店现在常备配件")
    assert (early.status_code, "标准尚未生效" in early.text) == (409, True)
    send(improving, browser, "in_force", effective_on=improving.office.at.date().isoformat())
    for _ in range(2):
        assert is_done(send(improving, browser, "tell", words="门店现在常备配件"), "tell")
    assert [row.notice for row in improving.rows(Message)].count(Notice.IMPROVED) == 1
    page = browser.get("/improvement/standards/SOP-2027-001?lang=zh").text
    assert "还没有给投诉者的消息" not in page


@pytest.mark.parametrize(("act", "fields", "status", "said"), [
    ("standard", {"title": "", "content": "x"}, 400, "有必填的内容没有填写"), ("in_force", {}, 400, ""),
    ("train", {"trained_ratio": "120"}, 400, "填写有误"), ("tell", {}, 400, "有必填的内容没有填写"),
    ("audit", {"key": "2027-03-01", "answer": "maybe"}, 400, ""),
])  # fmt: skip
def test_what_cannot_be_taken_down_says_why(
    improving: Any, browser: Any, act: str, fields: dict[str, str], status: int, said: str
) -> None:
    improving.standard()
    answer = send(improving, browser, act, **fields)
    assert (answer.status_code, said in answer.text) == (status, True)


def test_nothing_is_kept_of_what_was_not_judged_and_nothing_judged_without_data(improving: Any, browser: Any) -> None:
    improving.doing()
    answer = send(improving, browser, "standard", **WORDS)
    assert (answer.status_code, "还没有可以固定下来的" in answer.text) == (409, True)
    assert send(improving, browser, "train", trained_ratio="90").status_code == 400
    answer = send(improving, browser, "judge")
    assert (answer.status_code, "还不能判定" in answer.text) == (409, True)
