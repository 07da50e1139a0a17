"""Planning: what the deadlines of follow-ups have news of becomes invitations, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, update
from sqlmodel import Session

from bihuan.clock import zone
from bihuan.policy.models import Policy
from bihuan.policy.survey import Exempt, SurveyPolicy
from bihuan.rules.complaint import undone_at
from bihuan.rules.invitation import Reason
from bihuan.rules.survey import Window, times
from bihuan.services.projection import logs_of
from bihuan.services.survey_end import cancel
from bihuan.settings import Settings
from bihuan.store.queries.survey import by_key, handlings, news, undoings
from bihuan.store.rows import id_in, insert_new_rows, table_of, update_rows
from schemas.complaint import ComplaintState
from schemas.deadline import Deadline
from schemas.survey import Invitation, InvitationState

_D = table_of(Deadline)
_OPEN = frozenset({InvitationState.PLANNED, InvitationState.INVITED, InvitationState.PHONE})
_WHY = {ComplaintState.MERGED: "merged", ComplaintState.WITHDRAWN: "withdrawn"}


@dataclass(frozen=True, slots=True)
class Planned:
    """What one look at the news led to."""

    taken: int = 0
    planned: int = 0
    exempt: int = 0
    expired: int = 0
    """They could not be asked any more when they were first looked at."""
    moved: int = 0
    cancelled: int = 0


def window_of(survey: SurveyPolicy, settings: Settings, timezone: str | None) -> Window:
    """When a person is written to: by the clock of where they live, else of the installation."""
    return Window(*survey.contact.window, zone(timezone or settings.timezone))


def plan_news(session: Session, policy: Policy, settings: Settings, at: datetime, limit: int) -> Planned:
    """Look at the news of at most ``limit`` deadlines; call it inside ``Database.write``.

    A handling becomes an invitation once, by its key; one that moved moves what is still planned; one that was undone
    cancels what was not answered.
    """
    rows = news(session, at, limit)
    if not rows:
        return Planned()
    known = by_key(session, [_key(row) for row in rows])
    gone_at = _gone_at(session, rows)
    gone = [row for row in rows if row.id in gone_at and gone_at[row.id] <= at]
    there = [row for row in rows if not (row.id in gone_at and gone_at[row.id] <= at)]
    cancelled = [(known[_key(row)].id, _WHY.get(row.state, Reason.REOPENED.value))
                 for row in gone if _key(row) in known and known[_key(row)].state in _OPEN]  # fmt: skip
    cancel(session, cancelled, at)
    fresh = list(_fresh(session, policy.survey, settings, [row for row in there if _key(row) not in known], at))
    insert_new_rows(session, Invitation, fresh, ["key"])
    moved = list(_moved(policy.survey, settings, [(row, known[_key(row)]) for row in there if _key(row) in known]))
    update_rows(session, Invitation, moved)
    _seen(session, rows, gone_at, at)
    states = [row["state"] for row in fresh]
    return Planned(
        len(rows), states.count(InvitationState.PLANNED), states.count(InvitationState.SUPPRESSED),
        states.count(InvitationState.EXPIRED), len(moved), len(cancelled),
    )  # fmt: skip


def pass_over(session: Session, at: datetime) -> int:
    """Ask nobody about what had been handled by ``at``: it is a history that was filled in. How many deadlines."""
    seen = update(_D).where(_D.c.survey_at <= at).values(survey_at=None)
    return int(session.execute(seen).rowcount)  # type: ignore[attr-defined]


def _gone_at(session: Session, rows: Sequence[Row[Any]]) -> dict[int, datetime]:
    """When what each deadline follows up was undone, by deadline; it may lie ahead."""
    found = {row.id: row.cancelled_at for row in rows if row.cancelled_at}
    turned = undoings(session, sorted({row.subject_id for row in rows if row.id not in found}))
    logs = logs_of(session, sorted(turned)) if turned else {}
    for row in rows:
        if row.subject_id in logs and row.id not in found and (when := undone_at(logs[row.subject_id], row.round)):
            found[row.id] = when
    return found


def _key(row: Row[Any]) -> str:
    return f"complaint:{row.subject_id}|{row.milestone}|{row.round}"


def _fresh(
    session: Session, survey: SurveyPolicy, settings: Settings, rows: Sequence[Row[Any]], at: datetime
) -> list[dict[str, Any]]:
    """Invitations for those that policy follows up and nobody told yet."""
    wanted = [
        row for row in rows if row.milestone in survey.follow_ups and not (row.met_at and row.met_at <= at)
    ]  # fmt: skip
    is_asked = survey.exempt.outcomes and wanted
    said = handlings(session, sorted({row.subject_id for row in wanted})) if is_asked else {}
    return [_invitation(survey, settings, row, _is_exempt(survey.exempt, row, said), at) for row in wanted]


def _is_exempt(
    exempt: Exempt, row: Row[Any], said: Mapping[tuple[int, datetime], Mapping[str, Any]]
) -> bool:  # fmt: skip
    # What the complaint was dropped by later cancels it then; its state is that of its whole log.
    if row.state in exempt.states and row.cancelled_at is None:
        return True
    outcome = said.get((row.subject_id, row.started_at), {}).get("outcome") or (row.attributes or {}).get("outcome")
    return outcome is not None and str(outcome).casefold() in {one.casefold() for one in exempt.outcomes}


def _invitation(
    survey: SurveyPolicy, settings: Settings, row: Row[Any], is_exempt: bool, at: datetime
) -> dict[str, Any]:
    asking = survey.follow_ups[row.milestone]
    send_at, due_at, expires_at = times(asking, row.started_at, row.due_at, window_of(survey, settings, row.timezone))
    state, reason = InvitationState.PLANNED, None
    if is_exempt:
        state, reason = InvitationState.SUPPRESSED, Reason.EXEMPT.value
    elif at >= expires_at:
        state, reason = InvitationState.EXPIRED, Reason.TOO_LATE.value
    return {
        "key": _key(row), "subject_kind": "complaint", "subject_id": row.subject_id, "customer_id": row.customer_id,
        "duty": row.milestone, "round": row.round, "questionnaire": asking.questionnaire,
        "policy_version": survey.version, "started_at": row.started_at, "send_at": send_at, "due_at": due_at,
        "expires_at": expires_at, "next_at": send_at if state is InvitationState.PLANNED else None, "state": state,
        "reason": reason, "reminders": 0, "calls": 0,
    }  # fmt: skip


def _moved(
    survey: SurveyPolicy, settings: Settings, pairs: Sequence[tuple[Row[Any], Row[Any]]]
) -> list[dict[str, Any]]:
    """The instants of what is still planned, where those of its deadline moved."""
    found = []
    for row, old in pairs:
        asking = survey.follow_ups.get(row.milestone)
        has_moved = (row.started_at, row.due_at) != (old.started_at, old.due_at)
        if asking and has_moved and old.state is InvitationState.PLANNED:
            window = window_of(survey, settings, row.timezone)
            send_at, due_at, expires_at = times(asking, row.started_at, row.due_at, window)
            found.append({"id": old.id, "started_at": row.started_at, "send_at": send_at, "due_at": due_at,
                          "expires_at": expires_at, "next_at": send_at})  # fmt: skip
    return found


def _seen(session: Session, rows: Sequence[Row[Any]], gone_at: Mapping[int, datetime], at: datetime) -> None:
    """Look again only where it is known already when that will be undone."""
    later = [{"id": row.id, "survey_at": gone_at[row.id]} for row in rows if row.id in gone_at and gone_at[row.id] > at]
    waiting = {row["id"] for row in later}
    done = [row.id for row in rows if row.id not in waiting]
    if done:
        session.execute(update(_D).where(id_in(_D.c.id, done)).values(survey_at=None))
    update_rows(session, Deadline, later)
