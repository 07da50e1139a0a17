"""A month of complaints counted once: what each came to is one short text, and equal texts are counted by slice.

The text of a complaint, its course, holds one character for each indicator that looks at the complaint itself, then
for each of its deadlines a capital letter (the milestone) and a character (the outcome). So one pass over the month
serves every indicator, and the database hands over as many rows as there are different courses in a slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlmodel import Session

from bihuan.policy.kpi import MEDIANS, Counts
from bihuan.store.queries import kpi, log
from bihuan.store.queries.countable import Outcome
from bihuan.store.queries.instant import minutes
from bihuan.store.queries.snapshot import Month, elements, peopled
from bihuan.store.rows import table_of
from schemas.complaint import Complaint
from schemas.deadline import Deadline
from schemas.people import Department

_C, _D = table_of(Complaint).c, table_of(Deadline).c
_P = table_of(Department).c
ELSEWHERE = "~"
"""In a course by department: the deadline is another department's."""
CORRECTED = "c"
"""After an outcome: news came too late to count."""
RESPONSES, TIMES, OTHERS = "responses", "times", "others"
"""Names of parts that are no dimension: later answers, how long things took, and other departments' deadlines."""


class Letters(NamedTuple):
    """What the characters of a course stand for, in order: indicators of the complaint, and milestones."""

    whole: tuple[str, ...]
    """Names of indicators."""
    milestones: tuple[str, ...]

    def of(self, milestone: str) -> str:
        """The letter of a milestone."""
        return chr(ord("A") + self.milestones.index(milestone))


class Course(NamedTuple):
    """How many complaints of a slice had the same course.

    ``part`` is a dimension ("" for all together), ``OTHERS``, ``RESPONSES`` and a dimension (``responses channel``), or
    ``TIMES`` and an indicator: then ``element`` is an outcome, and ``course`` the minutes. ``amount`` and ``squares``
    are sums of the minutes until the first answer, or of later answers.
    """

    part: str
    day: int
    """Place among the days."""
    element: str
    course: str
    n: int
    amount: int
    squares: int


def letters_of(month: Month) -> Letters:
    """What the courses of a month are made of."""
    named = [it.milestone for it in month.indicators.values() if it.milestone]
    whole = tuple(name for name, it in month.indicators.items() if it.counts in _WHOLE)
    return Letters(whole, tuple(dict.fromkeys(named)))


def halves(month: Month) -> tuple[Month, Month]:
    """The month with either half of its complaints."""
    least, most = month.view.ids
    end = least + max(0, most - least + 1) // 2
    return _with_ids(month, (least, end - 1)), _with_ids(month, (end, most))


def pieces(month: Month, size: int) -> Iterator[Month]:
    """The month with so many of its complaints at a time: a database that works in memory needs the less of it."""
    least, most = month.view.ids
    for start in range(least, most + 1, size):
        yield _with_ids(month, (start, min(start + size - 1, most)))


def _with_ids(month: Month, ids: tuple[int, int]) -> Month:
    return replace(month, view=replace(month.view, ids=ids))


def courses(session: Session, month: Month) -> Iterator[Course]:
    """The courses of the month's complaints by slice and day, by each dimension and (as its sum) in all."""
    facts, again = _facts(month), _again(month)
    rows = session.execute(union_all(
        *(_by(facts, dimension, dimension) for dimension in month.cuts),
        *(_by(again, dimension, f"{RESPONSES} {dimension}") for dimension in month.cuts),
        *([_others(month)] if "department" in month.dimensions else []),
        *(_lasted(facts, month, name) for name, it in month.indicators.items() if it.counts in MEDIANS),
    ))  # fmt: skip
    total_of = month.total_of
    adding = {total_of: "", f"{RESPONSES} {total_of}": f"{RESPONSES} "} if total_of else {}
    for part, day, element, course, n, amount, squares in rows.all():
        found = Course(part, day, element, course, n, int(amount or 0), int(squares or 0))
        yield found
        if part in adding:
            yield found._replace(part=adding[part], element="")


_WHOLE = {
    Counts.SOURCE_VERDICT, Counts.RESOLVED, Counts.REOPENED, Counts.FIRST_CONTACT, Counts.FIRST_RESPONSE_TIME,
    Counts.RESPONSE_TIME, Counts.HANDLING_TIME,
}  # fmt: skip


def _facts(month: Month) -> CTE:
    """One row a complaint: its day, its dimensions, its course, and the minutes until it was answered."""
    view, letters = month.view, letters_of(month)
    said, deadlines = log.read(view), _deadlines(month)
    table = (
        table_of(Complaint)
        .outerjoin(said, said.c.complaint_id == _C.id)
        .outerjoin(deadlines, deadlines.c.complaint_id == _C.id)
    )
    answered, waited = kpi.waited(said.c.answered_at, view)
    is_on_time = case((said.c.has_verdict == 1, log.last_verdict(view)))
    handled, lasted = kpi.waited(kpi.handled_at(view), view)
    outcomes: dict[Any, Any] = {
        Counts.SOURCE_VERDICT: lambda _: kpi.verdict_outcome(is_on_time, view),
        Counts.RESOLVED: lambda within: kpi.resolution(within, view),
        Counts.REOPENED: lambda within: kpi.reopening(within, view),
        Counts.FIRST_CONTACT: lambda within: kpi.contact(said.c.was_handed_over == 1, within, view),
        Counts.FIRST_RESPONSE_TIME: lambda _: answered, Counts.RESPONSE_TIME: lambda _: answered,
        Counts.HANDLING_TIME: lambda _: handled,
    }  # fmt: skip
    course: ColumnElement[str] = literal("", String)
    for name in letters.whole:
        it = month.indicators[name]
        course = course + type_coerce(outcomes[it.counts](it.within), String)
    promises = func.coalesce(deadlines.c.course, "")
    counted = case((deadlines.c.has_moved == 1, _by_department(month)), else_=promises)
    facts = select(
        month.day_of(_C.registered_at).label("day"), *elements(month),
        course.label("course"), promises.label("promises"), counted.label("by_department"),
        case((answered == Outcome.YES, waited)).label("minutes"),
        answered.label("answered"), waited.label("until_answered"),
        handled.label("handled"), lasted.label("until_handled"),
    )  # fmt: skip
    return peopled(facts, table, month).where(month.complaints()).cte("facts").prefix_with("MATERIALIZED")


