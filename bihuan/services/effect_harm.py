"""Harm seen early: what must not get worse got clearly worse before there is enough for a verdict.

A look gives no verdict, so this gives none either: the owner is asked to decide, and the item goes on as it was.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from bihuan.analysis.verdict import Guardrail, clearly_worse
from bihuan.clock import Clock
from bihuan.policy.models import Policy
from bihuan.services.dossier import Dossier
from bihuan.services.effect import VERIFICATION
from bihuan.services.effect_row import guards_of, is_lower_better
from bihuan.services.effect_standing import Standing, frozen
from bihuan.services.improvement_due import HARM
from bihuan.services.item_log import note
from schemas.item import ItemState

_MONDAY = 0
_SEPARATOR = ", "


def warn(session: Session, policy: Policy, clock: Clock, file: Dossier, seen: Standing, today: date) -> tuple[str, ...]:
    """Keep in the log what got clearly worse, each indicator once while it is observed; looked at on Mondays.

    Once a week, and by 3.29 standard errors: in half a year one untouched guard-rail in a hundred is called so.

    Returns:
        The indicators that are news, the item's own first.
    """
    if today.weekday() != _MONDAY:
        return ()
    plan = frozen(file)
    own = Guardrail(plan.indicator, seen.primary.effect, is_lower_better(policy.kpi.indicators[plan.indicator]))
    known = set(harmed(file))
    news = tuple(name for name in clearly_worse([own, *guards_of(policy, plan, seen)]) if name not in known)
    if news:
        note(session, clock, file.item, HARM, VERIFICATION, data={"indicators": _SEPARATOR.join(news)})
    return news


def harmed(file: Dossier) -> list[str]:
    """The indicators that were seen to get worse since the item was last worked on, in the order they were seen."""
    found: list[str] = []
    for event in file.events:
        if event.to_state == ItemState.DOING.value:
            found = []
        if event.kind == HARM:
            found += str(event.data["indicators"]).split(_SEPARATOR)
    return found
