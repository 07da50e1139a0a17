"""A mapping 映射: how one source's columns become complaints, as a YAML file that is checked when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from bihuan.errors import PolicyError, UsageError
from bihuan.inbound.history import EventColumn, EventLog, Verdict
from bihuan.inbound.instant import Dates
from bihuan.inbound.word import Column, Word, Words, as_word
from bihuan.policy.base import PolicyModel
from bihuan.policy.document import read_document
from bihuan.policy.flaw import Flaw, KeyPath, flaws, nearest
from schemas.complaint import Channel, EventKind, Kind, Severity

CODES: dict[str, type[StrEnum]] = {"channel": Channel, "kind": Kind, "severity": Severity}
"""The fields that take nothing but our own codes."""


class _Origin(PolicyModel):
    """A block for which a plain word may stand: its ``column``."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_word(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict | list | cls) else {"column": as_word(raw)}


class Value(_Origin):
    """Where the value of one field comes from: a column of the file, or a constant."""

    column: Column | None = None
    constant: Word | None = None
    values: dict[Word, Word] | None = None
    """What the file's words mean here. A word that is not listed gets ``default``, or its row is rejected."""
    default: Word | None = None
    """For a word that is not listed and for a missing one."""

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.column is None) is (self.constant is None):
            raise Flaw("needs either a column or a constant", "write `field: Column name` or `field: {constant: word}`")
        if self.constant is not None and (self.values is not None or self.default is not None):
            raise Flaw("a constant has no values and no default", "leave them out")
        return self

    def check_codes(self, codes: type[StrEnum]) -> None:
        """Refuse a code that ``codes`` does not have."""
        written: list[tuple[KeyPath, str | None]] = [(("constant",), self.constant), (("default",), self.default)]
        written += [(("values", raw), code) for raw, code in (self.values or {}).items()]
        for at, code in written:
            if code is not None and code not in set(codes):
                raise Flaw(f"unknown code {code!r}", nearest(code, codes), at)


class _FieldBlock(PolicyModel):
    """Fields, each with its origin."""

    def origins(self) -> dict[str, Value]:
        """Where the values come from, by field; without the fields that are left out."""
        return {name: value for name, value in self if isinstance(value, Value)}


class CustomerFields(_FieldBlock):
    """Who complains."""

    external_id: Value | None = None
    name: Value | None = None
    contact_url: Value | None = None
    language: Value | None = None
    tier: Value | None = None


class Fields(_FieldBlock):
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


class Attribute(_Origin):
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


class Mapping(PolicyModel):
    """Everything there is to say about one source's file."""

    source: str = Field(min_length=1, max_length=60)
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str | None = None
    """Of a workbook; None: its first."""
    dates: Dates
    missing: Words = frozenset()
    """Words that mean "not known", besides the empty cell."""
    fields: Fields
    attributes: tuple[Attribute, ...] = ()
    events: tuple[EventColumn, ...] = ()
    event_log: EventLog | None = None
    verdict: Verdict | None = None
    deadlines: Annotated[dict[str, Column | None] | None, BeforeValidator(_promises)] = None
    future: tuple[Column, ...] = ()
    """Columns that stand in rows from before their time: nothing may read them."""

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, name: str) -> str:
        try:
            "x".encode(name)
        except LookupError as error:
            raise Flaw(f"unknown encoding {name!r}", "write utf-8-sig, gb18030, cp1252 …") from error
        return name

    @field_validator("delimiter")
    @classmethod
    def _is_one_character(cls, delimiter: str) -> str:
        character = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter)
        if len(character) != 1:
            raise Flaw(f"{delimiter!r} is not one character", 'write ",", ";", "|" or tab')
        return character

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
            yield from _column(("fields", name), value.column)
        for name, value in self.fields.customer.origins().items():
            yield from _column(("fields", "customer", name), value.column)
        for number, attribute in enumerate(self.attributes):
            yield ("attributes", number), attribute.column
        for number, event in enumerate(self.events):
            yield ("events", number, "at"), event.at
            yield from ((("events", number, "when"), column) for column in event.when)
        for milestone, column in (self.deadlines or {}).items():
            yield from _column(("deadlines", milestone), column)
        if self.event_log:
            for name in ("at", "state", "reopen_count"):
                yield from _column(("event_log", name), getattr(self.event_log, name))
        if self.verdict:
            yield ("verdict", "column"), self.verdict.column


def _column(at: KeyPath, column: str | None) -> Iterator[tuple[KeyPath, str]]:
    if column is not None:
        yield at, column


def load_mapping(path: Path) -> Mapping:
    """The mapping in the file at ``path``.

    Raises:
        UsageError: It cannot be read, is not YAML, or says something that cannot be meant: file, line and key.
    """
    try:
        document = read_document(str(path), path.read_bytes())
        return Mapping.model_validate(document.content)
    except OSError as error:
        raise UsageError(
            f"cannot read the mapping {path}: {error.strerror}",
            cure="name a mapping file; examples/mappings has some to copy",
        ) from error
    except PolicyError as error:
        raise _about_mappings(error) from error
    except ValidationError as error:
        raise _about_mappings(document.error(flaws(error)[0])) from error


def _about_mappings(error: UsageError) -> UsageError:
    """The reader of YAML speaks of policies; say the same of a mapping."""
    cure = error.cure.removesuffix(", or delete the file for the shipped default")
    return UsageError(
        error.what.replace(" a policy", " a mapping"), cure=cure.replace("docs/policy.md", "docs/mapping.md")
    )
