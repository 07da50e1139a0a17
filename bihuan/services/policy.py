"""The book of the policy in the database: which editions were used, and what reached the deadlines already open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from bihuan.errors import RefusedError, UsageError
from bihuan.policy.book import CalendarEdition, DeadlineEdition, PolicyBook
from bihuan.policy.document import Document, PolicyFile, read_document
from bihuan.policy.escalation import EscalationPolicy
from bihuan.policy.loader import parse
from bihuan.policy.models import Policy
from bihuan.policy.survey import SurveyPolicy
from bihuan.rules.due import Cause
from bihuan.services.projection import Moved, moves_at, rederive_open
from bihuan.store.engine import Look
from bihuan.store.lock import hold
from bihuan.store.rows import insert_rows, table_of
from schemas.deadline import Deadline, Mode
from schemas.policy import PolicyEdition

_EDITION = table_of(PolicyEdition)
_D = table_of(Deadline).c
_COUNTED = ("deadline", "calendar")
"""The sections that deadlines are derived from."""
_IN_ORDER = select(*(column for column in _EDITION.c if column.name != "text")).order_by(_EDITION.c.id)
_BOOKS: dict[tuple[Any, ...], PolicyBook] = {}
_MOST_BOOKS = 8
_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Adoption:
    """What taking an edition in has done."""

    sections: tuple[str, ...] = ()
    """Those that were new."""
    moved_count: int = 0
    moved: tuple[Moved, ...] = ()
    """The open deadlines that moved, at most ten thousand of them."""


def in_force(session: Session, policy: Policy, at: datetime) -> PolicyBook:
    """The book with today's policy in it, as a writing act needs it: adopted first where it is new.

    Call it inside ``Database.write``. Until the act ends nobody else adopts another edition: that would derive the
    deadlines of a log that this act is adding to. Costs two small queries where nothing is new.
    """
    if _news(policy, _editions(session)):
        adopt(session, policy, at)
    else:
        hold(session, "policy", is_shared=True)
    return _book(session, _editions(session))


def book_with(session: Session, policy: Policy) -> PolicyBook:
    """The book for reading; where nothing is recorded yet, today's policy alone."""
    editions = _editions(session)
    has_all = {edition.section for edition in editions}.issuperset(_COUNTED)
    return _book(session, editions) if has_all else PolicyBook.of(policy.deadline, policy.calendars)


def adopt(session: Session, policy: Policy, at: datetime) -> Adoption:
    """Record the sections of today's policy that were not the last ones used, and move what that moves.

    Deadlines that start from now on, or from the file's ``effective_at`` on, are set by the new edition. New calendars
    also reach the open deadlines that count business time.
    """
    hold(session, "policy")
    editions = _editions(session)
    news = _news(policy, editions)
    if not news:
        return Adoption()
    at = max([at, *(edition.recorded_at for edition in editions)])
    insert_rows(session, PolicyEdition, [_row(section, policy, at) for section in news])
    has_calendars = any(edition.section == "calendar" for edition in editions)
    if "calendar" not in news or not has_calendars:
        return Adoption(tuple(news))
    moved = list(rederive_open(session, _book(session, _editions(session)), _D.mode == Mode.BUSINESS, at))
    _note_moved(session, "calendar", len(moved))
    return Adoption(tuple(news), len(moved), tuple(moved[:_LISTED]))


def apply_to_open(session: Session, policy: Policy, at: datetime) -> Adoption:
    """Bring what is open under today's deadlines; what is met, due or breached stays as it is.

    Nothing becomes due before ``at``. The same policy again moves nothing.

    Raises:
        RefusedError: Others replaced these deadlines since they were read.
    """
    adopted = adopt(session, policy, at)
    newest = next(edition for edition in reversed(_editions(session)) if edition.section == "deadline")
    if newest.version != policy.deadline.version:
        raise RefusedError(
            "other deadlines have come into force since these were read", cure="read the policy directory again"
        )
    if newest.applied_at is None:
        at = max(at, newest.recorded_at)
        applied = {"applied_at": at, "effective_at": min(newest.effective_at, at)}
        session.execute(update(_EDITION).where(_EDITION.c.id == newest.id).values(**applied))
    else:
        at = newest.applied_at
    book = _book(session, _editions(session))
    moved = list(rederive_open(session, book, _D.policy_version != policy.deadline.version, at))
    _note_moved(session, "deadline", len(moved))
    every = (*adopted.moved, *moved)
    return Adoption(adopted.sections, adopted.moved_count + len(moved), tuple(every[:_LISTED]))


def edition_document(session: Session, section: str, version: str, policy: Policy) -> Document | None:
    """The file that an edition of a section was read from, with its lines; None where it was never kept."""
    kept = select(_EDITION.c.file, _EDITION.c.text).where(_EDITION.c.version == version).limit(1)
    if row := session.execute(kept.where(_EDITION.c.section == section)).first():
        return read_document(row.file, row.text.encode())
    file = policy.files.get(section)
    if file is None or policy.versions[section] != version:
        return None
    return read_document(Path(file.name).name, file.raw)


def known_book(session: Session) -> PolicyBook | None:
    """The book of what was recorded, for an act that was decided under it; None where nothing was recorded yet.

    Call it inside ``Database.write``: until the act ends nobody adopts another edition.
    """
    hold(session, "policy", is_shared=True)
    editions = _editions(session)
    has_all = {edition.section for edition in editions}.issuperset(_COUNTED)
    return _book(session, editions) if has_all else None


def escalation_edition(session: Session, version: str, policy: Policy) -> EscalationPolicy:
    """The ladders as an edition said them; today's where that edition was never kept."""
    found: EscalationPolicy = _edition(session, "escalation", version, policy.escalation)
    return found


