"""What an improvement item asks of people now: the moves open to it, and the gate that waits, with its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.rules import content
from bihuan.rules.item import Refusal, unready
from bihuan.rules.item_step import Step, gate_at, steps
from bihuan.services.approval import Waiting, waiting_on
from bihuan.services.dossier import Dossier, facts_of, hashes, today_of, wanted_roles
from schemas.item import Gate


@dataclass(frozen=True, slots=True)
class Question:
    """The gate at which an item stands.

    Attributes:
        gate: Which.
        lacks: What is missing before it can be decided; nothing: it waits.
        waiting: Who owes a decision, and until when.
        roles: As what somebody has to agree, those who did among them.
        content: What exactly is agreed to.
        sha256: Its hash, 64 hexadecimal digits.
    """

    gate: Gate
    lacks: tuple[Refusal, ...]
    waiting: tuple[Waiting, ...]
    roles: tuple[str, ...]
    content: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes next: the moves open to it, and the question that waits, where one does."""

    steps: tuple[Step, ...]
    question: Question | None
    lacks_of_goal: tuple[tuple[str, str], ...]
    """Letter and word of each thing its goal lacks."""


class OtherContentError(RefusedError):
    """What is to be agreed to is not what the person was shown."""


def outlook(session: Session, policy: Policy, clock: Clock, file: Dossier) -> Outlook:
    """What can and what has to be done next with an item.

    Args:
        session: Where to read.
        policy: Says who agrees.
        clock: Tells the present.
        file: Everything kept of it.
    """
    facts = facts_of(session, policy, file, today_of(policy, clock()))
    gate = gate_at(file.item.state)
    question = None
    if gate is not None:
        question = Question(
            gate, unready(facts, gate), tuple(waiting_on(session, policy, clock, file)),
            tuple(role.value for role in wanted_roles(file, policy, gate)), content_of(file, gate), hashes(file)[gate],
        )  # fmt: skip
    goal = tuple((one.letter.value, one.why.value) for one in facts.goal)
    return Outlook(steps(facts), question, goal)


def content_of(file: Dossier, gate: Gate) -> dict[str, Any]:
    """What exactly is agreed to at a gate, of which ``bihuan.services.dossier.hashes`` has the hash."""
    match gate:
        case Gate.G1:
            return content.goal_content(file.item.model_dump())
        case Gate.G2:
            return content.cause_content([one.model_dump() for one in file.causes])
        case Gate.G3:
            verification = file.verification.model_dump() if file.verification else None
            measures = [one.model_dump() for one in file.measures]
            return content.plan_content(file.item.model_dump(), measures, verification)
        case Gate.G4:
            return content.check_content(file.check.model_dump() if file.check else None)
    return content.standard_content(file.standard.model_dump() if file.standard else None)


def refuse_other(file: Dossier, gate: Gate, sha256: str) -> None:
    """Let nobody agree to something else than what they saw.

    Raises:
        OtherContentError: What is there now has another hash.
    """
    if hashes(file)[gate] != sha256:
        raise OtherContentError(f"what {gate} of {file.item.number} is about was changed meanwhile",
                                cure="look at it again, then decide")  # fmt: skip
