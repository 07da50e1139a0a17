"""What letting staff be takes: whose quiet hours count, and when somebody was last written to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from bihuan.store.rows import id_in, table_of
from schemas.outbox import Message, MessageState, Notice, Urgency
from schemas.people import Staff

_M = table_of(Message).c
_S = table_of(Staff).c
_COUNTS = (_M.urgency != Urgency.URGENT) & (_M.notice != Notice.SIGN_IN)
"""Letters after which a window begins: what goes at any hour and alone begins none."""


def staff_hours(session: Session, staff_ids: Collection[int]) -> dict[int, Row[Any]]:
    """Zone and quiet hours of their own, by id."""
    own = select(_S.id, _S.timezone, _S.quiet_from, _S.quiet_until).where(id_in(_S.id, sorted(staff_ids)))
    return {row.id: row for row in session.execute(own)}


def last_letters(
    session: Session, recipients: Collection[str], since: datetime, at: datetime, lease: timedelta
) -> dict[tuple[str, str], datetime]:
    """When each of them was last sent a letter by each channel, from ``since`` on; ``at`` where one is on its way.

    On its way is what another worker has claimed within its lease: so two workers do not write to one person at once.
    """
    to = _COUNTS & _M.recipient.in_(sorted(recipients))
    sent = select(_M.recipient, _M.channel, func.max(_M.sent_at).label("at")).where(to, _M.sent_at >= since)
    under_way = select(_M.recipient, _M.channel).where(
        to, _M.next_at > at, _M.next_at <= at + lease, _M.state.in_([MessageState.CLAIMED, MessageState.SENDING])
    )
    found = {(row.recipient, row.channel): row.at for row in session.execute(sent.group_by(_M.recipient, _M.channel))}
    return found | {(row.recipient, row.channel): at for row in session.execute(under_way.distinct())}
