"""What mappings of all kinds say of a file: whose it is, how it is written, and where a value comes from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from bihuan.errors import PolicyError, UsageError
from bihuan.inbound.instant import Dates
from bihuan.inbound.table import Table, open_table
from bihuan.inbound.word import Column, Word, Words, as_word
from bihuan.policy.base import PolicyModel
from bihuan.policy.document import read_document
from bihuan.policy.flaw import Flaw, KeyPath, flaws, nearest


class Origin(PolicyModel):
    """A block for which a plain word may stand: its ``column``."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_word(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict | list | cls) else {"column": as_word(raw)}


class Value(Origin):
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


class FieldBlock(PolicyModel):
    """Fields, each with its origin."""

    def origins(self) -> dict[str, Value]:
        """Where the values come from, by field; without the fields that are left out."""
        return {name: value for name, value in self if isinstance(value, Value)}


class SourceFile(PolicyModel):
    """Whose file it is, and how to read it as a table."""

    source: str = Field(min_length=1, max_length=60)
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str | None = None
    """Of a workbook; None: its first."""
    dates: Dates
    missing: Words = frozenset()
    """Words that mean "not known", besides the empty cell."""

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

    @abstractmethod
    def columns(self) -> Iterator[tuple[KeyPath, str]]:
        """Every column that is read, with the place in the mapping that names it."""


def column_at(at: KeyPath, column: str | None) -> Iterator[tuple[KeyPath, str]]:
    """The place and the column, where there is one."""
    if column is not None:
        yield at, column


def open_source(file: Path, mapping: SourceFile) -> Table:
    """The table in ``file``, with every column that the mapping reads exactly once.

    Raises:
        UsageError: The file cannot be read, or lacks a column, or has one twice.
    """
    table = open_table(file, encoding=mapping.encoding, delimiter=mapping.delimiter, sheet=mapping.sheet)
    for at, column in mapping.columns():
        if column not in table.header:
            raise UsageError(
                f"{file} has no column {column!r}, which the mapping reads as {'.'.join(map(str, at))}",
                cure=f"correct the mapping; the file's columns are: {', '.join(table.header)}",
            )
        if table.header.count(column) > 1:
            raise UsageError(
                f"{file} has {table.header.count(column)} columns {column!r}",
                cure="rename all but one of them in the file",
            )
    return table


Kind = TypeVar("Kind", bound=SourceFile)


def load(path: Path, kind: type[Kind]) -> Kind:
    """The mapping of that kind in the file at ``path``.

    Raises:
        UsageError: It cannot be read, is not YAML, or says something that cannot be meant: file, line and key.
    """
    try:
        document = read_document(str(path), path.read_bytes())
        return kind.model_validate(document.content)
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
