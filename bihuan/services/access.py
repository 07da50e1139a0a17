"""Who saw and exported what of a person: noted with the page that showed it, and listed.

What people *changed* is in the logs of complaints and items, each event with who did it. Looks are kept apart: they
change nothing, nobody acts on them, and most installations must forget them sooner: `looks` of the retention policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from bihuan.store.rows import insert_rows, table_of
from schemas.access import AccessEntry, Seen, Way
from schemas.people import Staff

ONCE_IN = timedelta(minutes=10)
"""Several looks of one person at one thing within so long count once."""
_A = table_of(AccessEntry)
_PERSON, _TEXT = 60, 200
"""Characters that the columns hold."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks: a staff code, the recipient of a link (``staff:3``), or a user of this machine."""

    person: str
    way: Way


@dataclass(frozen=True, slots=True)
class AccessWish:
    """Which looks are wanted: of everything that is given; ``since`` up to, not including, ``until``."""

    subject: str | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def note(session: Session, who: Looker, what: Seen, subjects: Sequence[str], page: str, at: datetime) -> int:
    """Note a look, and give how many rows that made; what is noted of the last minutes is not noted again.

    Args:
        session: Inside ``Database.write``.
        who: Looks.
        what: Is seen.
        subjects: Of which complaints, or which file.
        page: The path or command that showed it, without anything secret.
        at: Now.
    """
    person = _person(session, who)
    cut = [subject[:_TEXT] for subject in dict.fromkeys(subjects)]
    lately = select(_A.c.subject).where(
        _A.c.person == person, _A.c.seen_at > at - ONCE_IN, _A.c.what == what, _A.c.subject.in_(cut)
    )
    known = set(session.execute(lately).scalars())
    common = {"seen_at": at, "person": person[:_PERSON], "way": who.way, "what": what,
              "page": page[:_TEXT]}  # fmt: skip
    rows = [common | {"subject": subject} for subject in cut if subject not in known]
    insert_rows(session, AccessEntry, rows)
    return len(rows)


def _person(session: Session, who: Looker) -> str:
    """The staff code behind the link of one of the staff; others stand for themselves."""
    kind, _, number = who.person.partition(":")
    if who.way is not Way.LINK or kind != "staff" or not number.isdecimal():
        return who.person
    staff = table_of(Staff).c
    code: str | None = session.execute(select(staff.code).where(staff.id == int(number))).scalar()
    return code or who.person


def looks(session: Session, wish: AccessWish, *, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    """Looks, newest first."""
    wanted = select(_A).order_by(_A.c.seen_at.desc(), _A.c.id.desc()).limit(limit).offset(offset)
    for column, value in ((_A.c.subject, wish.subject), (_A.c.person, wish.person)):
        wanted = wanted.where(column == value) if value else wanted
    if wish.since:
        wanted = wanted.where(_A.c.seen_at >= wish.since)
    return session.execute(wanted.where(_A.c.seen_at < wish.until) if wish.until else wanted).all()
