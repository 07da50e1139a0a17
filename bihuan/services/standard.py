"""Standards 标准作业程序: what an effective improvement leaves behind, version by version.

A version is written, trained and audited; the next one says line by line what is different. Who hears of it is for
``standard_told`` to say.
"""

from __future__ import annotations

import difflib
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.services.dossier import today_of
from bihuan.services.item_log import find_open, needed, note, said
from bihuan.services.item_people import staff_by_code
from bihuan.store.lock import hold
from bihuan.store.rows import table_of
from schemas.effect import Standard
from schemas.item import Item, ItemState
from schemas.verification import Verdict

AUDITS = (30, 60, 90)
"""Days after it took effect on which somebody looks whether it is kept."""
_LEADS_HERE = frozenset({ItemState.VERDICT, ItemState.STANDARDISING, ItemState.SUSTAINING})
_T = table_of(Standard).c


class Text(NamedTuple):
    """The words of a version."""

    title: str
    content: str
    """Line by line."""
    owner: str = ""
    """Code of who answers for it; empty: as before, or the item's owner."""


def draft_standard(
    session: Session, policy: Policy, clock: Clock, number: str, text: Text, by: str, standard: str = ""
) -> str:  # fmt: skip
    """Write what an improvement leaves behind: a new standard, or the next version of one.

    Written again with the same words nothing changes. A version that is in force is not rewritten: the next one is.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        number: The item's, judged effective or accepted without a claim.
        text: Its words.
        by: Who.
        standard: ``SOP-2027-001`` to go on from; empty: that of the item, else a new one.

    Returns:
        Its number.

    Raises:
        UsageError: No such item, standard or person, or no words.
        RefusedError: The item has not been judged, or not so that anything is to be kept.
    """
    item = find_open(session, number)
    if item.state not in _LEADS_HERE or item.verdict not in {Verdict.EFFECTIVE, Verdict.NOT_ATTRIBUTABLE}:
        raise RefusedError(f"{number} has nothing to be kept ({item.state}, {item.verdict or 'not judged'})",
                           cure="judge its effect first")  # fmt: skip
    title, content = needed(text.title, "the title"), text.content.strip() + "\n"
    if not content.strip():
        raise UsageError("the standard says nothing", cure="write what is done, line by line")
    hold(session, "standard")
    before = newest(session, standard) if standard else _of_item(session, item)
    usual = before.owner_id if before else item.owner_id
    owner_id = staff_by_code(session, text.owner).id if text.owner else usual
    wanted = {"title": said(title, "the title", 300), "content": content, "owner_id": owner_id}
    row = _version(session, policy, clock, item, before)
    changed = {name: [getattr(row, name), value] for name, value in wanted.items() if getattr(row, name) != value}
    if not changed:
        return row.number
    for name, value in wanted.items():
        setattr(row, name, value)
    row.difference = difference(before_content(session, row), content)
    session.add(row)
    session.flush()
    note(session, clock, item, "standard_drafted", by, data={"standard": f"{row.number} v{row.version}"})
    return row.number


def _of_item(session: Session, item: Item) -> Standard | None:
    mine = select_rows(Standard).where(Standard.item_id == item.id).order_by(col(Standard.id).desc())
    return session.exec(mine).first()


def newest(session: Session, number: str) -> Standard:
    """The newest version of a standard.

    Raises:
        UsageError: There is none of that number.
    """
    mine = select_rows(Standard).where(Standard.number == number).order_by(col(Standard.version).desc())
    found = session.exec(mine).first()
    if found is None:
        raise UsageError(f"no standard {number!r}", cure="see `bihuan improvement show ITEM`")
    return found


def _version(session: Session, policy: Policy, clock: Clock, item: Item, before: Standard | None) -> Standard:
    """The version to be written: that of the item while it is not in force, else the next one."""
    today = today_of(policy, clock())
    if before and before.item_id == item.id and (before.effective_on is None or before.effective_on > today):
        return before
    if before:
        return Standard(number=before.number, version=before.version + 1, item_id=item.id or 0, title="",
                        made_at=clock())  # fmt: skip
    prefix = f"SOP-{today:%Y}-"
    count = select(func.count(table_of(Standard).c.number.distinct())).where(
        table_of(Standard).c.number.like(f"{prefix}%")
    )
    made = session.execute(count).scalar_one()
    return Standard(number=f"{prefix}{made + 1:03}", item_id=item.id or 0, title="", made_at=clock())


