"""Improvement in a reader's words: why something was not done, and what exactly is agreed to at a gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

from bihuan.errors import BihuanError, RefusedError, UsageError
from bihuan.rules.item import Lack, Refusal
from bihuan.services.item_log import EndedItemError, LackingError, StaleError, text_of
from bihuan.services.item_question import OtherContentError
from bihuan.web.reader import Reader

_ABOUT = {Lack.NOT_NEXT: "item_state", Lack.NOT_APPROVED: "gate", Lack.WRONG_VERDICT: "verdict"}
"""In which section the word stands that a refusal is about."""
_OF_CAUSE = frozenset({Lack.CAUSE_UNPROVED, Lack.PEOPLE_ONLY, Lack.CAUSE_WITHOUT_MEASURE})
_CONFLICT, _WRONG = 409, 400
_PAIR = 2
"""Before and after."""
Names = Mapping[Any, str]


class Group(NamedTuple):
    """Some of what is agreed to: what it is about, and label and value of each part."""

    title: str
    lines: list[tuple[str, str]]


def refusal(one: Refusal, reader: Reader, causes: Mapping[str, str] | None = None) -> str:
    """One reason against a move, with what it is about as the reader calls it."""
    if one.why in _OF_CAUSE and causes:
        return text_of(one._replace(about=reader.section("improvement")["quoted"].format(
            said=causes.get(one.about, one.about))), reader.language)  # fmt: skip
    section = _ABOUT.get(one.why)
    return text_of(one._replace(about=reader.word(section, one.about)) if section else one, reader.language)


def why(error: BihuanError, act: str, reader: Reader, causes: Mapping[str, str] | None = None) -> tuple[str, int]:
    """Why an act was not done, in one line, and the status that says so."""
    v = reader.section("improvement")
    match error:
        case LackingError():
            said = v["joint"].join(refusal(one, reader, causes) for one in error.refusals)
            return v["lacking"].format(what=said), _CONFLICT
        case StaleError():
            who = v["comma"].join(dict.fromkeys(by for _, _, by in error.changed.values() if by)) or v["somebody"]
            what = v["comma"].join(label(name, reader) for name in error.changed) or v["its_state"]
            return v["stale"].format(who=who, what=what), _CONFLICT
        case EndedItemError():
            return v["has_ended"], _CONFLICT
        case OtherContentError():
            return v["other_content"], _CONFLICT
        case RefusedError():
            known = v.get(f"refused_{act}")
            return (known or v["not_done"].format(detail=error)), _CONFLICT
        case UsageError():
            return _invalid(error, reader), _WRONG
    raise error


def _invalid(error: UsageError, reader: Reader) -> str:
    """What was typed wrongly; the field by its name, where the message begins with one."""
    v = reader.section("improvement")
    name, colon, _ = error.what.partition(": ")
    if colon and name in reader.section("item_field"):
        return v["invalid_field"].format(field=label(name, reader))
    if error.what.endswith("is missing"):
        return v["missing"]
    return v["invalid"].format(detail=error)


def label(name: str, reader: Reader) -> str:
    """What a field is called; of a cause or measure with which: ``措施 2 责任人``."""
    kind, _, rest = name.partition(" ")
    section = reader.section("item_field")
    if kind not in {"cause", "measure", "verification"} or not rest:
        return section.get(name.removesuffix("_id"), name.replace("_", " "))
    if kind == "verification":
        return f"{reader.section('improvement')['plan']} {label(rest, reader)}"
    which, _, field = rest.partition(" ")
    said = reader.section("improvement")[f"{kind}_n"].format(n=which)
    return f"{said} {label(field, reader)}" if field else said


def changes(data: Mapping[str, Any], reader: Reader) -> list[str]:
    """What an event of an item's log changed, a line each: what it is called, before and after."""
    found = [reader.word("gate", data["gate"])] if "gate" in data else []
    for name, pair in data.items():
        if isinstance(pair, list) and len(pair) == _PAIR and name != "roles":
            kind, _, rest = name.partition(" ")
            field = rest.rpartition(" ")[2] if rest else kind
            before, after = (shown(field, one, kind if rest else "item", reader, {}) for one in pair)
            found.append(f"{label(name, reader)}{reader.section('improvement')['colon']}"
                         + (f"{before} → " if before else "") + (after or "–"))  # fmt: skip
    return found


def groups(content: Mapping[str, Any], reader: Reader, names: Names) -> list[Group]:
    """What is agreed to at a gate, to be read: each part with its label, empty ones left out.

    Args:
        content: As ``bihuan.services.item_question.content_of`` gives it.
        reader: Whose words.
        names: People, departments, causes and indicators by the name of the field and what stands in it.
    """
    plain = {name: value for name, value in content.items() if not isinstance(value, Mapping | list) or _is_flat(value)}
    found = [Group("", list(_lines(plain, "item", reader, names)))] if plain else []
    for name, value in content.items():
        for place, one in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(one, Mapping):
                kind = name.rstrip("s")
                found.append(Group(_title(kind, place, one, reader), list(_lines(one, kind, reader, names))))
    return [one for one in found if one.lines]


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(one, Mapping) for one in value)


def _title(kind: str, place: int, one: Mapping[str, Any], reader: Reader) -> str:
    v = reader.section("improvement")
    if kind in {"cause", "measure"}:
        return v[f"{kind}_n"].format(n=int(one.get("place") or one.get("id") or place))
    return v["plan"] if kind == "verification" else v[kind]


def _lines(part: Mapping[str, Any], kind: str, reader: Reader, names: Names) -> Iterator[tuple[str, str]]:
    for name, value in part.items():
        said = shown(name, value, kind, reader, names)
        if said and name not in {"id", "place"}:
            yield label(name, reader), said


def shown(name: str, value: Any, kind: str, reader: Reader, names: Names) -> str:
    """One value as a reader reads it; empty where there is none."""
    if value in (None, "", []):
        return ""
    if not isinstance(value, list) and (name, value) in names:
        return names[name, value]
    if isinstance(value, Enum) or (section := _section(name, kind)):
        section = _section(name, kind)
        return reader.word(section, str(value)) if section else str(value)
    if isinstance(value, bool):
        return reader.section("improvement")["yes" if value else "no"]
    if name == "cause_ids":
        value = [names.get(("cause", int(one)), f"{one:g}") for one in value]
    if isinstance(value, list):
        return reader.section("improvement")["comma"].join(f"{one:g}" if isinstance(one, float) else str(one)
                                                           for one in value)  # fmt: skip
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _section(name: str, kind: str) -> str:
    """The section of words that a coded value stands in; empty where it is no code."""
    if name == "kind":
        return f"{kind}_kind" if kind in {"cause", "measure"} else "kind"
    if name == "method":
        return "cause_method" if kind == "cause" else "effect_method"
    if name == "state":
        return f"{kind}_state"
    return name if name in {"bone", "strength", "priority", "verdict", "dimension"} else ""
