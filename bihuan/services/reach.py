"""Reach: whether every rung of every ladder reaches somebody, and what else would keep one from being heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bihuan.clock import zone
from bihuan.policy.models import Policy
from bihuan.rules.duty import Gap, Shift, gaps
from bihuan.rules.reach import Fault, Told, Weight, told, uncovered, unknown, unreached, unreplaced
from bihuan.services.contact import unusable
from bihuan.services.duty import shift_of
from bihuan.services.people import roster
from bihuan.settings import Settings
from schemas.people import Department, DutyShift, Staff

AHEAD = timedelta(days=7)
"""How far rotas are looked at."""
_LONGEST_QUIET = timedelta(hours=16)
_SHOWN = 5
"""Of those that have one and the same fault."""
_EMPTY = "nobody is entered: no department, no staff"


@dataclass(frozen=True, slots=True)
class Reach:
    """What was found at an instant."""

    at: datetime
    faults: list[Fault]
    """Problems first."""
    rungs: list[Told]

    @property
    def is_fine(self) -> bool:
        """There is no problem; there may be notes."""
        return all(fault.weight is Weight.NOTE for fault in self.faults)


def reach(session: Session, policy: Policy, settings: Settings, at: datetime) -> Reach:
    """Whom every rung that some complaint can come to would tell, and everything that is wrong with it."""
    people = roster(session, policy, at)
    ladders, has_operator = policy.escalation, bool(settings.operator_url.get_secret_value())
    if not people.units:
        return Reach(at, [_fault("everybody", _EMPTY, "run `bihuan staff import FILE`; see docs/staff.md")], [])
    rotas = _rotas(session)
    open_times = {rota: words for rota, shifts in rotas.items() if (words := _gap_words(shifts, at, settings.timezone))}
    faults = [
        *unreached(ladders, people, has_operator=has_operator),
        *unknown(ladders, people, rotas),
        *uncovered(ladders, people, open_times, has_operator=has_operator),
        *_contacts(session, settings),
        *unreplaced(people),
        *_quiet(session),
    ]
    return Reach(at, sorted(faults, key=lambda fault: fault.weight is Weight.NOTE), told(ladders, people))


def _rotas(session: Session) -> Mapping[str, list[Shift]]:
    """The shifts of active people by rota; a rota of others has none."""
    found: dict[str, list[Shift]] = defaultdict(list)
    rows = session.exec(select(DutyShift, Staff.is_active).join(Staff, col(Staff.id) == col(DutyShift.staff_id)))
    for row, is_active in rows:
        found[row.rota] += [shift_of(row)] if is_active else []
    return found


def _gap_words(shifts: Sequence[Shift], at: datetime, timezone: str) -> str:
    """When nobody is on duty within the time looked at; "" where somebody always is."""
    found = gaps(shifts, at, at + AHEAD)
    if not found:
        return ""
    if found == [(at, at + AHEAD)]:
        return f"nobody is on duty for {AHEAD.days} days"
    more = f", and {len(found) - 1} more times within {AHEAD.days} days" if len(found) > 1 else ""
    return f"nobody is on duty {_span(found[0], timezone)}{more}"


def _span(gap: Gap, timezone: str) -> str:
    begins, ends = (edge.astimezone(zone(timezone)) for edge in gap)
    return f"from {begins:%a %Y-%m-%d %H:%M} to {ends:%a %Y-%m-%d %H:%M} ({timezone})"


def _contacts(session: Session, settings: Settings) -> Iterator[Fault]:
    """Contacts that cannot be opened or sent to, of active people and of departments: one fault for each reason."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for department in session.exec(select(Department).order_by(Department.code)):
        for _, why in _unusable({"url": department.sealed_contact}, settings):
            found[why].append(f"department:{department.code}")
    for person in session.exec(select(Staff).where(col(Staff.is_active)).order_by(Staff.code)):
        contacts = {"url": person.sealed_contact, **(person.sealed_contacts or {})}
        for channel, why in _unusable(contacts, settings):
            found[why].append(f"staff:{person.code}" + ("" if channel == "url" else f" ({channel})"))
    for (wrong, cure), targets in found.items():
        more = f" and {len(targets) - _SHOWN} more" if len(targets) > _SHOWN else ""
        yield _fault(f"{', '.join(targets[:_SHOWN])}{more}", wrong, cure)


def _unusable(contacts: Mapping[str, str | None], settings: Settings) -> Iterator[tuple[str, tuple[str, str]]]:
    """Channels that cannot be sent to, with what is wrong and the cure."""
    for channel, sealed in contacts.items():
        if sealed and (why := unusable(sealed, settings)):
            yield channel, why


def _quiet(session: Session) -> Iterator[Fault]:
    """People who can hardly be told anything usual."""
    for person in session.exec(select(Staff).where(col(Staff.is_active)).order_by(Staff.code)):
        begins, ends = person.quiet_from, person.quiet_until
        if begins and ends and (hours := _length(begins, ends)) > _LONGEST_QUIET:
            wrong = f"quiet for {hours / timedelta(hours=1):g} hours a day"
            yield _fault(f"staff:{person.code}", wrong, "write shorter quiet hours", Weight.NOTE)


def _length(begins: str, ends: str) -> timedelta:
    """From one time of day to the next other; nothing where both are the same: then there are no quiet hours."""
    from_, until = (timedelta(hours=int(edge[:2]), minutes=int(edge[3:])) for edge in (begins, ends))
    return (until - from_) % timedelta(days=1)


def _fault(target: str, wrong: str, cure: str, weight: Weight = Weight.PROBLEM) -> Fault:
    return Fault(weight, "", "", None, target, wrong, cure)