def _piece(month: Month) -> ColumnElement[str]:
    """A deadline in a course."""
    known = letters_of(month)
    letters = case(*((_D.milestone == name, known.of(name)) for name in known.milestones), else_="")
    corrected = case((_D.corrected_at.is_not(None), CORRECTED), else_="")
    outcome = kpi.deadline_outcome(month.view)
    return type_coerce(letters, String) + type_coerce(outcome, String) + type_coerce(corrected, String)


def _deadlines(month: Month) -> Subquery:
    """The promises to each complaint looked at, and whether any deadline was measured by another department."""
    said = select(
        _D.subject_id.label("complaint_id"),
        func.aggregate_strings(case((_D.leg == 0, _piece(month))), "").label("course"),
        func.max(case((or_(_D.leg != 0, _D.department.is_not(None)), 1), else_=0)).label("has_moved"),
    )
    return _of_month(said, month).group_by(_D.subject_id).subquery()


def _by_department(month: Month) -> ColumnElement[str]:
    """The deadlines of a complaint that moved, as they count by its department."""
    piece = _piece(month)
    theirs = type_coerce(func.substr(piece, 1, 1), String) + ELSEWHERE
    own = case((_D.department.is_(None), piece), (_D.department != "", theirs))
    said = _of_month(select(func.coalesce(func.aggregate_strings(own, ""), "")), month)
    return said.where(_D.subject_id == _C.id).scalar_subquery()


def _of_month(statement: Select[Any], month: Month) -> Select[Any]:
    """The statement over the deadlines of the complaints looked at."""
    known_at = month.view.known_at
    wanted = statement.where(
        _D.subject_kind == "complaint", _D.subject_id.between(*month.view.ids),
        _D.milestone.in_(letters_of(month).milestones),
    )  # fmt: skip
    return wanted.where(_D.started_at <= known_at) if known_at else wanted


def _by(facts: CTE, dimension: str, part: str) -> Select[Any]:
    """Courses by one dimension, or all together."""
    element = facts.c[f"of_{dimension}"] if dimension else literal("", String)
    course = facts.c.course + (facts.c.by_department if dimension == "department" else facts.c.promises)
    each = select(facts.c.day, element.label("element"), course.label("course"), facts.c.minutes).subquery()
    return _grouped(part, each)


def _again(month: Month) -> CTE:
    """One row an answer to a reopening, as facts of courses without a character."""
    again = log.answers_again(month.view)
    table = table_of(Complaint).join(again, again.c.complaint_id == _C.id)
    facts = select(
        month.day_of(_C.registered_at).label("day"), *elements(month),
        *(literal("", String).label(name) for name in ("course", "promises", "by_department")),
        minutes(again.c.asked_at, again.c.answered_at).label("minutes"),
    )  # fmt: skip
    return peopled(facts, table, month).where(month.complaints()).cte("again").prefix_with("MATERIALIZED")


def _others(month: Month) -> Select[Any]:
    """Deadlines that count for another department than the complaint's: as courses without the complaint's part."""
    table = table_of(Complaint).join(table_of(Deadline), _D.subject_id == _C.id)
    each = _of_month(
        select(month.day_of(_C.registered_at).label("day"), type_coerce(_D.department, String).label("element"),
               _piece(month).label("course"), literal(None, Integer).label("minutes")).select_from(table), month,
    ).where(_D.department != "", month.complaints()).subquery()  # fmt: skip
    return _grouped(OTHERS, each)


def _lasted(facts: CTE, month: Month, name: str) -> Select[Any]:
    """How often each time was taken, of which some has not ended: the outcome as element, the minutes as course."""
    is_answer = month.indicators[name].counts is Counts.FIRST_RESPONSE_TIME
    outcome, minutes_ = (
        (facts.c.answered, facts.c.until_answered) if is_answer else (facts.c.handled, facts.c.until_handled)
    )
    each = select(facts.c.day, outcome.label("element"), cast(minutes_, String).label("course"),
                  literal(None, Integer).label("minutes"))  # fmt: skip
    return _grouped(f"{TIMES} {name}", each.where(outcome.in_([Outcome.YES, Outcome.OPEN])).subquery())


def _grouped(part: str, each: Subquery) -> Select[Any]:
    amount, squares = func.sum(each.c.minutes), func.sum(each.c.minutes * each.c.minutes)
    return select(
        literal(part, String).label("part"), each.c.day, each.c.element, each.c.course, func.count().label("n"),
        amount.label("amount"), squares.label("squares"),
    ).group_by(each.c.day, each.c.element, each.c.course)  # fmt: skip
