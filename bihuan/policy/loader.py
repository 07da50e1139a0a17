"""Reads a policy: the shipped files, each replaced as a whole by the file of that name in a directory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bihuan.errors import PolicyError
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.document import Document, read_document
from bihuan.policy.flaw import Flaw, flaws, nearest
from bihuan.policy.models import DeadlinePolicy, KpiPolicy, Policy, RoutingPolicy

DEFAULTS = Path(__file__).parent / "default"

_MODELS: dict[str, type[BaseModel]] = {
    "calendar": CalendarPolicy,
    "deadline": DeadlinePolicy,
    "routing": RoutingPolicy,
    "kpi": KpiPolicy,
}
SECTIONS = tuple(_MODELS)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file of a policy as it was read."""

    name: str
    raw: bytes
    is_default: bool


def load_policy(directory: Path | None) -> Policy:
    """The shipped policy, with the files of ``directory`` in place of those they are named like.

    Files are read at each call and parsed once for the same content, so an edit counts from the next call on.

    Raises:
        PolicyError: The directory or one of its files cannot be used; names file, line and key.
    """
    files = policy_files(directory)
    parsed = {section: _parsed(section, file) for section, file in files.items()}
    policy = Policy(
        calendars=parsed["calendar"], deadline=parsed["deadline"], routing=parsed["routing"], kpi=parsed["kpi"]
    )
    _check_indicators(policy, files["kpi"])
    return policy


def schemas() -> dict[str, Any]:
    """The JSON schema of each file, by section."""
    return {section: model.model_json_schema() for section, model in _MODELS.items()}


def policy_files(directory: Path | None) -> dict[str, PolicyFile]:
    """The file that each section comes from, by section.

    Raises:
        PolicyError: The directory cannot be read, or holds a file that is no policy file.
    """
    own = _own_files(directory) if directory else {}
    return {
        section: _read(own.get(section, DEFAULTS / f"{section}.yaml"), is_default=section not in own)
        for section in SECTIONS
    }


def _own_files(directory: Path) -> dict[str, Path]:
    """Hidden entries are passed over: they belong to whatever mounts or versions the directory."""
    known = {f"{section}.yaml": section for section in SECTIONS}
    try:
        entries = sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        cure = "name a directory of policy files, or none for the shipped policy"
        raise PolicyError(f"{directory}: cannot be read: {error.strerror}", cure=cure) from error
    for entry in entries:
        if entry.name not in known:
            raise PolicyError(f"{entry}: is not a policy file", cure=nearest(entry.name, known))
    return {known[entry.name]: entry for entry in entries}


def _read(file: Path, *, is_default: bool) -> PolicyFile:
    try:
        return PolicyFile(str(file), file.read_bytes(), is_default)
    except OSError as error:
        cure = "make it readable, or delete it for the shipped default"
        raise PolicyError(f"{file}: cannot be read: {error.strerror}", cure=cure) from error


@lru_cache(maxsize=64)
def _parsed(section: str, file: PolicyFile) -> Any:
    document = read_document(file.name, file.raw)
    try:
        return _MODELS[section].model_validate(document.content)
    except ValidationError as error:
        raise _first(document, flaws(error)) from error


def _first(document: Document, found: list[Flaw]) -> PolicyError:
    """The flaw that a reader meets first."""
    return document.error(min(found, key=lambda flaw: document.line(flaw.at)))


def _check_indicators(policy: Policy, file: PolicyFile) -> None:
    """Refuse an indicator whose milestone does not exist, except in the shipped file: there it just counts nothing."""
    if file.is_default:
        return
    for name, indicator in policy.kpi.indicators.items():
        if indicator.milestone not in policy.deadline.milestones:
            cure = nearest(indicator.milestone, policy.deadline.milestones)
            flaw = Flaw(f"unknown milestone '{indicator.milestone}'", cure, ("indicators", name, "milestone"))
            raise read_document(file.name, file.raw).error(flaw)
