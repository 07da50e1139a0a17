"""A company's year of improvement: twelve monthly cycles, worked by scripted people in their roles, by the services."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.cli.main import main
from bihuan.errors import RefusedError
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.report.month_files import PACK
from bihuan.report.pack import packed
from bihuan.rules.carry import Ask
from bihuan.rules.month import analysed_at
from bihuan.services import month_report
from bihuan.services.approval import decide
from bihuan.services.cause import add_cause, confirm_cause
from bihuan.services.checkpoint import record_review, review_week
from bihuan.services.cycle import Carry, carry_forward, close_cycle, cycles, open_month, orphans
from bihuan.services.deadline import check_all
from bihuan.services.improvement_day import live_a_day
from bihuan.services.item import amend, cancel, child, dispose, draft, draft_from_finding, move, show
from bihuan.services.lesson import find_lessons
from bihuan.services.measure import add_measure, implement_measure, record_progress
from bihuan.services.month import kept
from bihuan.services.month_report import analyse_due
from bihuan.services.outbox import deliver_all
from bihuan.services.scoreboard import board
from bihuan.services.standard import Text, draft_standard, put_in_force, record_audit, record_training
from bihuan.services.standard_told import tell_complainants
from bihuan.services.verification_plan import write_plan
from bihuan.settings import settings
from schemas.complaint import Complaint
from schemas.effect import WatchState
from schemas.improvement import Disposition
from schemas.item import Gate, ItemState
from schemas.verification import Verdict

pytestmark = pytest.mark.long

S, V = ItemState, Verdict
HEADS = {"service": "han", "delivery": "du", "repair": "bo", "shop": "shen"}
MONTHS = [date(2026, month, 1) for month in range(2, 13)] + [date(2027, 1, 1)]
ON_TIME, NEGATIVE = "on_time_handled", "negative_rate"
REJECTED = Disposition.REJECTED
PRODUCTS = ("洗衣机", "冰箱", "空调", "电视", "微波炉", "净水器", "热水器", "吸尘器")


@dataclass(frozen=True)
class Matter:
    """One thing that people try: on what, who does what until when, and what follows from the verdict."""

    product: str
    people: tuple[str, str, str]
    """Department, owner of the item, owner of the measure."""
    measure: str
    baseline: tuple[date, date]
    in_force: date
    target: float
    indicator: str = ON_TIME
    control: str = ""
    coverage: float = 0.95
    repaired: date | None = None
    """When what was not carried out everywhere is, in the end."""
    then: Matter | None = None
    """What is tried in its place."""
    changed: str = "new_measure"
    is_dropped: bool = False
    """Its next try is cancelled before it begins."""


def on(month: int, day: int = 1, year: int = 2026) -> date:
    return date(year, month, day)


WASHER_AGAIN = Matter("洗衣机", ("service", "li", "wang"), "由区域仓每晚补货", (on(10), on(12)), on(1, 4, 2027), 0.9)
FRIDGE_AGAIN = Matter("冰箱", ("delivery", "sun", "hu"), "每台冰箱出库前预约送货时段", (on(4), on(7)), on(7, 6), 0.9)
SET_AGAIN = Matter("电视", ("shop", "zhou", "lin"), "恢复到店取件，并由系统排期", (on(5), on(8)), on(8, 3), 0.85)
RARE_AGAIN = Matter("吸尘器", ("shop", "lin", "zhou"), "与电视共用一条维修线", (on(4), on(10)), on(3, 1, 2027), 0.95)
PLANS: dict[date, list[Matter]] = {
    on(2): [
        Matter("洗衣机", ("service", "li", "wang"), "十种常用配件放进门店", (on(2), on(4)), on(4), 0.9,
               then=WASHER_AGAIN),
        Matter("冰箱", ("delivery", "sun", "hu"), "第二家承运商", (date(2025, 11, 1), on(2)), on(3, 16), 0.9,
               then=FRIDGE_AGAIN),
        Matter("吸尘器", ("shop", "lin", "zhou"), "吸尘器在门店更换滤网", (date(2025, 11, 1), on(2)), on(3, 16), 0.85,
               then=RARE_AGAIN, changed="wider_scope"),
    ],
    on(3): [
        Matter("空调", ("repair", "zhao", "ren"), "给安装师傅的提醒短信", (date(2025, 12, 1), on(3)), on(5, 4), 0.9,
               changed="new_cause", is_dropped=True),
        Matter("电视", ("shop", "zhou", "lin"), "电视改由区域仓直接寄回", (date(2025, 12, 1), on(3)), on(5, 4), 0.96,
               then=SET_AGAIN),
    ],
    on(4): [
        Matter("微波炉", ("delivery", "hu", "sun"), "破损当天换新", (on(1), on(4)), on(6), 0.88, coverage=0.5,
               repaired=on(7, 20)),
    ],
    on(5): [
        Matter("净水器", ("shop", "lin", "zhou"), "安装后当面试水", (on(2), on(5)), on(7, 6), 0.15, NEGATIVE),
    ],
    on(8): [
        Matter("热水器", ("service", "wang", "li"), "热水器专线", (on(6), on(9)), on(10), 0.85, control="电饭煲"),
    ],
}  # fmt: skip


@dataclass
class People:
    """Those of the company, each doing what the script says as soon as the services let them."""

    company: Any
    matters: dict[str, Matter] = field(default_factory=dict)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    standards: dict[str, str] = field(default_factory=dict)
    """Which item each goes back to."""
    refused: list[str] = field(default_factory=list)
    """Items whose own people tried to verify them."""

    def show(self, number: str) -> dict[str, Any]:
        return dict(self.company.look(show, number))

    def begin(self, cycle: str, run: dict[str, Any], matter: Matter) -> str:
        """From the finding of the month that is about it, else by hand from its line of the problem list."""
        is_its = (one["number"] for one in run["candidates"] if one["element"] == matter.product)
        if finding := next(is_its, None):
            number = self.company(draft_from_finding, cycle, finding, "qian")
        else:
            line = next((one for one in run["problems"] if one["element"] == matter.product), None)
            evidence = line["evidence"] if line else self.company.complaints_about(matter.product, 6)
            facts = {"name": f"{matter.product}投诉", "problem": "每月都在问题清单上", "indicator": matter.indicator,
                     "dimension": "product", "element": matter.product, "evidence": evidence,
                     "importance": 4, "urgency": 3, "feasibility": 4}  # fmt: skip
            number = self.company(draft, cycle, "qian", facts)
        self.matters[number] = matter
        return str(number)

    def go_on(self) -> None:
        """Let everybody go on as far as they can today."""
        for number in list(self.matters):
            self._work(number)

    def _work(self, number: str) -> None:
        before = None
        while (state := self.company.state(number)) is not before:
            before = state
            act = getattr(self, f"_{state}", None)
            if act:
                act(number, self.matters[number])

    def agree(self, number: str, gate: Gate, *codes: str) -> None:
        for code in codes:
            self.company.twice(lambda code=code: self.company(decide, number, gate, self.company.ids[code], True))

    def _heads(self, number: str, matter: Matter, most_carried: int = 99) -> list[str]:
        told = self.show(number)
        is_grave = told["priority"] == "high" or told["carry_count"] >= most_carried
        return [HEADS[matter.people[0]], *(["eve"] if is_grave else [])]

    def _draft(self, number: str, matter: Matter) -> None:
        until = min(matter.baseline[1], self.company.today)
        is_share = matter.indicator == ON_TIME
        x, n = (self.company.on_time if is_share else self.company.sad)(matter.product, matter.baseline[0], until)
        goal = {
            "owner": matter.people[1], "department": matter.people[0], "target_value": matter.target,
            "target_reason": "同行已经做到", "due_on": matter.in_force + timedelta(days=27), "baseline_x": x,
            "baseline_n": n, "baseline_on": matter.baseline[0], "baseline_until_on": until,
        }  # fmt: skip
        self.company(amend, number, goal, "qian")
        self.agree(number, Gate.G1, "qian")

    def _selected(self, number: str, matter: Matter) -> None:
        self.company(move, number, S.ANALYSING, matter.people[1])

    def _analysing(self, number: str, matter: Matter) -> None:
        owner, causes = matter.people[1], self.show(number)["causes"]
        if not [one for one in causes if one["state"] == "candidate"]:
            whys = {"bone": "process", "statement": f"{matter.measure}之前没有人负责"}
            self.company(add_cause, number, whys, owner)
        for one in self.show(number)["causes"]:
            self.company(confirm_cause, one["id"], "data", "抽查三十件，二十一件如此", owner)
        self.agree(number, Gate.G2, "qian", HEADS[matter.people[0]])

    def _cause_confirmed(self, number: str, matter: Matter) -> None:
        self.company(move, number, S.PLANNED, matter.people[1])

    def _planned(self, number: str, matter: Matter) -> None:
        _, owner, doer = matter.people
        told = self.show(number)
        if not told["measures"]:
            plan = {"what": matter.measure, "kind": "corrective", "strength": "medium", "owner": doer,
                    "cause_ids": [one["id"] for one in told["causes"]], "start_on": self.company.today,
                    "due_on": matter.in_force}  # fmt: skip
            self._refuse_tried(number, plan, told["parent"], owner)
            self.company(add_measure, number, plan, owner)
            says = {"baseline_on": matter.baseline[0], "baseline_until_on": matter.baseline[1], "weekly_n": 35,
                    "control": matter.control, "fallback": "六个月后看投诉原文"}  # fmt: skip
            self.company(write_plan, number, says, owner)
        self.company(move, number, S.PLAN_REVIEW, owner)

    def _refuse_tried(self, number: str, plan: dict[str, Any], parent: str, owner: str) -> None:
        """What was tried before is not planned again in the same words."""
        if parent:
            with pytest.raises(RefusedError, match="was the same measure"):
                self.company(add_measure, number, plan | {"what": self.matters[parent].measure}, owner)

    def _plan_review(self, number: str, matter: Matter) -> None:
        self.agree(number, Gate.G3, *self._heads(number, matter, 3))

    def _approved(self, number: str, matter: Matter) -> None:
        self.company(record_progress, f"{number}.1", matter.people[2], ratio=0.3)

    def _doing(self, number: str, matter: Matter) -> None:
        told = self.show(number)
        is_again = V.NOT_IMPLEMENTED in [one["verdict"] for one in told["checks"]]
        day = matter.repaired if is_again and matter.repaired else matter.in_force
        if self.company.today < day:
            if not is_again:
                self.company(record_progress, f"{number}.1", matter.people[2], ratio=0.6)
            return
        reached = 0.95 if is_again else matter.coverage
        done = {"implemented_on": day, "coverage": reached, "evidence": "现场照片"}
        self.company.twice(lambda: self.company(implement_measure, f"{number}.1", matter.people[2], **done))
        for state in (S.IMPLEMENTED, S.OBSERVING):
            self.company(move, number, state, matter.people[1])

    def _checking(self, number: str, matter: Matter) -> None:
        for doer in matter.people[1:]:
            with pytest.raises(RefusedError, match="did the work"):
                self.company(decide, number, Gate.G4, self.company.ids[doer], True)
            self.refused.append(number)
        self.agree(number, Gate.G4, "mei", "qian")
        self.verdicts.setdefault(number, []).append(self.show(number)["verdict"])

    def _verdict(self, number: str, matter: Matter) -> None:
        told = self.show(number)
        verdict = told["verdict"]
        if verdict is V.EFFECTIVE:
            self.company(move, number, S.STANDARDISING, "qian")
        elif verdict is V.NOT_ATTRIBUTABLE:
            self.company(move, number, S.STANDARDISING, "qian", "保留做法，不算作成效")
        elif verdict is V.INCONCLUSIVE and not told["extensions"]:
            self.company(move, number, S.OBSERVING, "qian", "再等三个月")
        else:
            why = "已停用，退回原来的做法" if verdict is V.WORSE else "换一个办法"
            born = self.company.twice(lambda: self.company(child, number, matter.changed, "qian", why))
            if matter.is_dropped:
                self.company(cancel, born, "qian", "下半年整体换系统", "eve")
            self.matters[born] = matter.then or matter

    def _standardising(self, number: str, matter: Matter) -> None:
        company, owner, head = self.company, matter.people[1], HEADS[matter.people[0]]
        text = Text(f"{matter.product}作业标准", f"一、{matter.measure}\n二、每周一核对")
        sop = company.twice(lambda: company(draft_standard, number, text, owner))
        company.twice(lambda: company(put_in_force, sop, company.today, head, "其他产品已照做"))
        company.twice(lambda: company(record_training, sop, 0.96, head))
        told = company(tell_complainants, sop, f"{matter.product}：{matter.measure}。", "qian")
        again = company.twice(lambda: company(tell_complainants, sop, f"{matter.product}：{matter.measure}。", "qian"))
        assert (again.planned, again.before) == (0, told.planned)
        self.standards[sop] = number
        company(move, number, S.SUSTAINING, owner)

    def _sustaining(self, number: str, matter: Matter) -> None:
        told = self.show(number)
        for audit in told["standard"]["audits"]:
            due_on = date.fromisoformat(audit["due_on"])
            if due_on <= self.company.today and not audit["done_on"]:
                self.company(record_audit, told["standard"]["number"], due_on, "mei", is_kept=True)
        if told["watch"] and told["watch"]["clean"] >= 8:
            self.agree(number, Gate.G5, *self._heads(number, matter))

    def explain(self) -> None:
        """Say of what is behind its plan why that is, and what becomes of it."""
        for number, matter in self.matters.items():
            weeks = self.show(number)["checkpoints"] if self.company.state(number) is S.DOING else []
            if weeks and weeks[-1]["actual_ratio"] < weeks[-1]["planned_ratio"]:
                why = ("只在一半的仓库做到", "七月二十日前补齐", matter.people[1])
                self.company.twice(lambda number=number, why=why: self.company(record_review, number, *why))

    def take_up(self) -> None:
        """See what the watch began anew."""
        for number, matter in list(self.matters.items()):
            if matter.then and self.company.state(number) is S.RECURRED:
                again = self.show(number)["events"][-1]["data"]["again"]
                self.matters.setdefault(again, matter.then)


@dataclass
class Year:
    """What became of it."""

    people: People
    orphans: list[list[str]] = field(default_factory=list)
    """Of each month, at its end."""
    carried: list[list[Carry]] = field(default_factory=list)
    """Into each month."""


def live(company: Any, months: list[date]) -> Year:
    """Live through these months; what is done on its first working day is done twice."""
    year = Year(People(company))
    for month_on in months:
        calendar = company.policy.calendars.default
        morning = analysed_at((month_on - timedelta(days=1)).replace(day=1), calendar, time(9)).date()
        turn(company, morning)
        begin_month(company, year, month_on)
        round_(company, year.people, company.twice)
        turn(company, morning + timedelta(days=14))
        round_(company, year.people, lambda act: act())
        year.orphans.append(company.look(orphans))
    company.twice(lambda: live_a_day(company.db, company.policy, company.settings, company.clock))
    return year


def turn(company: Any, day: date) -> None:
    """Let the day come, and the complaints of those before it."""
    company.at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    company.feed(day)


def begin_month(company: Any, year: Year, month_on: date) -> None:
    """Analyse the month before, open the cycle, carry into it what is not done, close the others, begin what is new."""
    analysed = (month_on - timedelta(days=1)).replace(day=1)
    company.twice(lambda: analyse_due(company.db, company.policy, company.settings, company.at))
    run = company.look(kept, analysed)
    cycle = company.twice(lambda: company(open_month, run["number"], "qian"))
    refuse_open_ones(company, cycle)
    year.carried.append(company(carry_forward, cycle))
    company.twice(lambda: company(carry_forward, cycle))
    for one in company.look(cycles):
        if one["number"] != cycle:
            company.twice(lambda number=one["number"]: company(close_cycle, number, "qian"))
    begun = [year.people.begin(cycle, run, matter) for matter in PLANS.get(month_on, [])]
    used = {year.people.show(number)["finding"] for number in begun}
    for one in run["candidates"]:
        if one["number"] not in used:
            company.twice(lambda number=one["number"]: company(dispose, number, REJECTED, "随整体好转", "qian"))


def refuse_open_ones(company: Any, but: str) -> None:
    """No cycle is closed over something that is open."""
    for one in company.look(cycles):
        if one["open"] and one["number"] != but:
            with pytest.raises(RefusedError, match="is not done"):
                company(close_cycle, one["number"], "qian")


def round_(company: Any, people: People, run: Callable[..., Any]) -> None:
    """Let people work, the verification look, and people answer."""
    people.go_on()
    run(lambda: review_week(company.db, company.policy, company.clock))
    run(lambda: live_a_day(company.db, company.policy, company.settings, company.clock))
    people.explain()
    people.take_up()
    people.go_on()
    run(lambda: check_all(company.db, company.policy, company.at))
    deliver_all(company.db, company.mail, company.settings, company.clock, contact=company.policy.survey.contact)


@pytest.fixture(scope="module")
def policy() -> Policy:
    """As shipped, but for the months before the company had it: they are not made up for."""
    shipped = load_policy(None)
    month = shipped.improvement.month.model_copy(update={"catch_up": 1})
    return shipped.model_copy(update={"improvement": shipped.improvement.model_copy(update={"month": month})})


@pytest.fixture(scope="module")
def small_reports() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(month_report, "files", lambda made, _words, _imprint: {PACK: packed(made).zipped()})
        yield


@pytest.fixture(scope="module")
def year(
    opened: Callable[..., Any], small_reports: None, _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Year:
    """The whole of it, lived once."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "year.db").write_bytes(_sqlite_template.read_bytes())
    return live(opened(f"sqlite:///{folder}/year.db", folder), MONTHS)


