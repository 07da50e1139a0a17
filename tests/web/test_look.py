"""Who saw and exported what: every page that shows a person is noted with who looked, and the log is shown to few."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Route

from bihuan.errors import UnavailableError
from bihuan.services import access
from bihuan.services.deadline import check_all
from bihuan.services.outbox import deliver_all
from bihuan.services.survey import follow_up
from bihuan.store.rows import insert_rows, table_of
from bihuan.testing import RecordingGateway
from bihuan.web import recent
from schemas.access import AccessEntry, Role, Seen
from schemas.complaint import CustomerIn, EventKind
from schemas.improvement import AnalysisRun

ZHOU = CustomerIn(external_id="zhou", name="周小姐", contact_url="tel:+8613800138000", tier="premium")
WANG = CustomerIn(external_id="wang", name="王女士", contact_url="json://hooks.example.com/customer")
NOTED = {
    "/complaints/{number}", "/complaints/{number}/explain", "/calls/{invitation_id:int}",
    "/interviews/{interview_id:int}", "/negative", "/months/{number}/{name}", "/a/{token}",
    "/improvement/cycles/{cycle}/plan.xlsx",
}  # fmt: skip
"""Pages that show what a complainant said or how they are reached, and files that are taken out."""
NOT_NOTED = {
    "/": "figures and titles", "/complaints": "titles, names masked", "/complaints/new": "an empty form",
    "/complaints/{number}/events": "leads to the complaint", "/calls": "names masked, no number",
    "/interviews": "names masked, no number", "/signs": "staff", "/months": "figures", "/months/{number}": "figures",
    "/charts": "figures", "/charts/{indicator}": "figures", "/indicators": "figures", "/indicators/{name}": "figures",
    "/indicators/{name}/complaints": "titles", "/plate": "one's own matters by title", "/outbox": "staff",
    "/outbox/{message_id:int}/decide": "leads to the ledger", "/access": "this log", "/healthz": "answers machines",
    "/s/{token}": "the complainant's own page", "/o/{token}": "the complainant's own page",
    "/mail": "the demo's, of people who do not exist", "/mail/{name}": "the demo's", "/sign-in": "a door",
    "/sign-in/{token}": "a door", "/sign-out": "a door", "/sign-out/everywhere": "a door", "/improvement": "no person",
    "/improvement/approvals": "no person", "/improvement/scoreboard": "no person", "/improvement/lessons": "no person",
    "/improvement/standards/{standard}": "no person", "/improvement/{item}": "no person",
    "/improvement/cycles/{cycle}": "no person", "/improvement/cycles/{cycle}/gantt.svg": "no person",
    "/improvement/{item}/gantt.svg": "no person", "/readyz": "answers machines", "/metrics": "figures",
    "/.well-known/security.txt": "no person",
}  # fmt: skip


class Desk:
    """A browser behind a proxy that names somebody."""

    def __init__(self, browser: Any, code: str) -> None:
        self.browser, self.code = browser, code

    def get(self, path: str, method: str = "GET") -> Any:
        return self.browser.send(method, path, headers={"X-Forwarded-User": self.code})


@pytest.fixture
def desk(browse_other: Any) -> Any:
    """Gives somebody's desk; each has a process of its own."""
    return lambda code="li": Desk(browse_other(sign_in="proxy"), code)


@pytest.fixture
def log(office: Any) -> Any:
    """What was noted so far, oldest first: who, what, of which subject, on which page."""

    def noted() -> list[tuple[str, ...]]:
        entry = table_of(AccessEntry)
        with office.db.read() as session:
            rows = session.execute(select(entry).order_by(entry.c.id)).all()
        return [(row.person, row.way.value, row.what.value, row.subject, row.page) for row in rows]

    return noted


def sweep(office: Any) -> RecordingGateway:
    mail = RecordingGateway()
    follow_up(office.db, office.policy, office.settings, office.at)
    check_all(office.db, office.policy, office.at)
    deliver_all(office.db, mail, office.settings, office.clock, contact=office.policy.survey.contact)
    return mail


def test_every_page_that_may_be_opened_is_judged_here(app: Any) -> None:
    routes = {route.path for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())}
    assert NOTED | NOT_NOTED.keys() == routes
    assert not NOTED & NOT_NOTED.keys()


