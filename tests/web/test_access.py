"""Every page says who may see it, and everybody else is turned away; who somebody is, only those say who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount

from bihuan.rules.outbox import message_key
from bihuan.services import sign_in
from bihuan.services.link import NewLink
from bihuan.settings import Settings
from bihuan.store.rows import insert_rows
from bihuan.web.access import SESSION_COOKIE, PageRoute
from schemas.access import Link, Role
from schemas.outbox import Audience, Message, MessageState, Notice
from schemas.people import Staff

ANYONE = {"nobody", *(role.value for role in Role)}
STAFF = ANYONE - {"nobody"}
LEADS = STAFF - {"handler"}
LEDGER = {"quality_manager", "operator"}
IMPROVES = {"quality_manager", "executive", "department_head"}
KEYED = {"key"}
"""Nobody of the staff, and nobody by looking: another system, with a key."""
WATCHED = {"this machine", "key"}
"""The same, but from this machine, on which the tests' browsers sit, without a key."""
MAY: dict[tuple[str, str], set[str]] = {
    ("GET", "/"): STAFF,
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/.well-known/security.txt"): ANYONE,
    ("GET", "/metrics"): WATCHED,
    ("GET", "/complaints"): STAFF,
    ("GET", "/complaints/new"): STAFF,
    ("POST", "/complaints/new"): STAFF,
    ("GET", "/complaints/{number}"): STAFF,
    ("GET", "/complaints/{number}/explain"): STAFF,
    ("POST", "/complaints/{number}/events"): STAFF,
    ("GET", "/complaints/{number}/events"): STAFF,
    ("GET", "/signs"): LEADS,
    ("GET", "/indicators"): STAFF,
    ("GET", "/indicators/{name}"): STAFF,
    ("GET", "/indicators/{name}/complaints"): STAFF,
    ("GET", "/months"): LEADS,
    ("GET", "/months/{number}"): LEADS,
    ("GET", "/months/{number}/{name}"): LEADS,
    ("GET", "/charts"): STAFF,
    ("GET", "/charts/{indicator}"): STAFF,
    ("POST", "/charts/{indicator}"): {"quality_manager", "department_head"},
    ("GET", "/a/{token}"): ANYONE,
    ("POST", "/a/{token}"): ANYONE,
    ("GET", "/s/{token}"): ANYONE,
    ("POST", "/s/{token}"): ANYONE,
    ("GET", "/o/{token}"): ANYONE,
    ("POST", "/o/{token}"): ANYONE,
    ("GET", "/calls"): STAFF,
    ("GET", "/calls/{invitation_id:int}"): STAFF,
    ("POST", "/calls/{invitation_id:int}"): STAFF,
    ("GET", "/interviews"): STAFF,
    ("POST", "/interviews"): LEADS,
    ("GET", "/interviews/{interview_id:int}"): STAFF,
    ("POST", "/interviews/{interview_id:int}"): STAFF,
    ("GET", "/plate"): STAFF,
    ("POST", "/plate"): STAFF,
    ("GET", "/outbox"): LEDGER,
    ("POST", "/outbox/{message_id:int}/decide"): {"operator"},
    ("GET", "/outbox/{message_id:int}/decide"): LEDGER,
    ("GET", "/mail"): ANYONE,
    ("GET", "/mail/{name}"): ANYONE,
    ("GET", "/sign-in"): ANYONE,
    ("POST", "/sign-in"): ANYONE,
    ("GET", "/sign-in/{token}"): ANYONE,
    ("POST", "/sign-in/{token}"): ANYONE,
    ("GET", "/sign-out"): STAFF,
    ("POST", "/sign-out"): STAFF,
    ("POST", "/sign-out/everywhere"): STAFF,
    ("GET", "/sign-out/everywhere"): STAFF,
    ("POST", "/api/touchpoints"): KEYED,
    ("GET", "/negative"): STAFF,
    ("POST", "/negative"): STAFF,
    ("POST", "/months/{number}"): {"quality_manager"},
    ("GET", "/improvement"): STAFF,
    ("POST", "/improvement"): {"quality_manager"},
    ("GET", "/improvement/approvals"): IMPROVES,
    ("GET", "/improvement/scoreboard"): IMPROVES,
    ("GET", "/improvement/lessons"): STAFF,
    ("GET", "/improvement/standards/{standard}"): STAFF,
    ("GET", "/improvement/cycles/{cycle}"): IMPROVES,
    ("POST", "/improvement/cycles/{cycle}"): {"quality_manager"},
    ("GET", "/improvement/cycles/{cycle}/plan.xlsx"): IMPROVES,
    ("GET", "/improvement/cycles/{cycle}/gantt.svg"): IMPROVES,
    ("GET", "/improvement/{item}/gantt.svg"): STAFF,
    ("GET", "/improvement/{item}"): STAFF,
    ("POST", "/improvement/{item}"): STAFF,
    ("GET", "/access"): LEDGER,
}
"""Who may do what: written down once more, so that nobody opens a page by a slip."""
FILLED = {
    "{number}": "20261116-000001",
    "{message_id:int}": "1",
    "{invitation_id:int}": "1",
    "{interview_id:int}": "1",
    "{name}": "none.eml",
    "{token}": "A" * 22,
    "{indicator}": "on_time_handled",
    "{standard}": "SOP-2026-001",
    "{item}": "PDCA-2026-11-01",
    "{cycle}": "PDCA-2026-11",
}
FORM: dict[str, dict[str, str]] = {
    "/complaints/new": {"title": "x", "channel": "phone", "severity": "general"},
    "/complaints/{number}/events": {"kind": "note", "note": "x"},
    "/outbox/{message_id:int}/decide": {"verdict": "arrived", "who": "x"},
    "/sign-in": {"code": "nobody"},
    "/calls/{invitation_id:int}": {"number": "1", "outcome": "busy"},
    "/interviews": {"customer": "1", "when": "2026-12-01T09:00", "interviewer": "li"},
    "/interviews/{interview_id:int}": {"act": "cancel"},
    "/charts/{indicator}": {"signal": "1", "note": "x"},
    "/plate": {"message": "1", "act": "acknowledge"},
    "/negative": {"number": "20261116-000001", "kind": "negative_taken_on"},
    "/months/{number}": {"act": "reject", "key": "F-2026-11-01", "reason": "x"},
    "/improvement": {"act": "open_special", "title": "x"},
    "/improvement/{item}": {"act": "contain", "reason": "x"},
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: whom a page admits does not depend on it."""
    return sqlite_url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "installation", web_url="http://bihuan.example:8700", sign_in="link")


@pytest.fixture
def known(office: Any, browse: Callable[..., Any]) -> Callable[[str], Any]:
    """Makes a browser in which somebody with that role, and no other but handler, has signed in."""

    def browser_of(role: str) -> Any:
        browser = browse()
        if role == "nobody":
            return browser
        office.roles("wang", *([Role(role)] if role not in {"handler", "department_head"} else []),
                     is_head=role == "department_head")  # fmt: skip
        browser.cookies.set(SESSION_COOKIE, session_of(office, "wang"), domain="127.0.0.1")
        return browser

    return browser_of


def session_of(office: Any, code: str) -> str:
    """A session begun by hand: a test of every route must not wait for links."""
    office.reach(code)
    with office.db.write() as session:
        staff = session.execute(Staff.__table__.select().where(Staff.code == code)).one()
        recipient, token = f"staff:{staff.id}", f"{len(session.execute(Link.__table__.select()).all()):022d}"
        row = {"key": message_key(recipient, "sign_in", recipient, "preferred", token), "subject_kind": "staff",
               "subject_id": staff.id, "notice": Notice.SIGN_IN, "audience": Audience.STAFF, "recipient": recipient,
               "state": MessageState.UNKNOWN, "planned_at": office.at}  # fmt: skip
        insert_rows(session, Message, [row])
        message_id = session.execute(Message.__table__.select().order_by(Message.id.desc())).first().id
        sign_in.keep(session, [NewLink(token, sign_in.Purpose.SIGN_IN, message_id, recipient, office.at,
                                       sign_in.link_expires(office.at))])  # fmt: skip
        begun = sign_in.begin(session, token, office.at, sign_in.KEPT)
        return str(begun.token)


def routes(app: Any) -> Iterator[tuple[str, PageRoute]]:
    for route in app.routes:
        if not isinstance(route, Mount):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route


def test_every_route_says_who_may_see_it_as_written_here(app: Any) -> None:
    said = {}
    for method, route in routes(app):
        assert isinstance(route, PageRoute), f"{route.path} is served to everyone: make it a page_route"
        roles = route.who.roles
        staff = ANYONE if roles is None else {role.value for role in roles}
        keyed = WATCHED if route.who.is_local else KEYED
        said[method, route.path] = keyed if route.who.scope else staff
    assert said == MAY
    assert [route.path for route in app.routes if isinstance(route, Mount)] == ["/static"]


@pytest.mark.parametrize("role", sorted(ANYONE))
def test_every_page_is_served_to_those_it_names_and_to_no_others(
    office: Any, known: Callable[[str], Any], role: str
) -> None:
    """Each is tried by each, read and sent: what is refused changes nothing."""
    office.complaint(title="the matter itself")
    (office.settings.data_dir / "mail").mkdir(parents=True)
    for (method, path), admitted in MAY.items():
        browser, at = known(role), path
        for hole, value in FILLED.items():
            at = at.replace(hole, value)
        before = office.stored()
        answer = submit(browser, at, role, **FORM.get(path, {})) if method == "POST" else browser.get(at)
        here = f"{method} {path} by {role}: {answer.status_code}"
        if role in admitted or admitted == WATCHED:
            assert answer.status_code in {200, 303, 400, 404, 410}, here
            assert "/sign-in?next" not in answer.headers.get("location", ""), here
            continue
        assert office.stored() == before, here
        assert "the matter itself" not in answer.text, here
        if admitted == KEYED:
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json"), here
        elif role == "nobody":
            assert answer.status_code == 303, here
            assert answer.headers["location"].startswith("/sign-in?next=%2F"), here
        else:
            assert answer.status_code == 403, here
            assert "您的角色不能看这个页面" in answer.text, here


def submit(browser: Any, action: str, role: str, **fields: str) -> Any:
    """Send a genuine form, whatever page it stands on."""
    page = "/sign-in" if role == "nobody" else "/nope"
    if action.startswith("/improvement/cycles/"):
        return browser.upload(page, action, b"no workbook", **fields)
    return browser.submit(page, action, **fields)


@pytest.mark.parametrize(("path", "language", "said"), [
    ("/", "zh", "可以看本页的人：所有登录的员工"), ("/", "en", "Seen by: all staff who signed in"),
    ("/signs", "zh", "可以看本页的人：部门负责人、高管、质量经理、值守人员"),
    ("/outbox", "en", "Seen by: Quality manager, Operator"), ("/a/x", "en", "Seen by: whoever has its link"),
    ("/mail", "zh", "可以看本页的人：任何人"),
])  # fmt: skip
def test_the_foot_of_a_page_says_who_may_see_it(
    known: Callable[[str], Any], path: str, language: str, said: str
) -> None:
    assert said in known("operator").get(f"{path}?lang={language}").text


@pytest.mark.parametrize(("role", "shown", "hidden"), [
    ("nobody", set(), {"/", "/complaints", "/complaints/new", "/signs", "/outbox"}),
    ("handler", {"/", "/complaints", "/complaints/new"}, {"/signs", "/outbox"}),
    ("executive", {"/", "/signs"}, {"/outbox"}), ("operator", {"/", "/signs", "/outbox"}, set()),
])  # fmt: skip
def test_the_menu_offers_what_may_be_seen(
    known: Callable[[str], Any], role: str, shown: set[str], hidden: set[str]
) -> None:
    page = known(role).get("/nope").text
    menu = page[page.find("<nav") : page.find("</nav>")]
    assert {path for path in shown | hidden if f'href="{path}"' in menu} == shown


def test_who_may_look_at_the_ledger_but_not_decide_is_offered_no_decision(
    office: Any, known: Callable[[str], Any]
) -> None:
    session_of(office, "wang")
    for role, is_offered in (("quality_manager", False), ("operator", True)):
        page = known(role).get("/outbox").text
        assert ('id="unknown"' in page, 'name="verdict"' in page) == (True, is_offered)


def test_roles_that_are_taken_away_are_gone_at_the_next_request(office: Any, known: Callable[[str], Any]) -> None:
    browser = known("operator")
    assert browser.get("/outbox").status_code == 200
    office.roles("wang")
    assert browser.get("/outbox").status_code == 403


def test_with_sign_in_off_everything_is_as_it_was_and_says_so(office: Any, browse_other: Any) -> None:
    browser = browse_other(sign_in="off")
    office.complaint()
    for path in ("/", "/complaints", "/signs", "/outbox"):
        page = browser.get(f"{path}?lang=en")
        assert page.status_code == 200
        assert "Seen by: whoever reaches it (sign-in is off)" in page.text
        assert 'action="/sign-out"' not in page.text
    assert browser.get("/", **{"X-Forwarded-User": "wang"}).text.count("Wang") == browser.get("/").text.count("Wang")
