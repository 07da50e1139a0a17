"""Registering a complaint on the page: what is typed in arrives, and what is wrong is said where it is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import Session

from bihuan.notify.contact import unseal
from bihuan.services.outbox import deliver_all
from bihuan.store.queries import complaint as queries
from bihuan.store.rows import table_of
from bihuan.testing import RecordingGateway
from schemas.complaint import Channel, Complaint, Kind, Severity
from schemas.outbox import Message, Notice
from schemas.people import Customer

GOOD = {"title": "快递丢了", "matter": "三天没有消息", "demand": "退款", "channel": "store", "kind": "service",
        "severity": "urgent", "customer": "李雷", "email": "li.lei+a@mail.example"}  # fmt: skip


def registered(session: Session) -> list[Any]:
    return list(session.execute(select(table_of(Complaint))))


def test_what_is_typed_in_becomes_a_complaint(office: Any, browser: Any) -> None:
    answer = browser.submit("/complaints/new", "/complaints/new", **GOOD)
    assert answer.status_code == 303
    number = re.fullmatch(r"/complaints/([^?]+)\?done=registered", answer.headers["location"])[1]  # type: ignore[index]
    with office.db.read() as session:
        row = queries.one(session, number)
        assert (row.title, row.matter, row.demand, row.source) == ("快递丢了", "三天没有消息", "退款", "web")
        assert (row.channel, row.kind, row.severity) == (Channel.STORE, Kind.SERVICE, Severity.URGENT)
        assert (row.registered_at, row.department, row.handler) == (office.at, "service", "zhao")
        customer = session.get_one(Customer, row.customer_id)
        assert unseal(customer.sealed_contact or "", office.settings.secret_value()) == "mailto:li.lei+a@mail.example"
        assert [message.notice for message in queries.messages(session, row.id)] == [Notice.RECEIPT]
    assert "李**" in browser.get(answer.headers["location"]).text


def test_a_number_is_kept_for_the_call_and_gets_no_receipt(office: Any, browser: Any) -> None:
    said = GOOD | {"email": "", "phone": "+86 138-0013 8000"}
    answer = browser.submit("/complaints/new", "/complaints/new", **said)
    with office.db.read() as session:
        (row,) = registered(session)
        customer = session.get_one(Customer, row.customer_id)
        assert unseal(customer.sealed_contact or "", office.settings.secret_value()) == "tel:+8613800138000"
        assert session.execute(select(Message.__table__)).all() == []  # type: ignore[attr-defined]
    assert "0013" not in browser.get(answer.headers["location"]).text


def test_a_number_beside_an_address_leaves_the_receipt_as_it_was(office: Any, browser: Any) -> None:
    browser.submit("/complaints/new", "/complaints/new", **GOOD, phone="13800138000")
    deliver_all(office.db, mail := RecordingGateway(), office.settings.model_copy(
        update={"mail_url": SecretStr("mailto://relay.example")}), office.clock)  # fmt: skip
    assert [url for url, _ in mail.sent] == ["mailto://relay.example/?to=li.lei%2Ba@mail.example"]


def test_a_title_is_enough_and_what_is_missing_is_marked(office: Any, browser: Any) -> None:
    little = {"title": "太吵", "channel": "phone", "kind": "", "severity": "general"}
    answer = browser.submit("/complaints/new", "/complaints/new", **little)
    with office.db.read() as session:
        (row,) = registered(session)
        assert row.missing == ["customer", "matter", "demand", "kind"]
        assert session.execute(select(Message.__table__)).all() == []  # type: ignore[attr-defined]
    assert "待补充" in browser.get(answer.headers["location"] + "&lang=zh").text


def test_a_form_sent_twice_registers_once(office: Any, browser: Any) -> None:
    page = browser.get("/complaints/new").text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)) | GOOD
    first, second = (browser.send("POST", "/complaints/new", data=form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    with office.db.read() as session:
        assert len(registered(session)) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": "  "}, "Please fill this in"),
        ({"title": "x" * 301}, "within 300 characters"),
        ({"matter": "x" * 10_001}, "within 10000 characters"),
        ({"channel": "pigeon"}, "Please choose from the list"),
        ({"severity": ""}, "Please choose from the list"),
        ({"kind": "other"}, "Please choose from the list"),
        ({"email": "nobody"}, "Not an e-mail address"),
        ({"email": "a@b.example?to=c@d.example"}, "Not an e-mail address"),
        ({"email": "a:b@c.example"}, "Not an e-mail address"),
        ({"email": "//a@b.example"}, "Not an e-mail address"),
        ({"phone": "call me"}, "Not a telephone number"),
        ({"phone": "mailto:a@b.example"}, "Not a telephone number"),
    ],
)
def test_a_mistake_is_named_and_nothing_typed_is_lost(
    office: Any, browser: Any, wrong: dict[str, str], said: str
) -> None:
    answer = browser.submit("/complaints/new", "/complaints/new?lang=en", **{**GOOD, **wrong})
    assert answer.status_code == 400
    assert said in answer.text
    assert "1 to correct" in answer.text
    assert ("快递丢了" in answer.text) == ("title" not in wrong)
    assert "退款" in answer.text
    with office.db.read() as session:
        assert registered(session) == []


def test_a_corrected_form_can_be_sent_from_the_page_that_refused_it(office: Any, browser: Any) -> None:
    refused = browser.submit("/complaints/new", "/complaints/new", **{**GOOD, "email": "nobody"})
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', refused.text)) | GOOD
    assert browser.send("POST", "/complaints/new", data=form).status_code == 303
    with office.db.read() as session:
        assert len(registered(session)) == 1
