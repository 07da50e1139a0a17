"""An improvement in a real Chromium, from a finding to its standard: by taps on a phone, by clicks at a desk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import select

from bihuan.services.item import show
from bihuan.store.rows import table_of
from bihuan.web.app import create_app
from schemas.complaint import Complaint
from schemas.effect import EffectCheck, Lesson, SustainWatch, WatchState
from schemas.improvement import AnalysisRun, Bone, Finding, FindingSource, FindingState, Problem
from schemas.item import Item, ItemState
from schemas.plan import Checkpoint
from schemas.verification import Verdict

PHONE, DESK = 390, 1280
IMAGES = os.environ.get("BIHUAN_SCREENSHOTS")
"""Where to leave pictures; nothing is left without it."""
ELEMENTS = {"zh": "洗衣机", "en": "Dishwasher"}
"""What each walk is about; the second item of the cycle is that of the second walk."""
JUDGED_AT = datetime(2027, 2, 10, 2, 0, tzinfo=UTC)
_C, _I = table_of(Complaint).c, table_of(Item).c


@dataclass
class Served:
    """The installation under a clock that the test moves; ``named`` fills addresses."""

    address: str
    site: Any
    named: dict[str, str]
    at: datetime

    def __call__(self, act: Callable[..., Any], *given: Any) -> Any:
        """Do one act of a service."""
        with self.site.db.write() as session:
            return act(session, self.site.policy, lambda: self.at, *given)

    def keep(self, *rows: Any) -> None:
        with self.site.db.write() as session:
            session.add_all(rows)

    def item(self, element: str) -> Any:
        with self.site.db.read() as session:
            return session.execute(select(table_of(Item)).where(_I.element == element)).one_or_none()


@pytest.fixture(scope="module")
def installation(installation: Any, serve: Callable[..., str]) -> Served:
    """The demo with what October's analysis found: two products are late."""
    site = installation.app.state.site
    here = Served("", site, installation.named, site.clock())
    here.address = serve(create_app(site.settings, site.db, site.policy, lambda: here.at))
    with site.db.write() as session:
        numbers = list(session.execute(select(_C.number).order_by(_C.id).limit(4)).scalars())
        run = AnalysisRun(
            number="M-2026-10", period_on=date(2026, 10, 1), until_on=date(2026, 11, 1), as_of=here.at, complaints=240,
            sha256="0" * 64, answers=40, params={"baseline": 3}, conclusion={"rates": []}, policy_version="1",
            code_version="1", made_at=here.at,
        )  # fmt: skip
        session.add(run)
        session.flush()
        for rank, element in enumerate(ELEMENTS.values(), 1):
            place = {"dimension": "product", "element": element, "rank": rank}
            session.add(Problem(
                run_id=run.id, count=48, share_ratio=0.2, low=0.1, high=0.3, severity_weight=90.0, tier_weight=1,
                late=33, negative=1, people=40, kind="product", stage="working", **place,
            ))  # fmt: skip
            session.add(Finding(
                number=f"F-2026-10-{rank}", run_id=run.id, source=FindingSource.SLICE, indicator="late",
                state=FindingState.LOCALIZED, bone=Bone.PROCESS, x0=14, n0=140, x1=33, n1=48, q=0.001, evidence=numbers,
                size=0.04, low=0.02, high=0.06, **place,
            ))  # fmt: skip
    return here


class Person:
    """Somebody at the pages, without a script."""

    def __init__(self, visitor: Any, language: str, width: int) -> None:
        self.visitor, self.page, self.language, self.width = visitor, visitor.page, language, width

    def says(self, zh: str, en: str) -> str:
        """What the person types, in their language."""
        return zh if self.language == "zh" else en

    def open(self, path: str, picture: str = "") -> None:
        assert self.visitor.open(path) == 200
        assert (self.visitor.faults, self.visitor.width()) == ([], self.width)
        self.picture(picture)

    def picture(self, name: str) -> None:
        if IMAGES and name:
            file = Path(IMAGES) / f"improvement-{name}-{self.language}-{self.width}.png"
            self.page.screenshot(path=file)

    def form(self, act: str, key: str = "", **hidden: str) -> Locator:
        """The form that does that; what it is folded away in is opened."""
        marks = {"act": act} | ({"key": key} if key else {}) | hidden
        chosen = "".join(f':has(input[name="{name}"][value="{value}"])' for name, value in marks.items())
        form = self.page.locator(f"form{chosen}").first
        folds = form.locator("xpath=ancestor::details")
        for place in range(folds.count()):
            if folds.nth(place).get_attribute("open") is None:
                folds.nth(place).locator("> summary").click()
        return form

    def send(self, act: str, *, key: str = "", press: str = "button.button", hidden: Any = None, **fields: str) -> None:
        """Fill a form in and send it; the page then says that it was done."""
        form = self.form(act, key, **(hidden or {}))
        for name, text in fields.items():
            one = form.locator(f'[name="{name}"]')
            match one.evaluate("one => one.type"):
                case "checkbox":
                    one.check()
                case "select-one":
                    one.select_option(text)
                case _:
                    one.fill(text)
        form.locator(press).first.click()
        expect(self.page.get_by_role("status")).to_be_visible()

    def agrees(self, *codes: str) -> None:
        for code in codes:
            self.send("decide", press='[value="approve"]', who=code, comment=self.says("同意", "yes"))


