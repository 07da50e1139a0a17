"""Signing in: a link for those we know, on their own channel, once and not for long; a session that can be ended."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bihuan.notify.link import token_of
from bihuan.rules.access import LINK_LIFE, LINKS_AT_MOST, roles_of
from bihuan.services import sign_in
from bihuan.services.deadline import ENDED
from bihuan.services.link import Refusal
from bihuan.services.outbox import deliver_all, deliver_one
from bihuan.settings import Settings
from bihuan.store.queries.access import person_of_session
from bihuan.testing import RecordingGateway
from schemas.access import Link, Purpose, Role, SignInSession
from schemas.outbox import AttemptOutcome, Message, MessageState, Urgency
from schemas.people import Staff

HOURS = timedelta(hours=12)
OPERATOR = "json://hooks.example.com/operator"


def asked(office: Any, code: str = "li") -> int | None:
    with office.db.write() as session:
        return sign_in.plan_link(session, office.settings, office.at, code)


def token(office: Any, message_id: int | None) -> str:
    key = next(row.key for row in office.messages if row.id == message_id)
    return token_of(office.settings.secret_value(), Purpose.SIGN_IN, key)


def begun(office: Any, link: str) -> Any:
    with office.db.write() as session:
        return sign_in.begin(session, link, office.at, HOURS)


def invited(office: Any, link: str) -> Any:
    with office.db.read() as session:
        return sign_in.invited(session, link, office.at)


def signed_in(office: Any, session_token: str, at: datetime | None = None) -> Any:
    with office.db.read() as session:
        return person_of_session(session, sign_in.token_hash(session_token), at or office.at)


def change(office: Any, code: str, **values: Any) -> None:
    with office.db.write() as session:
        session.execute(update(Staff).where(Staff.code == code).values(values))


@pytest.fixture
def li(office: Any) -> str:
    return str(office.staff("li"))


def test_the_link_goes_out_at_once_alone_and_to_the_person(office: Any, li: str) -> None:
    office.register(handler="li")
    message_id = asked(office)
    assert message_id
    done = deliver_one(office.db, office.mail, office.settings, office.clock, message_id)
    assert (done.claimed, done.sent) == (1, 1)
    ((url, letter),) = office.mail.sent
    assert url == "json://hooks.example.com/li"
    assert letter.body.count(f"/sign-in/{token(office, message_id)}") == 1
    assert "2026-11-16 09:15 +08:00" in letter.body
    row = next(row for row in office.messages if row.id == message_id)
    assert (row.recipient, row.urgency, row.state) == (li, Urgency.URGENT, MessageState.SENT)
    assert office.audit().holds


def test_what_does_not_go_out_at_once_a_sweep_brings_out_with_the_same_link(office: Any, li: str) -> None:
    message_id = asked(office)
    office.mail = RecordingGateway([AttemptOutcome.RETRY])
    done = deliver_one(office.db, office.mail, office.settings, office.clock, message_id)
    assert done.retried == 1
    office.at += timedelta(minutes=5)
    assert deliver_all(office.db, office.mail, office.settings, office.clock).sent == 1
    first, second = (re.findall(r"/sign-in/(\S+)", letter.body) for _, letter in office.mail.sent)
    assert first == second == [token(office, message_id)]


def test_a_link_that_no_longer_opens_is_not_sent(office: Any, li: str) -> None:
    asked(office)
    office.at += LINK_LIFE
    assert deliver_all(office.db, office.mail, office.settings, office.clock).suppressed == 1
    assert office.mail.sent == []
    assert [row.reason for row in office.messages] == [ENDED]


@pytest.mark.parametrize("code", ["nobody", "", "LI", "gone", "mute"])
def test_nothing_is_written_for_whom_we_do_not_know_or_cannot_reach(office: Any, li: str, code: str) -> None:
    office.staff("gone", is_active=False)
    office.staff("mute", contact=False)
    assert asked(office, code) is None
    assert (office.messages, office.rows(Link)) == ([], [])


def test_a_link_never_falls_to_the_operator(office: Any, li: str) -> None:
    office.settings = Settings(secret=office.settings.secret, operator_url=OPERATOR)
    asked(office)
    change(office, "li", sealed_contact=None)
    assert deliver_all(office.db, office.mail, office.settings, office.clock).failed == 1
    assert office.mail.sent == []


def test_a_person_gets_so_many_links_in_a_quarter_of_an_hour_and_others_are_not_held_up(office: Any, li: str) -> None:
    office.staff("wang")
    assert all(asked(office) for _ in range(LINKS_AT_MOST))
    assert asked(office) is None
    assert asked(office, "wang")
    office.at += LINK_LIFE
    assert asked(office)


def test_looking_uses_nothing_up_and_a_link_begins_one_session(office: Any, li: str) -> None:
    link = token(office, asked(office))
    assert {invited(office, link).code for _ in range(3)} == {"li"}
    first, second = begun(office, link), begun(office, link)
    assert second is invited(office, link) is Refusal.USED
    assert signed_in(office, first.token).code == "li"
    assert first.token not in repr(office.rows(SignInSession))
    assert len(first.token) >= 32


def test_a_link_opens_for_a_quarter_of_an_hour_and_a_session_lasts_its_hours(office: Any, li: str) -> None:
    link, late = (token(office, asked(office)) for _ in range(2))
    office.at += LINK_LIFE - timedelta(seconds=1)
    session = begun(office, link)
    assert signed_in(office, session.token, office.at + HOURS - timedelta(seconds=1))
    assert signed_in(office, session.token, office.at + HOURS) is None
    office.at += timedelta(seconds=1)
    assert begun(office, late) in {Refusal.REVOKED, Refusal.EXPIRED}


def test_signing_in_makes_the_other_links_of_the_person_worthless(office: Any, li: str) -> None:
    office.staff("wang")
    mine, spare, theirs = (token(office, asked(office, code)) for code in ("li", "li", "wang"))
    begun(office, mine)
    assert begun(office, spare) is Refusal.REVOKED
    assert begun(office, theirs).staff_id


def test_who_leaves_loses_links_and_sessions_at_once(office: Any, li: str) -> None:
    link, session = token(office, asked(office)), None
    session = begun(office, link)
    other = token(office, asked(office))
    change(office, "li", is_active=False)
    assert signed_in(office, session.token) is None
    assert begun(office, other) is invited(office, other) is Refusal.REVOKED
    assert [row.used_at for row in office.rows(Link)][1] is None


def test_signing_out_ends_this_session_and_everywhere_all_of_them_and_the_links(office: Any, li: str) -> None:
    office.staff("wang")
    here, there, theirs = (begun(office, token(office, asked(office, code))) for code in ("li", "li", "wang"))
    with office.db.write() as session:
        sign_in.end(session, here.token, office.at)
    assert [bool(signed_in(office, one.token)) for one in (here, there, theirs)] == [False, True, True]
    link = token(office, asked(office))
    with office.db.write() as session:
        assert sign_in.end_everywhere(session, there.staff_id, office.at) == 1
    assert [bool(signed_in(office, one.token)) for one in (here, there, theirs)] == [False, False, True]
    assert begun(office, link) is Refusal.REVOKED


def test_sessions_over_for_a_month_are_forgotten_when_somebody_signs_in(office: Any, li: str) -> None:
    begun(office, token(office, asked(office)))
    for days, left in ((1, 2), (40, 1)):
        office.at += timedelta(days=days)
        begun(office, token(office, asked(office)))
        assert len(office.rows(SignInSession)) == left


def test_a_letter_that_nobody_can_be_signed_in_by_is_no_link_for_another_purpose(office: Any, li: str) -> None:
    message_id = asked(office)
    key = next(row.key for row in office.messages if row.id == message_id)
    assert begun(office, token_of(office.settings.secret_value(), Purpose.ACT, key)) is Refusal.UNKNOWN


def test_bringing_out_one_message_leaves_the_others_to_the_sweep(office: Any, li: str) -> None:
    first, second = asked(office), asked(office)
    deliver_one(office.db, office.mail, office.settings, office.clock, second)
    assert {row.id: row.state for row in office.messages} == {first: MessageState.PLANNED, second: MessageState.SENT}
    assert not deliver_one(office.db, office.mail, office.settings, office.clock, second).claimed


@pytest.mark.parametrize(
    ("is_head", "also", "roles"),
    [
        (False, None, {Role.HANDLER}),
        (True, [], {Role.HANDLER, Role.DEPARTMENT_HEAD}),
        (False, ["operator", "wizard"], {Role.HANDLER, Role.OPERATOR}),
    ],
)
def test_roles_follow_from_the_roster_and_unknown_ones_give_nothing(is_head: bool, also: Any, roles: Any) -> None:
    assert roles_of(is_head, also) == roles


def test_a_message_of_a_person_is_not_mistaken_for_one_about_the_complaint_of_that_id(office: Any, li: str) -> None:
    """Staff 1 is not complaint 1: a letter about one must not show the other."""
    office.register(title="another's secret")
    asked(office)
    deliver_all(office.db, office.mail, office.settings, office.clock)
    assert not [letter for _, letter in office.mail.sent if "another's secret" in letter.title + letter.body]
    assert [row.state for row in office.rows(Message)] == [MessageState.SENT]
