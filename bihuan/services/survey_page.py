"""What the pages of invitations show: those who look at the same moment are answered by one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from bihuan.notify.link import TOKEN_LENGTH, token_hash
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import Questionnaire
from bihuan.services.link import LinkFacts, Refusal, refusal
from bihuan.services.policy import survey_edition
from bihuan.store.engine import Look
from bihuan.store.queries import board
from bihuan.store.rows import padded, table_of
from schemas.access import Link, Purpose
from schemas.outbox import Message
from schemas.survey import Answer, Invitation, InvitationState

_L, _M, _I, _A = (table_of(table) for table in (Link, Message, Invitation, Answer))
VOID = frozenset({InvitationState.CANCELLED, InvitationState.SUPPRESSED})
"""States of invitations whose links open nothing any more."""
_FOUND = (
    select(_L.c.token_hash, _L.c.purpose, _L.c.used_at, _L.c.revoked_at, _L.c.expires_at, _I.c.id, _I.c.state,
           _I.c.policy_version, _I.c.questionnaire, _I.c.expires_at.label("ends_at"), _A.c["values"].label("answers"),
           board.SIMULATED.scalar_subquery().is_not(None).label("is_simulated"))
    .join(_M, _M.c.id == _L.c.message_id).outerjoin(_I, _I.c.id == _M.c.invitation_id)
    .outerjoin(_A, _A.c.invitation_id == _I.c.id)
    .where(_L.c.token_hash.in_(bindparam("hashes", expanding=True)))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A questionnaire; the edition of the policy and its name there say exactly which questions these are."""

    edition: str
    name: str
    questionnaire: Questionnaire = field(compare=False)


@dataclass(frozen=True, slots=True)
class SurveyPage:
    """What somebody sees who follows the link of an invitation."""

    asked: Asked
    expires_at: datetime
    answers: Mapping[str, Any]
    """What was answered so far."""
    is_simulated: bool


def survey_pages(
    session: Look, policy: Policy, tokens: Collection[str], at: datetime
) -> dict[str, SurveyPage | Refusal]:
    """The page that each link opens, or why it opens none. Nothing is recorded by it."""
    hashes = {token: token_hash(token) for token in tokens}
    found = {row.token_hash: row for row in session.execute(_FOUND, {"hashes": padded([*hashes.values()])})}
    return {token: _page(session, policy, token, found.get(key), at) for token, key in hashes.items()}


def _page(session: Look, policy: Policy, token: str, row: Row[Any] | None, at: datetime) -> SurveyPage | Refusal:
    if row is None:
        return Refusal.TRUNCATED if len(token) < TOKEN_LENGTH else Refusal.UNKNOWN
    if why := refusal(LinkFacts(row.purpose, row.used_at, row.revoked_at, row.expires_at), Purpose.SURVEY, at):
        return why
    if row.id is None or row.state in VOID:
        return Refusal.UNKNOWN if row.id is None else Refusal.REVOKED
    edition = survey_edition(session, row.policy_version, policy)
    asked = Asked(edition.version, row.questionnaire, edition.questionnaires[row.questionnaire])
    return SurveyPage(asked, row.ends_at, row.answers or {}, row.is_simulated)
