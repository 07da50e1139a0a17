"""Effect verification 效果验证 of an item by its frozen plan: looks on the way, and the check whose verdict counts.

A look has no verdict, however good it looks. A check is refused until the data are there; which verdict it gives is
computed, and nobody types it.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.services.dossier import Dossier, dossier, today_of
from bihuan.services.effect_row import row_of
from bihuan.services.effect_standing import NotReadyError, Standing, frozen, is_due, standing
from bihuan.services.item import advance
from bihuan.services.item_log import find
from bihuan.settings import Settings
from schemas.effect import EffectCheck
from schemas.item import Item, ItemState
from schemas.verification import Verdict

VERIFICATION = "verification"
"""As whom the verification itself moves an item."""


def look(
    session: Session, policy: Policy, settings: Settings, clock: Clock, number: str, until_on: date | None = None
) -> EffectCheck:  # fmt: skip
    """Look at an effect on the way: everything but a verdict. Looked at again with the same data, it is that look.

    Args:
        session: Inside ``Database.write``.
        policy: Its indicators.
        settings: The installation's zone.
        clock: Tells the present.
        number: The item's.
        until_on: The first day that does not count any more; None: today.

    Raises:
        UsageError: No such item.
        RefusedError: There is nothing to look at yet: see ``standing``; or the day has not come.
    """
    item = find(session, number)
    file, until = dossier(session, item), _until(policy, clock, until_on)
    if known := _kept(session, item, until, is_final=False):
        return known
    seen = standing(session, policy, settings, file, until, clock)
    return _keep(session, row_of(policy, clock, item, frozen(file), seen, is_final=False))


def check(
    session: Session, policy: Policy, settings: Settings, clock: Clock, number: str, until_on: date | None = None,
    *, is_forced: bool = False,
) -> EffectCheck:  # fmt: skip
    """Judge an effect, once the data are there, and bring the item to its check. What is judged already stays so.

    Too little was done: the item goes back to the work.

    Args:
        session: Inside ``Database.write``.
        policy: Its indicators.
        settings: The installation's zone.
        clock: Tells the present.
        number: The item's.
        until_on: The first day that does not count any more; None: today.
        is_forced: Judge although data are missing; only once no extension is left.

    Returns:
        The final check. Who verifies signs it later (``bihuan.services.approval``).

    Raises:
        UsageError: No such item.
        NotReadyError: The data are not there yet.
        RefusedError: The item is not observed, or there is nothing to judge.
    """
    file = dossier(session, find(session, number))
    item = file.item
    if file.check:
        return file.check
    if item.state is ItemState.IMPLEMENTED:
        file = advance(session, policy, clock, file, ItemState.OBSERVING, VERIFICATION)
    if item.state not in {ItemState.OBSERVING, ItemState.CHECKING}:
        raise RefusedError(f"{number} is {item.state}: it is not observed", cure="finish its measures first")
    until = _until(policy, clock, until_on)
    seen = standing(session, policy, settings, file, until, clock)
    may_force = is_forced and item.extensions >= policy.improvement.cycle.extensions
    if not (may_force or is_due(policy, seen, until)):
        raise NotReadyError(number, seen.observed)
    return judged(session, policy, clock, file, seen)


def judged(session: Session, policy: Policy, clock: Clock, file: Dossier, seen: Standing) -> EffectCheck:
    """Keep the verdict on what was seen, and move the item accordingly.

    Raises:
        RefusedError: It was judged by the data of these days before.
    """
    item, until = file.item, seen.frame.windows.post_until
    assert until is not None
    if _kept(session, item, until, is_final=True):
        raise RefusedError(f"{item.number} was judged by the data until {until} before", cure="wait for newer data")
    row = _keep(session, row_of(policy, clock, item, frozen(file), seen, is_final=True))
    file = dossier(session, item)
    if item.state is ItemState.OBSERVING:
        file = advance(session, policy, clock, file, ItemState.CHECKING, VERIFICATION)
    if row.verdict is Verdict.NOT_IMPLEMENTED:
        why = f"{100 * seen.fidelity:.0f}% of the plan was carried out"
        advance(session, policy, clock, file, ItemState.DOING, VERIFICATION, why)
    return row


def _until(policy: Policy, clock: Clock, until_on: date | None) -> date:
    today = today_of(policy, clock())
    if until_on is not None and until_on > today:
        raise RefusedError(f"the days until {until_on} have not come", cure=f"look until {today}")
    return until_on or today


def _kept(session: Session, item: Item, until: date, *, is_final: bool) -> EffectCheck | None:
    mine = select_rows(EffectCheck).where(EffectCheck.item_id == item.id, EffectCheck.until_on == until)
    return session.exec(mine.where(EffectCheck.is_final == is_final)).first()


def _keep(session: Session, row: EffectCheck) -> EffectCheck:
    session.add(row)
    session.flush()
    return row
