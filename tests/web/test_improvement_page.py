"""One improvement item on a page: the chain from complaints to the reply, and who sees and decides what."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.services.cause import add_cause, exclude_cause
from bihuan.services.improvement_due import HARM
from bihuan.services.item import amend, child
from bihuan.services.item_log import note
from bihuan.services.measure import record_progress
from schemas.effect import EffectCheck, Lesson, SustainWatch, WatchState
from schemas.item import Item
from schemas.verification import Verdict


def look(improving: Any, browser: Any, lang: str = "zh", **headers: str) -> str:
    answer = browser.get(f"/improvement/{improving.number}?lang={lang}", **headers)
    assert answer.status_code == 200
    return str(answer.text)


def part(page: str, name: str) -> str:
    """The section with that anchor."""
    return page.split(f'id="{name}"')[1].split("</section>", maxsplit=1)[0]


def test_the_whole_chain_stands_on_one_page(improving: Any, browser: Any) -> None:
    standard = improving.standard()
    page = look(improving, browser)
    assert all(f'href="/complaints/{number}"' in part(page, "complaints") for number in improving.evidence)
    assert "候选 F-2026-11-01" in part(page, "complaints")
    assert all(word in part(page, "goal") for word in ("处理及时率", "90.0% (126/140)", "95.0%", "产品：洗衣机"))
    assert all(word in part(page, "causes") for word in ("产品“洗衣机”", "已确认", "数据：48 台中有 33 台在等配件"))
    assert all(word in part(page, "measures") for word in ("门店备齐十种常用配件", "已完成", "库存清单", "覆盖 90%"))
    assert all(word in part(page, "plan") for word in ("已冻结", "2026-11-01", "435"))
    assert all(word in part(page, "standard") for word in (standard, "门店备件", "95%", "已安排告知"))
    assert "标准化" in part(page, "history")


@pytest.mark.parametrize(("lang", "said"), [
    ("zh", ("有效", "90.0% (126/140)", "97.0% (388/400)", "+7.0 个百分点（95% 区间 +2.5 至 +13.1）", "变好且达到目标",
            "没有不受措施影响的对照", "只有前后两段", "Bo 负责")),
    ("en", ("Effective", "+7.0 percentage points (95 % interval +2.5 to +13.1)", "Better, and the target is reached",
            "Nothing untouched to compare with", "p &lt; 0.001")),
])  # fmt: skip
def test_a_check_says_its_verdict_interval_and_limits_in_words(
    improving: Any, browser: Any, lang: str, said: tuple[str, ...]
) -> None:
    improving.judged()
    checks = part(look(improving, browser, lang), "checks")
    assert [word for word in said if word not in checks.replace("p < 0.001", "p &lt; 0.001")] == []


@pytest.mark.parametrize(("lang", "said"), [
    ("zh", "提前发现：满意度均分明显变差"), ("en", "Satisfaction got clearly worse"),
])  # fmt: skip
def test_harm_that_was_seen_early_is_said_without_a_verdict(improving: Any, browser: Any, lang: str, said: str) -> None:
    improving.doing()
    assert said not in look(improving, browser, lang)
    with improving.office.db.write() as session:
        item = session.get_one(Item, improving.rows(Item)[0].id)
        note(session, improving.office.clock, item, HARM, "verification", data={"indicators": "csat_mean"})
    page = look(improving, browser, lang)
    assert said in part(page, "checks")
    assert {"zh": "提前发现变差", "en": "Harm seen early"}[lang] in part(page, "history")


def test_an_early_look_is_shown_without_a_verdict(improving: Any, browser: Any) -> None:
    improving.doing()
    improving.keep(EffectCheck(
        item_id=improving.rows(Item)[0].id, checked_at=improving.office.at, until_on=improving.office.at.date(),
        is_final=False, plan_hash="p", sha256="s", method="two_windows", n_needed=300, diagnostics={"is_ratio": True},
        x0=3, n0=30, x1=1, n1=20, estimate=0.5, low=0.1, high=2.5,
    ))  # fmt: skip
    checks = part(look(improving, browser), "checks")
    assert all(word in checks for word in ("中期查看，不下结论", "0.50 倍（此后比此前）", "还需多少件", "300"))
    assert "有效" not in checks


def test_why_under_why_stands_as_a_tree_and_on_its_bone(improving: Any, browser: Any) -> None:
    improving.analysing()
    first = improving.show()["causes"][0]["id"]
    second = improving(add_cause, improving.number, {"statement": "配件没有备货", "parent": first}, "li")
    improving(add_cause, improving.number, {"statement": "采购不看消耗量", "parent": second}, "li")
    other = improving(add_cause, improving.number, {"statement": "新人不会修", "bone": "people"}, "li")
    improving(exclude_cause, other, "培训记录齐全", "li")
    causes = part(look(improving, browser), "causes")
    tree = causes.split("<h3>流程</h3>")[1]
    assert tree.index("产品“洗衣机”") < tree.index("配件没有备货") < tree.index("采购不看消耗量")
    assert "第 3 个为什么" in tree
    drawing = causes.split("<svg")[1].split("</svg>")[0]
    assert ("产品“洗衣机”" in drawing, "采购不看消耗量" in drawing, "新人不会修" in drawing) == (True, True, False)
    assert 'class="is-out">新人不会修' in causes


def test_what_the_goal_lacks_is_said_by_letter(improving: Any, browser: Any) -> None:
    improving.drafted()
    improving(amend, improving.number, {"target_value": "99.9%", "owner": ""}, "zhao")
    goal = part(look(improving, browser), "goal")
    assert '具体: <span class="amber">没有责任人' in goal
    assert '可达成: <span class="amber">优于该指标的历史最好水平' in goal
    assert goal.count("通过") == 3
    now = part(look(improving, browser), "now")
    assert "关口一：选题" in now
    assert "具体: 没有责任人" in now
    assert "同意" not in now


def test_a_gate_shows_who_owes_a_decision_and_exactly_what_is_agreed_to_with_its_hash(
    improving: Any, browser: Any
) -> None:
    improving.reviewed()
    now = part(look(improving, browser), "now")
    assert all(word in now for word in ("关口三：计划审批", "待部门负责人决定，截止 2026-11-19", "Han 负责", "Eve 负责",
                                        "门店备齐十种常用配件", "强（防错、自动化）", "处理及时率"))  # fmt: skip
    assert len(now.split('class="hash">')[1].split("<")[0]) == 64


def test_only_what_is_possible_next_has_a_button_and_the_rest_says_why_not(improving: Any, browser: Any) -> None:
    improving.doing()
    now = part(look(improving, browser), "now")
    assert "转到“实施中”</button>" in now
    improving(record_progress, f"{improving.number}.1", "wang", ratio=0.5)
    now = part(look(improving, browser), "now")
    assert "还不能转到“已实施”：措施 1 尚未完成" in now
    assert 'value="implemented"' not in now


def test_parents_children_and_the_watch_are_told(improving: Any, browser: Any) -> None:
    improving.judged(Verdict.PARTIAL)
    now = part(look(improving, browser), "now")
    assert "转下一循环：由子项继续" in now
    number = improving(child, improving.number, "new_measure", "zhao")
    page = look(improving, browser)
    assert f'由此继续： <a href="/improvement/{number}">' in page
    assert "已由子项带着不同的做法继续" in page
    child_page = browser.get(f"/improvement/{number}?lang=zh").text
    assert f'承接自 <a href="/improvement/{improving.number}">' in child_page
    assert "新的措施" in child_page


def test_the_watch_and_the_lesson_stand_beside_the_standard(improving: Any, browser: Any) -> None:
    improving.standard()
    item_id, today = improving.rows(Item)[0].id, improving.office.at.date()
    improving.keep(
        SustainWatch(item_id=item_id, indicator="on_time_handled", started_on=today, points=12, clean=9,
                     state=WatchState.HELD, until_on=today),
        Lesson(item_id=item_id, title="备件放在门店", verdict=Verdict.EFFECTIVE, made_at=improving.office.at),
    )  # fmt: skip
    page = part(look(improving, browser), "standard")
    assert all(word in page for word in ("已保持", "12 个点，连续 9 个无异常", "备件放在门店"))


@pytest.mark.parametrize("number", ["PDCA-1999-01-01", "x" * 200])
def test_there_is_no_page_of_an_item_nobody_began(improving: Any, browser: Any, number: str) -> None:
    assert browser.get(f"/improvement/{number}").status_code == 404
    assert browser.submit("/complaints/new", f"/improvement/{number}", act="contain", reason="x").status_code == 404
