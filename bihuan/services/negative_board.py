"""The shared board 负面反馈看板: every bad answer with its deadlines, and how far the work that it opened has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import QuestionKind
from bihuan.rules.negative import PLAN, RESULT, WAY, Progress, Stage, progress
from bihuan.services.policy import survey_edition
from bihuan.store.queries import names
from bihuan.store.queries import negative as queries
from bihuan.store.queries import negative_case as behind
from bihuan.store.queries.negative import Counts, Duties, Seen, Wish
from schemas.complaint import EventKind, Severity
from schemas.deadline import DeadlineState
from schemas.outbox import MessageState
from schemas.survey import Review

_UNDELIVERED = frozenset({MessageState.FAILED, MessageState.SUPPRESSED})
_AGAIN = frozenset({Stage.REOPENED, Stage.HANDLED_AGAIN})


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a list that was chosen, with the words of the questionnaire in both languages."""

    question: str
    choice: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the complainant said; None for what was not answered."""

    is_solved: bool | None
    csat: int | None
    nps: int | None
    index: float | None
    choices: tuple[Choice, ...]
    comment: str
    review: Review | None


@dataclass(frozen=True, slots=True)
class Due:
    """One deadline of the work."""

    milestone: str
    due_at: datetime
    met_at: datetime | None
    is_cancelled: bool
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way: when, by whom (staff code and name), and what was said; ``way`` of telling."""

    at: datetime
    by: str
    name: str
    said: str
    way: str


@dataclass(frozen=True, slots=True)
class Case:
    """One bad answer, and what became of it.

    Attributes:
        place: Id of the answer; None where staff took it down without one, or it is no bad one any more.
        said: None where there is no answer on record.
        needs_call: The complainant waits for word, and no letter reaches them.
    """

    place: int | None
    number: str
    title: str
    severity: Severity
    department_id: int | None
    department_code: str | None
    department: str | None
    department_en: str | None
    handler: str | None
    said_at: datetime
    said: Said | None
    stage: Stage
    due: tuple[Due, ...]
    taken_on: Step | None
    resolved: Step | None
    told: Step | None
    has_contact: bool
    letter: MessageState | None
    needs_call: bool
    heard: str
    """What staff took down of it, where there is no answer on record."""


def duties(policy: DeadlinePolicy) -> Duties:
    """The milestones that the board is about."""
    of = policy.milestones
    answered = [name for name in of if EventKind.ANSWERED_NEGATIVE in of[name].starts]
    again = [name for name in of
             if EventKind.REOPENED in of[name].starts or EventKind.RESULT_TOLD in of[name].ends]  # fmt: skip
    return Duties(tuple(answered), tuple(name for name in again if name not in answered))


def look(session: Session, policy: Policy, at: datetime, since: datetime) -> Seen:
    """Look once at how far all bad answers have come: ``cases`` and ``counts`` read it; ``told`` since an instant."""
    return queries.look(session, duties(policy.deadline), at, since)


def cases(session: Session, policy: Policy, wish: Wish, seen: Seen) -> list[Case]:
    """The part of the board that a reader wants, answers of their own department first, newest first."""
    return _cases(session, policy, queries.answers(session, wish, seen), duties(policy.deadline))


def unanswered(session: Session, policy: Policy, wish: Wish, at: datetime) -> list[Case]:
    """Open work without a bad answer on record: staff heard it themselves, or the answer was changed for the better.

    What is due first comes first; done, it is off the board, and stays in its complaint's log.
    """
    about = duties(policy.deadline)
    return _cases(session, policy, queries.unanswered(session, wish, about, at), about)


def cases_of(session: Session, policy: Policy, complaint_ids: Sequence[int]) -> dict[str, list[Case]]:
    """The bad answers about these complaints, newest first, by number."""
    found: dict[str, list[Case]] = {}
    if complaint_ids:
        rows = queries.answers_about(session, complaint_ids)
        for it in _cases(session, policy, rows, duties(policy.deadline)):
            found.setdefault(it.number, []).append(it)
    return found


