"""Letters: for a batch of claimed messages, who reads each and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.errors import BihuanError, RefusedError
from bihuan.notify.contact import addressed, target_key, unseal, written_to
from bihuan.notify.letter import Letter
from bihuan.notify.link import token_of
from bihuan.notify.render import Passage, render
from bihuan.notify.words import instant, standing, word, words
from bihuan.rules.access import link_expires
from bihuan.rules.reminder import Hold
from bihuan.rules.roster import PREFERRED, parts_of
from bihuan.services.letter_improved import ImprovedFacts, improved_facts
from bihuan.services.letter_interview import InterviewFacts, interview_facts
from bihuan.services.letter_ladder import LadderFacts, ladder_facts
from bihuan.services.letter_month import MonthFacts, month_facts
from bihuan.services.letter_signal import SignalFacts, signal_facts
from bihuan.services.letter_survey import SurveyFacts, survey_facts
from bihuan.services.letter_work import OF_WORK, WorkFacts, work_facts
from bihuan.services.link import NewLink
from bihuan.settings import Settings
from bihuan.store.queries.letter import letter_facts, promises, readers, resolutions
from bihuan.store.queries.touchpoint import SUBJECT as TOUCHPOINT
from schemas.access import Purpose
from schemas.outbox import OF_A_MATTER, SURVEYS, Notice

_LISTED = 18
"""How many matters a digest names; the rest are counted."""
NOBODY = "nobody reachable"
_OVERTAKING = frozenset({Notice.WARNING, Notice.BREACH, Notice.ESCALATION}) | OF_WORK
_WARNINGS = frozenset({Notice.WARNING, Notice.WORK_DUE})


@dataclass(frozen=True, slots=True)
class Reader:
    """Where and how someone reads; without a ``url``, ``problem`` says why."""

    url: str = ""
    language: str = "zh"
    timezone: str = "Asia/Shanghai"
    problem: str = ""

    @property
    def target_key(self) -> str:
        """The hash by which attempts at this address are counted."""
        return target_key(self.url)


@dataclass(frozen=True, slots=True)
class Desk:
    """The facts of one batch, loaded at once."""

    settings: Settings
    facts: Mapping[int, Row[Any]]
    promised: Mapping[int, list[tuple[str, datetime]]]
    people: Mapping[str, Reader]
    """By recipient and channel as one word."""
    ladders: LadderFacts = field(default_factory=LadderFacts)
    link_expires: timedelta = timedelta(days=14)
    surveys: SurveyFacts = field(default_factory=SurveyFacts)
    interviews: InterviewFacts = field(default_factory=InterviewFacts)
    months: MonthFacts = field(default_factory=MonthFacts)
    resolved: Mapping[int, str] = field(default_factory=dict)
    """What was done about a bad answer, in words for the complainant, by complaint."""
    signals: SignalFacts = field(default_factory=SignalFacts)
    works: WorkFacts = field(default_factory=WorkFacts)
    improved: ImprovedFacts = field(default_factory=ImprovedFacts)

    def write(self, message_ids: Sequence[int], address: str, at: datetime) -> Letter:
        """The letter of one message, or the digest of several.

        A warning that a later notice of the same deadline overtook while it was held is left out.
        """
        reader = self.people[address]
        if self.facts[message_ids[0]].notice in SURVEYS:
            rows = [self.facts[message_id] for message_id in message_ids]
            return self.surveys.write(rows, reader.language, reader.timezone)
        if all(self.facts[message_id].notice is Notice.SIGNAL for message_id in message_ids):
            return self.signals.write([self.facts[message_id] for message_id in message_ids], reader.language)
        rows = _not_overtaken([self.facts[message_id] for message_id in sorted(message_ids)])
        token = self.token(message_ids)
        link = f"{self.settings.web_url}/a/{token}" if token else ""
        if len(rows) == 1:
            values = self._values(rows[0], reader, at)
            return render(rows[0].notice.value, reader.language, values | ({"link": link} if link else {}))
        soonest = sorted(rows, key=_soonest)[:_LISTED]
        return render("digest", reader.language, {
            "count": len(rows), "items": [self._values(row, reader, at) for row in soonest],
            "more": len(rows) - len(soonest), "link": link or self.settings.web_url, **_waited(rows),
            "is_simulated": any(row.is_simulated for row in rows),
        })  # fmt: skip

    def links(self, message_ids: Sequence[int], recipient: str, at: datetime) -> list[NewLink]:
        """The private links in the letter of these messages: to act on it, or to answer, and to be asked no more."""
        if self.facts[message_ids[0]].notice in SURVEYS:
            return list(self.surveys.links(message_ids, recipient, at))
        first, token = self._matter(message_ids), self.token(message_ids)
        return [NewLink(token, Purpose.ACT, first.id, recipient, at, at + self.link_expires)] if first and token else []

    def token(self, message_ids: Sequence[int]) -> str | None:
        """The token of the private link in the letter of these messages; None where nothing is to be done about it."""
        first = self._matter(message_ids)
        return token_of(self.settings.secret_value(), Purpose.ACT, first.key) if first else None

    def _matter(self, message_ids: Sequence[int]) -> Row[Any] | None:
        """The first of them that asks for something to be done about a complaint."""
        known = (self.facts.get(message_id) for message_id in message_ids)
        return next((row for row in known if row and row.notice in OF_A_MATTER), None)

    def _values(self, row: Row[Any], reader: Reader, at: datetime) -> dict[str, Any]:
        told = self._of_others(row, reader, at)
        return self._of_complaint(row, reader, at) if told is None else told

    def _of_others(self, row: Row[Any], reader: Reader, at: datetime) -> dict[str, Any] | None:
        """What letters say that are about no complaint of a handler's; None where it is about one."""
        language, timezone = reader.language, reader.timezone
        match row.notice:
            case Notice.SIGN_IN:
                return self._sign_in(row, reader)
            case Notice.INTERVIEW:
                return self.interviews.values(row, language, timezone)
            case Notice.MONTH:
                return self.months.values(row, language) | {"is_simulated": row.is_simulated, "is_late": row.is_late}
            case Notice.SIGNAL:
                return self.signals.listed(row, language)
            case Notice.IMPROVED:
                return self.improved.values(row)
            case Notice.WORK_DUE | Notice.WORK_LATE:
                told = self.ladders.values(row, language, timezone)
                why = told | ({"why": ""} if row.rung <= 1 else {})  # its first reader is the one who owes it
                return why | self.works.values(row, language, timezone, at)
        return None

    def _of_complaint(self, row: Row[Any], reader: Reader, at: datetime) -> dict[str, Any]:
        language = reader.language
        values = {
            "number": row.number,
            "title": row.title,
            "is_simulated": row.is_simulated,
            "is_late": row.is_late,
            "severity": word("severity", row.severity, language),
            "kind": word("kind", row.kind, language),
            "department": row.department if language == "zh" else row.department_en or row.department,
            "handler": row.handler,
            "link": f"{self.settings.web_url}/complaints/{row.number}",
            "is_from_touchpoint": row.asked_about == TOUCHPOINT,
        }
        if row.notice is Notice.RECEIPT:
            promised = self.promised.get(row.subject_id, [])
            return values | {"promises": [_promise(name, due_at, reader) for name, due_at in promised]}
        if row.notice is Notice.NEGATIVE_TOLD:
            return values | {"result": Passage(self.resolved[row.subject_id])}
        values |= self.ladders.values(row, language, reader.timezone)
        if row.due_at is None:
            watched = {
                "milestone": words(language)["label"]["oversight"],
                "due_at": "",
                "remaining": "",
                "overdue_text": "",
            }
            return values | watched | {"registered_at": instant(row.registered_at, reader.timezone)}
        how = standing(row.due_at, at, language)
        promise = _promise(row.milestone, row.due_at, reader)
        if row.leg:
            own = words(language)["label"]["own_clock"]
            promise["milestone"] = own.format(milestone=promise["milestone"], department=values["department"])
        return values | promise | {"remaining": how, "overdue_text": how}

    def _sign_in(self, row: Row[Any], reader: Reader) -> dict[str, Any]:
        """A link that makes its reader that person goes to the person's own contact or nowhere."""
        if not row.has_contact:
            raise RefusedError("the person has no contact of their own any more", cure="enter one")
        token = token_of(self.settings.secret_value(), Purpose.SIGN_IN, row.key)
        return {
            "due_at": instant(link_expires(row.planned_at), reader.timezone),
            "link": f"{self.settings.web_url.rstrip('/')}/sign-in/{token}",
            "is_simulated": row.is_simulated,
        }


