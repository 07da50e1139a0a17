"""The scoreboard 成效榜: every verdict among all others, and how many effects still hold."""

from __future__ import annotations

from collections import Counter
from math import nan
from typing import Any

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.analysis.kpi import rate
from bihuan.analysis.scoreboard import scoreboard
from bihuan.services.effect_figure import plain
from schemas.effect import EffectCheck, SustainWatch, WatchState
from schemas.item import Cycle, Item, ItemState
from schemas.verification import Verdict

Row = dict[str, Any]
_DECIDED = frozenset({WatchState.HELD, WatchState.BROKEN})


def board(session: Session, cycle: str = "", year: int | None = None) -> Row:
    """What improvements came to.

    Args:
        session: Where to look.
        cycle: Number of one; empty: of all.
        year: Of the final checks; None: of all.

    Returns:
        ``items``: number, name, cycle, indicator, verdict, estimate, low, high, p, ``q`` (adjusted over all shown:
        Benjamini and Hochberg), ``is_claimed`` (stands among the others), state and ``watch``. ``verdicts``: how many
        of each. ``sustained``: of how many effects whose watch is decided (n) so many hold (x), with value and
        interval; one whose matter came back does not.
    """
    found = _judged(session, cycle, year)
    lines = scoreboard({item.number: (verdict, nan if check.p is None else check.p)
                        for item, check, _, _ in found if (verdict := item.verdict)})  # fmt: skip
    rows = [
        {
            "number": item.number, "name": item.name, "cycle": number, "indicator": item.indicator,
            "verdict": item.verdict, **{name: getattr(check, name) for name in ("estimate", "low", "high", "p")},
            "q": plain(lines[item.number].adjusted), "is_claimed": lines[item.number].is_held, "state": item.state,
            "watch": watch.state if watch else None,
        }
        for item, check, number, watch in found
    ]  # fmt: skip
    effective = [watch for item, _, _, watch in found if item.verdict is Verdict.EFFECTIVE and watch]
    decided = [watch.state for watch in effective if watch.state in _DECIDED]
    counts = Counter(row["verdict"] for row in rows)
    return {
        "items": rows, "verdicts": {one.value: counts[one] for one in Verdict if counts[one]},
        "sustained": _rate(sum(one is WatchState.HELD for one in decided), len(decided)),
    }  # fmt: skip


def _rate(x: int, n: int) -> Row:
    return {"x": x, "n": n} | dict(zip(("value", "low", "high"), map(plain, rate(x, n)), strict=True))


def _judged(
    session: Session, cycle: str, year: int | None
) -> list[tuple[Item, EffectCheck, str, SustainWatch | None]]:  # fmt: skip
    """Items whose verdict was agreed to, with their newest final check, the newest first."""
    items = session.exec(
        select_rows(Item, Cycle.number).join(Cycle, col(Cycle.id) == Item.cycle_id)
        .where(col(Item.verdict).is_not(None), col(Item.state) != ItemState.CANCELLED).order_by(col(Item.id).desc())
    ).all()  # fmt: skip
    checks = {one.item_id: one for one in session.exec(
        select_rows(EffectCheck).where(EffectCheck.is_final).order_by(col(EffectCheck.id))
    )}  # fmt: skip
    watches = {one.item_id: one for one in session.exec(select_rows(SustainWatch))}
    return [
        (item, check, number, watches.get(item.id or 0))
        for item, number in items
        if (check := checks.get(item.id or 0)) and cycle in {"", number} and year in {None, check.until_on.year}
    ]
