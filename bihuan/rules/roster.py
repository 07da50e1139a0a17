"""The roster 名册 at one instant: who can be told, and whom a rung of a ladder reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.access import Role

OPERATOR = "operator"
"""The recipient of last resort: whoever ``BIHUAN_OPERATOR_URL`` reaches."""
PREFERRED = "preferred"
"""The channel that a person is told by where nothing else is said."""
NOBODY, AWAY, NO_CONTACT, NO_CHANNEL = "nobody", "away", "no_contact", "no_channel"
"""Why a target reaches nobody: there is none, or away without a substitute, or without a contact (of that channel)."""


def address_of(recipient: str, channel: str) -> str:
    """Recipient and channel as one word: ``staff:3``, or ``staff:3 sms`` by an unusual way."""
    return recipient if channel == PREFERRED else f"{recipient} {channel}"


def parts_of(address: str) -> tuple[str, str]:
    """What ``address_of`` put together."""
    recipient, _, channel = address.partition(" ")
    return recipient, channel or PREFERRED


_ROLES = {"executive": Role.EXECUTIVE, "quality_manager": Role.QUALITY_MANAGER, "operator": Role.OPERATOR}


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff as a ladder sees them."""

    id: int
    code: str
    department_id: int
    is_head: bool = False
    is_liaison: bool = False
    roles: frozenset[Role] = frozenset()
    substitute_id: int | None = None
    is_active: bool = True
    is_away: bool = False
    channels: frozenset[str] = frozenset()
    """``preferred`` and the names of further contacts."""

    @property
    def is_present(self) -> bool:
        """Whether they can be expected to act."""
        return self.is_active and not self.is_away


