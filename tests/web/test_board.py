"""The board shows what the queries say, and the queries of the present agree with those of any instant."""

from __future__ import annotations

import re
from datetime import timedelta
from math import inf
from typing import Any

import pytest

from bihuan.services.deadline import check_due
from bihuan.services.people import save_department
from bihuan.store.queries import board, sla
from bihuan.web import remembered
from schemas.complaint import EventKind, Kind, Severity
from schemas.installation import Heartbeat


@pytest.fixture
def busy(office: Any) -> Any:
    """Complaints in every standing: met, late, overdue, due soon, without a department, reopened."""
    handled = office.complaint("已处理的")
    office.complaint("没有人处理的")
    office.complaint("服务态度", kind=Kind.SERVICE, severity=Severity.URGENT)
    office.later(hours=1)
    again = office.complaint("又坏了")
    office.happens(handled, EventKind.HANDLED)
    office.happens(again, EventKind.HANDLED)
    office.later(hours=24)
    office.happens(again, EventKind.REOPENED)
    office.complaint("刚来的", severity=Severity.MAJOR)
    office.later(hours=24)
    while check_due(office.db, office.policy, office.at).decided:
        pass
    return office


def test_the_figures_of_the_present_equal_those_of_the_replay(busy: Any) -> None:
    with busy.db.read() as session:
        lines = board.by_department(session, busy.at)
        replay = sla.status(session, busy.at)
    total = sum(lines, board.Figures())
    assert (total.open, total.due_soon, total.overdue, total.breached) == (
        replay.open,
        replay.due_within_24h,
        replay.overdue,
        replay.breached,
    )
    shown = {line.code: (line.open, line.due_soon, line.overdue, line.breached) for line in lines}
    replayed = {
        row["department"]: (row["open"], row["due_within_24h"], row["overdue"], row["breached"])
        for row in replay.by_department
    }
    assert {code: figures for code, figures in shown.items() if any(figures)} == replayed
    assert all((total.open, total.due_soon, total.overdue, total.breached))


def test_the_page_shows_the_figures(busy: Any, browser: Any) -> None:
    with busy.db.read() as session:
        total = sum(board.by_department(session, busy.at), board.Figures())
    page = browser.get("/").text
    assert totals(page) == [total.open, total.due_soon, total.overdue, total.breached]


def test_a_board_that_is_long_to_count_says_of_when_its_figures_are(
    busy: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MANY", 1)
    monkeypatch.setattr(remembered, "PAUSE", inf)
    before = browser.get("/").text
    busy.later(minutes=5)
    busy.complaint("数完以后才来的")
    after = browser.get("/").text
    assert as_of(after) == as_of(before)
    assert totals(after) == totals(before)
    monkeypatch.setattr(remembered, "STALE_SECONDS", 0)
    counted = browser.get("/").text
    assert as_of(counted) != as_of(before)
    assert totals(counted)[0] == totals(before)[0] + 1


def totals(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'class="total [^"]*"[^>]*><b>(\d+)</b>', page)]


def as_of(page: str) -> str:
    found = re.search(r"截至 (.*?)</span>", page)
    assert found
    return found[1]


def test_the_figures_add_up_over_the_departments_of_the_table(busy: Any, browser: Any) -> None:
    page = browser.get("/").text
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    rows = [[int(n) for n in re.findall(r">(\d+)<", row)] for row in table.split("</tr>") if "<td" in row]
    assert [sum(column) for column in zip(*rows, strict=True)] == totals(page)


def test_what_is_overdue_longest_stands_first(busy: Any) -> None:
    with busy.db.read() as session:
        overdue = board.deadlines(session, busy.at, board.Wish(state="overdue"))
        to_come = board.deadlines(session, busy.at, board.Wish(state="due_soon"))
        breached = board.deadlines(session, busy.at, board.Wish(state="breached"))
    assert [row.due_at for row in overdue] == sorted(row.due_at for row in overdue)
    assert all(row.due_at < busy.at for row in overdue)
    assert all(row.due_at >= busy.at for row in to_come)
    assert {row.place for row in overdue} <= {row.place for row in breached}


def test_every_figure_of_the_table_leads_to_as_many_rows(busy: Any, browser: Any) -> None:
    page = browser.get("/").text
    links = re.findall(r'href="(/complaints\?[^"]+)">(?:<b>)?(\d+)<', page)
    assert len(links) > 4
    for link, figure in links:
        assert browser.get(link.replace("&amp;", "&")).text.count('class="name"') == int(figure), link


def test_the_board_refreshes_itself_for_who_asked_without_a_script_and_asks_nobody_else(
    busy: Any, browser: Any
) -> None:
    still, live = browser.get("/").text, browser.get("/?live=yes").text
    assert 'http-equiv="refresh"' not in still
    assert '<a href="/?live=yes">' in still
    assert '<meta http-equiv="refresh" content="30; url=/?live=yes">' in live
    assert '<a href="/">停止刷新</a>' in live
    for page in (still, live):
        assert "<script" not in page
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)


def test_an_empty_installation_says_what_to_do(empty: Any) -> None:
    page = empty.get("/?lang=en").text
    assert "No departments yet." in page
    assert "bihuan complaint import" in page


def test_simulated_data_is_labelled_on_every_page(office: Any, browser: Any) -> None:
    assert 'class="simulated"' not in browser.get("/").text
    with office.db.write() as session:
        save_department(session, "made_up", "虚构部", is_simulated=True)
    number = office.complaint()
    for path in ("/", "/complaints", "/complaints/new", f"/complaints/{number}", "/outbox"):
        assert 'class="simulated"' in browser.get(path).text


def test_a_silent_deadline_check_is_announced(office: Any, browser: Any) -> None:
    assert "has never run" in browser.get("/?lang=en").text
    with office.db.write() as session:
        session.add(Heartbeat(sweep="sla-check", beat_at=office.at - timedelta(minutes=3)))
    assert "Last deadline check: 3 min ago" in browser.get("/").text
    office.later(minutes=20)
    assert "has not run for 23 min" in browser.get("/").text


def test_health_tells_the_age_of_each_heartbeat(office: Any, browser: Any) -> None:
    with office.db.write() as session:
        session.add(Heartbeat(sweep="sla-check", beat_at=office.at - timedelta(seconds=90), done=7))
    answer = browser.get("/healthz").json()
    assert (answer["status"], answer["database"]) == ("ok", "ok")
    assert answer["heartbeats"] == [
        {"sweep": "sla-check", "beat_at": (office.at - timedelta(seconds=90)).isoformat(), "done": 7, "age_seconds": 90}
    ]


def test_without_a_database_the_pages_say_so_and_no_more(cut_off: Any) -> None:
    assert cut_off.get("/healthz").status_code == 503
    page = cut_off.get("/?lang=en")
    assert page.status_code == 503
    assert "The database does not answer" in page.text
    assert "none.db" not in page.text
