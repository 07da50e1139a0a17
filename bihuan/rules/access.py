"""Who may do what, and how long a link to sign in is good: decided here, looked up elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.access import Role

LINK_LIFE = timedelta(minutes=15)
"""How long a link to sign in opens, from when it was asked for."""
LINKS_AT_MOST = 3
"""Links that one person gets within that time, however often they are asked for."""


def roles_of(is_head: bool, also: Iterable[Role] | None) -> frozenset[Role]:
    """The roles of a member of staff: everyone handles, a head heads, and what the roster says beside.

    A word of the roster that is no role (any more) gives none.
    """
    beside = {role for role in Role if role.value in set(also or ())}
    return frozenset({Role.HANDLER, *beside, *([Role.DEPARTMENT_HEAD] if is_head else [])})


def link_expires(asked_at: datetime) -> datetime:
    """The first instant at which a link asked for then does not open any more."""
    return asked_at + LINK_LIFE
