"""Review 复核: a person says whether a text that speaks against a high score makes the answer a bad one."""

from __future__ import annotations

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.policy.models import Policy
from bihuan.rules.score import DECIDED, Why
from bihuan.services.negative import open_work
from bihuan.store.rows import table_of
from schemas.survey import Answer, Invitation, Review

_A, _I = table_of(Answer), table_of(Invitation)


def review(
    session: Session, policy: Policy, clock: Clock, answer_id: int, revision: int, verdict: Review, who: str
) -> None:  # fmt: skip
    """Decide about the text of an answer; as a bad one it opens the work that a low score opens. Said twice, once.

    Args:
        session: Inside ``Database.write``.
        policy: Today's.
        clock: Tells the present.
        answer_id: The answer.
        revision: The one that was read: what was changed since is read again first.
        verdict: ``negative`` or ``dismissed``.
        who: Staff code, or what the form came by.

    Raises:
        UsageError: No such answer, or no such verdict.
        RefusedError: Nobody has to look at it, somebody decided otherwise, or it was changed since.
    """
    row = _found(session, answer_id)
    if verdict not in DECIDED:
        raise UsageError(f"{verdict} is no verdict", cure=f"one of {', '.join(sorted(DECIDED))}")
    if row.review is verdict:
        return
    if row.review is not Review.PENDING or row.revision != revision:
        raise RefusedError(f"answer {answer_id} does not wait for this verdict", cure="look at the board again")
    at, is_negative = clock(), verdict is Review.NEGATIVE
    said = {"review": verdict, "reviewed_at": at, "reviewed_by": who, "is_negative": is_negative}
    session.execute(update(Answer).where(_A.c.id == answer_id).values(said))
    if is_negative and row.subject_kind == "complaint":
        it = session.execute(select(_I).where(_I.c.id == row.invitation_id)).one()
        open_work(session, policy, clock, it, (Why.TEXT,), row.csat, row.nps)


def _found(session: Session, answer_id: int) -> Row[tuple[object, ...]]:
    row = session.execute(select(_A).where(_A.c.id == answer_id).with_for_update()).first()
    if row is None or row.invitation_id is None:
        raise UsageError(f"there is no answer {answer_id}", cure="look at the board again")
    return row
