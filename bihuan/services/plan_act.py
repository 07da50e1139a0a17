"""What an edited plan table does to an item: its fields, its causes, its measures and their work, by the services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlmodel import Session

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.notify.words import words
from bihuan.policy.models import Policy
from bihuan.rules.goal import Failure, Lack, failures
from bihuan.rules.plan_table import WORK
from bihuan.services.cause import edit_cause, find_cause
from bihuan.services.dossier import goal_of
from bihuan.services.item_edit import amend
from bihuan.services.item_log import find_open
from bihuan.services.measure import (
    add_measure,
    cancel_measure,
    edit_measure,
    find_measure,
    implement_measure,
    record_progress,
)
from schemas.item import Item
from schemas.plan import Measure, MeasureState

_WORSE = frozenset({Lack.WRONG_SIDE, Lack.TARGET_IS_BASELINE, Lack.DUE_BEFORE_START})
"""What a goal must not become by an edit of a sheet; what it lacks otherwise, its gate says."""

Changes = Mapping[str, str]


class Tools(NamedTuple):
    """What every act needs."""

    session: Session
    policy: Policy
    clock: Clock
    by: str


def amend_item(tools: Tools, number: str, changes: Changes) -> None:
    """Edit an item.

    Raises:
        UsageError: A value that it cannot hold.
        RefusedError: Its target would not be better than the baseline, or due before it starts; or what ``amend`` says.
    """
    item = find_open(tools.session, number)
    before = _failures(tools, item)
    amend(tools.session, tools.policy, tools.clock, number, changes, tools.by, item.revision)
    _refuse_no_share(tools.policy, item, changes)
    if item.start_on and item.due_on and item.due_on < item.start_on and {"start_on", "due_on"} & changes.keys():
        raise RefusedError(_said(Lack.DUE_BEFORE_START), cure="correct its start or its due day")
    for one in _failures(tools, item):
        if one.why in _WORSE and one not in before:
            raise RefusedError(_said(one.why), cure=_cure(one.why, tools.policy, item))


def _failures(tools: Tools, item: Item) -> tuple[Failure, ...]:
    return failures(goal_of(tools.session, tools.policy, item), tools.policy.improvement.cycle.longest)


def _said(why: Lack) -> str:
    return words("en")["goal_lack"][why.value]


def _cure(why: Lack, policy: Policy, item: Item) -> str:
    if why is Lack.DUE_BEFORE_START:
        return "correct its start, its due day or the day of the target"
    known = policy.kpi.indicators.get(item.indicator)
    return f"write a target that is better: {item.indicator} is {known.direction.replace('_', ' ')}" if known else ""


def _refuse_no_share(policy: Policy, item: Item, changes: Changes) -> None:
    known = policy.kpi.indicators.get(item.indicator)
    if "target_value" not in changes or known is None or not known.is_share or item.target_value is None:
        return
    if not 0 <= item.target_value <= 1:
        raise UsageError(f"target_value: {item.target_value:g} is no share", cure="write it as 95% or 0.95")


def amend_cause(tools: Tools, number: str, changes: Changes) -> None:
    """Edit a cause.

    Raises:
        UsageError: A value that it cannot hold.
        RefusedError: What ``edit_cause`` says.
    """
    item, _ = find_cause(tools.session, int(number))
    edit_cause(tools.session, tools.policy, tools.clock, int(number), changes, tools.by, item.revision)


def plan_measure(tools: Tools, reference: str, changes: Changes) -> None:
    """Edit what is planned of a measure.

    Raises:
        UsageError: A value that it cannot hold.
        RefusedError: What ``edit_measure`` says.
    """
    item, _ = find_measure(tools.session, reference)
    edit_measure(tools.session, tools.policy, tools.clock, reference, changes, tools.by, item.revision)


def plan_new(tools: Tools, item_number: str, changes: Changes) -> str:
    """Plan a measure, and say what was done of it already where the row says so; its reference.

    Raises:
        UsageError: Something is missing, or a value that it cannot hold.
        RefusedError: What ``add_measure`` says, or its work cannot have begun.
    """
    given = {key: value for key, value in changes.items() if key not in WORK}
    saved = add_measure(tools.session, tools.policy, tools.clock, item_number, given, tools.by)
    work = {key: value for key, value in changes.items() if key in WORK and (key, value) != ("state", "planned")}
    if work:
        work_on(tools, saved.reference, work)
    return saved.reference


def work_on(tools: Tools, reference: str, changes: Changes) -> None:
    """Say what is done of a measure: how far it is, that it is done, or that it was dropped.

    Args:
        tools: As whom, and when.
        reference: ``PDCA-2026-11-03.2``.
        changes: By the names of ``bihuan.rules.plan_table.WORK``.

    Raises:
        UsageError: What was written does not go together, or something is missing.
        RefusedError: What the services say.
    """
    _, row = find_measure(tools.session, reference)
    to = changes.get("state")
    if "reason" in changes and (to or row.state) != MeasureState.CANCELLED:
        raise UsageError(
            "a reason is given, and the measure is not cancelled", cure="choose the state cancelled as well"
        )
    if to == MeasureState.CANCELLED:
        _progress(tools, reference, changes)
        cancel_measure(tools.session, tools.policy, tools.clock, reference, changes.get("reason", ""), tools.by)
    elif row.state is MeasureState.DONE or to == MeasureState.DONE or changes.get("implemented_on"):
        _implement(tools, reference, row, changes)
    else:
        _go_on(tools, reference, row, changes)


def _go_on(tools: Tools, reference: str, row: Measure, changes: Changes) -> None:
    if changes.get("coverage"):
        raise UsageError(
            "how much it reached is told once it is done", cure="write the day on which it was done as well"
        )
    if changes.get("state") == MeasureState.PLANNED:
        raise RefusedError(
            "what has begun is not planned again", cure="set its progress, or cancel it and plan another"
        )
    _progress(tools, reference, changes)
    if changes.get("state") == MeasureState.DOING and row.state is not MeasureState.DOING:
        raise UsageError("work has begun, and its progress is 0%", cure="write a progress above 0%")


def _progress(tools: Tools, reference: str, changes: Changes) -> None:
    said: Any = {key: changes[key] for key in ("ratio", "spent", "evidence") if key in changes}
    if said:
        record_progress(tools.session, tools.policy, tools.clock, reference, tools.by, **said)


def _implement(tools: Tools, reference: str, row: Measure, changes: Changes) -> None:
    if changes.get("state", MeasureState.DONE) != MeasureState.DONE:
        raise RefusedError("what is done is not undone", cure="plan another measure for what is left")
    if changes.get("ratio", "1") != "1":
        raise UsageError("what is done is at 100%", cure="leave the day and the state as they are while it is not done")
    if "spent" in changes:
        spent: Any = {"spent": changes["spent"]}
        record_progress(tools.session, tools.policy, tools.clock, reference, tools.by, **spent)
    said: Any = {key: changes[key] for key in ("coverage", "evidence") if key in changes}
    day = changes.get("implemented_on") or row.implemented_on
    if not day:
        raise UsageError("the day on which it was done is missing", cure="write it, and what shows that it is done")
    on = day if isinstance(day, date) else date.fromisoformat(day)
    implement_measure(tools.session, tools.policy, tools.clock, reference, tools.by, implemented_on=on, **said)
