"""Who may do what with an improvement item on a page: those who lead see all, others what they have a part in."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session
from starlette.requests import Request

from bihuan.services.dossier import Dossier
from bihuan.store.queries import improvement as queries
from bihuan.web.access import Person, Unwelcome, any_of, is_admitted, person
from schemas.access import Role
from schemas.plan import Measure

IMPROVES = any_of(Role.QUALITY_MANAGER, Role.EXECUTIVE, Role.DEPARTMENT_HEAD)
"""Those who see every item."""
MANAGES = any_of(Role.QUALITY_MANAGER)
"""Who opens cycles, and says which findings are worked on."""
_EVERYWHERE = frozenset({Role.QUALITY_MANAGER, Role.EXECUTIVE})
OF_MEASURE = frozenset({"progress", "done"})
"""What the owner of a measure does with it, whoever owns the item."""
OF_LEADERS = frozenset({"hold", "resume", "cancel", "child", "recur"})
"""What decides whether it is worked on at all."""


class May(NamedTuple):
    """What whoever asks may do with one item."""

    work: bool
    """Write on it, and move it."""
    lead: bool
    """Hold it, cancel it, let another go on."""


def require_sight(request: Request, session: Session, file: Dossier) -> None:
    """Let nobody see an item who neither leads nor has a part in it.

    Raises:
        Unwelcome: They do not.
    """
    who = person(request)
    if is_admitted(request, IMPROVES) or who is None:
        return
    if file.item.id not in queries.own(session, who.id, who.code):
        raise Unwelcome("role")


def rights(request: Request, file: Dossier) -> May:
    """What whoever asks may do; everything where nobody signs in."""
    who = person(request)
    if who is None:
        return May(work=True, lead=True)
    leads = bool(_EVERYWHERE & who.roles) or _is_head(who, file)
    return May(work=leads or who.id == file.item.owner_id, lead=leads)


def _is_head(who: Person, file: Dossier) -> bool:
    return Role.DEPARTMENT_HEAD in who.roles and who.department_id == file.department_id


def may_report(request: Request, file: Dossier, measure: Measure) -> bool:
    """Whether whoever asks may say how far a measure is: its owner, collaborators, and those who may write anyway."""
    who = person(request)
    is_own = who is not None and (who.id == measure.owner_id or who.code in measure.collaborators)
    return is_own or rights(request, file).work
