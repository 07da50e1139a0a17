"""The pack of a weekly review and its Gantt chart: what must be decided, what is late, why, and until when."""

from __future__ import annotations

from datetime import date, datetime
from html.parser import HTMLParser

import pytest
from sqlmodel import select

from bihuan.notify.words import LANGUAGES, words
from bihuan.report import review_pack
from bihuan.report.gantt import KINDS, gantt
from bihuan.report.plan_wording import PlanWording
from bihuan.services.item import amend, draft
from bihuan.services.measure import add_measure, record_progress
from bihuan.services.plan_book import plan_book
from schemas.item import Item
from schemas.plan import Checkpoint

CYCLE = "PDCA-2026-11"
EVIL = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Tags, attributes and text as a browser finds them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


@pytest.fixture
def database_url(sqlite_url):
    """A page is the same from either database."""
    return sqlite_url


@pytest.fixture
def book(works):
    def made():
        with works.office.db.read() as session:
            return plan_book(session, works.office.policy, works.office.clock, CYCLE)

    return made


@pytest.fixture
def late(works):
    """An item with a measure that is ten days late on 30 November, and one that waits for it."""
    number = works.approved()
    works(record_progress, f"{number}.1", "wang", ratio=0.6, evidence="list")
    works(add_measure, number, {"what": "refill", "kind": "systemic", "strength": "strong", "depends_on": "1",
                                "start_on": "2026-12-01", "due_on": "2026-12-10", "owner": "li"}, "li")  # fmt: skip
    works.office.at = datetime.fromisoformat("2026-12-10T02:00+00:00")
    return number


def checkpoint(works, **facts):
    with works.office.db.write() as session:
        item = session.exec(select(Item)).first()
        session.add(
            Checkpoint(item_id=item.id, week_on=date(2026, 12, 7), planned_ratio=0.9, actual_ratio=0.4, **facts)
        )


def shown(book, language="en", day=date(2026, 12, 9)):
    return Reader(review_pack.html(book, words(language), day)).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pack_begins_with_what_it_comes_to_and_what_is_late(works, book, late, language):
    told, said = shown(book(), language), words(language)["review_pack"]
    assert said["head_open"].format(items=1, late=1, waiting=0) in told
    at = told.index(said["at_late"])
    assert f"{late}.1" in told[at : at + 12]
    assert said["late_days"].format(n=10) in told[at : at + 16]
    soon = told.index(said["at_soon"])
    assert f"{late}.2" in told[soon : soon + 8]
    assert told.index(said["at_decide"]) < at < told.index(said["at_items"]) < told.index(said["at_gantt"])


def test_a_deviation_is_told_with_its_reason_and_decision_and_asked_for_where_they_lack(works, book, late):
    said = words("en")["review_pack"]
    told = shown(book())
    assert {said["no_reason"], said["no_decision"], said["no_checkpoint"]} <= set(told)
    checkpoint(works, deviation="the supplier is late", decision="take them from the east", next_on=date(2026, 12, 14),
               reviewed_by="han")  # fmt: skip
    told = shown(book())
    assert {"the supplier is late", "take them from the east", "2026-12-14", "checked by Han", "−50 pp"} <= set(told)
    assert said["no_reason"] not in told
    assert "the supplier is late" not in shown(book(), day=date(2026, 12, 2))


def test_a_decision_that_waits_is_told_with_who_may_take_it_and_until_when(works, book):
    works.planned()
    told = shown(book(), day=date(2026, 11, 2))
    assert {"Gate 3: plan", "department head", "Han", "2026-11-05"} <= set(told)
    works.office.at = datetime.fromisoformat("2026-11-20T02:00+00:00")
    assert "overdue" in shown(book(), day=date(2026, 11, 20))


def test_what_people_wrote_is_escaped_and_nothing_is_fetched(works, book, late):
    works(amend, late, {"name": EVIL, "remarks": EVIL}, "li")
    checkpoint(works, deviation=EVIL, decision=EVIL, reviewed_by=EVIL)
    html = review_pack.html(book(), words("zh"), date(2026, 12, 9))
    found = Reader(html)
    assert {"script", "link", "img", "iframe", "object", "base", "form", "a"}.isdisjoint(found.tags)
    assert {"src", "href", "srcset", "xlink:href"}.isdisjoint({name for name, _ in found.attributes})
    assert "://" not in html
    assert EVIL in found.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_gantt_shows_every_kind_of_span_today_and_who_waits(works, book, late, language):
    wording = PlanWording.of(book(), words(language))
    found = gantt(wording)
    for svg in (found.wide, found.narrow):
        for kind in KINDS:
            assert wording.say(f"legend_{kind}") in svg
        assert wording.say("legend_today") in svg
        assert 'role="img"' in svg
        assert svg.count(KINDS["late"][0]) >= 2  # in the legend, and on the chart
    assert wording.say("late_days", n=10) in found.wide
    label = wording.say("gantt_label", cycle=CYCLE, items=1, measures=2, late=1, today="2026-12-10")
    assert f'aria-label="{label}"' in found.wide


def test_what_has_no_day_is_named_below_the_chart_and_a_cycle_without_days_has_none(works, book):
    cycle = works.opened()
    number = works(draft, cycle, "qian", {"name": "parts", "start_on": ""})
    assert gantt(PlanWording.of(book(), words("zh"))) is None
    assert words("en")["plan_table"]["gantt_none"] in shown(book())
    works(draft, cycle, "qian", {"name": "forms", "due_on": "2026-12-24"})
    assert number in gantt(PlanWording.of(book(), words("en"))).note


def test_the_rows_of_a_chart_keep_their_order_and_are_told_apart_across_cycles(works, book, late):
    works(amend, late, {"name": "一" * 80}, "li")
    works(draft, CYCLE, "qian", {"name": "one of October", "due_on": "2026-12-24"})
    with works.office.db.write() as session:
        session.exec(select(Item).where(Item.number == f"{CYCLE}-02")).one().number = "PDCA-2026-10-01"
    for svg in gantt(PlanWording.of(book(), words("zh")))[:2]:
        at = [svg.index(label) for label in (">2026-10-01 ", ">01 一", ">└ 01.1 ", ">└ 01.2 ")]
        assert at == sorted(at)
        assert "一…" in svg
