"""How a source writes dates, and a quick reader of them: text in, aware UTC instant out.

``strptime`` takes 8 µs a date, three dates a row, which would be most of an import. Patterns of plain numbers become
one regular expression each; anything rarer still goes through ``strptime``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.policy.base import PolicyModel
from bihuan.policy.flaw import Flaw

ISO = "iso"
InstantReader = Callable[[str], datetime]

_NUMBERS = {
    "Y": "([0-9]{4})",
    "m": "([0-9]{1,2})",
    "d": "([0-9]{1,2})",
    "H": "([0-9]{1,2})",
    "I": "(0?[1-9]|1[0-2])",
    "M": "([0-9]{1,2})",
    "S": "([0-9]{1,2})",
    "p": "([AaPp])[Mm]",
}
_TOKEN = re.compile(r"%(?P<directive>.)|(?P<blank>\s+)|(?P<letter>.)", re.DOTALL)
_LOCALE = re.compile("%[cx]")
_WORKBOOK_CELL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
_SAMPLE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Dates(PolicyModel):
    """How one source writes dates, with nothing left to guess."""

    formats: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)] = (ISO,)
    """``strptime`` patterns, tried in order, or ``iso``."""
    day_first: bool | None = None
    """Does 3/4 mean 3 April? To be said where day and month are both numbers and the year does not lead."""
    timezone: str | None = None
    """IANA zone of dates that carry no offset of their own."""

    @field_validator("formats")
    @classmethod
    def _are_whole_dates(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in formats:
            if pattern != ISO and not _is_whole_date(pattern):
                raise Flaw(f"{pattern!r} is not a pattern of a whole date", "write one like %d/%m/%Y %H:%M, or iso")
        return formats

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        try:
            return name if name is None else zone(name).key
        except UsageError as error:
            raise Flaw(error.what, error.cure) from error

    @model_validator(mode="after")
    def _leave_nothing_to_guess(self) -> Self:
        for pattern in self.formats:
            is_day_first = _is_day_first(pattern)
            if is_day_first is not None and self.day_first is None:
                raise Flaw(
                    f"{pattern} needs day_first said beside it",
                    "add `day_first: true` where 3/4 means 3 April, `day_first: false` where it means 4 March",
                )
            if is_day_first is not None and is_day_first is not self.day_first:
                raise Flaw(
                    f"contradicts {pattern}, which has the {'day' if is_day_first else 'month'} first",
                    "correct the one that is wrong",
                    ("day_first",),
                )
            if self.timezone is None and "%z" not in pattern:
                raise Flaw(
                    f"{pattern} dates carry no time zone", "add `timezone:` with an IANA name such as Asia/Shanghai"
                )
        return self


def _is_whole_date(pattern: str) -> bool:
    try:
        back = datetime.strptime(_SAMPLE.strftime(pattern), pattern)  # noqa: DTZ007 - only its day is looked at
    except (ValueError, re.error):
        return False
    return back.date() == _SAMPLE.date() and not _LOCALE.search(pattern)


def _is_day_first(pattern: str) -> bool | None:
    """None where the pattern cannot be misread: the year leads, or the month is a word."""
    year, month, day = (pattern.replace("%y", "%Y").find(part) for part in ("%Y", "%m", "%d"))
    if month < 0 or day < 0 or year < month < day:
        return None
    return day < month


def instant_reader(dates: Dates) -> InstantReader:
    """A function from the source's text to an aware UTC instant.

    A local time that the change to summer time skips moves forward by the gap (02:30 reads as 03:30); one that happens
    twice is its first occurrence. A date without a time of day is its midnight. A date cell of a workbook arrives as
    ``2026-11-22T09:30:00`` and is read as that, whatever the source's text looks like.

    Returns:
        The reader; it raises ``ValueError``, saying what was expected, on text that is no such date.
    """
    readers = [_naive_reader(pattern) for pattern in dates.formats]
    local = zone(dates.timezone) if dates.timezone else None
    expected = " or ".join("an ISO date" if pattern == ISO else pattern for pattern in dates.formats)

    def read(text: str) -> datetime:
        try:
            at = _first(readers, text)
            if at.tzinfo is None and local:
                at = at.replace(tzinfo=local)
            elif at.tzinfo is None:
                raise ValueError(text)
            return at.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"is not a date like {expected}") from error

    return read


def _first(readers: Sequence[InstantReader], text: str) -> datetime:
    for read in readers:
        try:
            return read(text)
        except ValueError:
            continue
    if _WORKBOOK_CELL.fullmatch(text):
        return datetime.fromisoformat(text)
    raise ValueError(text)


def _naive_reader(pattern: str) -> InstantReader:
    """A reader of one pattern; its result may still lack a zone."""
    if pattern == ISO:
        return datetime.fromisoformat
    expression = _expression(pattern)
    if expression is None:
        return lambda text: datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller adds the zone
    match = re.compile(expression).fullmatch
    order = [directive for directive in re.findall("%(.)", pattern) if directive in _NUMBERS]

    def read(text: str) -> datetime:
        found = match(text)
        if found is None:
            raise ValueError(text)
        part = dict(zip(order, found.groups(), strict=True))
        return datetime(  # noqa: DTZ001 - the zone is put on by the caller
            int(part["Y"]),
            int(part["m"]),
            int(part["d"]),
            _hour(part),
            int(part.get("M", 0)),
            int(part.get("S", 0)),
        )

    return read


def _hour(part: dict[str, str]) -> int:
    if "I" in part:
        return int(part["I"]) % 12 + (12 if part.get("p", "a") in "pP" else 0)
    return int(part.get("H", 0))


def _expression(pattern: str) -> str | None:
    """The pattern as a regular expression; None where it has a directive that only ``strptime`` knows."""
    pieces: list[str] = []
    for token in _TOKEN.finditer(pattern):
        if directive := token["directive"]:
            piece = "%" if directive == "%" else _NUMBERS.get(directive)
            if piece is None:
                return None
            pieces.append(piece)
        else:
            pieces.append(r"\s+" if token["blank"] else re.escape(token["letter"]))
    return "".join(pieces)
