"""``bihuan complaint``: import, add, record, show, list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from bihuan.cli.access import note_command
from bihuan.cli.batch import BATCH, batches, rejects_path, with_progress
from bihuan.cli.office import Office, office
from bihuan.cli.output import AtOption, JsonOption, emit, say
from bihuan.clock import parse_instant
from bihuan.errors import UsageError
from bihuan.rules.negative import PLAN, RESULT
from schemas.access import Seen
from schemas.complaint import Channel, ComplaintIn, ComplaintState, CustomerIn, EventIn, EventKind, Kind, Severity

app = typer.Typer(help="Complaints 投诉: take them in, record what happens, look at them.", no_args_is_help=True)
_LISTED = ("number", "registered_at", "state", "severity", "kind", "department", "handler_name", "title")
_SHOWN = {
    "deadlines": ("milestone", "round", "state", "due_at", "warned_at", "breached_at", "met_at", "corrected_at"),
    "timeline": ("occurred_at", "kind", "actor", "data", "recorded_at"),
    "holds": ("placed_at", "placed_by", "why", "released_at", "released_by", "released_why"),
    "messages": ("planned_at", "notice", "milestone", "recipient", "state", "reason", "sent_at", "is_repeated"),
}


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, CSV.gz, XLSX or JSONL.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="YAML that says what the columns mean.")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="Take nothing that happened after this instant.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where refused rows go; default: beside FILE, or here.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Import a file of complaints; importing it again changes nothing. Exit 1 when rows were refused."""
    from bihuan.inbound.mapping import load_mapping
    from bihuan.inbound.rejects import RejectFile
    from bihuan.inbound.spreadsheet import Reject, read_complaints

    until = parse_instant(as_of) if as_of else None
    plan = load_mapping(mapping)
    with office() as here, RejectFile(rejects or rejects_path(file)) as refused:
        _require_known_milestones(here, plan, mapping)
        rows = read_complaints(file, plan, as_of=until)
        summary = {"read": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0, "clock_skew": 0}
        for batch in batches(with_progress(rows, file, "complaints")):
            complaints = [row for row in batch if not isinstance(row, Reject)]
            for row in batch:
                if isinstance(row, Reject):
                    refused.write(row)
            _add(summary, _take_in(here, complaints), read=len(batch), rejected=len(batch) - len(complaints))
        if summary["created"] >= BATCH:
            here.db.analyze()
    emit(summary, is_json)
    if summary["rejected"]:
        say(f"{summary['rejected']} rows refused, see {refused.path}")
        raise typer.Exit(1)


def _require_known_milestones(here: Office, plan: Any, mapping: Path) -> None:
    known = here.policy.deadline.milestones
    if unknown := sorted(set(plan.deadlines or {}) - set(known)):
        raise UsageError(f"{mapping} deadlines: unknown milestone {unknown[0]!r}", cure=f"one of {', '.join(known)}")


def _take_in(here: Office, complaints: list[ComplaintIn]) -> Any:
    from bihuan.services.intake import take_in

    with here.db.write() as session:
        return take_in(session, here.policy, here.settings, here.clock, complaints)


def _add(summary: dict[str, int], intake: Any, **counts: int) -> None:
    for name in ("created", "updated", "unchanged", "clock_skew"):
        summary[name] += getattr(intake, name)
    for name, count in counts.items():
        summary[name] += count


@app.command()
def add(
    title: Annotated[str, typer.Option(help="One line that says what it is about.")],
    matter: Annotated[str, typer.Option(help="What happened.")] = "",
    demand: Annotated[str, typer.Option(help="What the complainant asks for 诉求.")] = "",
    channel: Annotated[Channel, typer.Option(help="How it came in.")] = Channel.PHONE,
    kind: Annotated[Kind | None, typer.Option(help="What it is about; names the department.")] = None,
    severity: Annotated[Severity, typer.Option(help="How grave it is.")] = Severity.GENERAL,
    customer: Annotated[str, typer.Option(help="Name of the complainant.")] = "",
    contact: Annotated[
        str | None,
        typer.Option(
            help="Where an answer reaches them: mailto:person@example.com, any Apprise URL, tel:+8613800138000."
        ),
    ] = None,
    external_id: Annotated[str | None, typer.Option(help="Its id where it comes from; registers it once.")] = None,
    at: AtOption = None,
    is_json: JsonOption = False,
) -> None:
    """Register one complaint; prints its number."""
    from bihuan.services.complaint import register

    with office() as here:
        with _explained():
            complaint = ComplaintIn(
                source="bihuan", external_id=external_id, registered_at=parse_instant(at) if at else here.clock(),
                channel=channel, kind=kind, severity=severity, title=title, matter=matter, demand=demand,
                customer=CustomerIn(name=customer, contact_url=contact) if customer or contact else None,
            )  # fmt: skip
        if complaint.registered_at > here.clock():
            raise UsageError(f"{complaint.registered_at.isoformat()} lies in the future", cure="leave --at out")
        with here.db.write() as session:
            number = register(session, here.policy, here.settings, here.clock, complaint)
    emit({"number": number}, is_json)
    say(f"next: bihuan complaint show {number}")