@dataclass(frozen=True, slots=True)
class Unit:
    """A department as a ladder sees it."""

    id: int
    code: str
    has_contact: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a target reaches: recipients with their channel, without repeats; where nobody, ``reason`` says why."""

    recipients: tuple[tuple[str, str], ...]
    reason: str | None = None


@dataclass(frozen=True)
class Roster:
    """Everybody there is, by id; who is on duty now, by rota; departments by id."""

    people: Mapping[int, Person]
    units: Mapping[int, Unit]
    duty: Mapping[str, Sequence[int]] = field(default_factory=dict)
    special_group: str = ""
    """Code of the department that gets every major complaint."""
    _found: dict[tuple[str, int | None, int | None, Sequence[str]], Found] = field(default_factory=dict)
    _below: dict[tuple[int | None, int | None, frozenset[tuple[str, str]]], str] = field(default_factory=dict)

    def resolve(self, target: str, department_id: int | None, handler_id: int | None,
                channels: Sequence[str] = ()) -> Found:  # fmt: skip
        """Whom a target of a rung reaches, for a complaint of that department and handler.

        Args:
            target: A word of ``bihuan.policy.escalation.TARGETS``, or ``duty:ROTA``, ``staff:CODE``,
                ``department:CODE``.
            department_id: The complaint's.
            handler_id: The complaint's.
            channels: Only by these; empty: by the usual one.
        """
        key = (target, department_id, handler_id if target == "handler" else None, tuple(channels))
        if key not in self._found:
            self._found[key] = self._resolve(*key)
        return self._found[key]

    def for_complaint(self, handler_id: int | None, department_id: int | None,
                      told: frozenset[tuple[str, str]] = frozenset()) -> str:  # fmt: skip
        """The one recipient of a notice below any ladder.

        The handler or the substitute, else the head of the department, else the department itself, else the operator:
        the first of them who has a contact and was not told before; without contacts, the first who was not told.
        """
        key = (handler_id, department_id, told)
        if key not in self._below:
            self._below[key] = self._first_below(*key)
        return self._below[key]

    def _first_below(self, handler_id: int | None, department_id: int | None,
                     told: frozenset[tuple[str, str]]) -> str:  # fmt: skip
        people = [*self._present([handler_id] if handler_id else []), *self._present(self._heads(department_id))]
        ways = {f"staff:{one.id}": PREFERRED in one.channels for one in people}
        if department_id:
            unit = self.units.get(department_id)
            ways[f"department:{department_id}"] = unit is not None and unit.has_contact
        untold = [recipient for recipient in ways if (recipient, PREFERRED) not in told]
        return next((one for one in untold if ways[one]), untold[0] if untold else OPERATOR)

    def head_of(self, department_id: int | None) -> int | None:
        """The active head of a department, the first by id."""
        heads = (one for one in self._heads(department_id) if self.people[one].is_active)
        return next(heads, None)

    def _resolve(self, target: str, department_id: int | None, handler_id: int | None,
                 channels: Sequence[str]) -> Found:  # fmt: skip
        kind, _, name = target.partition(":")
        if kind == "department":
            return self._unit_found(next((one for one in self.units.values() if one.code == name), None)
                                    if name else self.units.get(department_id or 0), channels)  # fmt: skip
        found = self._people_found(self._named(kind, name, department_id, handler_id), channels)
        if kind == "special_group" and not found.recipients:
            return self._unit_found(self._special_unit(), channels)
        if kind == "operator" and not found.recipients:
            return Found(((OPERATOR, PREFERRED),))
        return found

    def _named(self, kind: str, name: str, department_id: int | None, handler_id: int | None) -> list[int]:
        """Ids of those a target means, whether or not they can be told."""
        match kind:
            case "handler":
                return [handler_id] if handler_id is not None and handler_id in self.people else []
            case "department_head":
                return self._heads(department_id)
            case "special_group":
                unit = self._special_unit()
                return self._heads(unit.id) if unit else []
            case "liaison":
                return [one.id for one in self.people.values() if one.department_id == department_id and one.is_liaison]
            case "duty":
                unit = self.units.get(department_id or 0)
                return list(self.duty.get(name or (unit.code if unit else ""), ()))
            case "staff":
                return [one.id for one in self.people.values() if one.code == name]
        role = _ROLES[kind]
        return [one.id for one in self.people.values() if role in one.roles]

    def _heads(self, department_id: int | None) -> list[int]:
        return [one.id for one in self.people.values() if one.department_id == department_id and one.is_head]

    def _special_unit(self) -> Unit | None:
        return next((one for one in self.units.values() if one.code == self.special_group), None)

    def _present(self, ids: Sequence[int]) -> list[Person]:
        """Those of them who are there, or who stands in for them, without repeats."""
        found = dict.fromkeys(person for one in ids if (person := self._stands_in(one)))
        return list(found)

    def _stands_in(self, person_id: int) -> Person | None:
        """The person, or the first present one on the way of substitutes; None where the way ends or turns back."""
        seen: set[int] = set()
        at: int | None = person_id
        while at is not None and at not in seen and (person := self.people.get(at)):
            if person.is_present:
                return person
            seen.add(at)
            at = person.substitute_id
        return None

    def _people_found(self, ids: Sequence[int], channels: Sequence[str]) -> Found:
        there = [one for one in ids if one in self.people and (self.people[one].is_active or self._stands_in(one))]
        if not there:
            return Found((), NOBODY)
        present = self._present(there)
        if not present:
            return Found((), AWAY)
        wanted = channels or (PREFERRED,)
        recipients = tuple((f"staff:{one.id}", way) for one in present for way in wanted if way in one.channels)
        return Found(recipients, None if recipients else NO_CHANNEL if channels else NO_CONTACT)

    def _unit_found(self, unit: Unit | None, channels: Sequence[str]) -> Found:
        if unit is None:
            return Found((), NOBODY)
        if not unit.has_contact:
            return Found((), NO_CONTACT)
        is_usual = not channels or PREFERRED in channels
        return Found(((f"department:{unit.id}", PREFERRED),)) if is_usual else Found((), NO_CHANNEL)
