"""PDCA cycles 改进循环: opened each month from its analysis, or at any time for one matter; nothing in them is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.rules.access import roles_of
from bihuan.rules.carry import Ask, Carried, Limits, Open, carried
from bihuan.rules.carry import orphans as orphans_of
from bihuan.rules.item import ENDED, Phase, phase_of
from bihuan.rules.month import next_month
from bihuan.services.complaint import find as find_complaint
from bihuan.services.cycle_file import find_cycle, find_open_cycle
from bihuan.services.dossier import open_items, today_of
from bihuan.services.item_log import note, said, void
from bihuan.services.item_people import active_staff, code_of
from bihuan.store.lock import hold
from schemas.access import Role
from schemas.complaint import Complaint
from schemas.improvement import AnalysisRun
from schemas.item import Cycle, CycleKind, Gate, Item

CARRIED = "carried"


class Carry(NamedTuple):
    """One item that was carried forward."""

    number: str
    carry_count: int
    ask: Ask
    """What somebody has to do about it."""
    is_overdue: bool


def open_month(session: Session, policy: Policy, clock: Clock, run_number: str, by: str) -> str:
    """Open the cycle of the month in which an analysis was made: that after the analysed one.

    Doing it again gives the one that there is.

    Args:
        session: Inside ``Database.write``.
        policy: Today's; its version is kept.
        clock: Tells the present.
        run_number: Of the analysis, ``M-2026-10``.
        by: Who.

    Returns:
        Its number, ``PDCA-2026-11``, with the analysis' scope behind it where there is one.

    Raises:
        UsageError: No such analysis.
    """
    run = session.exec(select_rows(AnalysisRun).where(AnalysisRun.number == run_number)).first()
    if run is None:
        raise UsageError(f"no analysis {run_number!r}", cure="see `bihuan improvement months`")
    hold(session, "pdca")
    period_on = next_month(run.period_on)
    mine = select_rows(Cycle).where(Cycle.kind == CycleKind.MONTHLY, Cycle.scope == run.scope)
    known = session.exec(mine.where(Cycle.period_on == period_on)).first()
    if known is not None:
        return known.number
    before = session.exec(mine.where(col(Cycle.period_on) < period_on).order_by(col(Cycle.period_on).desc())).first()
    cycle = Cycle(
        number=f"PDCA-{period_on:%Y-%m}" + (f"-{run.scope}" if run.scope else ""), kind=CycleKind.MONTHLY,
        period_on=period_on, scope=run.scope, run_id=run.id, previous_id=before.id if before else None,
        opened_at=clock(), policy_version=policy.version,
    )  # fmt: skip
    return _opened(session, cycle, by)


def open_special(
    session: Session, policy: Policy, clock: Clock, title: str, by: str, complaint: str | None = None, scope: str = "",
) -> str:  # fmt: skip
    """Open a cycle 专项 for one matter, at any time.

    For a complaint that has an open one, or under the same title, it gives that.

    Args:
        session: Inside ``Database.write``.
        policy: Today's; its version is kept.
        clock: Tells the present.
        title: What it is about.
        by: Who.
        complaint: Number of the complaint it is opened for.
        scope: The part of the house it is about.

    Returns:
        Its number, ``PDCA-S-2026-003``.

    Raises:
        UsageError: No title, or no such complaint.
    """
    if not title.strip():
        raise UsageError("the cycle has no title", cure="say in a few words what it is about")
    title = said(title, "the title", 300)
    about = find_complaint(session, complaint) if complaint else None
    hold(session, "pdca")
    if (known := _open_special(session, title, about)) is not None:
        return known.number
    today = today_of(policy, clock())
    prefix = f"PDCA-S-{today:%Y}-"
    begun = session.exec(select_rows(Cycle.number).where(col(Cycle.number).like(f"{prefix}%"))).all()
    cycle = Cycle(
        number=f"{prefix}{len(begun) + 1:03}", kind=CycleKind.SPECIAL, period_on=today, scope=said(scope, "scope", 120),
        title=title, complaint_id=about.id if about else None, opened_at=clock(), policy_version=policy.version,
        is_simulated=bool(about and about.is_simulated),
    )  # fmt: skip
    return _opened(session, cycle, by)


def _open_special(session: Session, title: str, about: Complaint | None) -> Cycle | None:
    mine = select_rows(Cycle).where(Cycle.kind == CycleKind.SPECIAL, col(Cycle.closed_at).is_(None))
    same = (Cycle.complaint_id == about.id,) if about else (Cycle.title == title, col(Cycle.complaint_id).is_(None))
    return session.exec(mine.where(*same)).first()


def _opened(session: Session, cycle: Cycle, by: str) -> str:
    people = active_staff(session)
    cycle.opened_by = said(by, "the name", 120)
    cycle.manager_id = _first([one for one in people if one.code == by], Role.QUALITY_MANAGER) or _first(
        people, Role.QUALITY_MANAGER
    )
    cycle.sponsor_id = _first(people, Role.EXECUTIVE)
    session.add(cycle)
    session.flush()
    return cycle.number


def _first(people: Iterable[Any], role: Role) -> int | None:
    return next((one.id for one in people if role in roles_of(one.is_head, one.roles)), None)


def carry_forward(session: Session, policy: Policy, clock: Clock, into_number: str, by: str = "") -> list[Carry]:
    """Carry what has not ended from earlier months of the same scope into a month's cycle: the same items, no copies.

    Months that were missed are made up for at once; doing it again changes nothing. A plan that is late for the third
    time has to be agreed to again, by the executive too. What did not work goes along until a child goes on from it.

    Args:
        session: Inside ``Database.write``.
        policy: Who is asked from when on.
        clock: Tells the present.
        into_number: Of an open monthly cycle.
        by: Who; empty: the month's end itself.

    Returns:
        What was carried, by number.

    Raises:
        UsageError: No such cycle, or it is a special one.
        RefusedError: It is closed; or something would be left that nobody works on.
    """
    hold(session, "pdca")
    into = find_open_cycle(session, into_number)
    if into.kind is not CycleKind.MONTHLY:
        raise UsageError(f"{into_number} is no month's cycle", cure="carry forward into that of a month")
    limits = Limits(policy.improvement.cycle.carry.head, policy.improvement.cycle.carry.executive)
    found = []
    for item in open_items(session):
        cycle = session.get_one(Cycle, item.cycle_id)
        if cycle.kind is CycleKind.MONTHLY and cycle.scope == into.scope:
            stands = Open(item.state, cycle.period_on, item.carry_count, item.due_on, item.verdict)
            if told := carried(stands, into.period_on, limits):
                _carry(session, clock, item, (cycle, into), told, by)
                found.append(Carry(item.number, told.carry_count, told.ask, told.is_overdue))
    if left := orphans(session):
        raise RefusedError(f"nobody works on {', '.join(left)}", cure="open the cycle of their scope")
    return found


def _carry(session: Session, clock: Clock, item: Item, way: tuple[Cycle, Cycle], told: Carried, by: str) -> None:
    before, into = way
    item.cycle_id, item.carry_count = into.id or 0, told.carry_count
    data = {"from": before.number, "to": into.number, "ask": told.ask.value, "is_overdue": told.is_overdue,
            "count": told.carry_count}  # fmt: skip
    file = note(session, clock, item, CARRIED, by, data=data)
    if told.ask is Ask.EXECUTIVE:
        void(session, clock, file, Gate.G3, by)


def orphans(session: Session) -> list[str]:
    """Numbers of the items that nobody works on: not ended, in a cycle that is closed. There should be none."""
    closed = {one.id or 0: one.closed_at is not None for one in session.exec(select_rows(Cycle))}
    rows = session.exec(select_rows(Item).order_by(Item.number))
    return orphans_of([(one.number, one.state, one.cycle_id) for one in rows], closed)


def close_cycle(session: Session, policy: Policy, clock: Clock, number: str, by: str, summary: str = "") -> None:
    """Close a cycle in which nothing is open any more: ended, or carried into another. Closed again nothing changes.

    Raises:
        UsageError: No such cycle.
        RefusedError: Something in it is open.
    """
    del policy
    hold(session, "pdca")
    cycle = find_cycle(session, number)
    if cycle.closed_at is not None:
        return
    left = [one.number for one in open_items(session) if one.cycle_id == cycle.id]
    if left:
        raise RefusedError(f"{number} is not done: {', '.join(left)}", cure="end them, or carry them forward")
    cycle.closed_at = clock()
    cycle.summary = summary.strip() or cycle.summary or f"closed by {said(by, 'the name', 120)}"
    session.add(cycle)
    session.flush()


def phase(session: Session, number: str) -> Phase | None:
    """The phase of a cycle: the earliest among its open items; None where it has none.

    Raises:
        UsageError: No such cycle.
    """
    cycle = session.exec(select_rows(Cycle).where(Cycle.number == number)).first()
    if cycle is None:
        raise UsageError(f"no improvement cycle {number!r}", cure="see `bihuan improvement list`")
    return phase_of(one.state for one in session.exec(select_rows(Item).where(Item.cycle_id == cycle.id)))


def cycles(session: Session) -> list[dict[str, Any]]:
    """The cycles, newest first.

    Returns:
        Of each: number, kind, period_on, scope, title, phase, ``open`` and ``ended`` items in it, those ``carried``
        into it among them, manager and sponsor by code, opened_at, closed_at, ``analysis`` and ``complaint`` numbers.
    """
    rows = session.exec(select_rows(Cycle).order_by(col(Cycle.period_on).desc(), col(Cycle.id).desc())).all()
    by_cycle: dict[int, list[Item]] = {row.id or 0: [] for row in rows}
    for item in session.exec(select_rows(Item)):
        by_cycle[item.cycle_id].append(item)
    return [_told(session, row, by_cycle[row.id or 0]) for row in rows]


def _told(session: Session, row: Cycle, inside: list[Item]) -> dict[str, Any]:
    run = session.get(AnalysisRun, row.run_id) if row.run_id else None
    about = session.get(Complaint, row.complaint_id) if row.complaint_id else None
    return {
        "number": row.number, "kind": row.kind, "period_on": row.period_on, "scope": row.scope, "title": row.title,
        "phase": phase_of(one.state for one in inside), "open": sum(one.state not in ENDED for one in inside),
        "ended": sum(one.state in ENDED for one in inside), "carried": sum(one.carry_count > 0 for one in inside),
        "manager": code_of(session, row.manager_id), "sponsor": code_of(session, row.sponsor_id),
        "opened_at": row.opened_at, "closed_at": row.closed_at, "analysis": run.number if run else "",
        "complaint": about.number if about else "",
    }  # fmt: skip
