"""A month as indicators are counted for it, day by day, and what its surveys say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlmodel import Session

from bihuan.analysis.score import DETRACTS_TO, PROMOTES_FROM, SATISFIED_FROM
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.policy.scope import When
from bihuan.store.queries import score
from bihuan.store.queries.countable import Countable, View
from bihuan.store.queries.cut import Periods, column, of_scope
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.people import Department, Staff
from schemas.survey import Answer

_A, _C = table_of(Answer).c, table_of(Complaint).c
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
        scope: Whose complaints are counted, and what is about them; None: all.
    """

    days: Periods
    indicators: Mapping[str, IndicatorPolicy]
    dimensions: Sequence[str]
    view: View
    scope: When | None = None

    @property
    def total_of(self) -> str:
        """The dimension whose values add up to the total; "" where none does. By department other deadlines count."""
        return next((name for name in self.dimensions if name != "department"), "")

    @property
    def cuts(self) -> Sequence[str]:
        """What is asked of the database: each dimension, and the total where nothing adds up to it."""
        return tuple(self.dimensions) if self.total_of else ("", *self.dimensions)

    def day_of(self, at: ColumnElement[Any]) -> ColumnElement[int]:
        """The place of the day in which an instant lies."""
        ends = enumerate(start for _, (_, start) in pairwise(self.days[:-1]))
        bounds = [(at < end, place) for place, end in ends]
        return case(*bounds, else_=len(bounds)) if bounds else literal(0)

    def within(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether an instant lies in it, and the complaint in its scope."""
        return and_(at >= self.days[0][1], at < self.days[-1][1], *(of_scope(self.scope) if self.scope else ()))

    def complaints(self) -> ColumnElement[bool]:
        """Those that are looked at."""
        return and_(self.within(_C.registered_at), _C.id.between(*self.view.ids))


def answers(session: Session, month: Month) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sums of what the answers of the month say, by day, element and survey, for each of the month's cuts.

    Returns:
        The cut, and a row of ``day``, ``element``, ``survey``, ``answers``, ``index_weight`` and, for each of ``csat``,
        ``nps``, ``index`` and ``negative``, the sums ``…_n``, ``…_total``, ``…_squares``, ``…_least`` and ``…_most``;
        ``satisfied``, ``promoters`` and ``detractors`` as counts.
    """
    scored = [score.SCORES[counts].label(name) for name, counts in SCORED.items()]
    facts = _facts(score.answered(Counts.CSAT_MEAN), month, _A.source.label("survey"), _A.index_weight, *scored)
    sums = [
        one.label(f"{name}_{what}") for name in SCORED
        for what, one in (
            ("n", func.count(facts.c[name])), ("total", func.sum(facts.c[name])), ("least", func.min(facts.c[name])),
            ("squares", func.sum(facts.c[name] * facts.c[name])), ("most", func.max(facts.c[name])),
        )
    ]  # fmt: skip
    counts = {
        "satisfied": facts.c.csat >= SATISFIED_FROM, "promoters": facts.c.nps >= PROMOTES_FROM,
        "detractors": facts.c.nps <= DETRACTS_TO,
    }  # fmt: skip
    columns = (
        func.count().label("answers"), func.coalesce(func.sum(facts.c.index_weight), 0.0).label("index_weight"), *sums,
        *(func.count(case((wanted, 1))).label(name) for name, wanted in counts.items()),
    )  # fmt: skip
    return _by_cut(session, month, facts, (facts.c.survey,), columns)


def asked(session: Session, month: Month) -> Iterator[tuple[str, dict[str, Any]]]:
    """What became of the invitations of the month, for each of its cuts: rows of day, element, outcome and ``n``."""
    what = score.responded(month.view)
    facts = _facts(what, month, what.outcome.label("outcome"))
    return _by_cut(session, month, facts, (facts.c.outcome,), (func.count().label("n"),))


def _facts(what: Countable, month: Month, *columns: ColumnElement[Any]) -> CTE:
    """One row each thing that is counted in the month: its day, its dimensions, and these columns."""
    each = select(month.day_of(what.at).label("day"), *elements(month, what.own), *columns)
    found = peopled(each, what.table, month).where(month.within(what.at))
    narrowed = found.where(what.only) if what.only is not None else found
    return narrowed.cte("facts").prefix_with("MATERIALIZED")


def _by_cut(
    session: Session, month: Month, facts: CTE, keys: Sequence[ColumnElement[Any]], columns: Sequence[Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The facts counted by each of the month's cuts, in one statement."""
    arms = []
    for cut in month.cuts:
        element = facts.c[f"of_{cut}"] if cut else literal("", String)
        head = (literal(cut, String).label("part"), facts.c.day, element.label("element"), *keys)
        arms.append(select(*head, *columns).group_by(facts.c.day, element, *keys))
    for row in session.execute(union_all(*arms)).mappings():
        told = dict(row)
        yield told.pop("part"), told


def elements(month: Month, own: Mapping[str, Any] = MappingProxyType({})) -> list[ColumnElement[str]]:
    """The dimensions as text, empty where there is none, each as ``of_`` and its name."""
    return [func.coalesce(type_coerce(column(name, own), String), "").label(f"of_{name}") for name in month.dimensions]


def peopled(statement: Select[Any], table: FromClause, month: Month) -> Select[Any]:
    """The statement over ``table``, which holds the complaint, with the people that the dimensions ask for."""
    if "department" in month.dimensions:
        table = table.outerjoin(table_of(Department), table_of(Department).c.id == _C.department_id)
    if "handler" in month.dimensions:
        table = table.outerjoin(table_of(Staff), table_of(Staff).c.id == _C.handler_id)
    return statement.select_from(table)