def survey_edition(session: Look, version: str, policy: Policy) -> SurveyPolicy:
    """The questionnaires and follow-ups as an edition said them; today's where that edition was never kept."""
    found: SurveyPolicy = _edition(session, "survey", version, policy.survey)
    return found


def kept_survey(session: Session, version: str) -> SurveyPolicy | None:
    """The questionnaires and follow-ups as an edition said them; None where it was never kept."""
    found: SurveyPolicy | None = _edition(session, "survey", version, None)
    return found


def _edition(session: Look, section: str, version: str, today: Any) -> Any:
    if today is not None and today.version == version:
        return today
    kept = select(_EDITION.c.file, _EDITION.c.text).where(_EDITION.c.section == section, _EDITION.c.version == version)
    row = session.execute(kept.limit(1)).first()
    return parse(section, PolicyFile(row.file, row.text.encode())) if row else today


def unused(session: Session, policy: Policy) -> list[str]:
    """The sections of today's policy that are not the last ones used."""
    return _news(policy, _editions(session))


def moved_by(session: Session, edition_id: int) -> Iterator[Moved]:
    """The open deadlines that an edition moved when it was applied, read off the logs again.

    Raises:
        UsageError: There is no such edition, or it was never applied to what is open.
    """
    row = next((edition for edition in _editions(session) if edition.id == edition_id), None)
    if row is None or row.section not in _COUNTED:
        raise UsageError(f"no edition {edition_id} of deadlines or calendars", cure="see `bihuan policy history`")
    if row.applied_at is None:
        raise UsageError(
            f"edition {edition_id} was not applied to what is open", cure="see `bihuan policy apply --open`"
        )
    book = _book(session, _editions(session))
    cause = Cause.POLICY if row.section == "deadline" else Cause.CALENDAR
    versions = [row.version]
    if cause is Cause.CALENDAR:
        calendars = [it.calendars for it in book.calendars if it.calendars.version == row.version]
        versions = [calendar.version for _, calendar in calendars[-1].items()]
    yield from moves_at(session, book, row.applied_at.astimezone(UTC), cause, versions)


def history(session: Session) -> Sequence[Row[Any]]:
    """Every edition without its text, oldest first."""
    return _editions(session)


def _editions(session: Session) -> Sequence[Row[Any]]:
    return session.execute(_IN_ORDER).all()


def _news(policy: Policy, editions: Sequence[Row[Any]]) -> list[str]:
    """The sections whose last recorded edition is not today's.

    One that others replaced since this process read it is no news: it would bring the old edition back.
    """
    last = {edition.section: edition for edition in editions}
    known = {(edition.section, edition.version) for edition in editions}
    return [
        section
        for section, version in policy.versions.items()
        if section not in last
        or (last[section].version != version and not _is_stale(policy, last[section], (section, version) in known))
    ]


def _is_stale(policy: Policy, last: Row[Any], is_known: bool) -> bool:
    return is_known and policy.loaded_at is not None and policy.loaded_at < last.recorded_at


def _row(section: str, policy: Policy, at: datetime) -> dict[str, Any]:
    file, text = _text(section, policy)
    effective_at = policy.deadline.effective_at if section == "deadline" else None
    return {
        "section": section, "version": policy.versions[section], "file": file, "text": text, "recorded_at": at,
        "effective_at": max(effective_at or at, at), "applied_at": at if section == "calendar" else None, "moved": 0,
    }  # fmt: skip


def _text(section: str, policy: Policy) -> tuple[str, str]:
    """The file's name and text; a calendar's with the days that the package knew written out."""
    file = policy.files.get(section)
    name = Path(file.name).name if file else f"{section}.yaml"
    if section == "calendar":
        return name, _as_json(policy.calendars.materialised().model_dump(mode="json", by_alias=True))
    if file and parse(section, file).version == policy.versions[section]:
        return name, file.raw.decode("utf-8-sig")
    return name, _as_json(policy.written()[section])


def _as_json(content: Any) -> str:
    """JSON is YAML too, and has no aliases."""
    return json.dumps(content, ensure_ascii=False, indent=1)


def _note_moved(session: Session, section: str, count: int) -> None:
    newest = select(_EDITION.c.id).where(_EDITION.c.section == section).order_by(_EDITION.c.id.desc()).limit(1)
    moved = _EDITION.c.moved + count
    session.execute(update(_EDITION).where(_EDITION.c.id == newest.scalar_subquery()).values(moved=moved))


def _book(session: Session, editions: Sequence[Row[Any]]) -> PolicyBook:
    """The book of these rows; the same rows give the same book, parsed once a process."""
    counted = [edition for edition in editions if edition.section in _COUNTED]
    key = tuple((it.section, it.version, it.recorded_at, it.effective_at, it.applied_at) for it in counted)
    if key not in _BOOKS:
        if len(_BOOKS) >= _MOST_BOOKS:
            _BOOKS.pop(next(iter(_BOOKS)))
        texts = select(_EDITION.c.id, _EDITION.c.text).where(_EDITION.c.section.in_(_COUNTED))
        _BOOKS[key] = _made(counted, {row.id: row.text for row in session.execute(texts)})
    return _BOOKS[key]


def _made(editions: Sequence[Row[Any]], texts: Mapping[int, str]) -> PolicyBook:
    parsed = [(it, parse(it.section, PolicyFile(it.file, texts[it.id].encode()))) for it in editions]
    deadlines = [
        DeadlineEdition(said, it.recorded_at, it.effective_at, it.applied_at)
        for it, said in parsed if it.section == "deadline"
    ]  # fmt: skip
    calendars = [CalendarEdition(said, it.recorded_at) for it, said in parsed if it.section == "calendar"]
    return PolicyBook(deadlines, calendars)
