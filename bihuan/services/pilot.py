"""Pilot 试点: how the complaints of one scope do beside the rest, with n and interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bihuan.analysis.kpi import difference, rate
from bihuan.analysis.proportion import Contrast
from bihuan.errors import UsageError
from bihuan.policy.flaw import nearest
from bihuan.policy.models import Policy
from bihuan.store.queries.kpi import pilot_counts

LEAST = 30
"""With fewer cases than this on either side there is no verdict (ours)."""


class Verdict(StrEnum):
    """What the figures show of a milestone."""

    BETTER = "better"
    WORSE = "worse"
    NOT_SHOWN = "no difference shown"
    TOO_FEW = "not enough data"


@dataclass(frozen=True, slots=True)
class Share:
    """On time, of what was met; None for each figure where n is 0."""

    x: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One milestone of a pilot beside the rest."""

    milestone: str
    pilot: Share
    rest: Share
    difference: Contrast | None
    """Pilot less rest; None where one of them has no n."""
    verdict: Verdict


def compare(session: Session, policy: Policy, name: str, since: datetime, until: datetime) -> list[Compared]:
    """Compare the complaints of a scope of the deadlines, registered in [since, until), with all the others.

    A comparison of groups, not an experiment: who is in the pilot was not drawn by chance.

    Raises:
        UsageError: The policy has no such scope.
    """
    scope = policy.deadline.scopes.get(name)
    if scope is None:
        known = list(policy.deadline.scopes)
        raise UsageError(f"no scope {name!r}", cure=nearest(name, known) if known else "write one into deadline.yaml")
    found = []
    for milestone in policy.deadline.milestones:
        counts = {row["key"]: row for row in pilot_counts(session, milestone, since, until, scope.when.named)}
        pilot, rest = (_share(counts.get(key, {"x": 0, "n": 0})) for key in (1, 0))
        apart = difference(pilot.x, pilot.n, rest.x, rest.n) if pilot.n and rest.n else None
        found.append(Compared(milestone, pilot, rest, apart, _verdict(pilot, rest, apart)))
    return found


def _share(counts: dict[str, int]) -> Share:
    x, n = counts["x"], counts["n"]
    return Share(x, n, *rate(x, n)) if n else Share(x, n, None, None, None)


def _verdict(pilot: Share, rest: Share, apart: Contrast | None) -> Verdict:
    if apart is None or min(pilot.n, rest.n) < LEAST:
        return Verdict.TOO_FEW
    if apart.low <= 0 <= apart.high:
        return Verdict.NOT_SHOWN
    return Verdict.BETTER if apart.low > 0 else Verdict.WORSE
