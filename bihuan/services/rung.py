"""Rungs told: the messages and the step that one rung of a ladder becomes, shared by whoever tells it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlmodel import Session

from bihuan.policy.book import CalendarEdition
from bihuan.policy.calendar import WorkCalendar
from bihuan.policy.escalation import LadderPolicy
from bihuan.policy.models import Policy
from bihuan.policy.scope import Facts
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.escalation import Climb, Place, Timing, climb, written
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import PREFERRED, Roster
from bihuan.store.queries.due import DueDeadline
from bihuan.store.queries.escalation import facts_of
from bihuan.store.rows import insert_new_alike
from schemas.complaint import Severity
from schemas.escalation import EscalationStep, Trigger
from schemas.outbox import Urgency


class Matter(NamedTuple):
    """Whose rung it is: a complaint as it stands, by handler and department, and the duty on its occasion.

    Of improvement work the handler is whoever owes it.
    """

    subject_kind: str
    subject_id: int
    duty: str
    occasion: str
    handler_id: int | None
    department_id: int | None

    @property
    def complaint_id(self) -> int:
        """Of its complaint; 0, which none has, where it is of none."""
        return self.subject_id if self.subject_kind == "complaint" else 0


@dataclass(frozen=True)
class Tellers:
    """Everything that telling rungs at one instant takes; what is alike is found once."""

    policy: Policy
    roster: Roster
    at: datetime
    calendars: CalendarEdition
    facts: Mapping[int, Facts] = field(default_factory=dict)
    """By complaint, where ladders or calendars have scopes."""
    _climbs: dict[Any, Climb] = field(default_factory=dict)
    _times: dict[Any, datetime | None] = field(default_factory=dict)
    _timings: dict[str, Timing] = field(default_factory=dict)

    def climb(self, ladder: LadderPolicy, start: Place, told: frozenset[tuple[str, str]], matter: Matter) -> Climb:
        """The rung that is told from ``start``; where nobody is told in its cycle, whoever hears of what nobody can.

        That is the recipient of a notice below any ladder, or the next after those who were told before.
        """
        timing = self.timing(matter.complaint_id)
        key = (id(ladder), start, told, matter.handler_id, matter.department_id, timing.business.calendar.version)
        if key not in self._climbs:
            self._climbs[key] = self._heard(matter, told, climb(
                ladder, start, told,
                lambda target, channels: self.roster.resolve(target, matter.department_id, matter.handler_id, channels),
                lambda rung: timing.opening(rung, self.at) <= self.at,
            ))  # fmt: skip
        return self._climbs[key]

    def _heard(self, matter: Matter, told: frozenset[tuple[str, str]], found: Climb) -> Climb:
        if found.told or not (found.is_unheard or (found.is_held and not told)):
            return found
        to = (self.roster.for_complaint(matter.handler_id, matter.department_id, told), PREFERRED)
        return found if to in told else replace(found, told=(to,))

    def opens_at(self, ladder: LadderPolicy, place: Place, complaint_id: int) -> datetime:
        """When the rung at ``place`` may be told, the present at the earliest."""
        return self.timing(complaint_id).opening(ladder.rungs[place.rung - 1], self.at)

    def next_at(self, ladder: LadderPolicy, what: Climb, complaint_id: int) -> datetime | None:
        """When the rung after the one told comes, if that is told now; None where none is left."""
        timing = self.timing(complaint_id)
        key = (id(ladder), what.place, what.is_held, timing.business.calendar.version)
        if key not in self._times:
            above = Place(what.place.cycle, what.place.rung + 1)
            self._times[key] = (
                self.opens_at(ladder, above, complaint_id) if what.is_held
                else timing.next_at(ladder, what.place, self.at)
            )  # fmt: skip
        return self._times[key]

    def timing(self, complaint_id: int) -> Timing:
        """The clocks of a complaint."""
        calendar = self._calendar(complaint_id)
        if calendar.version not in self._timings:
            self._timings[calendar.version] = Timing(BusinessClock(calendar))
        return self._timings[calendar.version]

    def _calendar(self, complaint_id: int) -> WorkCalendar:
        calendars = self.calendars
        if not calendars.calendars.scopes:
            return calendars.calendars.default
        return calendars.calendar(self.facts.get(complaint_id, Facts()))


def facts_where_asked(
    session: Session, policy: Policy, calendars: CalendarEdition, complaint_ids: Sequence[int]
) -> Mapping[int, Facts]:
    """What scopes look at, by complaint; nothing where neither ladders nor the calendars in force have scopes."""
    is_asked = policy.escalation.scopes or calendars.calendars.scopes
    return facts_of(session, complaint_ids) if is_asked and complaint_ids else {}


def facts_in(facts: Mapping[int, Facts], complaint_id: int, severity: str | None) -> Facts:
    """A complaint's facts; where they were not loaded, its severity alone."""
    return facts.get(complaint_id) or Facts(severity=severity or Severity.GENERAL)


