"""Simulated people: complaints arrive, and whoever handles them does this and that, all through the real services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from bihuan.clock import fixed
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.settings import Settings
from bihuan.simulation import demo
from bihuan.simulation.arrival import Arrival
from bihuan.simulation.stream import complaint
from bihuan.store.engine import Database
from schemas.complaint import ComplaintIn, EventIn


class Act(NamedTuple):
    """Something a person does; of two at one instant the earlier ``place`` comes first."""

    at: datetime
    place: int
    arriving: ComplaintIn | None
    external_id: str
    event: EventIn | None


@dataclass
class Lives:
    """The complaints that arrive in one company, and what becomes of them, up to whatever instant it is.

    The same arrivals do the same in every database, in the same order.
    """

    db: Database
    policy: Policy
    settings: Settings
    arrivals: Iterable[Arrival]
    done: Counter[str] = field(default_factory=Counter)
    """What happened so far: ``registered``, ``recorded``, and ``refused`` where news made no sense any more."""
    _numbers: dict[str, str] = field(default_factory=dict)
    _acts: list[Act] = field(default_factory=list)

    def move_in(self, at: datetime) -> None:
        """Departments, staff and who is on duty; and the script of all that will happen."""
        demo.fill(self.db, self.policy, self.settings, since=at, until=at, per_day=0)
        self._acts = sorted(
            (act for place, one in enumerate(self.arrivals) for act in _acts(place, one)),
            key=lambda act: (act.at, act.place), reverse=True,
        )  # fmt: skip

    def until(self, at: datetime) -> int:
        """Let everything happen that happens by then, each act in a transaction and at an instant of its own.

        Returns:
            How many acts.
        """
        before = len(self._acts)
        while self._acts and self._acts[-1].at <= at:
            self._do(self._acts.pop())
        return before - len(self._acts)

    def _do(self, act: Act) -> None:
        clock = fixed(act.at)
        with self.db.write() as session:
            if act.arriving:
                number = register(session, self.policy, self.settings, clock, act.arriving)
                self._numbers[act.external_id] = number
                self.done["registered"] += 1
            elif act.event:
                try:
                    record(session, self.policy, clock, self._numbers[act.external_id], act.event)
                    self.done["recorded"] += 1
                except RefusedError:
                    self.done["refused"] += 1


def _acts(place: int, one: Arrival) -> list[Act]:
    whole = complaint(demo.COMPANY, one)
    arriving = whole.model_copy(update={"events": ()})
    later = (Act(event.occurred_at, place, None, one.external_id, event) for event in whole.events)
    return [Act(one.at, place, arriving, one.external_id, None), *later]
