"""A YAML file read with the line of every key, so that an error can name it.

Plain words follow the YAML 1.2 core rules: ``09:30``, ``yes`` and ``2026-10-01`` stay text (YAML 1.1 reads 12:30 as
750). Aliases and tags are refused: a policy says what it means on the line where it is looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from bihuan.errors import PolicyError
from bihuan.policy.flaw import Flaw, KeyPath

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 50
_CONSTANTS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_CORE_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file of a policy as it was read."""

    name: str
    raw: bytes
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: ``content`` the values, ``lines`` the line of each key path."""

    file: str
    content: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """The line of the deepest key on ``path`` that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, flaw: Flaw) -> PolicyError:
        """The flaw as ``file:line key.path: what - cure``."""
        place = f" {'.'.join(map(str, flaw.at))}" if flaw.at else ""
        return PolicyError(f"{self.file}:{self.line(flaw.at)}{place}: {flaw.what}", cure=flaw.cure)


def read_document(file: str, raw: bytes) -> Document:
    """The document in ``raw``; ``file`` is the name that errors give it.

    Raises:
        PolicyError: Not UTF-8, not YAML, not a mapping, a key written twice, an alias or a tag.
    """
    document = Document(file)
    try:
        text = raw.decode("utf-8-sig")
        _require_shallow(text)
        root = yaml.compose(text, Loader=_LOADER)
        document.content.update(_Reader(document.lines).root(root))
    except UnicodeDecodeError as error:
        raise PolicyError(f"{file}: is not UTF-8 text", cure="save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(f"{file}:{line}: is not YAML: {error.problem}", cure="check indents and colons") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise PolicyError(f"{file}: is not YAML a policy could hold", cure="save it as plain text") from error
    except Flaw as flaw:
        raise document.error(flaw) from flaw
    return document


def _require_shallow(text: str) -> None:
    """Refuse what nests so deep that the parser, which is written in C and recurses, would take the process with it.

    Raises:
        Flaw: It does.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise Flaw(f"nests more than {_DEEPEST} deep", "write it flat; no policy is so deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns nodes into values and notes the line of each."""

    def __init__(self, lines: dict[KeyPath, int]) -> None:
        self._lines = lines
        self._seen: set[int] = set()

    def root(self, node: yaml.Node | None) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, ())
        raise Flaw("holds no keys", "write `key: value` lines, or delete the file for the shipped default")

    def value(self, node: yaml.Node, at: KeyPath) -> Any:
        self._lines.setdefault(at, node.start_mark.line + 1)
        if id(node) in self._seen:
            raise Flaw("an alias is not read in a policy", "write the value out", at)
        self._seen.add(id(node))
        if not node.tag.startswith(_CORE_TAG):
            raise Flaw(f"the tag {node.tag} is not read in a policy", "leave it out", at)
        match node:
            case yaml.MappingNode():
                return self.mapping(node, at)
            case yaml.SequenceNode():
                return [self.value(item, (*at, number)) for number, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return _word(node)
            case _:
                raise Flaw("is no value", "write a word, a list or a mapping", at)

    def mapping(self, node: yaml.MappingNode, at: KeyPath) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._lines[at] = key_node.start_mark.line + 1
                raise Flaw("a key is not a word", "write `key: value`", at)
            key = _word(key_node)
            path = (*at, key)
            first = self._lines.get(path)
            self._lines[path] = key_node.start_mark.line + 1
            if first:
                raise Flaw(f"is written twice, first on line {first}", "keep one of them", path)
            found[key] = self.value(value_node, path)
        return found


def _word(node: yaml.ScalarNode) -> Any:
    """What a word means: text where it is quoted, else a number or a constant where it looks like one."""
    text: str = node.value
    if node.style:
        return text
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
