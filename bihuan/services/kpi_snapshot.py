"""The snapshot 快照 of the indicators: kept day by day and month by month, and mended where late news change it.

A run takes one month at a time: those with a day that has ended since, and those of which there is news. What is
counted again changes only where its figures do. How far the news have been read, and how far an unfinished run has
come, are facts of the installation, so a run that is cut off goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import delete, select
from sqlmodel import Session

from bihuan.clock import parse_instant
from bihuan.companion import MANY
from bihuan.policy.kpi import KpiPolicy
from bihuan.policy.models import Policy
from bihuan.services.kpi import periods_between
from bihuan.services.kpi_keep import Kept, keep
from bihuan.services.kpi_month import Tallies, count
from bihuan.services.tally import Tally
from bihuan.store.beside import beside
from bihuan.store.engine import Database
from bihuan.store.lock import hold
from bihuan.store.queries.countable import View, ids
from bihuan.store.queries.course import Course, courses, halves
from bihuan.store.queries.news import Mark, first, mark, news
from bihuan.store.queries.snapshot import Month
from bihuan.store.rows import table_of
from schemas.installation import InstallationFact

_F = table_of(InstallationFact)
_READ, _RUN = "kpi snapshot", "kpi snapshot run"
_ONE_DAY = timedelta(days=1)
Days = dict[date, bool]
"""Days that have to be counted, and whether news of them came late."""


@dataclass(frozen=True, slots=True)
class Taken(Tally):
    """What one batch, or all of a run, did."""

    taken: int = 0
    """Months that were counted, or a run that was brought to its end."""
    days: int = 0
    new: int = 0
    changed: int = 0
    corrected: int = 0
    """Of the changed ones, those that late news changed after they had been told."""


@dataclass(frozen=True, slots=True)
class _State:
    """How far the news have been read, and by which policy; while a run goes on also up to where it reads them."""

    read: Mark | None
    version: str
    goal: Mark | None
    after: str
    written: tuple[str | None, str | None]
    """Both facts as they are stored: whoever writes makes sure that nobody else has written since."""


def take_all(db: Database, policy: Policy, here: ZoneInfo, at: datetime) -> Taken:
    """Take batches until there is nothing left to count."""
    total = Taken()
    while (done := take_batch(db, policy, here, at)).taken:
        total += done
    return total


def take_batch(db: Database, policy: Policy, here: ZoneInfo, at: datetime) -> Taken:
    """Count one month that has to be counted, and keep it; taking it again at the same instant changes nothing.

    Args:
        db: The database.
        policy: Its indicators, and the dimensions that are kept.
        here: The zone in which days begin.
        at: As of when: days that have not ended by then are not counted, nor is what happened later.

    Returns:
        What was done; ``taken`` 0 once nothing is left.
    """
    version = _version(policy.kpi, here)
    with db.read() as session:
        state = _state(session, version)
        if state.read and (at < state.read.at or (state.goal and at < state.goal.at)):
            return Taken()
        goal = state.goal or mark(session, at)
        waiting = _waiting(session, policy.kpi, state, version, goal, here)
        months = sorted({f"{day:%Y-%m}" for day in waiting if f"{day:%Y-%m}" > state.after})
        if not months:
            return _finish(db, state, goal, version, at.astimezone(here).date() > goal.at.astimezone(here).date())
        days = {day: is_late for day, is_late in waiting.items() if f"{day:%Y-%m}" == months[0]}
        month = _month(session, policy.kpi, min(days), goal.at, here, at)
    counted = _counted(db, month)  # news that came meanwhile lie after the goal: they will be counted once more
    with db.write() as session:
        hold(session, _READ)
        if _state(session, version).written != state.written:
            return Taken(taken=1)  # another run has kept it meanwhile
        kept = keep(session, policy.kpi, month, counted, _told(state, days), at)
        _write(session, _RUN, _said(goal, version) | {"after": months[0]})
    return _taken(kept, len(days))


def _counted(db: Database, month: Month) -> tuple[pd.DataFrame, Tallies]:
    """The month counted; a large one by two processes, each half of the complaints."""
    least, most = month.view.ids
    if most - least < MANY:
        with db.read_still() as session:
            return count(session, month, courses(session, month))
    ours, theirs = halves(month)
    with beside(db, _courses, theirs) as (session, told):
        return count(session, month, chain(courses(session, ours), map(Course._make, chain.from_iterable(told))))


def _courses(session: Session, month: Month) -> Iterator[list[tuple[Any, ...]]]:
    yield list(map(tuple, courses(session, month)))  # a class of its own takes ten times as long on its way


def _taken(kept: Kept, days: int) -> Taken:
    return Taken(1, days, kept.new, kept.changed, kept.corrected)


def _told(state: _State, days: Days) -> frozenset[date]:
    """The days of which news came late, after they had been counted."""
    return frozenset(day for day, is_late in days.items() if is_late and state.read)


def _waiting(
    session: Session, policy: KpiPolicy, state: _State, version: str, goal: Mark, here: ZoneInfo
) -> Days:  # fmt: skip
    """The days that have ended and have to be counted."""
    today, since = goal.at.astimezone(here).date(), first(session)
    if since is None:
        return {}
    began, read = since.astimezone(here).date(), state.read
    if read is None or version != state.version:
        return dict.fromkeys(_between(began, today), False)
    found: Days = dict.fromkeys(_between(max(began, read.at.astimezone(here).date()), today), False)
    spans = {it.within for it in policy.indicators.values() if it.within}
    for one in news(session, read, goal, spans):
        day = one.at.astimezone(here).date()
        if began <= day < today:
            found[day] = found.get(day, False) or one.is_late
    return found


def _between(first_day: date, end: date) -> Sequence[date]:
    return [first_day + _ONE_DAY * number for number in range((end - first_day).days)]


def _month(
    session: Session, policy: KpiPolicy, day: date, until: datetime, here: ZoneInfo, at: datetime
) -> Month:  # fmt: skip
    """The month of a day, as far as its days have ended."""
    start = datetime(day.year, day.month, 1, tzinfo=here)
    midnight = until.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0)
    end = min((start + timedelta(days=32)).replace(day=1), midnight)
    days = (*periods_between("day", start, end, here), ("", end))
    dimensions = policy.snapshot.dimensions
    return Month(days, policy.indicators, dimensions, View(at, at, ids(session, start, end)))


def _finish(db: Database, state: _State, goal: Mark, version: str, is_behind: bool) -> Taken:
    """The news up to the goal have been read; there is more to take where that was on an earlier day than today."""
    with db.write() as session:
        hold(session, _READ)
        if _state(session, version).written == state.written:
            _write(session, _READ, _said(goal, version))
            session.execute(delete(_F).where(_F.c.name == _RUN))
    return Taken(taken=int(is_behind))


def _state(session: Session, version: str) -> _State:
    rows = session.execute(select(_F.c.name, _F.c.value).where(_F.c.name.in_([_READ, _RUN])))
    facts = {row.name: row.value for row in rows}
    written = (facts.get(_READ), facts.get(_RUN))
    read, run = (json.loads(one) if one else {} for one in written)
    is_ours = run.get("version") == version  # a run by another policy is none of ours: all is counted anew
    return _State(
        _mark(read) if read else None, read.get("version", ""), _mark(run) if is_ours else None,
        run["after"] if is_ours else "", written,
    )  # fmt: skip


def _mark(said: Mapping[str, Any]) -> Mark:
    return Mark(parse_instant(said["at"]), said["event"], said["answer"])


def _said(it: Mark, version: str) -> dict[str, Any]:
    return {"at": it.at.isoformat(), "event": it.event, "answer": it.answer, "version": version}


def _write(session: Session, name: str, said: Mapping[str, Any]) -> None:
    session.merge(InstallationFact(name=name, value=json.dumps(said)))


def _version(policy: KpiPolicy, here: ZoneInfo) -> str:
    """Whatever makes figures of the past others: what is counted, how, and when days begin."""
    return f"{policy.version} {here.key}"
