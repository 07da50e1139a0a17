"""The forms of an improvement item: each does one thing once, by whom it says, or says in one line why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.item import ItemState
from schemas.verification import Verdict

FORM = "/complaints/new"


def send(improving: Any, browser: Any, act: str, number: str | None = None, **fields: str) -> Any:
    address = f"/improvement/{number or improving.number}?lang=zh"
    return browser.submit(FORM, address, act=act, **fields)


def moved(answer: Any, said: str, part: str) -> bool:
    """Whether it was done, and the page goes on to say so there."""
    where = answer.headers.get("location", "")
    return answer.status_code == 303 and where.endswith(f"?done={said}#{part}")


def alert(answer: Any) -> str:
    """What the page says was not done."""
    return str(answer.text.split('role="alert">')[1].split("</p>")[0])


def now(improving: Any) -> dict[str, str]:
    return {"revision": str(improving.show()["revision"])}


# --- the item ---


def test_a_goal_is_written_and_only_what_was_changed_is_an_edit(improving: Any, browser: Any) -> None:
    improving.drafted()
    before = improving.show()
    fields = {"name": before["name"], "target_value": "94%", "owner": "wang", "due_on": "2027-03-31",
              "baseline_x": "126", "evidence": ", ".join(before["evidence"])}  # fmt: skip
    assert moved(send(improving, browser, "edit", who="zhao", **fields, **now(improving)), "edit", "goal")
    event = improving.show()["events"][-1]
    assert (event["actor"], event["data"]) == ("zhao", {"owner": ["li", "wang"], "target_value": [0.95, 0.94]})
    assert send(improving, browser, "edit", **fields, **now(improving)).status_code == 303
    assert improving.show()["revision"] == before["revision"] + 1


def test_who_saves_over_what_another_changed_is_told_who_and_what_and_keeps_what_was_typed(
    improving: Any, browser: Any
) -> None:
    improving.drafted()
    seen = now(improving)
    send(improving, browser, "edit", who="han", owner="wang", **seen)
    answer = send(improving, browser, "edit", remarks="等供应商答复", **seen)
    assert (answer.status_code, improving.show()["remarks"]) == (409, "")
    assert "han修改了责任人" in alert(answer)
    assert ">等供应商答复</textarea>" in answer.text


@pytest.mark.parametrize(("fields", "said"), [
    ({"target_value": "很多"}, "“目标值”填写有误"), ({"due_on": "soon"}, "“截止日期”填写有误"),
    ({"evidence": "C-0"}, "“证据”填写有误"), ({"name": ""}, "“名称”填写有误"),
    ({"owner": "nobody"}, "“责任人”填写有误"),
])  # fmt: skip
def test_what_cannot_be_written_names_the_field(
    improving: Any, browser: Any, fields: dict[str, str], said: str
) -> None:
    improving.drafted()
    answer = send(improving, browser, "edit", **fields)
    assert (answer.status_code, said in alert(answer)) == (400, True)


def test_a_priority_other_than_suggested_needs_a_reason(improving: Any, browser: Any) -> None:
    improving.drafted()
    assert "数据建议 5" in browser.get(f"/improvement/{improving.number}?lang=zh").text
    answer = send(improving, browser, "priority", priority="low")
    assert (answer.status_code, alert(answer)) == (409, "<b>没有完成。</b> 与数据建议或矩阵不同，须写明理由。")
    told = {"priority": "low", "priority_reason": "旺季已过"}
    assert moved(send(improving, browser, "priority", **told), "priority", "priority")
    assert (improving.show()["priority"].value, improving.show()["priority_reason"]) == ("low", "旺季已过")


# --- causes ---


def test_a_why_is_added_under_a_cause_confirmed_with_evidence_and_another_is_excluded(
    improving: Any, browser: Any
) -> None:
    improving.analysing()
    first = str(improving.show()["causes"][0]["id"])
    added = send(improving, browser, "cause_add", key=first, parent=first, statement="配件没有备货", kind="system")
    assert moved(added, "cause_add", "causes")
    told = {"statement": "新人不会修", "bone": "people", "kind": "occurrence"}
    assert moved(send(improving, browser, "cause_add", **told), "cause_add", "causes")
    _, why, other = improving.show()["causes"]
    assert (why["parent_id"], why["level"], why["kind"].value) == (int(first), 2, "system")
    proof = {"key": str(why["id"]), "method": "data", "evidence": "48 台中 33 台等配件", "who": "li"}
    assert moved(send(improving, browser, "cause_confirm", **proof), "cause_confirm", "causes")
    out = {"key": str(other["id"]), "reason": "培训记录齐全"}
    assert moved(send(improving, browser, "cause_exclude", **out), "cause_exclude", "causes")
    states = [(one["state"].value, one["decided_by"]) for one in improving.show()["causes"]]
    assert states == [("candidate", ""), ("confirmed", "li"), ("excluded", "web")]
    edited = {"key": str(why["id"]), "statement": "门店没有备货", "bone": "process", "kind": "system"}
    assert moved(send(improving, browser, "cause_edit", **edited, **now(improving)), "cause_edit", "causes")
    assert improving.show()["causes"][1]["statement"] == "门店没有备货"


def test_a_person_is_no_last_cause(improving: Any, browser: Any) -> None:
    improving.analysing()
    send(improving, browser, "cause_add", statement="新人不会修", bone="people", kind="occurrence")
    key = str(improving.show()["causes"][1]["id"])
    answer = send(improving, browser, "cause_confirm", key=key, method="interview", evidence="师傅说的")
    assert (answer.status_code, "不能止于“人”" in alert(answer)) == (409, True)
    assert "师傅说的" in answer.text
    answer = send(improving, browser, "cause_confirm", key=key, method="interview", evidence="")
    assert (answer.status_code, "有必填的内容没有填写" in alert(answer)) == (400, True)


def test_nothing_is_done_to_a_cause_of_another_item(improving: Any, browser: Any) -> None:
    improving.analysing()
    assert send(improving, browser, "cause_exclude", key="999", reason="x").status_code == 400


# --- measures ---


def test_a_measure_is_planned_against_the_ticked_causes_and_changed(improving: Any, browser: Any) -> None:
    improving.planning()
    cause = str(improving.show()["causes"][0]["id"])
    told = {"what": "门店备齐配件", "kind": "corrective", "strength": "strong", "owner": "wang", "due_on": "2026-12-10",
            "collaborators": "li, han", "budget": "1200", f"cause_{cause}": "on"}  # fmt: skip
    assert moved(send(improving, browser, "measure_add", who="li", **told), "measure_add", "measures")
    (row,) = improving.show()["measures"]
    assert (row["owner"], row["cause_ids"], row["collaborators"], row["budget"]) == (
        "wang", [int(cause)], ["li", "han"], 1200.0,
    )  # fmt: skip
    assert moved(send(improving, browser, "measure_edit", key="1", due_on="2026-12-12", **now(improving)),
                 "measure_edit", "measures")  # fmt: skip
    (row,) = improving.show()["measures"]
    assert (row["due_on"].isoformat(), row["cause_ids"]) == ("2026-12-12", [])
    assert improving.show()["events"][-1]["data"].keys() >= {"measure 1 due_on", "measure 1 cause_ids"}


def test_progress_is_one_tap_and_sets_the_item_to_work(improving: Any, browse_other: Any) -> None:
    improving.doing()
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    page = browser.get(f"/improvement/{improving.number}", **{"X-Forwarded-User": "wang"}).text
    assert '<button class="button" name="ratio" value="50%">50%</button>' in page
    assert moved(as_one(improving, browser, "wang", act="progress", key="1", ratio="50%"), "progress", "measures")
    told = improving.show()
    assert (told["state"], told["measures"][0]["progress_ratio"], told["events"][-1]["actor"]) == ("doing", 0.5, "wang")


def test_done_takes_evidence_the_day_and_how_much_was_reached(improving: Any, browser: Any) -> None:
    improving.doing()
    improving.office.at = datetime(2026, 12, 10, 2, 0, tzinfo=UTC)
    told = {"key": "1", "evidence": "库存清单", "implemented_on": "2026-12-09", "coverage": "90"}
    assert moved(send(improving, browser, "done", who="wang", **told), "done", "measures")
    (row,) = improving.show()["measures"]
    assert (row["state"].value, row["coverage_ratio"], row["evidence"]) == ("done", 0.9, "库存清单")
    assert alert(send(improving, browser, "progress", key="1", ratio="90%")).endswith("该措施已完成或已取消。")


def test_before_the_plan_is_approved_no_progress_is_taken(improving: Any, browser: Any) -> None:
    improving.reviewed()
    answer = send(improving, browser, "progress", key="1", ratio="50%")
    assert (answer.status_code, "计划尚未批准" in alert(answer)) == (409, True)


def test_a_dropped_measure_voids_the_plan_that_was_approved(improving: Any, browser: Any) -> None:
    improving.doing()
    assert moved(send(improving, browser, "measure_cancel", key="1", reason="供应商停产"), "measure_cancel", "measures")
    told = improving.show()
    assert (told["state"], told["measures"][0]["state"].value) == ("planned", "cancelled")
    assert "批准作废" in browser.get(f"/improvement/{improving.number}?lang=zh").text


# --- the verification plan, and the moves ---


def test_the_verification_plan_is_written_and_changed_before_the_work(improving: Any, browser: Any) -> None:
    improving.planning()
    assert moved(send(improving, browser, "plan", weekly_n="60"), "plan", "plan")
    assert improving.show()["verification"]["n_required"] == 435
    told = {"guardrails": "csat_mean", "lag_days": "14", "smallest": "3%", "fallback": "看首次响应"}
    assert moved(send(improving, browser, "plan", **told), "plan", "plan")
    plan = improving.show()["verification"]
    assert (plan["guardrails"], plan["lag_days"], plan["smallest"]) == (["csat_mean"], 14, 0.03)
    answer = send(improving, browser, "plan", guardrails="nonsense")
    assert (answer.status_code, "填写有误" in alert(answer)) == (400, True)


@pytest.mark.parametrize(("lang", "said"), [
    ("zh", "需要 435 件，每周约 4 件：半年内变化至少要有约 10.2 个百分点，才看得出来"),
    ("en", "435 cases are needed and 4 a week come: within six months only a change of about 10.2 percentage points"),
])  # fmt: skip
def test_where_too_few_cases_come_the_page_says_what_could_be_seen_and_what_else_there_is(
    improving: Any, browser: Any, lang: str, said: str
) -> None:
    improving.planning()
    send(improving, browser, "plan", weekly_n="4")
    page = browser.get(f"/improvement/{improving.number}?lang={lang}").text
    assert said in page
    send(improving, browser, "plan", weekly_n="60")
    assert said[:12] not in browser.get(f"/improvement/{improving.number}?lang={lang}").text


def test_a_frozen_plan_is_changed_only_with_a_reason_and_agreed_to_again(improving: Any, browser: Any) -> None:
    improving.doing()
    answer = send(improving, browser, "plan", lag_days="7")
    assert (answer.status_code, "有必填的内容没有填写" in alert(answer)) == (400, True)
    assert moved(send(improving, browser, "plan", lag_days="7", reason="配件到货要一周"), "plan", "plan")
    told = improving.show()
    assert (told["state"], told["verification"]["frozen_at"]) == ("planned", None)


def test_a_move_is_made_when_nothing_speaks_against_it(improving: Any, browser: Any) -> None:
    improving.drafted()
    answer = send(improving, browser, "move", to="analysing")
    assert (answer.status_code, "当前状态不能转到 原因分析" in alert(answer)) == (409, True)
    send_decision(improving, browser, "zhao", "approve")
    assert moved(send(improving, browser, "move", to="analysing", who="li"), "move", "now")
    answer = send(improving, browser, "move", to="selected")
    assert "没有写明理由" in alert(answer)
    assert moved(send(improving, browser, "move", to="selected", reason="选错了"), "move", "now")


def test_it_is_contained_held_resumed_and_cancelled_with_reasons(improving: Any, browser: Any) -> None:
    improving.drafted()
    assert moved(send(improving, browser, "contain", reason="先借备用机给客户"), "contain", "now")
    answer = send(improving, browser, "hold", reason="等总部")
    assert (answer.status_code, improving.show()["held_until_on"]) == (400, None)
    assert moved(send(improving, browser, "hold", until_on="2026-12-01", reason="等总部"), "hold", "now")
    page = browser.get(f"/improvement/{improving.number}?lang=zh").text
    assert all(word in page for word in ("挂起至 2026-12-01", "已遏制", "现在恢复"))
    assert moved(send(improving, browser, "resume"), "resume", "now")
    answer = send(improving, browser, "cancel", reason="并入别处", approver="wang")
    assert (answer.status_code, "无权批准取消" in alert(answer)) == (409, True)
    assert moved(send(improving, browser, "cancel", reason="并入别处", approver="han"), "cancel", "now")
    answer = send(improving, browser, "contain", reason="再做一次")
    assert (answer.status_code, "此改进项已结束" in alert(answer)) == (409, True)


def test_a_child_goes_on_with_what_is_different(improving: Any, browser: Any) -> None:
    improving.judged(Verdict.PARTIAL)
    answer = send(improving, browser, "child", what_changed="new_measure", who="zhao")
    assert answer.headers["location"] == "/improvement/PDCA-2026-12-02?done=child#now"
    assert improving.show()["state"] is ItemState.SUPERSEDED
    again = send(improving, browser, "child", what_changed="new_measure")
    assert again.headers["location"] == answer.headers["location"]


def test_what_is_effective_has_no_child(improving: Any, browser: Any) -> None:
    improving.judged()
    answer = send(improving, browser, "child", what_changed="new_measure")
    assert (answer.status_code, "还不能转给子项" in alert(answer)) == (409, True)
    answer = send(improving, browser, "recur", reason="又来了")
    assert (answer.status_code, "只有已关闭的改进项" in alert(answer)) == (409, True)


# --- decisions ---


def send_decision(improving: Any, browser: Any, who: str, answer: str, **fields: str) -> Any:
    """Decide about what the page shows now."""
    page = browser.get(f"/improvement/{improving.number}?lang=zh").text
    shown = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("gate", "hash")}
    return send(improving, browser, "decide", who=who, answer=answer, **(shown | fields))


def test_whoever_agrees_last_moves_it_on(improving: Any, browser: Any) -> None:
    improving.reviewed()
    assert moved(send_decision(improving, browser, "han", "approve"), "approve", "now")
    assert improving.show()["state"] is ItemState.PLAN_REVIEW
    assert moved(send_decision(improving, browser, "eve", "approve", comment="可以"), "approve", "now")
    told = improving.show()
    assert (told["state"], bool(told["verification"]["frozen_hash"])) == (ItemState.APPROVED, True)


def test_it_is_sent_back_with_a_comment_and_never_without(improving: Any, browser: Any) -> None:
    improving.reviewed()
    answer = send_decision(improving, browser, "han", "reject")
    assert (answer.status_code, improving.show()["state"]) == (400, ItemState.PLAN_REVIEW)
    assert moved(send_decision(improving, browser, "han", "reject", comment="预算太高"), "reject", "now")
    assert improving.show()["state"] is ItemState.PLANNED
    assert "预算太高" in browser.get(f"/improvement/{improving.number}").text


def test_nobody_agrees_to_what_was_changed_after_they_looked(improving: Any, browser: Any) -> None:
    improving.reviewed()
    page = browser.get(f"/improvement/{improving.number}?lang=zh").text
    seen = page.split('name="hash" value="')[1].split('"')[0]
    send(improving, browser, "measure_edit", key="1", due_on="2026-12-31",
         **{f"cause_{improving.show()['causes'][0]['id']}": "on"}, **now(improving))  # fmt: skip
    answer = send(improving, browser, "decide", who="han", answer="approve", gate="g3", hash=seen)
    assert (answer.status_code, "您看到的内容已被修改" in alert(answer)) == (409, True)
    assert [one["gate"].value for one in improving.show()["approvals"]] == ["g1", "g2", "g2"]


def test_whoever_has_no_say_there_does_not_decide(improving: Any, browser: Any) -> None:
    improving.reviewed()
    answer = send_decision(improving, browser, "wang", "approve")
    assert (answer.status_code, "此人不能在这里决定" in alert(answer)) == (409, True)
    answer = send_decision(improving, browser, "", "approve")
    assert (answer.status_code, "有必填的内容没有填写" in alert(answer)) == (400, True)


def test_the_doer_never_verifies(improving: Any, browser: Any) -> None:
    improving.judged()
    told = improving.show()
    assert {one["staff"] for one in told["approvals"] if one["gate"].value == "g4"} == {"bo", "zhao"}
    answer = send(improving, browser, "decide", who="li", answer="approve", gate="g4", hash="0")
    assert answer.status_code == 409


def test_whoever_signed_in_decides_as_themselves_whatever_the_form_says(improving: Any, browse_other: Any) -> None:
    improving.reviewed()
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1")
    page = browser.get(f"/improvement/{improving.number}?lang=zh", **{"X-Forwarded-User": "han"}).text
    assert 'name="who"' not in page
    shown = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("gate", "hash")}
    answer = as_one(improving, browser, "han", act="decide", answer="approve", who="eve", **shown)
    assert moved(answer, "approve", "now")
    assert improving.show()["approvals"][-1]["staff"] == "han"


def as_one(improving: Any, browser: Any, code: str, **fields: str) -> Any:
    """Send a form as somebody whom the proxy names."""
    page = browser.get(FORM, **{"X-Forwarded-User": code}).text
    token = page.split('name="token" value="')[1].split('"')[0]
    return browser.send("POST", f"/improvement/{improving.number}?lang=zh", data={"token": token, **fields},
                        headers={"Origin": browser.address, "X-Forwarded-User": code})  # fmt: skip


def test_a_form_from_elsewhere_changes_nothing(improving: Any, browser: Any) -> None:
    improving.drafted()
    before = improving.show()
    answer = browser.send("POST", f"/improvement/{improving.number}", data={"act": "contain", "reason": "x"})
    assert (answer.status_code, improving.show()) == (403, before)
