"""Checks of who may see and do what: is anybody asked who they are, and is anybody there to operate it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlmodel import Session

from bihuan.rules.access import roles_of
from bihuan.services.api_key import keys
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.settings import Settings, is_loopback
from bihuan.store.rows import table_of
from schemas.access import Role
from schemas.people import Staff

_IDLE, _OLD = timedelta(days=90), timedelta(days=365)
_TURN_ON = "set BIHUAN_SIGN_IN to link or proxy, see docs/sign-in.md"
_S = table_of(Staff).c


def sign_in(visit: Visit) -> Answer:
    """Whoever can reach the page is asked who they are, and not overheard."""
    here = visit.settings
    return _off(here) if here.sign_in == "off" else _on(here)


def _off(here: Settings) -> Answer:
    says = "off: whoever reaches the page may do everything"
    if here.environment == "production":
        return problem(says, _TURN_ON)
    if not is_loopback(here.web_host):
        return problem(f"{says}, so it does not start on BIHUAN_WEB_HOST={here.web_host}", _TURN_ON)
    if not _is_ours_alone(here):
        return note(f"{says}, and links lead to {here.web_url}", f"{_TURN_ON}; or let nobody else reach that address")
    return ok("off: only this machine reaches the page")


def _on(here: Settings) -> Answer:
    if urlsplit(here.web_url).scheme != "https" and not _is_ours_alone(here):
        return problem(
            f"links and cookies travel to {here.web_url} unencrypted",
            "put a proxy with a certificate before the page, and set BIHUAN_WEB_URL to its https:// address",
        )
    if _is_ours_alone(here) and not is_loopback(here.web_host):
        return note(
            f"links in messages lead to {here.web_url}, which only this machine reaches",
            "set BIHUAN_WEB_URL to the address that people use",
        )
    if here.sign_in == "proxy":
        return ok(f"a proxy at {here.trusted_proxies} names people in {here.sign_in_header}")
    return ok("by a link over one's own channel")


def _is_ours_alone(here: Settings) -> bool:
    return is_loopback(urlsplit(here.web_url).hostname or "")


def operators(visit: Visit) -> Answer:
    """Where people sign in, somebody may operate the outbox, and everybody can be sent a link."""
    if visit.settings.sign_in == "off":
        return ok("nobody is asked: sign-in is off")
    with visit.db.read() as session:
        people = session.execute(select(_S.is_head, _S.roles).where(_S.is_active)).all()
        mute = _mute(session)
    if not any(Role.OPERATOR in roles_of(person.is_head, person.roles) for person in people):
        return problem(
            "nobody has the role operator, so nobody may decide what became of unknown messages",
            "give it to somebody: column roles of `bihuan staff import FILE`",
        )
    if mute and visit.settings.sign_in == "link":
        return note(
            f"{mute} of {len(people)} people have no contact of their own, so no link to sign in reaches them",
            "enter their contacts with `bihuan staff import FILE`",
        )
    return ok(f"{len(people)} people may sign in")


def _mute(session: Session) -> int:
    counted = select(func.count()).where(_S.is_active, _S.sealed_contact.is_(None))
    found: int = session.execute(counted).scalar_one()
    return found


def api_keys(visit: Visit) -> Answer:
    """No key lies about that nobody uses, or that has been good for years."""
    at = visit.clock()
    with visit.db.read() as session:
        good = [row for row in keys(session) if row.revoked_at is None]
    idle = [row.name for row in good if (row.used_at or row.created_at) <= at - _IDLE]
    old = [row.name for row in good if row.created_at <= at - _OLD and row.name not in idle]
    if idle:
        return note(
            f"not used for {_IDLE.days} days: {', '.join(idle)}", "`bihuan key revoke NAME` where nobody needs it"
        )
    if old:
        return note(f"older than a year: {', '.join(old)}", "make another beside it, then `bihuan key revoke NAME`")
    return ok(f"{len(good)} keys of other systems" if good else "no other system has a key")
