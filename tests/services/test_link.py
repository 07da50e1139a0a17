"""Private links open for whom they were sent to, for one purpose, as long as they live; whatever else is tried, not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bihuan.errors import RefusedError
from bihuan.notify.link import token_hash, token_of
from bihuan.services.link import NewLink, Refusal, keep, open_link, revoke, use
from bihuan.web.security import token as form_token
from schemas.access import Link, Purpose

SECRET = "for tests only"
HOUR = timedelta(hours=1)


@pytest.fixture
def messages(office: Any) -> Sequence[Any]:
    """Two messages, to two people."""
    for code in ("li", "wang"):
        office.staff(code)
        office.register(code, handler=code)
    office.check(20)
    first = {row.recipient: row for row in reversed(office.messages) if row.recipient.startswith("staff:")}
    assert len(first) == 2
    return list(first.values())


def link(row: Any, at: datetime, purpose: Purpose = Purpose.ACT, **facts: Any) -> NewLink:
    token = token_of(SECRET, purpose, row.key)
    return NewLink(token, purpose, row.id, row.recipient, at, **{"expires_at": at + HOUR} | facts)


def kept(office: Any, *links: NewLink) -> list[str]:
    with office.db.write() as session:
        keep(session, links)
    return [one.token for one in links]


def opened(office: Any, token: str, purpose: Purpose = Purpose.ACT, at: datetime | None = None) -> Any:
    with office.db.read() as session:
        return open_link(session, token, purpose, at or office.at)


def test_a_token_is_22_characters_that_may_stand_in_an_address() -> None:
    tokens = {token_of(SECRET, Purpose.ACT, f"complaint:{n}|handled|0|staff:1|preferred|x") for n in range(300)}
    assert len(tokens) == 300
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)


def test_a_retry_makes_the_same_token_and_another_secret_purpose_or_key_another() -> None:
    it = token_of(SECRET, Purpose.ACT, "key")
    assert token_of(SECRET, Purpose.ACT, "key") == it
    others = {token_of("other", Purpose.ACT, "key"), token_of(SECRET, Purpose.SIGN_IN, "key"),
              token_of(SECRET, Purpose.ACT, "key2")}  # fmt: skip
    assert it not in others
    assert len(others) == 3


def test_the_proof_of_a_form_is_no_link() -> None:
    """A browser chooses its cookie: what it is given for it must never be a token."""
    assert form_token(SECRET, "act\0key")[:22] != token_of(SECRET, Purpose.ACT, "key")


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(RefusedError, match="secret"):
        token_of("", Purpose.ACT, "key")


def test_a_link_opens_and_only_its_hash_is_stored(office: Any, messages: Sequence[Any]) -> None:
    (token,) = kept(office, link(messages[0], office.at))
    row = opened(office, token)
    assert (row.message_id, row.recipient, row.used_at) == (messages[0].id, messages[0].recipient, None)
    assert token not in repr(office.rows(Link))
    assert row.token_hash == token_hash(token)


def test_a_link_kept_again_stays_as_it_was(office: Any, messages: Sequence[Any]) -> None:
    (token,) = kept(office, link(messages[0], office.at))
    kept(office, link(messages[0], office.at + HOUR), link(messages[1], office.at))
    assert len(office.rows(Link)) == 2
    assert opened(office, token, at=office.at + HOUR) is Refusal.EXPIRED


def test_what_is_no_link_of_ours_says_why(office: Any, messages: Sequence[Any]) -> None:
    at = office.at
    act, sign_in = kept(office, link(messages[0], at), link(messages[1], at, Purpose.SIGN_IN))
    forged = act[:-1] + ("A" if act[-1] != "A" else "B")
    assert opened(office, forged) is Refusal.UNKNOWN
    assert opened(office, act + "A") is Refusal.UNKNOWN
    assert opened(office, "é" * 22) is Refusal.UNKNOWN
    assert opened(office, act[:-1]) is Refusal.TRUNCATED
    assert opened(office, "") is Refusal.TRUNCATED
    assert opened(office, act, Purpose.SIGN_IN) is Refusal.FOREIGN
    assert opened(office, sign_in) is Refusal.FOREIGN


def test_a_link_opens_until_the_instant_before_it_expires(office: Any, messages: Sequence[Any]) -> None:
    (token,) = kept(office, link(messages[0], office.at))
    assert opened(office, token, at=office.at + HOUR - timedelta(microseconds=1)).recipient == messages[0].recipient
    assert opened(office, token, at=office.at + HOUR) is Refusal.EXPIRED


def test_a_link_to_sign_in_is_good_once_and_of_two_uses_one_counts(office: Any, messages: Sequence[Any]) -> None:
    (token,) = kept(office, link(messages[0], office.at, Purpose.SIGN_IN))
    row = opened(office, token, Purpose.SIGN_IN)
    assert opened(office, token, Purpose.SIGN_IN).id == row.id, "looking uses nothing up"
    with office.db.write() as session:
        assert [use(session, row.id, office.at) for _ in range(2)] == [True, False]
    assert opened(office, token, Purpose.SIGN_IN) is Refusal.USED


def test_a_link_to_act_still_shows_what_its_use_led_to(office: Any, messages: Sequence[Any]) -> None:
    (token,) = kept(office, link(messages[0], office.at))
    with office.db.write() as session:
        assert use(session, opened(office, token).id, office.at)
    assert opened(office, token).used_at == office.at


def test_revoking_reaches_those_named_and_no_others(office: Any, messages: Sequence[Any]) -> None:
    mine, yours = kept(office, *(link(row, office.at) for row in messages[:2]))
    (sign_in,) = kept(office, link(messages[0], office.at, Purpose.SIGN_IN))
    with office.db.write() as session:
        assert revoke(session, office.at, recipient=messages[0].recipient, purpose=Purpose.ACT) == 1
        assert revoke(session, office.at, message_ids=[]) == 0
    assert opened(office, mine) is Refusal.REVOKED
    assert opened(office, yours).id
    assert opened(office, sign_in, Purpose.SIGN_IN).id
    with office.db.write() as session:
        assert revoke(session, office.at, message_ids=[row.id for row in messages]) == 2
        assert not use(session, office.rows(Link)[0].id, office.at), "what is revoked cannot be used"
    assert opened(office, yours) is Refusal.REVOKED


def test_nobody_revokes_everything_by_leaving_something_out(office: Any, messages: Sequence[Any]) -> None:
    kept(office, link(messages[0], office.at))
    with office.db.write() as session, pytest.raises(ValueError, match="whose links"):
        revoke(session, office.at)
