"""What a mapping says of a complaint's history: its events, the log they are read off, and the source's verdict."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bihuan.inbound.word import Column, Word, Words, listed
from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw, nearest
from bihuan.rules.complaint import ENDS
from schemas.complaint import SAYS, EventKind

STAGES = (EventKind.REGISTERED, EventKind.ASSIGNED, EventKind.RESPONDED, EventKind.HANDLED, EventKind.CLOSED)
"""The stages of a complaint's way, first to last, that a state of an event log can stand for."""


class EventColumn(PolicyModel):
    """An event that a column dates: blank, it has not happened."""

    kind: EventKind
    at: Column
    when: dict[Column, Annotated[tuple[Word, ...], BeforeValidator(listed)]] = Field(default_factory=dict)
    """Only in rows whose columns hold one of these words."""

    @field_validator("kind")
    @classmethod
    def _follows_registration(cls, kind: EventKind) -> EventKind:
        if kind is EventKind.REGISTERED:
            raise Flaw("registration is a field, not an event", "name its column as `fields: registered_at`")
        if kind in SAYS:
            raise Flaw(f"a date alone does not say its {SAYS[kind]}", "leave it out: the fields say how it stands now")
        return kind


class EventLog(PolicyModel):
    """A file with several rows a complaint, each saying how it stood from an instant on."""

    at: Column
    state: Column
    states: dict[Word, EventKind]
    """What it means that a complaint is in one of the source's states; ``registered``: nothing has happened yet."""
    waiting: Words = frozenset()
    """Those of ``states`` in which it waits for someone else."""
    reopen_count: Column | None = None
    """Where the source counts reopenings, a step back to work is one only if this number has grown."""

    @field_validator("states")
    @classmethod
    def _are_stages(cls, states: dict[str, EventKind]) -> dict[str, EventKind]:
        for state, stage in states.items():
            if stage not in STAGES:
                raise Flaw(f"{stage.value!r} is not a stage", f"write one of {', '.join(STAGES)}", (state,))
        return states

    @model_validator(mode="after")
    def _waits_in_open_states(self) -> Self:
        for state in sorted(self.waiting):
            if state not in self.states:
                raise Flaw(f"{state!r} is not one of the states", nearest(state, self.states), ("waiting",))
            if self.states[state] in ENDS:
                cure = "leave it out: after its end there is nothing left to wait for"
                raise Flaw(f"{state!r} is an end, {self.states[state]}", cure, ("waiting",))
        return self


class Verdict(PolicyModel):
    """The source's own word on whether a complaint was on time; a missing one leaves that unknown."""

    column: Column
    on_time: Annotated[Words, Field(min_length=1)]
    late: Annotated[Words, Field(min_length=1)]
    since: EventKind
    """The end that brings it: the verdict is read in that event's row and becomes part of the event."""

    @field_validator("since")
    @classmethod
    def _is_an_end(cls, since: EventKind) -> EventKind:
        if since not in ENDS:
            raise Flaw(f"no verdict falls when a complaint is {since}", "write handled or closed")
        return since

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        for word in sorted(self.on_time & self.late):
            raise Flaw(f"{word!r} is listed as on time and as late", "keep it in one of the two", ("late",))
        return self
