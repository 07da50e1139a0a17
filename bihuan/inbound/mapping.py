"""A mapping 映射: how one source's columns become complaints, as a YAML file that is checked when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ValidationInfo, field_validator, model_validator

from bihuan.inbound.history import EventColumn, EventLog, Verdict
from bihuan.inbound.source import FieldBlock, Origin, SourceFile, Value, column_at, load
from bihuan.inbound.word import Column
from bihuan.policy.flaw import Flaw, KeyPath
from schemas.complaint import Channel, EventKind, Kind, Severity

CODES: dict[str, type[StrEnum]] = {"channel": Channel, "kind": Kind, "severity": Severity}
"""The fields that take nothing but our own codes."""


class CustomerFields(FieldBlock):
    """Who complains."""

    external_id: Value | None = None
    name: Value | None = None
    contact_url: Value | None = None
    language: Value | None = None
    timezone: Value | None = None
    tier: Value | None = None


class Fields(FieldBlock):
    """The elements of a complaint, each with its origin; what is not named stays empty."""

    external_id: Column
    registered_at: Column
    channel: Value | None = None
    kind: Value | None = None
    severity: Value | None = None
    title: Value | None = None
    matter: Value | None = None
    demand: Value | None = None
    product: Value | None = None
    region: Value | None = None
    business_line: Value | None = None
    tier: Value | None = None
    department: Value | None = None
    handler: Value | None = None
    customer: CustomerFields = CustomerFields()

    @field_validator("external_id", "registered_at", mode="before")
    @classmethod
    def _is_a_column(cls, block: Any) -> Any:
        return block["column"] if isinstance(block, dict) and list(block) == ["column"] else block

    @field_validator(*CODES)
    @classmethod
    def _knows_its_codes(cls, value: Value | None, info: ValidationInfo) -> Value | None:
        if value is not None:
            value.check_codes(CODES[str(info.field_name)])
        return value


class Attribute(Origin):
    """A column kept as it is, beside the fields."""

    column: Column
    since: EventKind | None = None
    """Known only since that event: left out of an import as of an instant before it."""


def _promises(value: Any) -> Any:
    """``policy`` as None, and each milestone as the column of its due instant, or None for the policy's target."""
    if value == "policy":
        return None
    if not isinstance(value, dict):
        raise Flaw("says neither `policy` nor milestones", "write `deadlines: policy` or `handled: {column: Due}`")
    return {milestone: _promise(milestone, term) for milestone, term in value.items()}


def _promise(milestone: str, term: Any) -> Any:
    if term == "policy":
        return None
    if isinstance(term, dict) and list(term) == ["column"]:
        return term["column"]
    raise Flaw("is neither `policy` nor a column", "write `policy` or `{column: Due}`", (milestone,))


class Mapping(SourceFile):
    """Everything there is to say about one source's file of complaints."""

    fields: Fields
    attributes: tuple[Attribute, ...] = ()
    events: tuple[EventColumn, ...] = ()
    event_log: EventLog | None = None
    verdict: Verdict | None = None
    deadlines: Annotated[dict[str, Column | None] | None, BeforeValidator(_promises)] = None
    future: tuple[Column, ...] = ()
    """Columns that stand in rows from before their time: nothing may read them."""

    @model_validator(mode="after")
    def _is_of_one_kind_and_blind(self) -> Self:
        if self.event_log and self.events:
            raise Flaw("an event log yields its events itself", "keep `event_log:` or `events:`", ("events",))
        for at, column in self.columns():
            if column in self.future:
                raise Flaw(
                    f"{column!r} is listed under future: its rows hold it before its time",
                    "take another column, or leave this key out",
                    at,
                )
        return self

    @model_validator(mode="after")
    def _comes_to_its_verdict(self) -> Self:
        stages = self.event_log.states.values() if self.event_log else [event.kind for event in self.events]
        if self.verdict and self.verdict.since not in stages:
            since = self.verdict.since
            cure = f"name the event that brings it, or add one of kind {since}"
            raise Flaw(f"nothing in this mapping is ever {since}", cure, ("verdict", "since"))
        return self

    def columns(self) -> Iterator[tuple[KeyPath, str]]:
        """Every column that is read, with the place in the mapping that names it."""
        yield ("fields", "external_id"), self.fields.external_id
        yield ("fields", "registered_at"), self.fields.registered_at
        for name, value in self.fields.origins().items():
            yield from column_at(("fields", name), value.column)
        for name, value in self.fields.customer.origins().items():
            yield from column_at(("fields", "customer", name), value.column)
        for number, attribute in enumerate(self.attributes):
            yield ("attributes", number), attribute.column
        for number, event in enumerate(self.events):
            yield ("events", number, "at"), event.at
            yield from ((("events", number, "when"), column) for column in event.when)
        for milestone, column in (self.deadlines or {}).items():
            yield from column_at(("deadlines", milestone), column)
        if self.event_log:
            for name in ("at", "state", "reopen_count"):
                yield from column_at(("event_log", name), getattr(self.event_log, name))
        if self.verdict:
            yield ("verdict", "column"), self.verdict.column


def load_mapping(path: Path) -> Mapping:
    """The mapping of complaints in the file at ``path``.

    Raises:
        UsageError: It cannot be read, is not YAML, or says something that cannot be meant: file, line and key.
    """
    return load(path, Mapping)