@contextmanager
def _explained() -> Iterator[None]:
    """Say in one line which word a payload does not take."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", cure="correct it") from error


@app.command()
def record(
    number: str,
    event: Annotated[EventKind, typer.Argument(help="What happened.")],
    at: AtOption = None,
    handler: Annotated[str | None, typer.Option(help="Staff code, with `assigned`.")] = None,
    actor: Annotated[str, typer.Option(help="Who says so.")] = "",
    note: Annotated[str, typer.Option(help="A remark for the log.")] = "",
    reason: Annotated[str, typer.Option(help="What for, with `waiting`; the plan, with `negative_taken_on`.")] = "",
    result: Annotated[
        str, typer.Option(help="What was done, for the complainant; with `handled` and `negative_resolved`.")
    ] = "",
    severity: Annotated[Severity | None, typer.Option(help="How grave now, with `severity_changed`.")] = None,
    tier: Annotated[str | None, typer.Option(help="Customer tier now, with `tier_changed`.")] = None,
    department: Annotated[str | None, typer.Option(help="Its code, with `department_changed`.")] = None,
    into: Annotated[str | None, typer.Option(help="The complaint that goes on, with `merged`.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Record what happened to a complaint, such as assigned, responded, waiting, resumed, handled or reopened."""
    from bihuan.services.complaint import record as record_event

    why = PLAN if event is EventKind.NEGATIVE_TAKEN_ON else "reason"
    said = {"handler": handler, "note": note, why: reason, "severity": severity and severity.value,
            "tier": tier, "department": department, "into": into, RESULT: result}  # fmt: skip
    data = {name: value for name, value in said.items() if value}
    with office() as here:
        occurred_at = parse_instant(at) if at else here.clock()
        with _explained():
            happened = EventIn(kind=event, occurred_at=occurred_at, actor=actor, data=data)
        with here.db.write() as session:
            record_event(session, here.policy, here.clock, number, happened)
    emit({"number": number, "event": event, "occurred_at": happened.occurred_at}, is_json)


@app.command()
def show(number: str, is_json: JsonOption = False) -> None:
    """Everything about one complaint: facts, deadlines, timeline, messages."""
    from bihuan.store.queries import complaint as complaints

    with office() as here, here.db.read() as session:
        row = complaints.one(session, number)
        note_command(here, Seen.COMPLAINT, "complaint show", row.number)
        facts = {
            name: value for name, value in row._mapping.items() if not name.endswith("id") or name == "external_id"
        }
        emit(
            facts
            | {
                "deadlines": complaints.deadlines(session, row.id),
                "timeline": complaints.events(session, row.id),
                "messages": complaints.messages(session, row.id),
                "holds": [dict(hold._mapping) for hold in complaints.holds(session, row.id)],
            },
            is_json,
            _SHOWN,
        )


@app.command("list")
def list_complaints(
    department: Annotated[str | None, typer.Option(help="Code of a department.")] = None,
    state: Annotated[ComplaintState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    is_json: JsonOption = False,
) -> None:
    """Complaints, newest first."""
    from bihuan.store.queries import complaint as complaints

    with office() as here, here.db.read() as session:
        rows = list(complaints.listing(session, department=department, state=state, limit=limit))
        emit(rows, is_json, _LISTED)


WhyOption = Annotated[str, typer.Option("--why", help="The reason; it stays on record.")]
ByOption = Annotated[str, typer.Option("--by", help="Who says so.")]


@app.command()
def hold(number: str, why: WhyOption, by: ByOption, is_json: JsonOption = False) -> None:
    """Place a complaint under legal hold 法务保全: nothing of it is erased until the hold is released."""
    from bihuan.services.hold import place_hold

    with office() as here, here.db.write() as session:
        place_hold(session, number, why, by, here.clock())
    emit({"number": number, "is_held": True}, is_json)
    say(f"next: bihuan complaint release {number} --why ... --by ... once it is over")


@app.command()
def release(number: str, why: WhyOption, by: ByOption, is_json: JsonOption = False) -> None:
    """Release a complaint from legal hold; retention goes its way with it from the next night on."""
    from bihuan.services.hold import release_hold

    with office() as here, here.db.write() as session:
        release_hold(session, number, why, by, here.clock())
    emit({"number": number, "is_held": False}, is_json)
