"""The check-up of who may see and do what: an open door is a problem, and so is nobody behind it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from bihuan.clock import wall_clock
from bihuan.services.checkup import access
from bihuan.services.checkup.finding import Level, Visit
from bihuan.settings import Settings
from schemas.access import Role
from schemas.people import Staff

HTTPS = {"web_url": "https://complaints.example.com"}


@pytest.mark.parametrize(
    ("setting", "level", "said"),
    [
        ({}, Level.OK, "only this machine"),
        ({"environment": "production"}, Level.PROBLEM, "BIHUAN_SIGN_IN to link or proxy"),
        ({"web_host": "192.0.2.1"}, Level.PROBLEM, "does not start on BIHUAN_WEB_HOST=192.0.2.1"),
        (HTTPS, Level.NOTE, "links lead to https://complaints.example.com"),
        ({"sign_in": "link"}, Level.OK, "over one's own channel"),
        ({"sign_in": "link", "environment": "production", **HTTPS}, Level.OK, "over one's own channel"),
        ({"sign_in": "link", "web_url": "http://complaints.example.com"}, Level.PROBLEM, "BIHUAN_WEB_URL"),
        ({"sign_in": "proxy", "web_url": "http://complaints.example.com"}, Level.PROBLEM, "unencrypted"),
        ({"sign_in": "link", "web_host": "192.0.2.1"}, Level.NOTE, "set BIHUAN_WEB_URL"),
        ({"sign_in": "proxy", **HTTPS}, Level.OK, "127.0.0.1,::1 names people in X-Forwarded-User"),
    ],
)
def test_what_the_settings_leave_open_is_said_with_its_cure(setting: dict[str, Any], level: Level, said: str) -> None:
    found, says, cure = access.sign_in(Visit(Settings(**setting), wall_clock))
    assert (found, said in f"{says} - {cure}", bool(cure)) == (level, True, level is not Level.OK)


@pytest.fixture
def checked(office: Any, database_url: str) -> Any:
    """What is found about the people, with sign-in by ``mode``."""

    def check(mode: str) -> tuple[Level, str]:
        visit = Visit(Settings(database_url=database_url, sign_in=mode), wall_clock)
        level, says, cure = access.operators(visit)
        visit.leave()
        return level, f"{says} - {cure}"

    return check


def test_nobody_who_may_operate_is_a_problem_once_people_are_asked_who_they_are(office: Any, checked: Any) -> None:
    office.staff("li", is_head=True)
    assert checked("off")[0] is Level.OK
    for mode in ("link", "proxy"):
        level, said = checked(mode)
        assert (level, "role operator" in said, "`bihuan staff import FILE`" in said) == (Level.PROBLEM, True, True)
    with office.db.write() as session:
        session.execute(update(Staff).values(roles=[Role.OPERATOR.value]))
    assert checked("link")[0] is Level.OK
    with office.db.write() as session:
        session.execute(update(Staff).values(is_active=False))
    assert checked("link")[0] is Level.PROBLEM


def test_people_whom_no_link_reaches_are_counted_where_links_are_what_signs_in(office: Any, checked: Any) -> None:
    office.staff("li")
    with office.db.write() as session:
        session.execute(update(Staff).values(roles=[Role.OPERATOR.value]))
    office.staff("mute", contact=False)
    level, said = checked("link")
    assert (level, "1 of 2 people" in said) == (Level.NOTE, True)
    assert checked("proxy")[0] is Level.OK
