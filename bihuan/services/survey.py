"""The follow-up 回访: complainants of handled complaints are asked, once more where they did not answer, and no longer.

A sweep plans what is new and looks at the invitations that are due, both by an index: what it costs follows what there
is to do. It is blind to what happens later than its instant, so a clock may be stepped. Sending an invitation is
no news about a complaint that would plan another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.clock import fixed
from bihuan.policy.models import Policy
from bihuan.policy.survey import Asking, SurveyPolicy, TouchpointPolicy
from bihuan.rules.invitation import Act, Standing, Step, Wish, arbitrate, next_step
from bihuan.rules.survey import Window, opens_at
from bihuan.rules.wall_time import window_at
from bihuan.services.policy import in_force, survey_edition
from bihuan.services.survey_end import cancel
from bihuan.services.survey_letters import Going, write_letters
from bihuan.services.survey_plan import Planned, plan_news, window_of
from bihuan.services.survey_told import record_told
from bihuan.services.tally import Tally
from bihuan.services.touchpoint_work import open_owed
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.lock import hold
from bihuan.store.queries.survey import due_invitations, last_letters, last_letters_about, last_messages, planned_of
from bihuan.store.rows import update_rows
from schemas.survey import Invitation, InvitationState

_DAY = timedelta(days=1)
_AT_ONCE = 50
"""Complaints registered in one transaction: each is assigned by itself."""
_AFTER = {
    Act.INVITE: InvitationState.INVITED, Act.CALL: InvitationState.PHONE, Act.SUPPRESS: InvitationState.SUPPRESSED,
    Act.EXPIRE: InvitationState.EXPIRED,
}  # fmt: skip
_UNKNOWN_DUTY = Asking(questionnaire="none", send="at_once")  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class FollowedUp(Tally):
    """What a sweep did."""

    taken: int = 0
    planned: int = 0
    exempt: int = 0
    moved: int = 0
    invited: int = 0
    reminded: int = 0
    to_call: int = 0
    """Put onto the telephone worklist."""
    suppressed: int = 0
    cancelled: int = 0
    expired: int = 0
    waiting: int = 0
    opened: int = 0
    """Bad answers about touchpoints that became complaints now, because nothing made them one at once."""
    told: int = 0
    """Duties that sent letters met, written into the logs."""


class _Facts(NamedTuple):
    """What is known beside the rows."""

    persons: Mapping[int, datetime]
    subjects: Mapping[tuple[str, int], datetime]
    messages: Mapping[int, Row[Any]]


class _Look(NamedTuple):
    """One invitation under its own edition of the policy, and what it would do alone."""

    row: Row[Any]
    asking: Asking
    survey: SurveyPolicy
    window: Window
    standing: Standing
    step: Step


def follow_up(db: Database, policy: Policy, settings: Settings, at: datetime, *, limit: int = 2000) -> FollowedUp:
    """Follow up batch after batch at one instant until nothing is left to do."""
    total = FollowedUp()
    while (batch := follow_up_due(db, policy, settings, at, limit=limit)).taken:
        total += batch
    return total


def follow_up_due(db: Database, policy: Policy, settings: Settings, at: datetime, *, limit: int = 2000) -> FollowedUp:
    """Look at the news of at most ``limit`` deadlines, then at as many invitations that are due; each once.

    Running it again at the same instant finds nothing.

    Args:
        db: The database.
        policy: Today's; every invitation goes its way as the edition says under which it was planned.
        settings: The installation's zone, for people whose own is not known.
        at: The present, or the instant a replay stands at; what happened after it does not count.
        limit: Greatest number of deadlines, and of invitations, in the batch.
    """
    with db.write() as session:
        hold(session, "follow-up")  # what one person is sent at once is decided at one place
        in_force(session, policy, at)
        planned = plan_news(session, policy, settings, at, limit)
    with db.write() as session:
        hold(session, "follow-up")
        done = _of_news(planned) + _take_due(session, policy, settings, at, limit)
    with db.write() as session:
        opened = open_owed(session, policy, settings, fixed(at), min(limit, _AT_ONCE))
    return done + FollowedUp(taken=opened, opened=opened)


def _of_news(it: Planned) -> FollowedUp:
    return FollowedUp(
        taken=it.taken, planned=it.planned, exempt=it.exempt, moved=it.moved, cancelled=it.cancelled, expired=it.expired
    )


def _take_due(session: Session, policy: Policy, settings: Settings, at: datetime, limit: int) -> FollowedUp:
    rows = due_invitations(session, at, limit)
    if not rows:
        return FollowedUp()
    told = record_told(session, in_force(session, policy, at), [row for row in rows if _is_unrecorded(row, at)], at)
    round_ = _Round(session, policy, settings, at, _facts(session, rows, at))
    looks = [round_.look(row) for row in rows]
    looks += list(round_.companions(looks))
    decided = list(_decided(looks, at))
    _write(session, decided, at)
    acts = Counter(step.act for _, step in decided)
    return FollowedUp(
        taken=len(rows), invited=acts[Act.INVITE], reminded=acts[Act.REMIND], to_call=acts[Act.CALL],
        suppressed=acts[Act.SUPPRESS], cancelled=acts[Act.CANCEL], expired=acts[Act.EXPIRE],
        waiting=acts[Act.WAIT], told=told,
    )  # fmt: skip


def _is_unrecorded(row: Row[Any], at: datetime) -> bool:
    """Whether its letter was sent, and the complaint's log does not say so yet."""
    is_sent = row.invited_at is not None and row.invited_at <= at
    return is_sent and row.deadline_id is not None and row.met_at is None and row.cancelled_at is None


