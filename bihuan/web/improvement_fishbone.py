"""The fishbone 鱼骨图 and the whys 五个为什么 of an improvement item, laid out for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.improvement import Bone
from schemas.plan import CauseState

WIDTH, HEIGHT = 760, 300
SPINE, HEAD = HEIGHT // 2, 580
"""Height of the spine, and where the head begins, in pixels."""
_RIBS = {Bone.PEOPLE: (210, -1), Bone.PROCESS: (440, -1), Bone.TECHNOLOGY: (210, 1), Bone.ENVIRONMENT: (440, 1)}
"""Where the outer end of each rib is, and whether it is above (-1) or below the spine."""
_LEAN, _REACH, _FIRST, _STEP, _SHOWN = 70, 120, 26, 22, 4
_CHARACTERS = 13
"""Wide characters that have room beside a rib."""
_WIDE_FROM = 0x2E80
"""From here on a character is as wide as it is high."""


@dataclass(frozen=True)
class Node:
    """One cause with the whys below it."""

    cause: Mapping[str, Any]
    below: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Twig:
    """A cause beside its rib: where its text ends, and whether it is confirmed."""

    x: float
    y: float
    text: str
    is_known: bool


@dataclass(frozen=True, slots=True)
class Rib:
    """One bone: its path, where its name stands, and the causes on it."""

    bone: Bone
    path: str
    x: int
    y: int
    twigs: tuple[Twig, ...]


def tree(causes: Sequence[Mapping[str, Any]]) -> dict[Bone, list[Node]]:
    """The causes by bone, each with its whys below it, in the order in which they were written."""
    nodes = {one["id"]: Node(one) for one in causes}
    roots: dict[Bone, list[Node]] = {bone: [] for bone in Bone}
    for node in nodes.values():
        above = nodes.get(node.cause["parent_id"])
        (above.below if above else roots[node.cause["bone"]]).append(node)
    return roots


def fishbone(roots: Mapping[Bone, Sequence[Node]]) -> list[Rib]:
    """The ribs with their first causes; what is excluded is left out."""
    return [_rib(bone, sorted(_kept(nodes), key=_rank)) for bone, nodes in roots.items()]


def _kept(nodes: Sequence[Node]) -> list[Mapping[str, Any]]:
    """The causes of a bone with the whys below them, without what is excluded."""
    found = []
    for node in nodes:
        if node.cause["state"] is not CauseState.EXCLUDED:
            found += [node.cause, *_kept(node.below)]
    return found


def _rank(cause: Mapping[str, Any]) -> tuple[bool, int]:
    """What is confirmed before the others, and those before their whys."""
    return cause["state"] is not CauseState.CONFIRMED, cause["level"]


def _rib(bone: Bone, causes: Sequence[Mapping[str, Any]]) -> Rib:
    x, side = _RIBS[bone]
    outer = SPINE + side * _REACH
    more = len(causes) - _SHOWN
    texts = [(clipped(one["statement"]), one["state"] is CauseState.CONFIRMED) for one in causes[:_SHOWN]]
    if more > 0:
        texts[-1] = (f"+{more + 1}", False)
    twigs = (_twig(x, side, outer, place, text, is_known) for place, (text, is_known) in enumerate(texts))
    return Rib(bone, f"M{x} {outer}L{x + _LEAN} {SPINE}", x, outer + (-6 if side < 0 else 16), tuple(twigs))


def _twig(x: int, side: int, outer: int, place: int, text: str, is_known: bool) -> Twig:
    along = _FIRST + place * _STEP - 8
    return Twig(x + _LEAN * along / _REACH - 8, outer - side * along + 4, text, is_known)


def clipped(text: str, room: float = _CHARACTERS) -> str:
    """As much of a text as has room, in wide characters; cut off with an ellipsis."""
    used = 0.0
    for place, one in enumerate(text):
        used += 1 if ord(one) >= _WIDE_FROM else 0.58
        if used > room:
            return text[: max(place - 1, 0)] + "…"
    return text
