"""What is taken of the touchpoints 关键节点 that other systems tell: whether there is such a kind, and when it was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from bihuan.policy.flaw import nearest
from bihuan.policy.survey import SurveyPolicy
from schemas.touchpoint import TouchpointIn

AHEAD = timedelta(minutes=5)
"""So far the clock of another system may be ahead of ours."""


class Fault(NamedTuple):
    """Why something is not taken: the field, what is wrong with it and the cure; none of them quotes its value."""

    where: str
    what: str
    cure: str


def fault_of(touchpoint: TouchpointIn, survey: SurveyPolicy, at: datetime) -> Fault | None:
    """Why a touchpoint is not taken at an instant; None where it is. One that lies too long ago is taken."""
    if touchpoint.kind not in survey.touchpoints:
        cure = nearest(touchpoint.kind, survey.touchpoints) if survey.touchpoints else "add it to survey.yaml"
        return Fault("kind", "is no kind of touchpoint of the policy", cure)
    if touchpoint.occurred_at > at + AHEAD:
        return Fault("occurred_at", "lies in the future", "send it once it has happened, and set the clock")
    return None


def reference_of(facts: dict[str, object], name: str | None) -> str:
    """The fact by which the person knows a touchpoint, as text; "" where the policy or the sender names none."""
    return str(facts.get(name, "")) if name else ""
