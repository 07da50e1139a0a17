"""Checkpoints 检查点: once a week how far each item is against its plan, and what was decided about the difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import UsageError
from bihuan.policy.models import Policy
from bihuan.rules.plan_progress import planned
from bihuan.services.dossier import Dossier, dossiers, today_of
from bihuan.services.improvement_due import follow_all
from bihuan.services.item_log import find_open, needed, note, said
from bihuan.services.item_show import part, progress_of
from bihuan.services.tally import Tally
from bihuan.store.engine import Database
from bihuan.store.lock import hold
from schemas.installation import InstallationFact
from schemas.item import Item, ItemState
from schemas.plan import Checkpoint, MeasureState

_WEEK, _DAY = timedelta(weeks=1), timedelta(days=1)
_READ = "improvement week"
_S = ItemState
_REVIEWED = (_S.PLANNED, _S.PLAN_REVIEW, _S.APPROVED, _S.DOING, _S.IMPLEMENTED, _S.OBSERVING)
_SLACK = 0.005
"""Less than that is no deviation: a rounding."""


@dataclass(frozen=True, slots=True)
class Reviewed(Tally):
    """What one look at a week did."""

    items: int = 0
    """With a new checkpoint."""
    behind: int = 0
    """Of these, behind their plan."""
    late: int = 0
    """Measures past their day."""
    near: int = 0
    """Measures due within the week."""


def review_week(db: Database, policy: Policy, clock: Clock) -> Reviewed:
    """Set a checkpoint for every item that is planned or worked on, on the first working day of a week.

    A week whose first day was missed is looked at on the next; done once nothing more is done in that week. Deadlines
    of measures and decisions are brought in line too.
    """
    today = today_of(policy, clock())
    with db.write() as session:
        hold(session, _READ)
        fact, week_on = session.get(InstallationFact, _READ), monday_of(today)
        if not policy.calendars.default.frames_on(today) or (fact and fact.value >= week_on.isoformat()):
            return Reviewed()
        follow_all(session, policy, clock())
        mine = select_rows(Item).where(col(Item.state).in_(_REVIEWED)).order_by(Item.number)
        total = Reviewed()
        for file in dossiers(session, session.exec(mine).all()):
            total += _review(session, file, week_on)
        session.merge(InstallationFact(name=_READ, value=week_on.isoformat()))
        return total


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - day.weekday() * _DAY


def _review(session: Session, file: Dossier, week_on: date) -> Reviewed:
    """Set the checkpoint of one item: what should be done by the end of the week before, and what is."""
    wanted = planned([part(one) for one in file.measures], week_on - _DAY)
    row = Checkpoint(
        item_id=file.item.id or 0, week_on=week_on, planned_ratio=round(wanted, 4),
        actual_ratio=round(progress_of(file), 4), next_on=week_on + _WEEK,
    )  # fmt: skip
    session.add(row)
    session.flush()
    is_open = {MeasureState.PLANNED, MeasureState.DOING}
    open_ = [one.due_on for one in file.measures if one.due_on and one.state in is_open]
    late = sum(due_on < week_on for due_on in open_)
    near = sum(week_on <= due_on < week_on + _WEEK for due_on in open_)
    return Reviewed(1, int(row.actual_ratio < row.planned_ratio - _SLACK and bool(open_)), late, near)


def record_review(
    session: Session, policy: Policy, clock: Clock, number: str, deviation: str, decision: str, by: str,
) -> Checkpoint:  # fmt: skip
    """Say why an item is not where it was planned to be 偏差, and what was decided; of its last checkpoint.

    Said again nothing changes.

    Raises:
        UsageError: No such item, no checkpoint yet, or nothing was said.
        RefusedError: The item has ended.
    """
    del policy
    item = find_open(session, number)
    mine = select_rows(Checkpoint).where(Checkpoint.item_id == item.id).order_by(col(Checkpoint.week_on).desc())
    row = session.exec(mine).first()
    if row is None:
        raise UsageError(f"{number} has no checkpoint yet", cure="wait for the first working day of the week")
    told = {"deviation": needed(deviation, "the deviation"), "decision": said(decision, "the decision")}
    if (row.deviation, row.decision) == (told["deviation"], told["decision"]):
        return row
    row.deviation, row.decision = told["deviation"], told["decision"]
    row.reviewed_by, row.reviewed_at = said(by, "the name", 120), clock()
    session.add(row)
    note(session, clock, item, "reviewed", by, data={"week": row.week_on.isoformat()} | told)
    return row