def of(year: Year, product: str) -> list[dict[str, Any]]:
    """The items about a product, the first one first."""
    people = year.people
    return [people.show(number) for number, matter in people.matters.items() if matter.product == product]


def verdicts(item: dict[str, Any]) -> list[Verdict]:
    return [one["verdict"] for one in item["checks"] if one["is_final"]]


def test_twelve_months_are_twelve_cycles_and_all_but_the_last_could_be_closed(year: Year) -> None:
    found = {one["number"]: one for one in year.people.company.look(cycles)}
    assert sorted(found) == [f"PDCA-{month_on:%Y-%m}" for month_on in MONTHS]
    assert [number for number, one in found.items() if one["closed_at"] is None] == ["PDCA-2027-01"]
    assert [one["open"] for number, one in found.items() if number != "PDCA-2027-01"] == [0] * 11
    assert year.orphans == [[]] * 12


def test_every_verdict_comes_out_where_the_dice_were_thrown_so(year: Year) -> None:
    came = {product: [verdicts(item) for item in of(year, product)] for product in PRODUCTS}
    assert came == {
        "洗衣机": [[V.EFFECTIVE], []],
        "冰箱": [[V.PARTIAL], [V.EFFECTIVE]],
        "空调": [[V.INEFFECTIVE], []],
        "电视": [[V.WORSE], [V.EFFECTIVE]],
        "微波炉": [[V.NOT_IMPLEMENTED, V.EFFECTIVE]],
        "净水器": [[V.EFFECTIVE]],
        "热水器": [[V.NOT_ATTRIBUTABLE]],
        "吸尘器": [[V.INCONCLUSIVE, V.INCONCLUSIVE], []],
    }


