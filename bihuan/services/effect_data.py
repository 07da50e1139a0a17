"""The data of an effect: an indicator of a slice before and after, counted in the database by its own predicates.

Months by which a slice was chosen are left out; days are those of the installation's zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Select, String, case, func, literal, select, type_coerce
from sqlmodel import Session

from bihuan.analysis.reading import Reading, Stratum, read
from bihuan.analysis.score import CSAT, DETRACTS_TO, INDEX, POINTS, PROMOTES_FROM
from bihuan.analysis.verification import Windows
from bihuan.policy.kpi import Counts, IndicatorPolicy
from bihuan.policy.models import Policy
from bihuan.rules.month import next_month
from bihuan.services.indicator import SURVEYS, countable
from bihuan.services.kpi import periods_between
from bihuan.store.queries.countable import Countable, Outcome, View, counted, ids, rows
from bihuan.store.queries.cut import Cut, Where, key
from bihuan.store.queries.score import OURS, answered, responded
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.kpi import Grain
from schemas.survey import Answer
from schemas.verification import Metric

_A, _C = table_of(Answer).c, table_of(Complaint).c
_BETWEEN = "|"
Span = tuple[date, date]
"""From the first day on and before the second."""


@dataclass(frozen=True)
class Frame:
    """From where the figures of one verification are read."""

    session: Session
    policy: Policy
    here: ZoneInfo
    at: datetime
    """What is open is late, and has lasted, as of this instant."""
    windows: Windows
    excluded: tuple[date, ...] = ()
    """First days of the months by which the slice was chosen."""

    @property
    def before(self) -> list[Span]:
        """The baseline, month by month."""
        return list(months(self.windows.baseline_on, self.windows.baseline_until, self.excluded))

    @property
    def after(self) -> list[Span]:
        """What counts as after, month by month."""
        until = self.windows.post_until or self.at.astimezone(self.here).date()
        return list(months(self.windows.post_on, until))

    def last_year(self) -> Frame:
        """The same a year earlier."""
        return replace(
            self, windows=self.windows.last_year(), excluded=tuple(_year_before(one) for one in self.excluded)
        )

    def instant(self, day: date) -> datetime:
        """When a day begins."""
        return datetime(day.year, day.month, day.day, tzinfo=self.here)


def _year_before(month_on: date) -> date:
    return month_on.replace(year=month_on.year - 1)


def months(first: date, until: date, excluded: Iterable[date] = ()) -> Iterator[Span]:
    """A stretch of days cut where months begin, without the months that are left out."""
    left_out, start = set(excluded), first
    while start < until:
        end = min(next_month(start.replace(day=1)), until)
        if start.replace(day=1) not in left_out:
            yield start, end
        start = end


def metric_of(indicator: IndicatorPolicy) -> Metric:
    """What kind of figure an indicator is."""
    if indicator.is_share:
        return Metric.SHARE
    if indicator.is_time:
        return Metric.DURATION
    return Metric.NPS if indicator.counts is Counts.NPS else Metric.SCORE


class Readings(NamedTuple):
    """What was counted in both windows, and how long their periods are."""

    before: Reading
    after: Reading
    grain: Grain


def readings(
    frame: Frame, indicator: IndicatorPolicy, where: Where, grain: Grain | None = None
) -> Readings:  # fmt: skip
    """What was counted before and after, of any indicator but a time.

    Args:
        frame: From where.
        indicator: Its policy.
        where: The slice.
        grain: Of the periods; None: weeks, or months where weeks hold too few cases each.
    """
    metric, survey = metric_of(indicator), survey_of(frame, indicator, where)
    cells = [cells_of(frame, indicator, where, survey, spans) for spans in (frame.before, frame.after)]
    grain = grain or _grain_of(cells)
    whole = pd.DataFrame(
        [(day, *sums) for one in cells for day, sums in one.by_day.items()], columns=["day", "x", "n", "squares"]
    )
    figures = whole.set_index(pd.to_datetime(whole.pop("day")))
    found = read(frame.windows, figures if metric is not Metric.SHARE else figures[["x", "n"]], metric, grain)
    scale = INDEX if indicator.counts is Counts.INDEX else CSAT
    before, after = (
        replace(reading, strata=one.strata, asked=_asked(frame, indicator, where, spans), scale=scale)
        for reading, one, spans in zip(found, cells, (frame.before, frame.after), strict=True)
    )
    return Readings(before, after, grain)


class Cells(NamedTuple):
    """What was counted in a window: the numerator (or sum), n and sum of squares of each day; and each kind of case."""

    by_day: Mapping[str, Sequence[float]]
    strata: tuple[Stratum, ...]


_LEAST_A_WEEK = 5
"""Cases; with fewer, months are told apart instead."""


def _grain_of(cells: Sequence[Cells]) -> Grain:
    """Weeks, or months where most weeks would be nearly empty."""
    days = sum(len(one.by_day) for one in cells)
    cases = sum(sums[1] for one in cells for sums in one.by_day.values())
    return Grain.WEEK if days and cases / days * 7 >= _LEAST_A_WEEK else Grain.MONTH


def cells_of(
    frame: Frame, indicator: IndicatorPolicy, where: Where, survey: str | None, spans: Sequence[Span]
) -> Cells:  # fmt: skip
    """The sums of each day, and of each kind of case."""
    by_day: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    kinds: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for span in spans:
        for row in frame.session.execute(_sums(frame, indicator, where, survey, span)):
            day, _, kind = str(row.key).partition(_BETWEEN)
            is_share = indicator.is_share
            sums = (row.x if is_share else row.amount, row.n, 0 if is_share else row.squares)
            for place, one in enumerate(sums):
                by_day[day][place] += float(one or 0)
            kinds[kind][0] += float(sums[0] or 0)
            kinds[kind][1] += float(row.n)
    return Cells(by_day, tuple(Stratum(name, x, n) for name, (x, n) in sorted(kinds.items())))


def _sums(
    frame: Frame, indicator: IndicatorPolicy, where: Where, survey: str | None, span: Span
) -> Select[Any]:  # fmt: skip
    """The statement of one month: a row a day and kind of case."""
    cut, what = placed(frame, indicator, where, span, by="day")
    kind = (
        func.coalesce(type_coerce(_C.channel, String), "") + " " + func.coalesce(type_coerce(_C.severity, String), "")
    )
    at = type_coerce(key(cut, what.at, what.own), String)
    each = rows(replace(_of(what, survey), key=at + literal(_BETWEEN) + kind), cut).subquery()
    amount = _points(each.c.amount) if indicator.counts is Counts.NPS else each.c.amount
    return (
        select(
            each.c.key, func.count().label("n"), func.sum(case((each.c.outcome == Outcome.YES, 1), else_=0)).label("x"),
            func.sum(amount).label("amount"), func.sum(amount * amount).label("squares"),
        )
        .where(each.c.outcome.in_(what.counted)).group_by(each.c.key)
    )  # fmt: skip


def _points(score: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((score >= PROMOTES_FROM, POINTS), (score <= DETRACTS_TO, -POINTS), else_=0.0)


def placed(
    frame: Frame, indicator: IndicatorPolicy, where: Where, span: Span, by: str | None = None
) -> tuple[Cut, Countable]:  # fmt: skip
    """How an indicator is cut and counted in one span."""
    since, until = (frame.instant(day) for day in span)
    periods = periods_between("day", since, until, frame.here) if by else ()
    cut = Cut(since, until, by, periods, where)
    found = (0, 0) if indicator.counts in SURVEYS else ids(frame.session, since, until)
    return cut, countable(indicator, View(frame.at, ids=found), cut)


def _of(what: Countable, survey: str | None) -> Countable:
    """Narrowed to one survey: foreign answers do not mix with ours."""
    if survey is None or what.survey is None:
        return what
    is_its = what.survey == survey
    return replace(what, only=is_its if what.only is None else what.only & is_its)


def survey_of(frame: Frame, indicator: IndicatorPolicy, where: Where) -> str | None:
    """Whose answers count: ours where there are any, else those of the largest foreign survey; None: no answers do."""
    if indicator.counts not in SURVEYS or indicator.counts is Counts.RESPONSE:
        return None
    cut = Cut(frame.instant(frame.windows.baseline_on), frame.at, where=where)
    each = rows(answered(Counts(indicator.counts)), cut, _A.source.label("survey")).subquery()
    found = select(each.c.survey, func.count().label("n")).group_by(each.c.survey).order_by(func.count().desc())
    names = [row.survey for row in frame.session.execute(found)]
    return OURS if OURS in names or not names else str(names[0])


def _asked(frame: Frame, indicator: IndicatorPolicy, where: Where, spans: Sequence[Span]) -> float | None:
    """How many were asked in these spans; None where nobody is, or the survey is not ours."""
    if indicator.counts not in SURVEYS or indicator.counts is Counts.RESPONSE:
        return None
    asked = 0
    for span in spans:
        cut = Cut(frame.instant(span[0]), frame.instant(span[1]), where=where)
        asked += sum(row["n"] for row in counted(frame.session, responded(View(frame.at)), cut))
    return float(asked) or None


class Pair(NamedTuple):
    """How many customers said the one before and the other after."""

    first: float
    second: float
    n: int


def pairs(frame: Frame, counts: Counts, where: Where) -> list[Pair]:
    """What the same customers said last before, and last after: second feedback 二次反馈 on complaints of the slice.

    Args:
        frame: From where.
        counts: What of their answers: of ``NEGATIVE`` and ``CSAT_TOP_TWO`` 1 (it counts) or 0, else the score.
        where: The slice.

    Returns:
        Only of customers who answered in both; nobody is named.
    """
    if not frame.before or not frame.after:
        return []
    first, second = (_last_said(frame, counts, where, spans) for spans in (frame.before, frame.after))
    both = first.join(second, first.c.customer == second.c.customer)
    found = (
        select(first.c.said.label("first"), second.c.said.label("second"), func.count().label("n"))
        .select_from(both).group_by(first.c.said, second.c.said).order_by(first.c.said, second.c.said)
    )  # fmt: skip
    return [Pair(float(row.first), float(row.second), row.n) for row in frame.session.execute(found)]


def _last_said(frame: Frame, counts: Counts, where: Where, spans: Sequence[Span]) -> Any:
    """The last answer of each customer in the spans, with the months between them."""
    cut = Cut(frame.instant(spans[0][0]), frame.instant(spans[-1][1]), where=where)
    what = _of(answered(counts), OURS)
    place = func.row_number().over(partition_by=_C.customer_id, order_by=(_A.answered_at.desc(), _A.id.desc()))
    yes_no = counts in {Counts.NEGATIVE, Counts.CSAT_TOP_TWO}
    said = case((what.outcome == Outcome.YES, 1), else_=0) if yes_no else what.amount
    assert said is not None
    each = rows(what, cut, _C.customer_id.label("customer"), place.label("place"), said.label("said"))
    each = each.where(_C.customer_id.is_not(None), what.outcome.in_(what.counted))
    for month_on in frame.excluded:
        end = next_month(month_on)
        each = each.where((_A.answered_at < frame.instant(month_on)) | (_A.answered_at >= frame.instant(end)))
    inner = each.subquery()
    return select(inner.c.customer, inner.c.said).where(inner.c.place == 1).subquery()
