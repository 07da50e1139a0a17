"""``bihuan improvement cause | measure | verification-plan``: what is written of an item's plan."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bihuan.cli.improvement_cycle import NumberArgument
from bihuan.cli.improvement_item import ReasonOption, RevisionOption, act
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.pairs import ByOption, PairsArgument, changes, who
from schemas.base import GREATEST_ID
from schemas.plan import CauseMethod

cause_app = typer.Typer(help="Causes 原因: fishbone and whys.", no_args_is_help=True)
measure_app = typer.Typer(help="Measures 措施: PDCA-2026-11-03.2 is the second of an item.", no_args_is_help=True)
_Cause = Annotated[int, typer.Argument(metavar="ID", min=1, max=GREATEST_ID, help="As `improvement show` has it.")]
_Measure = Annotated[str, typer.Argument(metavar="MEASURE", help="PDCA-2026-11-03.2")]


@cause_app.command("add")
def add_cause(
    number: NumberArgument, pairs: PairsArgument = None, by: ByOption = "", is_json: JsonOption = False
) -> None:
    """Add a candidate: statement=… bone=process, or parent=ID for a why below another."""
    from bihuan.services.cause import add_cause as add

    emit({"number": number, "id": act(add, number, changes(pairs), who(by))}, is_json)


@cause_app.command("edit")
def edit_cause(
    cause_id: _Cause, pairs: PairsArgument = None, revision: RevisionOption = None, by: ByOption = "",
    is_json: JsonOption = False,
) -> None:  # fmt: skip
    """Edit a cause; what was agreed to about it is voided."""
    from bihuan.services.cause import edit_cause as edit

    emit({"id": cause_id, "revision": act(edit, cause_id, changes(pairs), who(by), revision)}, is_json)


@cause_app.command("confirm")
def confirm_cause(
    cause_id: _Cause,
    method: Annotated[CauseMethod, typer.Option(help="How it is known.")],
    evidence: Annotated[str, typer.Option(help="By what.")],
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Confirm a cause."""
    from bihuan.services.cause import confirm_cause as confirm

    act(confirm, cause_id, method, evidence, who(by))
    emit({"id": cause_id, "state": "confirmed"}, is_json)


@cause_app.command("exclude")
def exclude_cause(cause_id: _Cause, reason: ReasonOption, by: ByOption = "", is_json: JsonOption = False) -> None:
    """Exclude a cause."""
    from bihuan.services.cause import exclude_cause as exclude

    act(exclude, cause_id, reason, who(by))
    emit({"id": cause_id, "state": "excluded"}, is_json)


@measure_app.command("add")
def add_measure(
    number: NumberArgument, pairs: PairsArgument = None, by: ByOption = "", is_json: JsonOption = False
) -> None:
    """Plan a measure: what=… kind=corrective strength=strong cause_ids=12 owner=li due_on=2026-12-31."""
    from bihuan.services.measure import add_measure as add

    _saved(act(add, number, changes(pairs), who(by)), is_json)


@measure_app.command("edit")
def edit_measure(
    measure: _Measure, pairs: PairsArgument = None, revision: RevisionOption = None, by: ByOption = "",
    is_json: JsonOption = False,
) -> None:  # fmt: skip
    """Edit what is planned; what was agreed to about it is voided."""
    from bihuan.services.measure import edit_measure as edit

    _saved(act(edit, measure, changes(pairs), who(by), revision), is_json)


@measure_app.command("progress")
def record_progress(
    measure: _Measure,
    ratio: Annotated[str | None, typer.Option(help="How far it is: 40% or 0.4.")] = None,
    spent: Annotated[str | None, typer.Option(help="What was spent so far.")] = None,
    evidence: Annotated[str | None, typer.Option(help="What shows it.")] = None,
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Say how far a measure is."""
    from bihuan.services.measure import record_progress as record

    said = {"ratio": ratio, "spent": spent, "evidence": evidence}
    _saved(act(record, measure, who(by), **_given(said)), is_json)


@measure_app.command("done")
def implement_measure(
    measure: _Measure,
    on: Annotated[str, typer.Option(help="The day on which it was done: 2026-11-28.")],
    evidence: Annotated[str | None, typer.Option(help="What shows it.")] = None,
    coverage: Annotated[str | None, typer.Option(help="How much of the slice it reached: 90%.")] = None,
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Say that a measure is done."""
    from bihuan.services.measure import implement_measure as implement

    said = {"implemented_on": on, "evidence": evidence, "coverage": coverage}
    _saved(act(implement, measure, who(by), **_given(said)), is_json)


@measure_app.command("cancel")
def cancel_measure(measure: _Measure, reason: ReasonOption, by: ByOption = "", is_json: JsonOption = False) -> None:
    """Drop a measure: it does not count as done."""
    from bihuan.services.measure import cancel_measure as drop

    _saved(act(drop, measure, reason, who(by)), is_json)


def verification_plan(
    number: NumberArgument, pairs: PairsArgument = None, reason: ReasonOption = "", by: ByOption = "",
    is_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write how the effect will be judged, or compute again how many cases it takes and when they can be there."""
    from bihuan.services.verification_plan import write_plan

    plan = act(write_plan, number, changes(pairs), who(by), reason)
    emit(plan.model_dump(exclude={"id", "item_id"}), is_json)
    if plan.ready_on is not None:
        return
    say("not known when enough data can be there: give weekly_n or due days, take a larger slice, or a fallback")
    if seen := act(_least_seen, number, plan):
        say(f"within six months only a change of about {seen:.3g} could be seen (a share: 0.05 is 5 points): "
            "take a larger slice, a leading indicator, or a bolder target")  # fmt: skip


def _least_seen(session: Any, policy: Any, clock: Any, number: str, plan: Any) -> float | None:
    from bihuan.services.item_log import find
    from bihuan.services.verification_need import least_seen

    del clock
    return least_seen(find(session, number), plan, policy.kpi.indicators[plan.indicator])


def _given(said: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in said.items() if value is not None}


def _saved(done: Any, is_json: bool) -> None:
    from bihuan.notify.words import word

    emit({"measure": done.reference, "revision": done.revision, "warnings": list(done.warnings)}, is_json)
    for one in done.warnings:
        say(f"the money: {word('budget_oddity', one, 'en')}")
