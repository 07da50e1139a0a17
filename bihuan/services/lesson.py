"""The case library 案例库: what was tried against what, and what it did; kept of every verdict, good or bad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.policy.kpi import IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.services.dossier import Dossier, dossiers
from schemas.effect import EffectCheck, Lesson, WatchState
from schemas.item import Item, ItemState
from schemas.plan import CauseState, MeasureState

_AGREED = (
    ItemState.VERDICT, ItemState.STANDARDISING, ItemState.SUSTAINING, ItemState.CLOSED, ItemState.SUPERSEDED,
    ItemState.RECURRED,
)  # fmt: skip
_CHARACTERS = 300


def keep_lessons(session: Session, policy: Policy, clock: Clock) -> int:
    """Keep a lesson of every item with a verdict that was agreed to; how many are new or say something else now.

    Doing it again changes nothing.
    """
    mine = select_rows(Item).where(col(Item.state).in_(_AGREED), col(Item.verdict).is_not(None)).order_by(col(Item.id))
    return sum(_keep(session, policy, clock, file) for file in dossiers(session, session.exec(mine).all()))


def _keep(session: Session, policy: Policy, clock: Clock, file: Dossier) -> bool:
    item = file.item
    row = session.exec(select_rows(Lesson).where(Lesson.item_id == item.id)).first()
    told = _told(policy, file)
    if row is not None and all(getattr(row, name) == value for name, value in told.items()):
        return False
    row = row or Lesson(item_id=item.id or 0, made_at=clock(), **told)
    for name, value in told.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return True


def _told(policy: Policy, file: Dossier) -> dict[str, Any]:
    item = file.item
    check = next((one for one in reversed(file.checks) if one.is_final), None)
    known = policy.kpi.indicators.get((check and file.verification and file.verification.indicator) or item.indicator)
    is_broken = file.watch is not None and file.watch.state is WatchState.BROKEN
    return {
        "title": item.name[:_CHARACTERS], "problem": item.problem,
        "causes": [one.statement for one in file.causes if one.state is CauseState.CONFIRMED],
        "measures": [one.what for one in file.measures if one.state is MeasureState.DONE],
        "effect": effect_told(check, known, item.indicator) if check else "", "verdict": item.verdict,
        "advice": "\n".join([*(check.limitations if check else ()), *(["not_held"] if is_broken else [])]),
    }  # fmt: skip


def effect_told(check: EffectCheck, known: IndicatorPolicy | None, name: str) -> str:
    """An effect in one line of figures: before → after, n of both, the change with its interval."""
    is_share = known is not None and known.is_share
    before, after = (check.diagnostics.get(one, {}).get("value") for one in ("before", "after"))
    ratio = bool(check.diagnostics.get("is_ratio"))
    change = ", ".join(_figure(one, is_share and not ratio) for one in (check.low, check.high))
    sign = "×" if ratio else "Δ"
    return (f"{name} {_figure(before, is_share)} → {_figure(after, is_share)} (n {check.n0}, {check.n1}); "
            f"{sign} {_figure(check.estimate, is_share and not ratio)} [{change}]")  # fmt: skip


def _figure(value: float | None, is_share: bool) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f}%" if is_share else f"{value:.2f}"


def find_lessons(session: Session, words: str = "") -> Sequence[dict[str, Any]]:
    """The lessons that hold every one of the words, whatever their case, the newest first; without words all.

    Returns:
        Of each: item (number), title, problem, causes, measures, effect, verdict, advice (words of limits), made_at.
    """
    wanted = words.casefold().split()
    rows = session.exec(
        select_rows(Lesson, Item.number).join(Item, col(Item.id) == Lesson.item_id)
        .order_by(col(Lesson.made_at).desc(), col(Lesson.id).desc())
    ).all()  # fmt: skip
    told = [{"item": number} | row.model_dump(exclude={"id", "item_id"}) for row, number in rows]
    return [one for one in told if all(word in _text(one) for word in wanted)]


def _text(one: dict[str, Any]) -> str:
    parts = (one["item"], one["title"], one["problem"], *one["causes"], *one["measures"], one["effect"], one["advice"])
    return "\n".join(parts).casefold()
