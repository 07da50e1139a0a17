"""``POST /api/touchpoints``: with a key or not at all, each by itself, and never a page or a person in an answer."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.services.api_key import make_key, revoke_key
from bihuan.store.rows import table_of
from bihuan.web.touchpoint import LARGEST, MOST
from bihuan.web.view import REQUESTS_PER_MINUTE
from schemas.access import Scope
from schemas.survey import ApiKey, Invitation, Touchpoint

PATH = "/api/touchpoints"
CONTACT = "mailto:lin@mail.example"


@pytest.fixture
def key(office: Any) -> str:
    with office.db.write() as session:
        return make_key(session, "shop", Scope.TOUCHPOINTS, office.at)


@pytest.fixture
def send(browser: Any, key: str) -> Any:
    """Sends a body with the key, as JSON unless it is text."""

    def send_it(body: Any, **headers: str) -> Any:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        usual = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return browser.send("POST", PATH, content=content, headers={**usual, **headers})

    return send_it


def touchpoint(office: Any, external_id: str = "1", **facts: Any) -> dict[str, Any]:
    told = {"source": "shop", "external_id": external_id, "kind": "order_completed", "customer_id": "c1",
            "occurred_at": office.at.isoformat(), "contact_url": CONTACT, "name": "林女士"}  # fmt: skip
    return {name: value for name, value in (told | facts).items() if value is not ...}


def rows(office: Any, table: Any) -> list[Any]:
    with office.db.read() as session:
        return list(session.execute(select(table_of(table)).order_by(table_of(table).c.id)))


def error(answer: Any) -> dict[str, str]:
    """The error of an answer that is JSON, and says what and how to mend it."""
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()["error"]
    assert set(said) == {"what", "where", "cure"}
    assert said["what"]
    assert said["cure"]
    return said


# --- taken ---


def test_one_is_created_and_again_unchanged(office, send):
    first, again = send(touchpoint(office)), send(touchpoint(office, name="别人"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {
        "created": 1, "unchanged": 0, "rejected": 0,
        "results": [{"index": 0, "external_id": "1", "status": "created"}],
    }  # fmt: skip
    assert again.json()["results"] == [{"index": 0, "external_id": "1", "status": "unchanged"}]
    assert [len(rows(office, table)) for table in (Touchpoint, Invitation)] == [1, 1]


def test_in_a_list_a_bad_one_leaves_the_others(office, send):
    answer = send([
        touchpoint(office), touchpoint(office, "2", kind="order_complete"), 7, touchpoint(office),
        touchpoint(office, "3", occurred_at=(office.at + timedelta(minutes=6)).isoformat()),
    ])  # fmt: skip
    assert answer.status_code == 207
    said = answer.json()
    assert [said[name] for name in ("created", "unchanged", "rejected")] == [1, 1, 3]
    assert [one["status"] for one in said["results"]] == ["created", "rejected", "rejected", "unchanged", "rejected"]
    assert said["results"][1]["error"] == {
        "where": "kind", "what": "is no kind of touchpoint of the policy", "cure": "did you mean order_completed?",
    }  # fmt: skip
    assert [one["error"]["where"] for one in said["results"] if "error" in one] == ["kind", "", "occurred_at"]
    assert len(rows(office, Touchpoint)) == 1


WRONG = [
    ({"source": ...}, "source", "field required"),
    ({"source": " "}, "source", "string should have at least 1 character"),
    ({"source": 5}, "source", "should be a valid string"),
    ({"source": "x" * 61}, "source", "at most 60"),
    ({"external_id": "x" * 121}, "external_id", "at most 120"),
    ({"external_id": "a\u0000b"}, "external_id", "holds a character that is no text"),
    ({"name": "\ud800"}, "name", "unicode"),
    ({"facts": {"a": "\ud800"}}, "facts.a", "holds a character that is no text"),
    ({"kind": "Order"}, "kind", "pattern"),
    ({"occurred_at": "2026-11-16T09:00:00"}, "occurred_at", "timezone"),
    ({"occurred_at": "yesterday"}, "occurred_at", "valid datetime"),
    ({"occurred_at": 1700000000}, "occurred_at", "write it as 2026"),
    ({"occurred_at": None}, "occurred_at", "write it as 2026"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", "before the year 2000"),
    ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "occurred_at", "future"),
    ({"contact_url": "javascript:alert(1)"}, "contact_url", "is no contact"),
    ({"contact_url": "tcp://1.2.3.4"}, "contact_url", "not allowed here"),
    ({"contact_url": "http://169.254.169.254/latest"}, "contact_url", "not allowed here"),
    ({"contact_url": "mailto:" + "x" * 1000 + "@y.example"}, "contact_url", "at most 1000"),
    ({"language": "zh-CN-x-y"}, "language", "pattern"),
    ({"facts": []}, "facts", "dictionary"),
    ({"facts": {"a": [[[1]]]}}, "facts.a", "is no text of at most 500 characters, no number"),
    ({"facts": {"a": None}}, "facts.a", "is no text"),
    ({"facts": {"a": "x" * 501}}, "facts.a", "500"),
    ({"facts": {str(number): 1 for number in range(31)}}, "facts", "at most 30"),
    ({"facts": {"x" * 61: 1}}, "facts." + "x" * 60, "at most 60"),
    ({"facts": {"a": 1e400}}, None, ""),
    ({"customer": "c1"}, "customer", "is no field"),
]


@pytest.mark.parametrize(("spoil", "where", "says"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_with_its_field_and_nothing_is_kept(office, send, spoil, where, says):
    before = office.stored()
    answer = send(touchpoint(office, **spoil))
    assert office.stored() == before
    if where is None:  # no JSON at all
        assert (answer.status_code, error(answer)["where"]) == (400, "")
        return
    assert answer.status_code == 422
    (one,) = answer.json()["results"]
    assert (one["status"], one["error"]["where"]) == ("rejected", where)
    assert says in one["error"]["what"]
    assert one["error"]["cure"]
    for value in spoil.values():
        assert not isinstance(value, str) or len(value) < 5 or value not in one["error"]["what"]


@pytest.mark.parametrize("facts", [{"a": True, "b": 1, "c": 1.5, "d": "七"}, {}, {"n": 10**300}, {"x": "行\u3000行"}])
def test_facts_are_kept_as_they_are(office, send, facts):
    assert send(touchpoint(office, facts=facts)).status_code == 201
    assert rows(office, Touchpoint)[0].facts == facts


# --- bodies ---


@pytest.mark.parametrize("body", [
    "", "{", "null", "5", '"x"', "[]", "NaN", '{"a": NaN}', '{"a": 1, "a": 2}', b"\xff\xfe", b"[" * 100_000,
    b'{"facts": ' + b'{"a": ' * 50_000, "1" * 5000, b"\x00",
], ids=range(14))  # fmt: skip
def test_a_body_that_is_none_is_refused_and_changes_nothing(office, send, body):
    before = office.stored()
    answer = send(body)
    assert (answer.status_code, office.stored()) == (400, before)
    error(answer)


def test_too_much_is_refused(office, send):
    many = [touchpoint(office, str(number), contact_url=None) for number in range(MOST + 1)]
    assert send(many).status_code == 413
    assert error(send(many))["cure"] == "send at most 500 at once"
    assert send(many[:MOST]).json()["created"] == MOST
    answer = send(b" " * (LARGEST + 1))
    assert answer.status_code == 413
    error(answer)


@pytest.mark.parametrize("headers", [
    {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": ""},
    {"Content-Encoding": "gzip"},
])  # fmt: skip
def test_what_is_not_sent_as_json_is_refused(office, send, headers):
    answer = send(touchpoint(office), **headers)
    assert answer.status_code == 415
    error(answer)


def test_a_number_that_is_none_any_more_is_refused(office, send):
    body = json.dumps(touchpoint(office, facts={"a": 5})).replace("5}", "1e400}")
    assert send(body).json()["results"][0]["error"]["where"] == "facts.a"


def test_its_charset_may_be_named(office, send):
    assert send(touchpoint(office), **{"Content-Type": "Application/JSON; charset=utf-8"}).status_code == 201


# --- keys ---


@pytest.mark.parametrize("said", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Basic {key}", "{key}", "Bearer {key}x", "Bearer  x {key}",
    "Bearer bhk_" + "A" * 43,
])  # fmt: skip
@pytest.mark.parametrize("mode", ["off", "link", "proxy"])
def test_without_a_key_of_ours_nothing_is_taken_however_people_sign_in(office, browse_other, key, said, mode):
    before = office.stored()
    headers = {"Content-Type": "application/json", "X-Forwarded-User": "wang"}
    if said is not None:
        headers["Authorization"] = said.format(key=key)
    body = json.dumps(touchpoint(office))
    answer = browse_other(sign_in=mode).send("POST", PATH, content=body, headers=headers)
    assert (answer.status_code, office.stored()) == (401, before)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="bihuan"')
    error(answer)


@pytest.mark.parametrize("mode", ["off", "link", "proxy"])
def test_with_a_key_it_is_taken_however_people_sign_in(office, browse_other, key, mode):
    headers = {"Content-Type": "application/json", "authorization": f"bearer {key}"}
    body = json.dumps(touchpoint(office))
    assert browse_other(sign_in=mode).send("POST", PATH, content=body, headers=headers).status_code == 201


def test_a_revoked_key_opens_nothing(office, send):
    with office.db.write() as session:
        revoke_key(session, "shop", office.at)
    answer = send(touchpoint(office))
    assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)


def test_a_key_for_something_else_is_told_so(office, send):
    with office.db.write() as session:
        session.execute(table_of(ApiKey).update().values(scope="complaints"))
    answer = send(touchpoint(office))
    assert (answer.status_code, rows(office, Touchpoint)) == (403, [])
    assert 'scope="touchpoints"' in answer.headers["www-authenticate"]
    error(answer)


def test_too_many_requests_with_one_key_are_put_off_and_another_key_is_not(office, browser, send):
    codes = [send("[]").status_code for _ in range(REQUESTS_PER_MINUTE + 1)]
    assert set(codes[:-1]) == {400}
    answer = send("[]")
    assert (codes[-1], answer.status_code, answer.headers["retry-after"]) == (429, 429, "1")
    error(answer)
    with office.db.write() as session:
        other = make_key(session, "erp", Scope.TOUCHPOINTS, office.at)
    assert send(touchpoint(office), Authorization=f"Bearer {other}").status_code == 201
    office.later(seconds=1)
    assert send(touchpoint(office)).status_code == 200


def test_its_use_is_noted_to_the_hour(office, send):
    first = office.at
    send("[]")
    office.later(minutes=59)
    send("[]")
    assert rows(office, ApiKey)[0].used_at == first
    office.later(minutes=1)
    send("[]")
    assert rows(office, ApiKey)[0].used_at == office.at


# --- never a page, never a person ---


@pytest.mark.parametrize(("method", "path", "code"), [
    ("GET", PATH, 405), ("PUT", PATH, 405), ("DELETE", PATH, 405), ("POST", "/api/nothing", 404), ("GET", "/api/", 404),
])  # fmt: skip
def test_other_addresses_and_methods_answer_in_json_too(browser, method, path, code):
    answer = browser.send(method, path)
    assert answer.status_code == code
    error(answer)


def test_without_a_database_it_says_so_in_json(cut_off, caplog):
    headers = {"Authorization": "Bearer bhk_" + "A" * 43, "Content-Type": "application/json"}
    with caplog.at_level(logging.DEBUG):
        answer = cut_off.send("POST", PATH, content="[]", headers=headers)
    assert answer.status_code == 503
    assert error(answer)["what"] == "the database does not answer"
    assert "A" * 43 not in caplog.text


def test_what_breaks_shows_nothing_of_ours_or_of_the_person(office, send, monkeypatch, caplog):
    def breaks(session: Any, *_: Any) -> None:
        session.execute(table_of(Touchpoint).insert().values(source="林女士", external_id=CONTACT))

    monkeypatch.setattr("bihuan.web.touchpoint.take_touchpoints", breaks)
    with caplog.at_level(logging.DEBUG):
        answer = send(touchpoint(office))
    assert answer.status_code == 500
    assert error(answer)["what"] == "something broke here"
    assert "Traceback" not in answer.text
    assert "x-content-type-options" in answer.headers
    assert not [word for word in ("林女士", "lin@mail.example", "bhk_") if word in caplog.text]


def test_looking_at_the_ledger_shows_why_nobody_was_asked(office, browser, send):
    from bihuan.services.survey import follow_up

    send(touchpoint(office, occurred_at=(office.at - timedelta(days=5)).isoformat()))
    follow_up(office.db, office.policy, office.settings, office.at)
    page = browser.get("/outbox?state=suppressed").text
    assert "已过询问的时间" in page
    assert "Too late to ask" in browser.get("/outbox?state=suppressed&lang=en").text