def _facts(session: Session, rows: Sequence[Row[Any]], at: datetime) -> _Facts:
    persons = {row.customer_id for row in rows if row.customer_id is not None}
    invited = [row for row in rows if row.state is InvitationState.INVITED]
    unsent = {row.id for row in invited if row.invited_at is None}
    return _Facts(
        last_letters(session, persons, at) if persons else {},
        last_letters_about(session, {row.subject_id for row in invited}, at) if invited else {},
        last_messages(session, unsent) if unsent else {},
    )


@dataclass(frozen=True)
class _Round:
    """One look at a batch of invitations."""

    session: Session
    policy: Policy
    settings: Settings
    at: datetime
    facts: _Facts
    _editions: dict[str, SurveyPolicy] = field(default_factory=dict)

    def look(self, row: Row[Any]) -> _Look:
        """The invitation, and what becomes of it alone."""
        survey = self._edition(row.policy_version)
        asking = survey.asking(row.duty) or _UNKNOWN_DUTY
        window = window_of(survey, self.settings, row.timezone)
        standing = self._standing(row)
        step = next_step(standing, asking, survey.contact, window, self.at)
        return _Look(row, asking, survey, window, standing, step)

    def companions(self, looks: Sequence[_Look]) -> Iterator[_Look]:
        """What would go out to the same people by the end of their day: it comes in the same letter.

        Who would be reminded gets what is due by now instead, also where that lies in a later batch.
        """
        asked = {act: {it.row.customer_id for it in looks if it.step.act is act and it.survey.contact.once_a_day}
                 for act in (Act.INVITE, Act.REMIND)}  # fmt: skip
        persons = (asked[Act.INVITE] | asked[Act.REMIND]) - {None}
        if not persons:
            return
        for row in planned_of(self.session, persons, self.at, self.at + _DAY, {it.row.id for it in looks}):
            it = self.look(row)
            open_now = window_at(self.at, *it.window)
            is_today = row.customer_id in asked[Act.INVITE] and open_now and row.send_at < open_now[1]
            if it.step.act is Act.INVITE and (is_today or row.send_at <= self.at):
                yield it

    def _edition(self, version: str) -> SurveyPolicy:
        if version not in self._editions:
            self._editions[version] = survey_edition(self.session, version, self.policy)
        return self._editions[version]

    def _standing(self, row: Row[Any]) -> Standing:
        message, at = self.facts.messages.get(row.id), self.at
        return Standing(
            row.state, row.due_at, row.expires_at, row.reminders, row.contacted_at,
            row.invited_at if row.invited_at and row.invited_at <= at else None, row.has_contact, row.is_opted_out,
            bool(row.cancelled_at and row.cancelled_at <= at), bool(row.met_at and row.met_at <= at),
            self.facts.persons.get(row.customer_id), self.facts.subjects.get((row.subject_kind, row.subject_id)),
            message.state if message else None, message.reason if message else None,
        )  # fmt: skip


def _decided(looks: Sequence[_Look], at: datetime) -> Iterator[tuple[_Look, Step]]:
    """What becomes of each, where one person's are looked at together."""
    groups: dict[tuple[str, int], list[_Look]] = defaultdict(list)
    for it in looks:
        row = it.row
        groups[("person", row.customer_id) if row.customer_id is not None else ("invitation", row.id)].append(it)
    for group in groups.values():
        yield from zip(group, arbitrate([_wish(it) for it in group], group[0].window, at), strict=True)


def _wish(it: _Look) -> Wish:
    if isinstance(it.asking, TouchpointPolicy):
        return Wish(it.step, is_solicited=False, priority=it.asking.priority)
    return Wish(it.step, is_solicited=True)


def _write(session: Session, decided: Sequence[tuple[_Look, Step]], at: datetime) -> None:
    """Write what the rows say now, and the messages."""
    cancel(session, [(it.row.id, step.reason or "") for it, step in decided if step.act is Act.CANCEL], at)
    rows = [_after(it, step, at) for it, step in decided if step.act is not Act.CANCEL]
    update_rows(session, Invitation, rows)
    write_letters(session, [Going(it.row, step, it.asking) for it, step in decided], at)


def _after(it: _Look, step: Step, at: datetime) -> dict[str, Any]:
    row = it.row
    values = {"id": row.id, "state": _AFTER.get(step.act, row.state), "next_at": step.until, "reason": row.reason,
              "reminders": row.reminders, "contacted_at": row.contacted_at, "call_at": None}  # fmt: skip
    match step.act:
        case Act.INVITE:  # however its message ends, that has it looked at before it expires
            return values | {"next_at": row.expires_at, "contacted_at": at, "reason": None}
        case Act.REMIND:
            reminded = it.standing._replace(reminders=row.reminders + 1, contacted_at=at, person_at=at, subject_at=at)
            further = next_step(reminded, it.asking, it.survey.contact, it.window, at)
            return values | {"reminders": row.reminders + 1, "contacted_at": at, "next_at": further.until}
        case Act.CALL:
            return values | {"next_at": row.expires_at, "reason": step.reason, "call_at": opens_at(at, it.window)}
        case Act.SUPPRESS | Act.EXPIRE:
            return values | {"next_at": None, "reason": step.reason}
        case _:  # it waits
            return values | {"call_at": row.call_at}