def test_what_became_better_everywhere_is_nobodys_merit(year: Year) -> None:
    (check,) = of(year, "热水器")[0]["checks"]
    assert check["x1"] / check["n1"] > 0.85 > check["x0"] / check["n0"]
    assert (check["method"], check["attribution"]) == ("did", "control_moved_alike")


def test_nobody_verifies_their_own_work(year: Year) -> None:
    people = year.people
    signed = 0
    for number, matter in people.matters.items():
        item = people.show(number)
        at_g4 = [one for one in item["approvals"] if one["gate"] is Gate.G4]
        signed += len(at_g4)
        assert {one["staff"] for one in at_g4}.isdisjoint(matter.people[1:])
        assert {one["checked_by"] for one in item["checks"] if one["signed_at"]} <= {"mei"}
    assert signed == 2 * sum(len(each) for each in people.verdicts.values()) > 0
    assert set(people.verdicts) == set(people.refused)


def test_a_child_goes_on_from_what_failed_with_something_else(year: Year) -> None:
    for product, what_changed in (("冰箱", "new_measure"), ("空调", "new_cause"), ("电视", "new_measure"),
                                  ("吸尘器", "wider_scope")):  # fmt: skip
        parent, born = of(year, product)
        assert (parent["state"], parent["children"]) == (S.SUPERSEDED, [born["number"]])
        assert (born["parent"], born["what_changed"], born["evidence"]) == (
            parent["number"], what_changed, parent["evidence"],
        )  # fmt: skip
        assert {one["what"] for one in born["measures"]}.isdisjoint(one["what"] for one in parent["measures"])


