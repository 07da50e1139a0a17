"""Keys of other systems: shown once, known by a hash, revocable, and their use noted once an hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services.api_key import is_use_noted, keys, known_key, make_key, note_use, revoke_key
from schemas.access import Scope
from schemas.survey import ApiKey

SCOPE = Scope.TOUCHPOINTS


@pytest.fixture
def made(office):
    """Makes a key of that name."""

    def make(name: str = "shop") -> str:
        with office.db.write() as session:
            return make_key(session, name, SCOPE, office.at)

    return make


def opens(office, key: str) -> bool:
    with office.db.read() as session:
        return known_key(session, key) is not None


def test_a_key_is_long_and_random_and_only_its_hash_is_kept(office, made):
    one, other = made(), made("erp")
    assert len(one) == len(other) == 47
    assert one != other
    assert not [
        value for row in office.rows(ApiKey) for value in row if isinstance(value, str) and value in one + other
    ]
    assert (opens(office, one), opens(office, other)) == (True, True)


@pytest.mark.parametrize("spoil", ["{lower}", "{key}x", "{short}", " {key}", "", "é" * 47, "bhk_" + "A" * 43])
def test_what_is_not_exactly_a_key_opens_nothing(office, made, spoil):
    key = made()
    assert not opens(office, spoil.format(key=key, lower=key.lower(), short=key[:-1]))


def test_a_revoked_key_opens_nothing_and_the_one_beside_it_goes_on(office, made):
    old, new = made(), made("shop-2")
    with office.db.write() as session:
        assert revoke_key(session, "shop", office.at)
        assert not revoke_key(session, "shop", office.at)
    assert (opens(office, old), opens(office, new)) == (False, True)


def test_names_are_not_used_twice_even_after_revoking(office, made):
    made()
    with office.db.write() as session:
        revoke_key(session, "shop", office.at)
    with pytest.raises(RefusedError, match="make shop-2 beside it"):
        made()


@pytest.mark.parametrize("name", ["", "a b", "x" * 61, "a\nb"])
def test_a_name_that_is_none_is_refused(made, name):
    with pytest.raises(UsageError):
        made(name)


def test_revoking_what_there_is_not_is_refused(office):
    with office.db.write() as session, pytest.raises(UsageError, match="no key 'x'"):
        revoke_key(session, "x", office.at)


def test_use_is_noted_once_an_hour(office, made):
    key, noted = made(), []
    for minutes in (0, 30, 59, 60, 61):
        at = office.at + timedelta(minutes=minutes)
        with office.db.write() as session:
            row = known_key(session, key)
            if not is_use_noted(row, at):
                note_use(session, row.id, at)
        with office.db.read() as session:
            noted.append((keys(session)[0].used_at - office.at) / timedelta(minutes=1))
    assert noted == [0, 0, 0, 60, 60]
