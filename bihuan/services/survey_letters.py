"""The messages that invitations become: one for each, what goes to one person at once as one letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.policy.survey import Asking, FollowUp
from bihuan.rules.invitation import Act, Step
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED
from bihuan.store.rows import insert_new_rows
from schemas.outbox import Audience, Message, MessageState, Notice, Urgency
from schemas.survey import InvitationState

_SENT = frozenset({Act.INVITE, Act.REMIND})


class Going(NamedTuple):
    """An invitation and what is done with it now."""

    row: Row[Any]
    step: Step
    asking: Asking


def write_letters(session: Session, going: Sequence[Going], at: datetime) -> None:
    """Write the messages of what goes out now, and of what was to go out and does not, with the reason."""
    sent = [it for it in going if it.step.act in _SENT]
    letters = Counter(it.row.customer_id for it in sent)
    unsent = [it for it in going if it.step.act is Act.SUPPRESS and it.row.customer_id is not None
              and it.row.state is InvitationState.PLANNED]  # fmt: skip
    rows = [_message(it, at, letters[it.row.customer_id] > 1) for it in sent]
    rows += [_message(it, at, is_shared=False) for it in unsent]
    insert_new_rows(session, Message, rows, ["key"])


def _message(it: Going, at: datetime, is_shared: bool) -> dict[str, Any]:
    row, is_reminder, is_sent = it.row, it.step.act is Act.REMIND, it.step.act in _SENT
    what = f"{row.round}.0 reminder {row.reminders + 1}" if is_reminder else f"{row.round}.0 invitation"
    recipient = f"customer:{row.customer_id}"
    return {
        "key": message_key(f"{row.subject_kind}:{row.subject_id}", row.duty, recipient, PREFERRED, what),
        "subject_kind": row.subject_kind, "subject_id": row.subject_id, "invitation_id": row.id,
        # A reminder has no deadline: the invitation met it.
        "deadline_id": None if is_reminder else row.deadline_id,
        "notice": Notice.SURVEY_REMINDER if is_reminder else _notice(it.asking), "audience": Audience.CUSTOMER,
        "recipient": recipient, "channel": PREFERRED, "urgency": Urgency.USUAL,
        "bundle": f"asked {recipient} {at:%Y-%m-%dT%H:%M:%SZ}" if is_shared else None,
        "is_late": not is_reminder and at > row.due_at,
        "state": MessageState.PLANNED if is_sent else MessageState.SUPPRESSED,
        "reason": None if is_sent else it.step.reason, "planned_at": at, "next_at": at if is_sent else None,
    }  # fmt: skip


def _notice(asking: Asking) -> Notice:
    return Notice.RESULT if isinstance(asking, FollowUp) and asking.letter == "result" else Notice.FOLLOW_UP