@pytest.mark.parametrize(("language", "width"), [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.e2e)])
def test_from_a_finding_to_its_standard(
    visitor: Callable[..., Any], installation: Served, language: str, width: int
) -> None:
    one, element = Person(visitor(language, width=width), language, width), ELEMENTS[language]
    installation.at = installation.site.clock()
    number = _accept(one, installation, element)
    _plan(one, installation, number)
    _do(one, installation, number)
    _judge(one, installation, number)
    standard = _settle(one, installation, number, element)
    assert installation.item(element).state is ItemState.CLOSED
    one.open(f"/improvement/standards/{standard}", "standard")
    one.open("/improvement/scoreboard", "scoreboard")
    one.open("/improvement/lessons", "lessons")
    one.open("/improvement?standing=ended")


def _accept(one: Person, here: Served, element: str) -> str:
    """Open a cycle where there is none, and take the finding into it; the item's number."""
    one.open("/improvement")
    if one.page.locator('option[value="M-2026-10"]').count():
        one.send("open_month", who="jing", run="M-2026-10")
    one.open("/months/M-2026-10", "finding")
    one.send("accept", key=f"F-2026-10-{list(ELEMENTS.values()).index(element) + 1}", who="jing")
    return str(here.item(element).number)


def _plan(one: Person, here: Served, number: str) -> None:
    """From the goal to the approved plan, through three gates."""
    one.send("edit", owner="jian", department="product", target_value="95%", due_on="2027-03-31", who="jing",
             target_reason=one.says("备件到店即可当天修", "with the part at hand it is done in a day"))  # fmt: skip
    one.agrees("jing")
    one.send("move", hidden={"to": "analysing"}, who="jian")
    root = str(_causes(here, number)[0])
    one.send(
        "cause_add", key=root, kind="system", statement=one.says("门店没有常用配件", "no common parts in the shop")
    )
    why = str(_causes(here, number)[1])
    one.send("cause_confirm", key=why, method="data", evidence=one.says("48 件中 33 件在等", "33 of 48 wait for one"))
    one.agrees("jing", "zhen")
    one.send("move", hidden={"to": "planned"}, who="jian")
    one.send("measure_add", what=one.says("门店备齐十种常用配件", "keep the ten most used parts in the shop"),
             strength="strong", owner="bao", start_on="2026-11-19", due_on="2026-12-10",
             **{f"cause_{why}": "on"})  # fmt: skip
    one.send("plan", weekly_n="60")
    one.send("move", hidden={"to": "plan_review"}, who="jian")
    one.picture("plan")
    one.open("/improvement/approvals", "approvals")
    one.open(f"/improvement/{number}")
    one.agrees("zhen", "gu")


def _do(one: Person, here: Served, number: str) -> None:
    """Half done by one tap, then all of it."""
    one.send("progress", key="1", press='[value="50%"]')
    one.picture("work")
    _take_and_bring_back(one, number)
    _fall_behind(one, here, number)
    one.open("/improvement", "board")
    here.at = datetime(2026, 12, 10, 2, 0, tzinfo=UTC)
    one.open(f"/improvement/{number}")
    one.send("done", key="1", evidence=one.says("库存清单", "stock list"), implemented_on="2026-12-09", coverage="90",
             who="bao")  # fmt: skip
    one.send("move", hidden={"to": "implemented"}, who="jian")
    one.send("move", hidden={"to": "observing"}, who="jian")


def _take_and_bring_back(one: Person, number: str) -> None:
    """The plan table out of the browser, edited on the desk, and back in."""
    one.open(f"/improvement/cycles/{number[:-3]}", "table")
    expect(one.page.locator("#gantt img")).to_have_js_property("complete", value=True)
    assert one.page.locator("#gantt img").evaluate("one => one.naturalWidth") > 100
    with one.page.expect_download() as taken:
        one.page.locator('a[href$="plan.xlsx"]').click()
    file = taken.value.path().with_suffix(".xlsx")
    file.write_bytes(taken.value.path().read_bytes())
    book = openpyxl.load_workbook(file)
    plan = book.worksheets[0]
    keys, numbers = ([str(cell.value) for cell in line] for line in (plan[1], plan["A"]))
    plan.cell(numbers.index(number) + 1, keys.index("plan.remarks") + 1).value = one.says(
        "周五核对", "checked on Fridays"
    )
    book.save(file)
    one.page.locator("#table summary").click()
    one.page.locator('input[name="file"]').set_input_files(file)
    one.page.locator('select[name="dry"]').select_option("no")
    one.page.locator('select[name="who"]').select_option("jing")
    one.page.locator("#table form button").click()
    expect(one.page.locator("#told .green")).to_have_count(1)
    one.picture("told")