def before_content(session: Session, row: Standard) -> str:
    """The words of the version before; empty of the first."""
    mine = select_rows(Standard.content).where(Standard.number == row.number, Standard.version == row.version - 1)
    return session.exec(mine).first() or ""


def difference(before: str, after: str) -> str:
    """What is different, line by line: lines that are gone with -, new ones with +, with a line around them."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))
    return "\n".join(lines[2:])


def put_in_force(
    session: Session, policy: Policy, clock: Clock, number: str, effective_on: date, by: str, elsewhere: str = ""
) -> None:  # fmt: skip
    """Say from when on the newest version of a standard is in force, and where else the same could happen 横向展开.

    Its audits fall due 30, 60 and 90 days later. Said again nothing changes.

    Raises:
        UsageError: No such standard.
        RefusedError: It has been in force since another day that has passed.
    """
    row, item = _open(session, number)
    today = today_of(policy, clock())
    if row.effective_on and row.effective_on != effective_on and row.effective_on <= today:
        raise RefusedError(f"{number} has been in force since {row.effective_on}", cure="write its next version")
    told: dict[str, Any] = {}
    if row.effective_on != effective_on:
        told["effective_on"] = [f"{row.effective_on or ''}", f"{effective_on}"]
        row.effective_on = effective_on
        row.audits = [{"due_on": f"{effective_on + timedelta(days=days)}", "done_on": None, "is_kept": None, "by": ""}
                      for days in AUDITS]  # fmt: skip
    if elsewhere.strip() and elsewhere.strip() != row.elsewhere:
        told["elsewhere"] = [row.elsewhere, elsewhere.strip()]
        row.elsewhere = elsewhere.strip()
    _keep(session, clock, item, row, "standard_in_force", by, told)


def record_training(session: Session, policy: Policy, clock: Clock, number: str, ratio: float, by: str) -> None:
    """Say how many of the people concerned were trained 培训覆盖率, 0 to 1.

    Raises:
        UsageError: No such standard, or no share.
    """
    del policy
    if not 0 <= ratio <= 1:
        raise UsageError(f"{ratio} is no share", cure="write a number from 0 to 1")
    row, item = _open(session, number)
    told = {"trained_ratio": [row.trained_ratio, ratio]} if row.trained_ratio != ratio else {}
    row.trained_ratio = ratio
    _keep(session, clock, item, row, "standard_trained", by, told)


def record_audit(
    session: Session, policy: Policy, clock: Clock, number: str, due_on: date, by: str, *, is_kept: bool
) -> None:  # fmt: skip
    """Say what an audit found: whether the standard is kept.

    Raises:
        UsageError: No such standard, or no audit due on that day.
        RefusedError: It is not due yet.
    """
    row = newest(session, number)
    item = session.get_one(Item, row.item_id)
    today = today_of(policy, clock())
    if due_on > today:
        raise RefusedError(f"the audit of {number} on {due_on} is not due yet", cure="record it on its day")
    audits, found = [dict(one) for one in row.audits], f"{due_on}"
    mine = next((one for one in audits if one["due_on"] == found), None)
    if mine is None:
        raise UsageError(f"{number} has no audit due on {due_on}", cure=_audit_days(row))
    if mine["done_on"] and mine["is_kept"] is is_kept:
        return
    told = {f"audit {found}": [mine["is_kept"], is_kept]}
    mine |= {"done_on": f"{today}", "is_kept": is_kept, "by": said(by, "the name", 120)}
    row.audits = audits
    _keep(session, clock, item, row, "standard_audited", by, told)


def _audit_days(row: Standard) -> str:
    return f"one of {', '.join(one['due_on'] for one in row.audits)}" if row.audits else "put it in force first"


def _open(session: Session, number: str) -> tuple[Standard, Item]:
    """The newest version, and its item, which has not ended."""
    row = newest(session, number)
    return row, find_open(session, session.get_one(Item, row.item_id).number)


def _keep(
    session: Session, clock: Clock, item: Item, row: Standard, kind: str, by: str, told: dict[str, Any]
) -> None:  # fmt: skip
    if told:
        session.add(row)
        session.flush()
        note(session, clock, item, kind, by, data={"standard": f"{row.number} v{row.version}"} | told)
