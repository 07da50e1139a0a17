"""The round of verification: every item whose work is done waits for data, and is judged when they are there.

Each item is a transaction of its own. A round at the same data changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.rules.item import refusals
from bihuan.services import effect_harm as harm
from bihuan.services.dossier import Dossier, dossier, facts_of, is_held, today_of
from bihuan.services.effect import VERIFICATION, judged
from bihuan.services.effect_standing import Standing, fidelity_of, is_due, standing
from bihuan.services.item import advance
from bihuan.services.item_log import find, note
from bihuan.services.tally import Tally
from bihuan.services.verification_ready import plain
from bihuan.settings import Settings
from bihuan.store.engine import Database
from schemas.item import Item, ItemState

FORECAST = "forecast"
_S = ItemState
_LOOKED_AT = (_S.DOING, _S.IMPLEMENTED, _S.OBSERVING, _S.CHECKING)
_LEAST_SHIFT = timedelta(days=7)
"""By less a forecast may be off without anybody being told."""


@dataclass(frozen=True, slots=True)
class Verified(Tally):
    """What one round did."""

    items: int = 0
    """Looked at."""
    moved: int = 0
    """Went on to observation: their work is done."""
    checked: int = 0
    """Judged."""
    waiting: int = 0
    """Wait for data."""


def verify_all(db: Database, policy: Policy, settings: Settings, clock: Clock) -> Verified:
    """Look at every item whose work is under way or done, and judge those whose data are there."""
    with db.read() as session:
        mine = select_rows(Item.number).where(col(Item.state).in_(_LOOKED_AT)).order_by(Item.number)
        numbers = session.exec(mine).all()
    total = Verified()
    for number in numbers:
        with db.write() as session:
            total += verify_item(session, policy, settings, clock, number)
    return total


def verify_item(session: Session, policy: Policy, settings: Settings, clock: Clock, number: str) -> Verified:
    """Take one item as far as its work and its data go.

    Raises:
        UsageError: No such item.
    """
    file = dossier(session, find(session, number))
    today = today_of(policy, clock())
    if is_held(file.item, today) or file.item.state not in _LOOKED_AT or file.check:
        return Verified(items=1)
    file, moved = _on_to_observation(session, policy, clock, file, today)
    if file.item.state not in {_S.OBSERVING, _S.CHECKING}:
        return Verified(items=1, moved=moved)
    try:
        seen = standing(session, policy, settings, file, today, clock)
        if is_due(policy, seen, today):
            judged(session, policy, clock, file, seen)
            return Verified(items=1, moved=moved, checked=1)
    except RefusedError:
        # Nothing to look at yet, or judged by these data before; it says so whenever somebody asks.
        return Verified(items=1, moved=moved, waiting=1)
    _renew(session, clock, file, seen, today)
    harm.warn(session, policy, clock, file, seen, today)
    return Verified(items=1, moved=moved, waiting=1)


def _on_to_observation(
    session: Session, policy: Policy, clock: Clock, file: Dossier, today: date
) -> tuple[Dossier, int]:  # fmt: skip
    """Move an item on whose work is done, and far enough; how many moves that took."""
    if fidelity_of(file.measures) < policy.improvement.cycle.least_coverage:
        return file, 0
    moved = 0
    for state in (_S.IMPLEMENTED, _S.OBSERVING):
        is_next = file.item.state in {_S.DOING, _S.IMPLEMENTED} and file.item.state is not state
        if is_next and not refusals(facts_of(session, policy, file, today), state):
            file = advance(session, policy, clock, file, state, VERIFICATION)
            moved += 1
    return file, moved


def _renew(session: Session, clock: Clock, file: Dossier, seen: Standing, today: date) -> None:
    """Keep when there should be enough by the cases that came, where that is news."""
    plan = file.verification
    assert plan is not None
    expected = seen.ready_on and max(seen.ready_on, today + timedelta(days=1))
    if not _is_news(plan.ready_on, expected, today):
        return
    told: dict[str, Any] = {"verification ready_on": [plain(plan.ready_on), plain(expected)]}
    plan.ready_on = expected
    session.add(plan)
    note(session, clock, file.item, FORECAST, VERIFICATION, data=told)


def _is_news(before: date | None, expected: date | None, today: date) -> bool:
    if before is None or expected is None:
        return before is not expected
    return abs(expected - before) >= _LEAST_SHIFT or before <= today
