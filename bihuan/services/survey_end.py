"""Invitations ended before they were answered: their rows say why, and their links open no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from bihuan.services.link import revoke
from bihuan.store.rows import table_of, update_rows
from schemas.access import Purpose
from schemas.outbox import Message
from schemas.survey import Invitation, InvitationState

_M = table_of(Message).c


def cancel(session: Session, invitations: Sequence[tuple[int, str]], at: datetime) -> None:
    """Cancel invitations, each with its reason, and revoke the links that went out with them.

    A message that is still on its way is not sent: claiming it looks at its invitation.
    """
    if not invitations:
        return
    update_rows(session, Invitation, [
        {"id": row_id, "state": InvitationState.CANCELLED, "reason": reason, "next_at": None, "call_at": None}
        for row_id, reason in invitations
    ])  # fmt: skip
    sent = select(_M.id).where(_M.invitation_id.in_([row_id for row_id, _ in invitations]))
    if message_ids := list(session.execute(sent).scalars()):
        revoke(session, at, message_ids=message_ids, purpose=Purpose.SURVEY)
