"""Checks of who would be told: does every rung of every ladder reach somebody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bihuan.policy.loader import load_policy
from bihuan.rules.reach import Told, Weight
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.services.reach import reach

_SHOWN = 3
_CURE = "`bihuan staff check` says why, and what to enter with `bihuan staff import FILE`"


def rungs(visit: Visit) -> Answer:
    """Every rung reaches somebody now; one that does not is passed over, a ladder of such ones is heard by nobody."""
    with visit.db.read() as session:
        found = reach(session, load_policy(visit.settings.policy_dir), visit.settings, visit.clock())
    if not found.rungs:
        return ok("no ladder to climb: no department is entered")
    silent = _silent(found.rungs)
    if silent and not visit.settings.operator_url.get_secret_value():
        return problem(f"nobody on the whole ladder can be told: {_some(silent)}", _CURE)
    passed = [
        " ".join(filter(None, (fault.department, fault.ladder, f"rung {fault.rung}")))
        for fault in found.faults
        if fault.ladder and fault.weight is Weight.PROBLEM
    ]
    if passed:
        return note(f"{len(passed)} reach nobody, the next is told at once: {_some(passed)}", _CURE)
    return ok(f"all {len(found.rungs)} reach somebody")


def _silent(told: Sequence[Told]) -> list[str]:
    """Ladders of a department on which no rung reaches anybody."""
    heard: dict[str, bool] = defaultdict(bool)
    for rung in told:
        heard[f"{rung.department} {rung.ladder}"] |= bool(rung.told)
    return [ladder for ladder, is_heard in heard.items() if not is_heard]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