def counts(session: Session, policy: Policy, seen: Seen, at: datetime) -> Counts:
    """How much there is on the board."""
    more = queries.count_unanswered(session, duties(policy.deadline), at)
    return Counts(len(seen.open) + more.open, len(seen.overdue) + more.overdue, seen.told)


def running(session: Session, policy: Policy, at: datetime) -> Counts:
    """How many complaints have a deadline of a bad answer running now, and how many an overdue one: a quick look."""
    return queries.running(session, duties(policy.deadline), at)


def _cases(session: Session, policy: Policy, rows: Sequence[Row[Any]], about: Duties) -> list[Case]:
    ids = sorted({row.subject_id for row in rows})
    if not ids:
        return []
    logs, letters = behind.logs(session, ids), behind.letters(session, ids)
    due = behind.deadlines(session, ids, about)
    people = names.staff_names(session, {event.actor for log in logs.values() for event in log})
    return [
        _case(row, logs[row.subject_id], [one for one in due if one.subject_id == row.subject_id],
              letters.get(row.subject_id, ()), people, _said(session, policy, row), about)
        for row in rows
    ]  # fmt: skip


def _case(
    row: Row[Any], log: Sequence[Row[Any]], due: Sequence[Row[Any]], letters: Sequence[Row[Any]],
    people: Mapping[str, str], said: Said | None, about: Duties,
) -> Case:  # fmt: skip
    since = row.opened_at or row.answered_at
    found = progress(log, since, row.state, is_handled_again=row.opened_at is None)
    letter = next((one.state for one in letters if one.planned_at >= since), None)
    waits = found.stage is Stage.RESOLVED and (not row.has_contact or letter in _UNDELIVERED)
    return Case(
        row.place, row.number, row.title, row.severity, row.department_id, row.department_code, row.department,
        row.department_en, row.handler, row.answered_at, said, found.stage, tuple(_due(row, found, due, about)),
        _step(found.taken_on, PLAN, people), _step(found.resolved, RESULT, people), _step(found.told, RESULT, people),
        bool(row.has_contact), letter, waits, "" if said else _heard(log, since),
    )  # fmt: skip


def _heard(log: Sequence[Row[Any]], since: datetime) -> str:
    opening = (one for one in log if one.occurred_at >= since and one.kind is EventKind.ANSWERED_NEGATIVE)
    return next((str(one.data.get("note", "")) for one in opening), "")


def _due(row: Row[Any], found: Progress[Row[Any]], due: Sequence[Row[Any]], about: Duties) -> Sequence[Due]:
    """The deadlines of the answer itself; of a complaint that is handled again those of the next round."""
    own = [one for one in due if one.milestone in about.answered and one.round == row.round]
    again = [one for one in due if one.milestone in about.reopened and one.round == row.round + 1]
    is_again = found.stage in _AGAIN or not own
    return [Due(one.milestone, one.due_at, one.met_at, one.cancelled_at is not None, one.state is DeadlineState.PAUSED)
            for one in (again if is_again else own)]  # fmt: skip


def _step(event: Row[Any] | None, word: str, people: Mapping[str, str]) -> Step | None:
    if event is None:
        return None
    said, way = (str(event.data.get(name) or "") for name in (word, WAY))
    return Step(event.occurred_at, event.actor, people.get(event.actor, ""), said, way)


def _said(session: Session, policy: Policy, row: Row[Any]) -> Said | None:
    if row.place is None:
        return None
    asked = survey_edition(session, row.policy_version, policy).questionnaires.get(row.questionnaire)
    chosen = [
        Choice(one.name, str(row.values[one.name]), words.zh, words.en)
        for one in (asked or ())
        if one.kind is QuestionKind.CHOICE and (words := one.choices.get(str(row.values.get(one.name))))
    ]
    return Said(row.is_solved, row.csat, row.nps, row.satisfaction, tuple(chosen), row.comment, row.review)
