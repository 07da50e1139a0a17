"""The list of complaints and the ledger: filters, paging, and the demo's caught mail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bihuan.services.deadline import check_due
from bihuan.store.queries import names, outbox
from bihuan.web import complaint as pages
from schemas.complaint import EventKind, Kind
from schemas.outbox import MessageState


def numbers(page: str) -> list[str]:
    return re.findall(r'class="name"><a href="/complaints/([^"]+)"', page)


def test_the_pages_of_the_list_hold_every_complaint_once(
    office: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_SIZE", 3)
    expected = []
    for index in range(8):
        expected.append(office.complaint(f"第 {index} 件"))
        office.later(minutes=index % 2)
    seen, path = [], "/complaints"
    while path:
        page = browser.get(path).text
        seen += numbers(page)
        older = re.search(r'href="(/complaints\?[^"]*after=[^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == expected[::-1]


def test_filters_narrow_the_list(office: Any, browser: Any) -> None:
    product, service = office.complaint(), office.complaint(kind=Kind.SERVICE)
    office.later(hours=1)
    office.happens(service, EventKind.HANDLED)
    for query, expected in {
        "": [service, product], "state=open": [product], "state=handled": [service], "state=overdue": [],
        "state=due_soon": [product], "state=breached": [], "department=product": [product],
        "department=service&state=open": [], "department=-": [], "department=nowhere": [],
    }.items():  # fmt: skip
        assert numbers(browser.get(f"/complaints?{query}").text) == expected, query
    office.later(hours=60)
    while check_due(office.db, office.policy, office.at).decided:
        pass
    by_due_instant = [product, service, product]
    assert numbers(browser.get("/complaints?state=overdue").text) == by_due_instant
    assert numbers(browser.get("/complaints?state=breached&department=service").text) == [service]


@pytest.mark.parametrize(
    "path",
    ["/complaints?state=lost", "/complaints?after=x", "/outbox?state=lost", "/outbox?page=x", "/outbox?page=99999"],
)
def test_an_unknown_filter_is_a_bad_request(browser: Any, path: str) -> None:
    assert browser.get(path).status_code == 400


def test_the_ledger_shows_messages_and_their_conservation(office: Any, browser: Any, customer: Any) -> None:
    number = office.complaint(customer=customer)
    office.later(hours=50)
    while check_due(office.db, office.policy, office.at).decided:
        pass
    page = browser.get("/outbox?lang=en").text
    with office.db.read() as session:
        counts = outbox.counts(session, office.at - timedelta(days=7))
    assert sum(counts.values()) == page.count(f"/complaints/{number}")
    assert "Holds" in page
    assert "Complainant" in page
    assert "张" not in page
    planned = browser.get(f"/outbox?state={MessageState.PLANNED}").text
    assert planned.count(f"/complaints/{number}") == counts["planned"]
    assert browser.get("/outbox?state=failed").text.count(number) == 0


def test_names_of_recipients_are_found_at_once(office: Any) -> None:
    with office.db.read() as session:
        recipients = ["staff:1", "department:2", "customer:1", "operator", "staff:99", "staff:x"]
        found = names.recipient_names(session, recipients)
    assert found == {"staff:1": ("Li 处理", ""), "department:2": ("服务部", "")}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_never_records(office: Any, browser: Any, method: str) -> None:
    number = office.complaint()
    before = office.stored()
    (office.settings.data_dir / "mail").mkdir(parents=True)
    for path in (
        "/",
        "/complaints",
        "/complaints/new?title=x&token=1",
        f"/complaints/{number}?kind=handled&done=handled",
        "/outbox",
        "/mail",
        "/healthz",
    ):
        assert browser.send(method, path).status_code == 200
    assert browser.send(method, f"/complaints/{number}/events").status_code == 303
    assert office.stored() == before


def mail(office: Any, name: str, content: bytes) -> None:
    folder = office.settings.data_dir / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_caught_mail_is_listed_newest_first_and_shown_as_text(office: Any, browser: Any) -> None:
    mail(office, "1.eml", b"Subject: =?utf-8?b?6LaF5pe2?=\nFrom: a@b.example\nTo: li@b.example\n"
                          b"Date: Mon, 16 Nov 2026 09:00:00 +0800\nContent-Type: text/plain; charset=utf-8\n\n"
                          + "<b>粗体</b> 已超时".encode())  # fmt: skip
    mail(office, "2.eml", b"Date: no date at all\nContent-Type: text/plain; charset=unheard-of\n\n\xff")
    page = browser.get("/mail?lang=en").text
    assert re.findall(r'href="/mail/([^"]+)"', page) == ["2.eml", "1.eml"]
    assert "(no subject)" in page
    assert "超时" in page
    text = browser.get("/mail/1.eml").text
    assert "&lt;b&gt;粗体&lt;/b&gt; 已超时" in text
    assert "11-16 09:00" in text
    assert browser.get("/mail/2.eml").status_code == 200


@pytest.mark.parametrize("name", ["..%2Fsecret.key", "%2Fetc%2Fpasswd", "secret.key", "none.eml", "%2e%2e"])
def test_no_other_file_can_be_read_as_mail(office: Any, browser: Any, name: str) -> None:
    mail(office, "1.eml", b"Subject: x\n\nx")
    office.settings.secret_value()
    assert browser.get(f"/mail/{name}").status_code in {404, 307}


def test_without_caught_mail_there_is_no_such_page(browser: Any) -> None:
    assert browser.get("/mail").status_code == 404
    assert 'href="/mail"' not in browser.get("/").text


@pytest.mark.parametrize(("address", "status"), [
    ("/complaints/%00", 404), ("/complaints/a%00b/explain", 404), ("/months/%00", 404), ("/improvement/%00", 404),
    ("/indicators/%00", 404), ("/complaints?department=%00", 400), ("/negative?department=a%00", 400),
    ("/calls?department=%00", 400), ("/access?person=%00", 400),
])  # fmt: skip
def test_an_address_with_a_nul_is_refused_whatever_the_database(browser: Any, address: str, status: int) -> None:
    """PostgreSQL refuses to look for one, and that was a fault."""
    assert browser.get(address).status_code == status
