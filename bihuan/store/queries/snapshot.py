"""A month as indicators are counted for it, day by day, and what its surveys say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, func, literal, select, type_coerce
from sqlmodel import Session

from bihuan.analysis.score import DETRACTS_TO, PROMOTES_FROM, SATISFIED_FROM
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.store.queries import score
from bihuan.store.queries.countable import View, rows
from bihuan.store.queries.cut import Cut, Periods
from bihuan.store.rows import table_of
from schemas.survey import Answer

_A = table_of(Answer).c
SCORED = {"csat": Counts.CSAT_MEAN, "nps": Counts.NPS, "index": Counts.INDEX, "negative": Counts.NEGATIVE}
"""What answers are summed up by."""


@dataclass(frozen=True, slots=True)
class Month:
    """What is counted: the days with their ends, the indicators, and by which dimensions.

    Attributes:
        days: Each day's name and first instant, ascending, and last the end of the last one.
        indicators: By name.
        dimensions: Beside the total.
        view: From where the complaints are looked at.
    """

    days: Periods
    indicators: Mapping[str, IndicatorPolicy]
    dimensions: Sequence[str]
    view: View

    @property
    def total_of(self) -> str:
        """The dimension whose values add up to the total; "" where none does. By department other deadlines count."""
        return next((name for name in self.dimensions if name != "department"), "")

    @property
    def cuts(self) -> Sequence[str]:
        """What is asked of the database: each dimension, and the total where nothing adds up to it."""
        return tuple(self.dimensions) if self.total_of else ("", *self.dimensions)

    def adds_up(self, dimension: str) -> bool:
        """Whether the values of the dimension are added up to the total."""
        return bool(self.total_of) and dimension == self.total_of

    def day_of(self, at: ColumnElement[Any]) -> ColumnElement[int]:
        """The place of the day in which an instant lies."""
        ends = enumerate(start for _, (_, start) in pairwise(self.days[:-1]))
        bounds = [(at < end, place) for place, end in ends]
        return case(*bounds, else_=len(bounds)) if bounds else literal(0)

    def within(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether an instant lies in it."""
        return and_(at >= self.days[0][1], at < self.days[-1][1])


def answers(session: Session, month: Month, dimension: str) -> list[dict[str, Any]]:
    """Sums of what the answers of the month say, by day, element and survey.

    Returns:
        Rows of ``day``, ``element``, ``survey``, ``answers``, ``index_weight`` and, for each of ``csat``, ``nps``,
        ``index`` and ``negative``, the sums ``…_n``, ``…_total``, ``…_squares``, ``…_least`` and ``…_most``;
        ``satisfied``, ``promoters`` and ``detractors`` as counts.
    """
    what, cut = score.answered(Counts.CSAT_MEAN), _cut(month, dimension)
    scored = {name: score.SCORES[counts].label(name) for name, counts in SCORED.items()}
    each = rows(what, cut, month.day_of(what.at).label("day"), _A.source.label("survey"), _A.index_weight,
                *scored.values()).subquery()  # fmt: skip
    sums = [
        one.label(f"{name}_{what_}") for name in SCORED
        for what_, one in (
            ("n", func.count(each.c[name])), ("total", func.sum(each.c[name])), ("least", func.min(each.c[name])),
            ("squares", func.sum(each.c[name] * each.c[name])), ("most", func.max(each.c[name])),
        )
    ]  # fmt: skip
    counts = {
        "satisfied": each.c.csat >= SATISFIED_FROM, "promoters": each.c.nps >= PROMOTES_FROM,
        "detractors": each.c.nps <= DETRACTS_TO,
    }  # fmt: skip
    element = func.coalesce(type_coerce(each.c.key, String), "")
    grouped = select(
        each.c.day, element.label("element"), each.c.survey, func.count().label("answers"),
        func.coalesce(func.sum(each.c.index_weight), 0.0).label("index_weight"), *sums,
        *(func.count(case((wanted, 1))).label(name) for name, wanted in counts.items()),
    ).group_by(each.c.day, element, each.c.survey)  # fmt: skip
    return [dict(row) for row in session.execute(grouped).mappings()]


def asked(session: Session, month: Month, dimension: str) -> list[dict[str, Any]]:
    """What became of the invitations of the month: rows of day, element, outcome and ``n``."""
    what = score.responded(month.view)
    each = rows(what, _cut(month, dimension), month.day_of(what.at).label("day")).subquery()
    element = func.coalesce(type_coerce(each.c.key, String), "")
    grouped = select(each.c.day, element.label("element"), each.c.outcome, func.count().label("n"))
    statement = grouped.group_by(each.c.day, element, each.c.outcome)
    return [dict(row) for row in session.execute(statement).mappings()]


def _cut(month: Month, dimension: str) -> Cut:
    return Cut(month.days[0][1], month.days[-1][1], dimension or None)
