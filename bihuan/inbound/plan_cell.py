"""The cells of a plan table that came back: what people write for a day, a share, a person or a word."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any

from bihuan.inbound import roster_cell
from bihuan.policy.flaw import Flaw, nearest, shown
from bihuan.rules.plan_table import JOINT, Column, Kind, canonical

_DAY = re.compile(r"([0-9]{4})\s*年\s*([0-9]{1,2})\s*月\s*([0-9]{1,2})\s*日?")
_LIST = re.compile(r"\s*[,，、;；\n]\s*")
_BROKEN = re.compile(r"#(?:REF|NAME|VALUE|DIV/0|N/A|NUM|NULL|SPILL|CALC)[!?]?", re.IGNORECASE)
_HUNDRED = 100


@dataclass(frozen=True)
class Vocabulary:
    """What words of a sheet stand for."""

    people: Mapping[str, str]
    """What active staff are called there, to their code."""
    words: Mapping[str, Mapping[str, str]]
    """By list: a word in either language, to its code."""


def read_cell(column: Column, value: Any, known: Vocabulary) -> str:
    """What a cell says, as text to compare by; empty for nothing.

    Args:
        column: What it holds.
        value: As the workbook has it: text, number, day or None.
        known: What words stand for.

    Raises:
        Flaw: It says nothing of the kind.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    if isinstance(value, str) and _BROKEN.fullmatch(value.strip()):
        raise Flaw(f"is a broken formula ({value.strip()})", "write the value itself")
    reader = _READERS[column.kind]
    return reader(value.strip() if isinstance(value, str) else value, column, known)


def _text(value: Any, _column: Column, _known: Vocabulary) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return canonical(Kind.TEXT, value)


def _number(value: Any, column: Column, _known: Vocabulary) -> str:
    found = _parsed(value)
    if column.kind is Kind.SHARE and not 0 <= found <= 1:
        raise Flaw(f"is {shown(value)}, which is no share", "write it as 90% or 0.9, from 0% to 100%")
    return canonical(column.kind, found)


def _parsed(value: Any) -> float:
    written = str(value).replace("％", "%").replace(",", "").replace("，", "").strip()
    is_percent = written.endswith("%")
    try:
        found = float(written.removesuffix("%"))
    except ValueError as error:
        raise Flaw(f"is {shown(value)}, which is no number", "write it as 0.9, 90% or 12") from error
    if isinstance(value, bool) or not isfinite(found):
        raise Flaw(f"is {shown(value)}, which is no number", "write it as 0.9, 90% or 12")
    return found / _HUNDRED if is_percent else found


def _whole(value: Any, _column: Column, _known: Vocabulary) -> str:
    found = _parsed(value)
    if not found.is_integer():
        raise Flaw(f"is {shown(value)}, which is no whole number", "write it without a fraction")
    return str(int(found))


def _day(value: Any, _column: Column, _known: Vocabulary) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    if not isinstance(value, str):
        raise Flaw(f"is {shown(value)}, which is no day", "write a day like 2026-11-30, and let the cell be a date")
    told = _DAY.fullmatch(value)
    return roster_cell.day("-".join(told.groups()) if told else value).isoformat()


def _person(value: Any, _column: Column, known: Vocabulary) -> str:
    word = _text(value, _column, known)
    if word in known.people:
        return known.people[word]
    raise Flaw(f"names {shown(word)}, who is no active member of staff", nearest(word, known.people))


def _people(value: Any, column: Column, known: Vocabulary) -> str:
    words = [word for word in _LIST.split(str(value)) if word]
    return JOINT.join(dict.fromkeys(_person(word, column, known) for word in words))


def _word(value: Any, column: Column, known: Vocabulary) -> str:
    word, words = str(value), known.words[column.words]
    code = words.get(word) or words.get(word.lower())
    if code is None:
        raise Flaw(f"is {shown(word)}, which is none of its words", nearest(word, words))
    return code


def _numbers(value: Any, column: Column, known: Vocabulary) -> str:
    if not isinstance(value, str):
        return _whole(value, column, known)
    found = {int(_whole(word, column, known)) for word in _LIST.split(value) if word}
    return JOINT.join(str(one) for one in sorted(found))


_READERS: Mapping[Kind, Callable[[Any, Column, Vocabulary], str]] = {
    Kind.TEXT: _text, Kind.NUMBER: _number, Kind.SHARE: _number, Kind.VALUE: _number, Kind.WHOLE: _whole,
    Kind.DAY: _day, Kind.PERSON: _person, Kind.PEOPLE: _people, Kind.WORD: _word, Kind.NUMBERS: _numbers,
}  # fmt: skip
