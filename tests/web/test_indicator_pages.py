"""The indicator pages: figures with n, interval, target and verdict, and the complaints behind every number."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bihuan.services.complaint import record
from bihuan.services.kpi_snapshot import take_all
from schemas.access import Role
from schemas.complaint import Complaint, EventIn, EventKind, Severity

HERE = ZoneInfo("Asia/Shanghai")
LATER = datetime(2026, 12, 3, 0, 20, tzinfo=HERE)


@pytest.fixture
def month(office: Any) -> Any:
    """Forty complaints of November: thirty handled in time, six late, four open; two departments."""
    start = office.at
    for number in range(40):
        office.at = start + timedelta(hours=number)
        department = "product" if number % 4 else "service"
        handled = [] if number >= 36 else [60 if number >= 30 else 5]
        made = office.complaint(f"matter {number}", department=department, severity=Severity.GENERAL)
        for hours in handled:
            office.at += timedelta(hours=hours)
            office.happens(made, EventKind.HANDLED)
    office.at = LATER
    return office


@pytest.fixture
def kept(month: Any) -> Any:
    """The same, once the snapshot has been taken."""
    take_all(month.db, month.policy, HERE, LATER)
    return month


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def links(answer: Any, to: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'href="([^"]+)"', answer.text) if to in one]


def test_each_indicator_has_its_figure_n_interval_target_and_verdict(kept, browser):
    said = text(browser.get("/indicators?lang=en"))
    assert "Handled on time 83.3% off target n 36 95% interval 68.1% to 92.1% Target at least 98.0%" in said
    assert "Counted" in said
    assert "Satisfaction" not in said


def test_before_the_first_night_it_is_counted_just_now(month, browser):
    said = text(browser.get("/indicators?lang=en&month=2026-11"))
    assert "no snapshot of this month has been taken yet" in said
    assert "Handled on time 83.3% off target n 36" in said


def test_too_few_cases_have_a_figure_and_no_verdict(office, browser):
    made = office.complaint()
    office.later(hours=1)
    office.happens(made, EventKind.HANDLED)
    assert "Handled on time 100.0% not enough data n 1" in text(browser.get("/indicators?lang=en&month=2026-11"))


def test_an_indicator_says_what_counts_what_stands_apart_and_how_it_is_by_department(kept, browser):
    said = text(browser.get("/indicators/on_time_handled?lang=en&month=2026-11"))
    assert "those met by their due instant" in said
    assert "Counted (n) 36" in said
    assert "Keep it from its target 6" in said
    assert "Open and overdue 4" in said
    assert "Product 81.5% 63.3% to 91.8% not enough data 27 5 服务部 88.9% 56.5% to 98.0% not enough data 9 1" in said
    assert "2026-11 83.3%" in said


def test_every_number_of_a_page_leads_to_as_many_complaints(kept, browser):
    for name in ("on_time_handled", "resolved_rate", "handling_time", "first_contact_rate"):
        answer = browser.get(f"/indicators/{name}?lang=en&month=2026-11&by=department")
        numbers = re.findall(r'<a href="([^"]+/complaints\?[^"]+)"[^>]*>(\d+)</a>', answer.text)
        assert numbers
        for address, number in numbers:
            listed = browser.get(unescape(address))
            assert f"{number} behind" in text(listed), address
            assert len(links(listed, "/complaints/2026")) == min(int(number), 50), address


def test_a_list_of_complaints_goes_on_page_by_page(kept, browser):
    for number in range(20):
        kept.at = LATER - timedelta(days=10) + timedelta(minutes=number)
        made = kept.complaint(f"more {number}")
        kept.later(hours=1)
        kept.happens(made, EventKind.HANDLED)
    kept.at = LATER
    first = browser.get("/indicators/handling_time/complaints?lang=en&month=2026-11")
    (older,) = [one for one in links(first, "page=") if "page=2" in one]
    second = browser.get(f"/indicators/handling_time/complaints{older}")
    seen = [set(links(page, "/complaints/2026")) for page in (first, second)]
    assert (len(seen[0]), len(seen[1]), seen[0] & seen[1]) == (50, 10, set())


def test_what_late_news_changed_says_so(kept, browser):
    """Handled in November, heard of on the third of December."""
    late = next(row for row in kept_complaints(kept) if row.handled_at is None)
    kept.at = LATER + timedelta(hours=9)
    at = late.registered_at + timedelta(hours=2)
    with kept.db.write() as session:
        record(session, kept.policy, kept.clock, late.number, EventIn(kind=EventKind.HANDLED, occurred_at=at))
    take_all(kept.db, kept.policy, HERE, LATER + timedelta(days=1))
    said = text(browser.get("/indicators/on_time_handled?lang=en&month=2026-11"))
    assert "2026-11 late news changed it from 83.3%" in said


def kept_complaints(office: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(Complaint.__table__)))


@pytest.mark.parametrize(
    "address",
    [
        "/indicators?month=2026-13", "/indicators?month=0000-01", "/indicators/on_time_handled?by=moon",
        "/indicators/on_time_handled/complaints?side=left", "/indicators/on_time_handled/complaints?page=0",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(kept, browser, address):
    assert browser.get(address).status_code == 400


def test_an_indicator_that_there_is_not_is_not_found(kept, browser):
    assert browser.get("/indicators/speed").status_code == 404


def test_an_empty_house_says_that_there_is_nothing(empty):
    assert "Nothing was counted" in text(empty.get("/indicators?lang=en"))
    assert "Nothing was counted" in text(empty.get("/indicators/handling_time?lang=en"))


@pytest.mark.parametrize(("role", "status"), [("handler", 403), ("department_head", 200), ("quality_manager", 200)])
def test_figures_by_person_are_for_those_who_lead(
    kept, browse_other: Callable[..., Any], role: str, status: int
) -> None:
    browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1", sign_in_header="X-User")
    kept.roles("wang", *([Role(role)] if role == "quality_manager" else []), is_head=role == "department_head")
    asks = {"X-User": "wang"}
    assert browser.get("/indicators/handling_time?by=handler", **asks).status_code == status
    assert browser.get("/indicators/handling_time/complaints?handler=li", **asks).status_code == status
    shown = browser.get("/indicators/handling_time", **asks)
    assert shown.status_code == 200
    assert bool(links(shown, "by=handler")) is (status == 200)