def _fall_behind(one: Person, here: Served, number: str) -> None:
    """On Monday it is behind, and the owner says why."""
    here.keep(Checkpoint(item_id=_id(here, number), week_on=date(2026, 12, 7), planned_ratio=0.8, actual_ratio=0.5))
    one.open(f"/improvement/{number}#measures")
    one.send("deviation", deviation=one.says("供应商晚了两周", "the supplier is two weeks late"),
             decision=one.says("先用库存", "take from stock"), who="jian")  # fmt: skip
    one.picture("behind")


def _judge(one: Person, here: Served, number: str) -> None:
    """Weeks later: the verification has found something, and two others agree to it."""
    here.at = JUDGED_AT
    one.open(f"/improvement/{number}")
    one.send("move", hidden={"to": "checking"}, who="jing")
    here.keep(EffectCheck(
        item_id=_id(here, number), checked_at=here.at, until_on=here.at.date(), is_final=True, plan_hash="p",
        sha256="s", method="two_windows", verdict=Verdict.EFFECTIVE, fidelity_ratio=0.9, x0=126.0, n0=140, x1=488.0,
        n1=500, estimate=0.076, low=0.033, high=0.137, p=0.0004, attribution="target_reached",
        limitations=["no_control", "two_windows_only"],
    ))  # fmt: skip
    one.open(f"/improvement/{number}")
    one.agrees("wen", "jing")
    one.send("move", hidden={"to": "standardising"}, who="jian")


def _settle(one: Person, here: Served, number: str, element: str) -> str:
    """The standard is written, trained and told, it holds, and the item is closed; the standard's number."""
    content = one.says("每店常备十种配件。\n每周一盘点。", "Ten parts in each shop.\nCounted on Mondays.")
    one.send("standard", title=one.says("门店备件", "Parts in the shop"), content=content)
    one.send("in_force", effective_on="2027-02-10", elsewhere=one.says("洗碗机同样处理", "washing machines too"))
    one.send("train", trained_ratio="95")
    one.send(
        "tell",
        words=one.says(
            "门店现在常备十种配件，多数维修当天可以完成。", "Shops now keep ten parts: most repairs take a day."
        ),
    )
    item_id = _id(here, number)
    with here.site.db.read() as session:
        name = str(show(session, number)["standard"]["number"])
    one.open(f"/improvement/{number}#checks", "item")
    one.send("move", hidden={"to": "sustaining"}, who="jian")
    here.keep(
        SustainWatch(item_id=item_id, indicator="on_time_handled", dimension="product", element=element, points=12,
                     clean=12, started_on=date(2026, 12, 10), state=WatchState.HELD, until_on=date(2027, 8, 9)),
        Lesson(item_id=item_id, title=one.says("备件放在门店", "Parts belong in the shop"), verdict=Verdict.EFFECTIVE,
               problem=one.says("维修超时", "repairs are late"), effect="90.0% → 97.6%",
               causes=[one.says("门店没有常用配件", "no common parts in the shop")],
               measures=[one.says("门店备齐十种常用配件", "keep the ten most used parts in the shop")],
               advice=one.says("先看消耗量，再定备哪十种。", "Look at what is used before choosing the ten."),
               made_at=here.at),
    )  # fmt: skip
    one.open(f"/improvement/{number}")
    one.agrees("zhen", "gu")
    return name


def _causes(here: Served, number: str) -> list[int]:
    with here.site.db.read() as session:
        return [one["id"] for one in show(session, number)["causes"]]


def _id(here: Served, number: str) -> int:
    with here.site.db.read() as session:
        return int(session.execute(select(_I.id).where(_I.number == number)).scalar_one())


@pytest.mark.e2e
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("address", [
    "/improvement", "/improvement/{item}", "/improvement/standards/{standard}", "/improvement/cycles/{cycle}",
])  # fmt: skip
def test_axe_finds_nothing_and_it_fits(
    visitor: Callable[..., Any], installation: Served, language: str, address: str
) -> None:
    """Looks at what the walk above left that `make e2e` takes as well."""
    number = installation.item(ELEMENTS["en"]).number
    judged = visitor(language, width=PHONE, scripts=True)
    assert judged.open(address.format(item=number, cycle=number[:-3], standard="SOP-2027-001")) == 200
    judged.unfold()
    assert (judged.violations(), judged.width()) == ([], PHONE)