def test_a_complaint_is_noted_with_who_looked_once_in_ten_minutes(office: Any, desk: Any, log: Any) -> None:
    number = office.complaint(customer=ZHOU)
    li, zhao = desk("li"), desk("zhao")
    for one in (li, li, zhao, li):
        assert one.get(f"/complaints/{number}").status_code == 200
    page = f"/complaints/{number}"
    assert log() == [(who, "signed_in", "complaint", number, page) for who in ("li", "zhao")]
    desk("li").get(f"{page}/explain")
    assert len(log()) == 2, "another process of ours knows of it too"
    office.later(minutes=9, seconds=59)
    li.get(page)
    assert len(log()) == 2
    office.later(seconds=1)
    li.get(f"{page}/explain")
    assert log()[2:] == [("li", "signed_in", "complaint", number, f"{page}/explain")]


def test_a_form_that_is_refused_hides_no_look(office: Any, desk: Any, log: Any) -> None:
    """The page that says why shows the complaint as well."""
    number, li = office.complaint(customer=ZHOU), desk()
    fields = dict(re.findall(r'name="(token)" value="([^"]*)"', li.get("/complaints/new").text))
    answer = li.browser.send("POST", f"/complaints/{number}/events", data={**fields, "kind": "reopened"},
                             headers={"X-Forwarded-User": "li", "Origin": li.browser.address})  # fmt: skip
    assert (answer.status_code, "屏幕碎了" in answer.text) == (409, True)
    assert [row[:4] for row in log()] == [("li", "signed_in", "complaint", number)]


def test_what_is_not_shown_is_not_noted(office: Any, desk: Any, log: Any, browse_other: Any) -> None:
    number, li = office.complaint(), desk()
    assert li.get(f"/complaints/{number}", "HEAD").status_code == 200
    assert li.get("/complaints/nope").status_code == 404
    assert browse_other(sign_in="link").get(f"/complaints/{number}").status_code == 303
    assert browse_other(sign_in="off").get(f"/complaints/{number}").status_code == 200, "nobody is known"
    assert log() == []


def test_a_call_and_an_interview_are_noted(office: Any, desk: Any, log: Any) -> None:
    number, li = office.complaint(customer=ZHOU), desk()
    office.later(hours=1)
    office.happens(number, EventKind.HANDLED)
    sweep(office)
    assert "13800138000" in li.get("/calls/1").text
    office.roles("zhao", Role.QUALITY_MANAGER)
    zhao = desk("zhao")
    token = dict(re.findall(r'name="(token)" value="([^"]*)"', zhao.get("/complaints/new").text))
    form = {**token, "customer": "1", "when": "2026-11-18T15:00", "interviewer": "li", "reason": "x"}
    zhao.browser.send("POST", "/interviews", data=form,
                      headers={"X-Forwarded-User": "zhao", "Origin": zhao.browser.address})  # fmt: skip
    assert "13800138000" in li.get("/interviews/1").text
    assert log() == [("li", "signed_in", "call", number, "/calls/1"),
                     ("li", "signed_in", "interview", "interview 1", "/interviews/1")]  # fmt: skip


def test_what_a_complainant_answered_is_noted_by_complaint_and_their_own_looks_are_not(
    office: Any, browser: Any, desk: Any, log: Any
) -> None:
    office.reach("li")
    number = office.complaint(customer=WANG)
    office.later(hours=1)
    office.happens(number, EventKind.HANDLED)
    sweep(office)
    office.later(hours=48)
    survey = re.search(r"/s/[\w-]{22}", "".join(letter.body for _, letter in sweep(office).sent))[0]
    browser.get(survey)
    browser.send("POST", survey, data={"csat": "1", "nps": "3", "suggestion": "快一点"},
                 headers={"Origin": browser.address})  # fmt: skip
    assert log() == []
    assert "快一点" in desk().get("/negative").text
    assert log() == [("li", "signed_in", "answers", number, "/negative")]


def test_the_link_of_a_message_counts_as_its_reader_and_its_token_is_not_kept(
    office: Any, browser: Any, log: Any
) -> None:
    office.reach("li")
    number = office.complaint(customer=ZHOU)
    office.happens(number, EventKind.ASSIGNED, handler="li")
    office.later(days=2)
    link = re.search(r"/a/[\w-]{22}", "".join(letter.body for _, letter in sweep(office).sent))[0]
    assert browser.get(link).status_code == 200
    assert log() == [("li", "link", "complaint", number, "/a/***")]


