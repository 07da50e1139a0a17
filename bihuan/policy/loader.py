"""Reads a policy: the shipped files, each replaced as a whole by the file of that name in a directory.

Beside its files a directory may have ``calendar.d/``, with notices that bring the years of its calendars up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bihuan.clock import wall_clock
from bihuan.errors import PolicyError
from bihuan.policy.calendar import CalendarPolicy
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.document import Document, PolicyFile, read_document
from bihuan.policy.escalation import EscalationPolicy
from bihuan.policy.flaw import Flaw, KeyPath, flaws, nearest
from bihuan.policy.improvement import ImprovementPolicy
from bihuan.policy.kpi import KpiPolicy
from bihuan.policy.models import Policy, RoutingPolicy
from bihuan.policy.notice import FOLDER, SUFFIXES, with_notices
from bihuan.policy.retention import RetentionPolicy
from bihuan.policy.survey import SurveyPolicy
from bihuan.policy.trend import TrendPolicy
from schemas.complaint import EventKind

DEFAULTS = Path(__file__).parent / "default"

_MODELS: dict[str, type[BaseModel]] = {
    "calendar": CalendarPolicy,
    "deadline": DeadlinePolicy,
    "escalation": EscalationPolicy,
    "survey": SurveyPolicy,
    "routing": RoutingPolicy,
    "kpi": KpiPolicy,
    "improvement": ImprovementPolicy,
    "trend": TrendPolicy,
    "retention": RetentionPolicy,
}
SECTIONS = tuple(_MODELS)


def load_policy(directory: Path | None, notice: PolicyFile | None = None) -> Policy:
    """The shipped policy, with the files of ``directory`` in place of those they are named like.

    Files are read at each call and parsed once for the same content, so an edit counts from the next call on.

    Args:
        directory: The policy directory; None: as shipped.
        notice: One that is not there yet, counted as if it lay in ``calendar.d/``.

    Raises:
        PolicyError: The directory or one of its files cannot be used; names file, line and key.
    """
    files = policy_files(directory)
    notices = tuple(_with(notice, notice_files(directory)))
    parsed = {section: parse(section, file, notices) for section, file in files.items()}
    policy = Policy(
        calendars=parsed["calendar"],
        deadline=parsed["deadline"],
        escalation=parsed["escalation"],
        survey=parsed["survey"],
        routing=parsed["routing"],
        kpi=parsed["kpi"],
        improvement=parsed["improvement"],
        trend=parsed["trend"],
        retention=parsed["retention"],
        files=files,
        loaded_at=wall_clock(),
    )
    _check_indicators(policy, files["kpi"])
    _check_ladders(policy, files["escalation"])
    _check_follow_ups(policy, files["survey"])
    _check_watched(policy, files["trend"])
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


def notice_files(directory: Path | None) -> list[PolicyFile]:
    """The notices of a policy directory, by name.

    Raises:
        PolicyError: One cannot be read, or is neither YAML nor JSON.
    """
    folder = directory / FOLDER if directory else None
    if not folder or not folder.is_dir():
        return []
    files = _entries(folder)
    for file in files:
        if file.suffix not in SUFFIXES:
            raise PolicyError(f"{file}: is not a notice", cure=f"name it NAME{SUFFIXES[0]}, or move it elsewhere")
    return [_read(file, is_default=False) for file in files]


def _with(notice: PolicyFile | None, files: list[PolicyFile]) -> list[PolicyFile]:
    """The notices and one more, in the place of one of its name."""
    if notice is None:
        return files
    others = [file for file in files if Path(file.name).name != Path(notice.name).name]
    return sorted([*others, notice], key=lambda file: Path(file.name).name)


def _entries(folder: Path) -> list[Path]:
    """Hidden entries are passed over: they belong to whatever mounts or versions the directory."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        cure = "name a directory of policy files, or none for the shipped policy"
        raise PolicyError(f"{folder}: cannot be read: {error.strerror}", cure=cure) from error


def _own_files(directory: Path) -> dict[str, Path]:
    known = {f"{section}.yaml": section for section in SECTIONS}
    entries = [entry for entry in _entries(directory) if entry.name != FOLDER]
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


@lru_cache(maxsize=256)
def parse(section: str, file: PolicyFile, notices: tuple[PolicyFile, ...] = ()) -> Any:
    """The section that a file says; ``notices`` belong to the calendar.

    Raises:
        PolicyError: It cannot be used; names file, line and key.
    """
    document = read_document(file.name, file.raw)
    try:
        _MODELS[section].model_validate(document.content)
        content = with_notices(document.content, notices) if section == "calendar" else document.content
        return _MODELS[section].model_validate(content)
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
        if indicator.milestone and indicator.milestone not in policy.deadline.milestones:
            cure = nearest(indicator.milestone, policy.deadline.milestones)
            flaw = Flaw(f"unknown milestone '{indicator.milestone}'", cure, ("indicators", name, "milestone"))
            raise read_document(file.name, file.raw).error(flaw)


def _check_ladders(policy: Policy, file: PolicyFile) -> None:
    """Refuse a ladder for a milestone that does not exist, except in the shipped file."""
    if file.is_default:
        return
    said: dict[KeyPath, Mapping[str, str | None]] = {(): policy.escalation.milestones}
    said |= {("scopes", name): scope.milestones for name, scope in policy.escalation.scopes.items()}
    for at, milestones in said.items():
        for milestone in milestones:
            if milestone not in policy.deadline.milestones:
                cure = nearest(milestone, policy.deadline.milestones)
                flaw = Flaw(f"unknown milestone '{milestone}'", cure, (*at, "milestones", milestone))
                raise read_document(file.name, file.raw).error(flaw)


def _check_follow_ups(policy: Policy, file: PolicyFile) -> None:
    """Refuse a follow-up without a deadline that starts with the handling, except in the shipped file."""
    followed = [name for name, one in policy.deadline.milestones.items() if EventKind.HANDLED in one.starts]
    for name in () if file.is_default else policy.survey.follow_ups:
        if name not in followed:
            known = name in policy.deadline.milestones
            what = f"milestone '{name}' does not start with `handled`" if known else f"unknown milestone '{name}'"
            cure = nearest(name, followed) if followed else "add one to deadline.yaml"
            raise read_document(file.name, file.raw).error(Flaw(what, cure, ("follow_ups", name)))


def _check_watched(policy: Policy, file: PolicyFile) -> None:
    """Refuse to watch an indicator that does not exist, except in the shipped file."""
    for name, at in () if file.is_default else policy.trend.named():
        if name not in policy.kpi.indicators:
            flaw = Flaw(f"unknown indicator '{name}'", nearest(name, policy.kpi.indicators), at)
            raise read_document(file.name, file.raw).error(flaw)
