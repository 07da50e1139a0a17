"""``bihuan improvement draft | amend | move | approve …``: what people do with one improvement item 改进项."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from bihuan.cli.improvement_cycle import NumberArgument
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.pairs import ByOption, PairsArgument, changes, who
from bihuan.errors import UsageError
from schemas.improvement import Disposition
from schemas.item import Gate, ItemState

RevisionOption = Annotated[
    int | None, typer.Option(min=1, help="That which you saw: refused where it was edited since.")
]
ReasonOption = Annotated[str, typer.Option(help="Why.")]


def act(do: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Do one act of a service in a transaction of its own, with the policy and clock of this installation."""
    with office() as here, here.db.write() as session:
        return do(session, here.policy, here.clock, *given, **named)


def stands(number: str, is_json: bool, **beside: Any) -> None:
    """Print where an item stands."""
    from bihuan.services.item import show

    with office() as here, here.db.read() as session:
        told = show(session, number)
    emit({"number": number, "state": told["state"], "revision": told["revision"], **beside}, is_json)


def draft(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="PDCA-2026-11")],
    pairs: PairsArgument = None,
    finding: Annotated[str, typer.Option(help="The finding that it is about: F-2026-10-01.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Begin an item: from a finding, with what the data say of it, or by hand with its name."""
    from bihuan.services import item
    from bihuan.settings import settings

    given = changes(pairs)
    with office() as here, here.db.write() as session:
        tools = (session, here.policy, here.clock)
        if finding:
            number = item.draft_from_finding(*tools, cycle, finding, who(by), language=settings().language)
            if given:
                item.amend(*tools, number, given, who(by))
        else:
            number = item.draft(*tools, cycle, who(by), given)
    stands(number, is_json)
    say(f"next: bihuan improvement amend {number} owner=… target_value=… due_on=…")


def dispose(
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="F-2026-10-01")],
    disposition: Annotated[Disposition, typer.Argument(help="merged or rejected; drafting an item accepts it.")],
    reason: Annotated[str, typer.Option(help="Why, or into what.")],
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Say that a finding is not worked on by itself."""
    from bihuan.services.item import dispose as dispose_of

    act(dispose_of, finding, disposition, reason, who(by))
    emit({"finding": finding, "disposition": disposition}, is_json)


def amend(
    number: NumberArgument,
    pairs: PairsArgument = None,
    revision: RevisionOption = None,
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Edit an item: owner=li target_value=95% due_on=2027-03-31. What was agreed to about it is voided."""
    from bihuan.services.item import amend as amend_item

    if not (given := changes(pairs)):
        raise UsageError("nothing to write", cure="add what to change: owner=li")
    act(amend_item, number, given, who(by), revision)
    stands(number, is_json)


def move(
    number: NumberArgument,
    to: Annotated[ItemState, typer.Argument(metavar="STATE", help="Where it goes.")],
    reason: ReasonOption = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Move an item to another state; refused with everything that it lacks for that."""
    from bihuan.services.item import move as move_item

    act(move_item, number, to, who(by), reason)
    stands(number, is_json)


def hold(
    number: NumberArgument,
    until: Annotated[str, typer.Option(help="The day on which it goes on: 2026-12-31.")],
    reason: ReasonOption,
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Hold an item 挂起 until a day."""
    from bihuan.services.item import hold as hold_item
    from bihuan.services.item_field import needed_day

    with office() as here, here.db.write() as session:
        hold_item(session, here.policy, here.clock, number, needed_day(session, until), who(by), reason)
    stands(number, is_json, held_until_on=until)


def resume(number: NumberArgument, reason: ReasonOption = "", by: ByOption = "", is_json: JsonOption = False) -> None:
    """Let a held item go on."""
    from bihuan.services.item import resume as resume_item

    act(resume_item, number, who(by), reason)
    stands(number, is_json)


def contain(number: NumberArgument, reason: ReasonOption, by: ByOption = "", is_json: JsonOption = False) -> None:
    """Say with --reason what was done to stop the harm 已遏制, before anybody knows the cause."""
    from bihuan.services.item import contain as contain_item

    act(contain_item, number, who(by), reason)
    stands(number, is_json)


def cancel(
    number: NumberArgument,
    reason: ReasonOption,
    approver: Annotated[str, typer.Option(help="Code of a quality manager, an executive, or its department's head.")],
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Cancel an item 取消."""
    from bihuan.services.item import cancel as cancel_item

    act(cancel_item, number, who(by), reason, approver)
    stands(number, is_json)


def child(
    number: NumberArgument,
    what_changed: Annotated[
        str, typer.Argument(metavar="WHAT", help="What is different: new_cause, new_measure, wider_scope, new_target.")
    ],
    reason: Annotated[str, typer.Option(help="Where it got worse: what becomes of what was done.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Let a child go on from an item that did not work."""
    from bihuan.services.item import child as bear

    born = act(bear, number, what_changed, who(by), reason)
    stands(born, is_json, parent=number)


def approve(
    number: NumberArgument,
    gate: Annotated[Gate, typer.Argument(help="Which gate.")],
    staff: Annotated[str, typer.Option("--as", help="Code of whoever decides.")],
    is_rejected: Annotated[bool, typer.Option("--reject", help="Refuse it, with --comment.")] = False,
    comment: Annotated[str, typer.Option(help="Needed for a refusal.")] = "",
    is_json: JsonOption = False,
) -> None:
    """Agree to what an item's gate is about, or refuse it. Whoever agrees last moves the item on."""
    from bihuan.services.approval import decide
    from bihuan.services.item_people import staff_by_code

    with office() as here, here.db.write() as session:
        staff_id = staff_by_code(session, staff).id or 0
        done = decide(session, here.policy, here.clock, number, gate, staff_id, not is_rejected, comment)
    stands(number, is_json, gate=gate, role=done.role, missing=list(done.missing), is_new=done.is_new)


def list_waiting(
    staff: Annotated[str, typer.Option("--for", help="Only what this person may decide, by code.")] = "",
    is_json: JsonOption = False,
) -> None:
    """What has to be decided, by whom and until when, the earliest first."""
    from bihuan.services.approval import waiting
    from bihuan.services.item_people import staff_by_code

    with office() as here, here.db.read() as session:
        staff_id = staff_by_code(session, staff).id if staff else None
        rows = waiting(session, here.policy, here.clock, staff_id)
    emit([asdict(one) for one in rows], is_json)
