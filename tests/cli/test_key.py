"""`bihuan key` and `bihuan survey touchpoints`: a key is shown once, what it brought in is listed with its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.clock import wall_clock
from bihuan.policy.loader import load_policy
from bihuan.services.api_key import known_key
from bihuan.services.checkup import Level, access
from bihuan.services.checkup.finding import Visit
from bihuan.services.touchpoint import take_touchpoints
from bihuan.settings import settings
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from schemas.survey import ApiKey
from schemas.touchpoint import TouchpointIn

pytestmark = pytest.mark.usefixtures("installed")


def test_a_key_is_shown_once_listed_without_it_and_revoked(run, installed):
    made = run("key", "make", "shop", "--json")
    assert (made.code, made.data["name"], made.data["scope"]) == (0, "shop", "touchpoints")
    key = made.data["key"]
    db = Database(installed)
    with db.read() as session:
        assert known_key(session, key).name == "shop"
    db.close()
    listed = run("key", "list", "--json")
    assert [(row["name"], row["used_at"], row["revoked_at"]) for row in listed.data] == [("shop", None, None)]
    assert key not in listed.out
    assert run("key", "make", "shop").refuses(3, "there is a key 'shop' already", "make shop-2 beside it")
    assert run("key", "revoke", "shop", "--json").data == {"name": "shop", "revoked": True}
    assert run("key", "revoke", "shop").err == "shop was revoked already\n"
    assert run("key", "revoke", "nobody").refuses(2, "no key 'nobody'")
    assert run("key", "make", "a b").refuses(2, "is no name for a key")


def test_touchpoints_are_listed_newest_first_with_how_they_stand(run, installed, monkeypatch):
    at, policy, db = wall_clock(), load_policy(None), Database(installed)
    told = [
        TouchpointIn(source="shop", external_id=name, kind="order_completed", customer_id="c1",
                     occurred_at=at - timedelta(days=days), facts={"secret": "x"})
        for name, days in (("new", 0), ("old", 9))
    ]  # fmt: skip
    with db.write() as session:
        take_touchpoints(session, policy, settings(), lambda: at, told)
    db.close()
    assert run("run", "survey-follow-up", "--json").data["suppressed"] == 1
    done = run("survey", "touchpoints", "--json")
    assert [(row["external_id"], row["state"], row["reason"]) for row in done.data] == [
        ("old", "suppressed", "too_late"), ("new", "planned", None),
    ]  # fmt: skip
    assert "too_late" in run("survey", "touchpoints", "--limit", 1).out
    assert "secret" not in done.out


def test_doctor_names_keys_that_nobody_uses_or_that_are_old(run, installed):
    visit = Visit(settings().model_copy(update={"database_url": installed}), wall_clock)
    assert access.api_keys(visit) == (Level.OK, "no other system has a key", "")
    run("key", "make", "shop")
    assert access.api_keys(visit)[:2] == (Level.OK, "1 keys of other systems")
    with visit.db.write() as session:
        session.execute(table_of(ApiKey).update().values(created_at=wall_clock() - timedelta(days=91)))
    level, says, cure = access.api_keys(visit)
    assert (level, says) == (Level.NOTE, "not used for 90 days: shop")
    assert "`bihuan key revoke NAME`" in cure
    with visit.db.write() as session:
        session.execute(table_of(ApiKey).update().values(created_at=wall_clock() - timedelta(days=366),
                                                         used_at=wall_clock()))  # fmt: skip
    assert access.api_keys(visit)[:2] == (Level.NOTE, "older than a year: shop")
    run("key", "revoke", "shop")
    assert access.api_keys(visit)[0] is Level.OK
    visit.leave()