def test_a_file_of_a_month_is_an_export(office: Any, desk: Any, log: Any) -> None:
    office.roles("zhao", Role.QUALITY_MANAGER)
    folder = office.settings.data_dir / "reports"
    folder.mkdir(parents=True)
    (folder / "pack.zip").write_bytes(b"PK")
    with office.db.write() as session:
        session.add(AnalysisRun(
            number="2026-10", period_on=office.at.date(), until_on=office.at.date(), as_of=office.at,
            made_at=office.at, policy_version="p", code_version="c", complaints=0, answers=0, sha256="0" * 64,
            files={"pack.zip": "reports/pack.zip"},
        ))  # fmt: skip
    assert desk("zhao").get("/months/2026-10/pack.zip").status_code == 200
    assert desk("zhao").get("/months/2026-10/none.zip").status_code == 404
    assert log() == [("zhao", "signed_in", "export", "2026-10/pack.zip", "/months/2026-10/pack.zip")]


def test_a_plan_table_that_is_taken_away_is_an_export(improving: Any, office: Any, desk: Any, log: Any) -> None:
    improving.doing()
    office.roles("zhao", Role.QUALITY_MANAGER)
    path = "/improvement/cycles/PDCA-2026-12/plan.xlsx"
    assert desk("zhao").get(path).status_code == 200
    assert [row[:3] + row[4:] for row in log()] == [("zhao", "signed_in", "export", path)]
    assert log()[0][3].startswith("PDCA-2026-12/PDCA-2026-12-")


def test_a_look_that_cannot_be_noted_is_shown_and_said_in_the_log(
    office: Any, desk: Any, log: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    number, li = office.complaint(customer=ZHOU), desk()

    def fail(*_: Any) -> None:
        raise UnavailableError("disk full", cure="")

    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):
        broken.setattr(access, "note", fail)
        logging.getLogger("bihuan").propagate = True
        assert li.get(f"/complaints/{number}").status_code == 200
    assert {record.message for record in caplog.records} == {"a look was not noted"}
    li.get(f"/complaints/{number}")
    assert len(log()) == 1, "it is tried again"


def test_only_so_many_looks_are_remembered(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "REMEMBERED", 2)
    kept, keys = recent.Recent(), [("li", Seen.COMPLAINT, str(number)) for number in range(3)]
    kept.keep(keys, office.at)
    assert kept.new(keys, office.at) == keys[:1]


@pytest.fixture
def past(office: Any) -> Any:
    """Sixty looks, one a day up to yesterday, by two people at two things."""
    row = {"way": access.Way.SIGNED_IN, "page": "/p"}
    with office.db.write() as session:
        insert_rows(session, AccessEntry, [
            row | {"seen_at": office.at - timedelta(days=day), "person": ("li", "wang")[day % 2],
                   "subject": f"S-{day % 3}", "what": Seen.COMPLAINT if day % 3 else Seen.EXPORT}
            for day in range(60, 0, -1)
        ])  # fmt: skip
    office.roles("zhao", Role.OPERATOR)
    return office


@pytest.mark.parametrize(("query", "n"), [
    ("", 50), ("page=2", 10), ("complaint=S-1", 20), ("person=wang", 30), ("person=wang&complaint=S-1", 10),
    ("from=2026-11-10", 6), ("from=2026-11-10&to=2026-11-11", 2), ("person=nobody", 0),
])  # fmt: skip
def test_the_log_is_narrowed_and_turned_over(past: Any, desk: Any, query: str, n: int) -> None:
    page = desk("zhao").get(f"/access?{query}").text
    assert len(re.findall(r"S-\d</", page)) == n
    assert ("没有记录" in page) is (n == 0)
    assert ("较早" in page) is (query == "")


@pytest.mark.parametrize("query", ["page=0", "page=x", "from=yesterday", "to=2026-02-30", "from=0001-01-01"])
def test_what_is_no_page_and_no_day_is_refused(past: Any, desk: Any, query: str) -> None:
    assert desk("zhao").get(f"/access?{query}").status_code == 400


def test_the_log_is_shown_to_operators_and_quality_managers_alone(past: Any, desk: Any) -> None:
    assert desk("li").get("/access").status_code == 403
    assert "Li 处理 (li)" in desk("zhao").get("/access").text


def test_with_sign_in_off_the_log_says_why_it_is_empty(browse_other: Any) -> None:
    browser = browse_other(sign_in="off")
    assert "Sign-in is off: nobody is known" in browser.get("/access?lang=en").text