def _soonest(row: Row[Any]) -> tuple[bool, datetime]:
    return row.due_at is None, row.due_at or row.registered_at or row.planned_at


def _not_overtaken(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The messages, oldest first, without warnings that a later notice of the same deadline makes idle."""
    latest = {row.deadline_id: row.id for row in rows if row.notice in _OVERTAKING}
    return [row for row in rows if row.notice not in _WARNINGS or latest[row.deadline_id] == row.id]


def _waited(rows: Sequence[Row[Any]]) -> dict[str, int]:
    """How many of them come late, and how many were held and for what."""
    found = Counter(row.reason for row in rows)
    late = sum(row.is_late and row.reason not in set(Hold) for row in rows)
    return {"late": late, **{why.value: found[why.value] for why in Hold}}


def _promise(milestone: str, due_at: datetime, reader: Reader) -> dict[str, str]:
    return {"milestone": word("milestone", milestone, reader.language), "due_at": instant(due_at, reader.timezone)}


def open_desk(
    session: Session, settings: Settings, addresses: Mapping[int, str], link_expires: timedelta = timedelta(days=14)
) -> Desk:
    """Load what the letters of a batch need.

    Args:
        session: Where to look.
        settings: Secret, addresses and the installation's own zone and language.
        addresses: Recipient and channel as one word, by message id.
        link_expires: How long the private links in the letters are good.
    """
    facts = letter_facts(session, list(addresses))
    receipts = {row.subject_id for row in facts.values() if row.notice is Notice.RECEIPT}
    people = reading(session, settings, set(addresses.values()))
    ladders = ladder_facts(session, list(facts.values()))
    surveys = survey_facts(session, settings.secret_value(), settings.web_url, list(facts.values()))
    promised = promises(session, receipts) if receipts else {}
    answered = {row.subject_id for row in facts.values() if row.notice is Notice.NEGATIVE_TOLD}
    resolved = resolutions(session, answered) if answered else {}
    interviews = interview_facts(session, settings.web_url, list(facts.values()))
    months = month_facts(session, settings.web_url, list(facts.values()))
    signals = signal_facts(session, settings.web_url, list(facts.values()))
    works = work_facts(session, settings.web_url, list(facts.values()))
    improved = improved_facts(session, list(facts.values()))
    return Desk(
        settings, facts, promised, people, ladders, link_expires, surveys, interviews, months, resolved, signals, works,
        improved,
    )  # fmt: skip


def reading(session: Session, settings: Settings, addresses: Collection[str]) -> dict[str, Reader]:
    """Where and how each of these recipients reads, by the channel that the address names."""
    parts = {address: parts_of(address) for address in addresses}
    rows = readers(session, {recipient for recipient, _ in parts.values()})
    return {address: _reader(settings, rows.get(recipient), channel) for address, (recipient, channel) in parts.items()}


def operator(settings: Settings) -> Reader:
    """Whoever hears what nobody else can be told."""
    return _reader(settings, None)


def _reader(settings: Settings, row: Row[Any] | None, channel: str = PREFERRED) -> Reader:
    """The person's own contact, by the channel or else the usual one.

    Staff without one fall to the operator, a complainant never does.
    """
    reader = Reader(language=getattr(row, "language", settings.language),
                    timezone=getattr(row, "timezone", None) or settings.timezone)  # fmt: skip
    operator = settings.operator_url.get_secret_value()
    is_complainant = hasattr(row, "tier")
    try:
        sealed = row and ((getattr(row, "sealed_contacts", None) or {}).get(channel) or row.sealed_contact)
        if sealed and (contact := written_to(unseal(sealed, settings.secret_value()))):
            return replace(reader, url=_url(settings, contact))
        if operator and not is_complainant:
            return Reader(_url(settings, operator), settings.language, settings.timezone)
    except BihuanError as error:
        return replace(reader, problem=str(error))
    return replace(reader, problem=NOBODY)


def _url(settings: Settings, contact: str) -> str:
    return addressed(contact, settings.mail_url.get_secret_value())
