"""Reach: whom every rung 级 of every ladder 阶梯 would tell at an instant, and what would keep one from being heard."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from bihuan.policy.escalation import EscalationPolicy, RungPolicy
from bihuan.rules.roster import AWAY, NO_CHANNEL, NO_CONTACT, NOBODY, OPERATOR, PREFERRED, Found, Person, Roster, Unit

_OF_A_DEPARTMENT = frozenset({"handler", "department_head", "liaison", "department", "duty"})
"""Targets that are others for each department."""
_REASONS = {
    NOBODY: "there is none", AWAY: "away, and nobody stands in", NO_CONTACT: "no contact",
    NO_CHANNEL: "no contact by {channels}",
}  # fmt: skip
_CURES = {
    AWAY: "name a substitute who is there", NO_CONTACT: "enter a contact_url", NO_CHANNEL: "enter contact_{channel}",
}  # fmt: skip
_MORE_SHIFTS = "enter the missing shifts, or let the rung tell somebody else as well"
_WHERE_NONE = {
    "handler": "enter somebody who works there",
    "department_head": "mark somebody there as is_head",
    "liaison": "mark somebody there as is_liaison",
    "department": "enter it with a contact_url, or correct the ladder",
    "special_group": "enter the department {special_group} with a head, or with a contact_url",
    "duty": _MORE_SHIFTS,
    "staff": "enter the person, or correct the ladder",
}
_ROLE = "give somebody the role {target}"
_LAST_RESORT = "give somebody the role operator, or set BIHUAN_OPERATOR_URL"
_KINDS = {"staff": "person", "department": "department", "duty": "rota"}


class Weight(StrEnum):
    """How much a fault matters."""

    PROBLEM = "problem"
    """Nobody is told who is to be."""
    NOTE = "note"
    """Somebody else is told, or it takes an absence to matter."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a rung from being heard; "" and None where it is about no department, ladder or rung."""

    weight: Weight
    department: str
    ladder: str
    rung: int | None
    target: str
    wrong: str
    cure: str


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a rung would tell of complaints of one department, whoever handles them."""

    department: str
    ladder: str
    rung: int
    tell: tuple[str, ...]
    told: tuple[str, ...]
    """Codes of people and departments, with the channel where it is not the usual one."""


class _Place(NamedTuple):
    """A rung as it is for the complaints of one department."""

    unit: Unit
    ladder: str
    number: int
    rung: RungPolicy


def pickable(policy: EscalationPolicy, department: str) -> list[str]:
    """The ladders that some complaint of the department can be on, in the order in which the policy has them."""
    sources = [policy.severity.values(), policy.milestones.values()]
    for scope in policy.scopes.values():
        if not scope.when.department or department in scope.when.department:
            sources += [scope.severity.values(), scope.milestones.values()]
    named = set(chain.from_iterable(sources))
    if policy.oversight:
        named.add(policy.oversight.ladder)
    return [ladder for ladder in policy.ladders if ladder in named]


def handlers(roster: Roster, department_id: int) -> list[Person | None]:
    """Who may be given complaints of a department: its active staff, else its head, else nobody."""
    active = [one for one in roster.people.values() if one.department_id == department_id and one.is_active]
    return [*([one for one in active if not one.is_head] or active[:1])] or [None]


def told(policy: EscalationPolicy, roster: Roster) -> list[Told]:
    """Whom each rung of each ladder would tell, department by department."""
    return [
        Told(place.unit.code, place.ladder, place.number, place.rung.tell, tuple(_names(roster, place)))
        for place in _places(policy, roster)
    ]


def unreached(policy: EscalationPolicy, roster: Roster, *, has_operator: bool) -> list[Fault]:
    """Rungs that reach nobody, once for each handler whose complaints would be so; with the reason of every target.

    Args:
        policy: The ladders.
        roster: At the instant.
        has_operator: Whether the recipient of last resort is somebody.
    """
    found: dict[Fault, None] = {}
    for place in _places(policy, roster):
        for who in _handlers(roster, place):
            answers = _answers(roster, place, who)
            if not _is_heard(answers.values(), has_operator=has_operator):
                found.setdefault(_unheard(answers, roster, place, who))
    return list(found)


def unknown(policy: EscalationPolicy, roster: Roster, rotas: Container[str]) -> list[Fault]:
    """Codes in ladders and scopes that nobody has; ``rotas`` are those with a shift."""
    codes: dict[str, Container[str]] = {
        "staff": {one.code for one in roster.people.values()},
        "department": {one.code for one in roster.units.values()},
        "duty": rotas,
    }
    found = []
    for ladder, rungs in ((name, policy.ladders[name].rungs) for name in policy.ladders):
        for number, target in ((number, one) for number, rung in enumerate(rungs, start=1) for one in rung.tell):
            kind, _, name = target.partition(":")
            if name and name not in codes[kind]:
                what = f"there is no {_KINDS[kind]} {name}"
                found.append(Fault(Weight.PROBLEM, "", ladder, number, target, what, "enter it, or correct the ladder"))
    for scope, name in ((scope, name) for scope, rule in policy.scopes.items() for name in rule.when.department):
        if name not in codes["department"]:
            what = f"scope {scope} is for it, and there is no such department"
            cure = "enter it, or correct the scope"
            found.append(Fault(Weight.NOTE, "", "", None, f"department:{name}", what, cure))
    return found


def uncovered(
    policy: EscalationPolicy, roster: Roster, gaps: Mapping[str, str], *, has_operator: bool
) -> list[Fault]:  # fmt: skip
    """Rotas that ladders name and that leave time out: a problem where nobody else on a rung would be told.

    Args:
        policy: The ladders.
        roster: At the instant: it says who else is told.
        gaps: When nobody is on duty, in words, by rota; of rotas that have a shift and a gap.
        has_operator: Whether the recipient of last resort is somebody.
    """
    found: dict[str, Fault] = {}
    for place, target, rota in _duties(policy, roster):
        if rota in gaps:
            weight = Weight.NOTE if _is_told(roster, place, target, has_operator=has_operator) else Weight.PROBLEM
            department = "" if ":" in target else place.unit.code
            fault = Fault(weight, department, place.ladder, place.number, f"duty:{rota}", gaps[rota], _MORE_SHIFTS)
            if rota not in found or (found[rota].weight, weight) == (Weight.NOTE, Weight.PROBLEM):
                found[rota] = fault
    return list(found.values())


def unreplaced(roster: Roster) -> list[Fault]:
    """Active people for whom nobody stands in, now or as soon as they are away, although somebody is named."""
    return [
        Fault(Weight.NOTE, "", "", None, f"staff:{person.code}", wrong, _CURES[AWAY])
        for person in roster.people.values()
        if person.is_active and (wrong := _no_stand_in(roster, person))
    ]


def _no_stand_in(roster: Roster, person: Person) -> str:
    other = roster.people.get(person.substitute_id or 0)
    if person.is_away and roster.resolve(f"staff:{person.code}", None, None).reason == AWAY:
        return _REASONS[AWAY]
    if other and not other.is_present:
        return f"the substitute {other.code} is {'away as well' if other.is_active else 'not active'}"
    return ""


def _places(policy: EscalationPolicy, roster: Roster) -> Iterator[_Place]:
    for unit in roster.units.values():
        for ladder in pickable(policy, unit.code):
            for number, rung in enumerate(policy.ladders[ladder].rungs, start=1):
                yield _Place(unit, ladder, number, rung)


def _duties(policy: EscalationPolicy, roster: Roster) -> Iterator[tuple[_Place, str, str]]:
    """Every rung that tells who is on duty, the target that says so, and its rota."""
    for place in _places(policy, roster):
        for target in place.rung.tell:
            kind, _, name = target.partition(":")
            if kind == "duty":
                yield place, target, name or place.unit.code


def _is_told(roster: Roster, place: _Place, without: str, *, has_operator: bool) -> bool:
    """Whether a rung is heard without one of its targets, whoever handles the complaint."""
    tell = tuple(target for target in place.rung.tell if target != without)
    others = place._replace(rung=place.rung.model_copy(update={"tell": tell}))
    heard = (_answers(roster, others, who).values() for who in _handlers(roster, others))
    return all(_is_heard(answers, has_operator=has_operator) for answers in heard)


def _handlers(roster: Roster, place: _Place) -> list[Person | None]:
    return handlers(roster, place.unit.id) if "handler" in place.rung.tell else [None]


def _answers(roster: Roster, place: _Place, who: Person | None) -> dict[str, Found]:
    handler_id = who.id if who else None
    return {one: roster.resolve(one, place.unit.id, handler_id, place.rung.channels) for one in place.rung.tell}


def _is_heard(answers: Iterable[Found], *, has_operator: bool) -> bool:
    recipients = (recipient for answer in answers for recipient, _ in answer.recipients)
    return any(has_operator or recipient != OPERATOR for recipient in recipients)


def _unheard(answers: Mapping[str, Found], roster: Roster, place: _Place, who: Person | None) -> Fault:
    names = {target: f"handler {who.code}" if target == "handler" and who else target for target in answers}
    said = {target: _reason(target, answer, roster, place.rung) for target, answer in answers.items()}
    reasons = [wrong if len(said) == 1 else f"{names[target]}: {wrong}" for target, (wrong, _) in said.items()]
    department = place.unit.code if _OF_A_DEPARTMENT & answers.keys() else ""
    cure = next(iter(said.values()))[1]
    return Fault(
        Weight.PROBLEM, department, place.ladder, place.number, ", ".join(names.values()), "; ".join(reasons), cure
    )


def _reason(target: str, answer: Found, roster: Roster, rung: RungPolicy) -> tuple[str, str]:
    """Why a target reaches nobody, and the cure."""
    if answer.reason is None:
        return "nobody has the role, and BIHUAN_OPERATOR_URL is not set", _LAST_RESORT
    cure = _CURES.get(answer.reason) or _WHERE_NONE.get(target.partition(":")[0], _ROLE)
    channel = next((one for one in rung.channels if one != PREFERRED), "url")
    is_duty = target.partition(":")[0] == "duty" and answer.reason == NOBODY
    wrong = "nobody is on duty" if is_duty else _REASONS[answer.reason].format(channels=" or ".join(rung.channels))
    return wrong, cure.format(target=target, channel=channel, special_group=roster.special_group)


def _names(roster: Roster, place: _Place) -> Iterator[str]:
    """Everybody a rung tells, by code, whoever handles the complaint."""
    answers = chain.from_iterable(_answers(roster, place, who).values() for who in _handlers(roster, place))
    for recipient, channel in dict.fromkeys(one for answer in answers for one in answer.recipients):
        kind, _, number = recipient.partition(":")
        known: Mapping[int, Person | Unit] = roster.people if kind == "staff" else roster.units
        name = known[int(number)].code if number else recipient
        yield name if channel == PREFERRED else f"{name} ({channel})"
