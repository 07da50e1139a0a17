"""``bihuan survey``: answers of foreign surveys, who is to be called, and what became of bad answers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bihuan.cli import call, interview
from bihuan.cli.access import note_command
from bihuan.cli.batch import BATCH, batches, rejects_path, with_progress
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.rules.negative import ENDS, Wanted
from schemas.access import Seen

if TYPE_CHECKING:
    from bihuan.services.negative_board import Case

app = typer.Typer(
    help="Surveys 问卷: calls, touchpoints, bad answers, and what other surveys were answered.", no_args_is_help=True
)
app.command("calls")(call.calls)
app.command("call")(call.call)
app.command("interviews")(interview.interviews)


_SHOWN = ("number", "stage", "said_at", "department", "handler", "csat", "nps", "milestone", "due_at", "needs_call")
_TOUCHPOINTS = (
    "occurred_at", "source", "external_id", "kind", "state", "reason", "send_at", "invited_at", "answered_at",
    "complaint",
)  # fmt: skip


@app.command()
def touchpoints(limit: Annotated[int, typer.Option(min=1, max=100_000)] = 20, is_json: JsonOption = False) -> None:
    """Touchpoints that other systems told us, newest first: how each stands, and why nobody was asked."""
    from bihuan.store.queries.touchpoint import listing

    with office() as here, here.db.read() as session:
        emit(list(listing(session, limit)), is_json, _TOUCHPOINTS)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, CSV.gz, XLSX or JSONL: one row a person.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="YAML that says which codes are answers.")],
    rejects: Annotated[Path | None, typer.Option(help="Where refused rows go; default: beside FILE, or here.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Import the answers of a foreign survey; importing them again changes nothing.

    A code that is neither valid nor blank is no answer: the row is taken without it, and stands among the refused with
    the reason. Exit 1 when rows or codes were refused.
    """
    from bihuan.inbound.rejects import RejectFile
    from bihuan.inbound.survey import read_answers
    from bihuan.inbound.survey_mapping import load_survey_mapping
    from bihuan.services.answer import write_answers

    plan = load_survey_mapping(mapping)
    summary = {"read": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0, "unreadable": 0}
    with office() as here, RejectFile(rejects or rejects_path(file)) as refused:
        for batch in batches(with_progress(read_answers(file, plan), file, "answers")):
            answers = [row.answer for row in batch if row.answer is not None]
            for fault in (fault for row in batch for fault in row.faults):
                refused.write(fault)
            with here.db.write() as session:
                written = write_answers(session, here.clock, answers)
            unreadable = sum(len(row.faults) for row in batch if row.answer is not None)
            counts = written._asdict() | {
                "read": len(batch), "rejected": len(batch) - len(answers), "unreadable": unreadable,
            }  # fmt: skip
            summary = {name: count + counts[name] for name, count in summary.items()}
        if summary["created"] >= BATCH:
            here.db.analyze()
    emit(summary, is_json)
    if summary["rejected"] or summary["unreadable"]:
        say(f"{summary['rejected']} rows and {summary['unreadable']} codes refused, see {refused.path}")
        raise typer.Exit(1)


@app.command()
def negative(
    department: Annotated[str | None, typer.Option(help="Code of a department, - for none.")] = None,
    state: Annotated[Wanted, typer.Option(help="How far the work has come.")] = Wanted.OPEN,
    after: Annotated[int | None, typer.Option(help="Go on after this `place`.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    is_json: JsonOption = False,
) -> None:
    """Bad answers 负面反馈 and what became of them, newest first: the board. Exit 1 where one is overdue.

    Below them stands open work without a bad answer on record: staff heard it themselves, or it was changed since.
    """
    from bihuan.services.negative_board import cases, look, unanswered
    from bihuan.store.queries.negative import Wish

    wish = Wish(department, state, None, after, limit)
    with office() as here, here.db.read() as session:
        at = here.clock()
        found = cases(session, here.policy, wish, look(session, here.policy, at, at))
        if state is not Wanted.DONE and after is None:
            found += unanswered(session, here.policy, wish, at)
        note_command(here, Seen.ANSWERS, "survey negative", *(case.number for case in found if case.said))
    emit([_row(it) for it in found], is_json, _SHOWN)
    if any(_is_late(it, at) for it in found):
        raise typer.Exit(1)


def _row(it: Case) -> dict[str, Any]:
    """A case with what matters of it in columns of their own: what is due next, and the scores."""
    due = next((one for one in it.due if one.met_at is None and not one.is_cancelled), None)
    return {
        **asdict(it), "csat": it.said.csat if it.said else None, "nps": it.said.nps if it.said else None,
        "milestone": due.milestone if due else None, "due_at": due.due_at if due else None,
    }  # fmt: skip


def _is_late(it: Case, at: datetime) -> bool:
    is_over = it.stage in ENDS
    return not is_over and any(one.met_at is None and not one.is_cancelled and one.due_at < at for one in it.due)
