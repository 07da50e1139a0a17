"""The cells of a staff book: what people write for a day, a time, a weekday, a role, quiet hours or yes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.policy.flaw import Flaw, nearest, shown
from bihuan.policy.frame import DAYS
from schemas.access import Role
from schemas.people import MASK, NO_CONTACT, NO_QUIET

_YES, _NO = frozenset({"1", "true", "yes", "y", "是"}), frozenset({"0", "false", "no", "n", "否"})
_NONE = frozenset({"none", "no", "无", "-"})
_ROLES: Mapping[str, Role] = {
    **{role.value: role for role in (Role.EXECUTIVE, Role.QUALITY_MANAGER, Role.OPERATOR)},
    "高管": Role.EXECUTIVE, "质量经理": Role.QUALITY_MANAGER, "运维": Role.OPERATOR,
}  # fmt: skip
_LANGUAGES = {"中文": "zh", "英文": "en"}
_EVERY_DAY = frozenset({"daily", "every day", "每天", "每日"})
_CHINESE_DAYS = dict(zip("一二三四五六日天", (*DAYS, "sun"), strict=True))
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LIST = re.compile(r"[\s,;，；、]+")
_RANGE = re.compile(r"\s*(?:-|–|~|～|至|到)\s*")
_TIME = re.compile(r"([01]?[0-9]|2[0-4])[:：]([0-5][0-9])(?::00)?")
_MOMENT = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ]+(.+))?")
_MIDNIGHT_CELL = "00:00:00"
"""A workbook has days as midnights, written so; a person who means the instant writes ``00:00``."""
_YEARS = range(1970, 3000)

Reader = Callable[[str], Any]
"""From the text of a cell, not empty, to its value.

Raises:
    Flaw: It says nothing of the kind.
"""


def flag(text: str) -> bool:
    """Yes or no; ``是`` and ``否``."""
    if text.lower() not in _YES | _NO:
        raise Flaw(f"is {text!r}", "write yes or no")
    return text.lower() in _YES


def roles(text: str) -> tuple[Role, ...]:
    """Roles beside handler and head, in the order of their names."""
    found = set()
    for word in _words(text):
        if (role := _ROLES.get(word.lower())) is None:
            cure = "is_head says it" if word == Role.DEPARTMENT_HEAD else nearest(word, _ROLES)
            raise Flaw(f"has {shown(word)}, which is no role to give", cure)
        found.add(role)
    return tuple(sorted(found))


def language(text: str) -> str:
    """``zh`` or ``en``."""
    return _LANGUAGES.get(text, text.lower())


def time_zone(text: str) -> str:
    """The name of a zone there is."""
    try:
        return zone(text).key
    except UsageError as error:
        raise Flaw(f"is {text!r}", error.cure) from error


def contact(text: str) -> str:
    """A contact, masked or not, or that there is none."""
    return NO_CONTACT if text.lower() in _NONE else text if MASK not in text else MASK


def quiet(text: str) -> tuple[str, str]:
    """Two times of day, or none."""
    if text.lower() in _NONE:
        return NO_QUIET
    edges = _RANGE.split(text)
    if len(edges) != len(NO_QUIET):
        raise Flaw(f"is {text!r}", 'write 22:00-08:00, or "none" for no quiet hours')
    begins, ends = (time_of_day(edge) for edge in edges)
    return NO_QUIET if begins == ends else (begins, ends)


def time_of_day(text: str) -> str:
    """``22:00``; ``24:00`` is the midnight at which a day ends."""
    found = _TIME.fullmatch(text)
    if not found or (int(found[1]), found[2]) > (24, "00"):
        raise Flaw(f"is {text!r}", "write a time of day like 22:00")
    return f"{int(found[1]) % 24:02}:{found[2]}"


def weekdays(text: str) -> tuple[str, ...]:
    """Weekdays in their order from ``mon-fri``, ``mon,wed``, ``daily``, ``周一至周五``."""
    if text.lower() in _EVERY_DAY:
        return DAYS
    found = {day for part in _LIST.split(_RANGE.sub("-", text)) if part for day in _days(part)}
    return tuple(day for day in DAYS if day in found)


def _days(part: str) -> tuple[str, ...]:
    first, *rest = (_day_name(word) for word in part.split("-"))
    if not rest:
        return (first,)
    begin, end = DAYS.index(first), DAYS.index(rest[-1])
    return DAYS[begin : end + 1] if begin <= end else DAYS[begin:] + DAYS[: end + 1]


def _day_name(word: str) -> str:
    if day := _CHINESE_DAYS.get(re.sub("^(周|星期|礼拜)", "", word)):
        return day
    short = word.lower().rstrip(".")
    if len(short) >= len("mon") and any(name.startswith(short) for name in _DAY_NAMES):
        return short[:3]
    raise Flaw(f"has {word!r}", "write days like mon-fri, mon,wed, daily or 周一至周五")


def day(text: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(moment(text))
    except ValueError as error:  # a Flaw is one
        raise Flaw(f"is {text!r}", "write a day like 2026-12-24") from error


def moment(text: str) -> str:
    """A day or a local time, as ISO: ``2026-12-24``, ``2026-12-24T13:00:00``; an offset stays."""
    found = _MOMENT.fullmatch(text)
    try:
        if not found or int(found[1]) not in _YEARS:
            raise ValueError(text)
        ordinary = date(*(int(part) for part in found.groups()[:3])).isoformat()
        clock = found[4] or _MIDNIGHT_CELL
        clock = clock if len(clock.partition(":")[0]) > 1 else f"0{clock}"
        if clock == _MIDNIGHT_CELL:
            return ordinary
        return datetime.fromisoformat(f"{ordinary}T{clock}").isoformat()
    except ValueError as error:
        raise Flaw(f"is {text!r}", "write 2026-12-24, or 2026-12-24 13:00") from error


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"\s*[,;，；、]\s*", text.strip()) if word]