def test_an_item_is_carried_from_cycle_to_cycle_without_a_gap_and_never_copied(year: Year) -> None:
    people = year.people
    for number in people.matters:
        item = people.show(number)
        way = [(one["data"]["from"], one["data"]["to"]) for one in item["events"] if one["kind"] == "carried"]
        stations = [number.rsplit("-", 1)[0], *(into for _, into in way)]
        assert [came for came, _ in way] == stations[:-1]
        assert (item["carry_count"], item["cycle"]) == (len(way), stations[-1])


def test_what_is_late_for_the_third_month_is_agreed_to_again_by_the_executive(year: Year) -> None:
    asked = {(one.number, one.ask) for carried in year.carried for one in carried if one.ask is not Ask.NOTHING}
    (late,) = of(year, "微波炉")
    assert (late["number"], Ask.EXECUTIVE) in asked
    again = [one for one in late["approvals"] if one["gate"] is Gate.G3]
    assert next(one["staff"] for one in again if one["voided_at"]) == "du"
    assert [one["staff"] for one in again if not one["voided_at"]] == ["du", "eve"]


def test_what_comes_back_after_closing_is_begun_anew_and_counts_as_not_held(year: Year) -> None:
    first, again = of(year, "洗衣机")
    assert (first["state"], first["verdict"], first["watch"]["state"]) == (S.RECURRED, V.EFFECTIVE, WatchState.BROKEN)
    assert first["closed_at"] < datetime(2026, 11, 1, tzinfo=UTC)
    assert date(2026, 10, 26) <= date.fromisoformat(first["watch"]["signals"][-1]["since_on"]) <= date(2026, 11, 9)
    assert (again["recurrence_of"], again["cycle"]) == (first["number"], "PDCA-2027-01")
    told = year.people.company.look(board)
    assert told["sustained"]["n"] - told["sustained"]["x"] == 1
    lesson = next(one for one in year.people.company.look(find_lessons, "洗衣机") if one["item"] == first["number"])
    assert "not_held" in lesson["advice"]