def ladder_of(tellers: Tellers, row: DueDeadline) -> str | None:
    """The name of the ladder that a breach of a deadline starts; None: nobody further is told."""
    policy = tellers.policy.escalation
    if not row.is_complaint:
        return policy.ladder_of_work
    return policy.ladder_for(facts_in(tellers.facts, row.subject_id, row.severity), row.milestone)[0]


def urgency_of(ladder: LadderPolicy, what: Climb) -> Urgency:
    """How long the notices of a rung may be held back; what nobody on the ladder hears waits for no digest."""
    if ladder.breaks_quiet:
        return Urgency.URGENT
    can_wait = ladder.rungs[what.place.rung - 1].can_wait and not what.is_unheard
    return Urgency.CAN_WAIT if can_wait else Urgency.USUAL


def rung_messages(matter: Matter, escalation_id: int, deadline_id: int | None, what: Climb, late: str = ""
                  ) -> Iterator[dict[str, Any]]:  # fmt: skip
    """What is each message's own: one for every recipient of a rung; those sent late share a bundle each."""
    subject = f"{matter.subject_kind}:{matter.subject_id}"
    slot = f"{matter.occasion} {f'repeat {what.place.cycle}' if what.place.cycle else 'breach'}"
    for recipient, channel in what.told:
        yield {
            "key": message_key(subject, matter.duty, recipient, channel, slot, what.place.rung),
            "subject_kind": matter.subject_kind,
            "subject_id": matter.subject_id,
            "deadline_id": deadline_id,
            "escalation_id": escalation_id,
            "rung": what.place.rung,
            "recipient": recipient,
            "channel": channel,
            "bundle": late_bundle(recipient, channel, late) if late else None,
        }


def late_bundle(recipient: str, channel: str, minute: str) -> str:
    """The letter that late notices of one sweep to one recipient by one way share."""
    way = "" if channel == PREFERRED else f" {channel}"
    return f"late {recipient}{way} {minute}"


class Step(NamedTuple):
    """A rung told on one ladder, and why."""

    escalation_id: int
    what: Climb
    trigger: Trigger


def write_steps(session: Session, steps: Iterable[Step], at: datetime) -> None:
    """Write down which rungs were told, whom, and why those before them were not; once each."""
    alike: dict[tuple[Place, Trigger], list[dict[str, Any]]] = defaultdict(list)
    for one in steps:
        told, passed = _as_json(tuple(written(one.what.told))), _as_json(one.what.passed)
        own = {"escalation_id": one.escalation_id, "told": told, "passed": passed}
        alike[one.what.place, one.trigger].append(own)
    for (place, trigger), rows in alike.items():
        shared = {"cycle": place.cycle, "rung": place.rung, "trigger": trigger, "told_at": at}
        insert_new_alike(session, EscalationStep, rows, ["escalation_id", "cycle", "rung"], shared)


@lru_cache(maxsize=10_000)
def _as_json(words: tuple[str, ...]) -> str:
    """As the column keeps it: these rows go to the driver as they are."""
    return json.dumps(words)