def test_every_verdict_leaves_a_lesson_and_stands_on_the_scoreboard(year: Year) -> None:
    company = year.people.company
    judged = set(year.people.verdicts)
    assert {one["item"] for one in company.look(find_lessons)} == judged
    told = company.look(board)
    assert {one["number"] for one in told["items"]} == judged
    claimed = {one["number"] for one in told["items"] if one["is_claimed"]}
    helped = {number for number, each in year.people.verdicts.items() if each[-1] in {V.EFFECTIVE, V.PARTIAL}}
    assert claimed == helped


@pytest.fixture
def trace(
    year: Year, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], dict[str, Any]]]:
    """What ``bihuan improvement trace`` prints of a standard."""
    monkeypatch.setenv("BIHUAN_DATABASE_URL", str(year.people.company.db.engine.url))

    def run(standard: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["bihuan", "improvement", "trace", standard, "--json"])
        settings.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return dict(json.loads(capsys.readouterr().out))

    yield run
    logging.getLogger("bihuan").handlers.clear()  # it writes to what pytest is about to close


def test_one_command_lists_for_a_standard_the_complaints_it_came_from_and_the_complainants_told(
    year: Year, trace: Callable[[str], dict[str, Any]]
) -> None:
    company, traced = year.people.company, Counter()
    customers = {row.number: row.customer_id for row in company.rows(Complaint)}
    assert len(year.people.standards) == 6
    for standard, number in year.people.standards.items():
        found, item = trace(standard), year.people.show(number)
        (origin,) = found["items"]
        assert origin["number"] == number
        assert origin["complaints"] == sorted(item["evidence"])
        assert origin["analysis"] == item["finding"].replace("F-", "M-").rpartition("-")[0]
        told = [customers[one["complaint"]] for one in found["told"]]
        wanted = {customers[one] for one in item["evidence"]}
        assert sorted(told) == sorted(one for one in wanted if one % 10), "each once, if they can be written to"
        assert {one["state"] for one in found["told"]} == {"sent"}
        traced.update(told)
    sent = Counter(int(url.rpartition("/c")[2]) for url, _ in company.mail.sent if "/c" in url)
    assert sent == traced, "the letters that went out are those of the traces"


@pytest.mark.bench
def test_a_quarter_goes_the_same_way_on_postgresql(
    opened: Callable[..., Any], small_reports: None, postgresql_url: str, tmp_path: Path
) -> None:
    year = live(opened(postgresql_url, tmp_path), MONTHS[:3])
    assert year.orphans == [[]] * 3
    assert [verdicts(item) for item in of(year, "冰箱")] == [[V.PARTIAL], []]
    assert [item["state"] for item in of(year, "洗衣机")] == [S.OBSERVING]
