"""``bihuan improvement verify | standard … | scoreboard | lessons | trace``: what an improvement came to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bihuan.cli.improvement_cycle import NumberArgument
from bihuan.cli.improvement_item import act
from bihuan.cli.office import office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.cli.pairs import ByOption, who
from bihuan.errors import UsageError

standard_app = typer.Typer(help="Standards 标准作业程序 that effective improvements leave.", no_args_is_help=True)
StandardArgument = Annotated[str, typer.Argument(metavar="STANDARD", help="SOP-2027-001")]
_CHECKED = (
    "until_on", "is_final", "method", "method_reason", "x0", "n0", "x1", "n1", "estimate", "low", "high", "p",
    "verdict", "attribution", "n_needed", "fidelity_ratio", "limitations",
)  # fmt: skip
_DAYS = ["%Y-%m-%d"]


def verify(
    number: NumberArgument,
    look: Annotated[bool, typer.Option("--look", help="Only look: everything but a verdict.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Judge although data are missing; only once no extension is left.")
    ] = False,
    until: Annotated[datetime | None, typer.Option(formats=_DAYS, help="The first day that does not count.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Judge the effect of an item by its frozen plan, once its data are there; refused before that."""
    from bihuan.services import effect

    until_on = until.date() if until else None
    with office() as here, here.db.write() as session:
        tools = (session, here.policy, here.settings, here.clock)
        row = (effect.look(*tools, number, until_on) if look
               else effect.check(*tools, number, until_on, is_forced=force))  # fmt: skip
        told = row.model_dump()
    emit({"number": number, **{name: told[name] for name in _CHECKED}, "diagnostics": told["diagnostics"],
          "guardrails": told["guardrails"], "second_feedback": told["second_feedback"]}, is_json)  # fmt: skip
    if row.is_final:
        say(f"next: bihuan improvement approve {number} g4 …, by whoever verifies and the quality manager")


def deviation(
    number: NumberArgument,
    reason: Annotated[str, typer.Option(help="Why it is not where it was planned to be.")],
    decision: Annotated[str, typer.Option(help="What was decided about that.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Say why an item is behind its plan, and what was decided; of its checkpoint of this week."""
    from bihuan.services.checkpoint import record_review

    with office() as here, here.db.write() as session:
        row = record_review(session, here.policy, here.clock, number, reason, decision, who(by))
        told = row.model_dump(exclude={"id", "item_id"})
    emit({"number": number, **told}, is_json)


@standard_app.command("draft")
def draft(
    number: NumberArgument,
    title: Annotated[str, typer.Option(help="Of the standard.")],
    file: Annotated[Path, typer.Option(help="Its words, a text file.", exists=True, dir_okay=False)],
    standard: Annotated[str, typer.Option(help="Go on from that one: SOP-2027-001.")] = "",
    owner: Annotated[str, typer.Option(help="Code of who answers for it.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Write what an improvement leaves behind, or the next version of it."""
    from bihuan.services.standard import Text, draft_standard

    try:
        words = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no UTF-8 text", cure="save it as UTF-8") from error
    made = act(draft_standard, number, Text(title, words, owner), who(by), standard)
    emit({"number": number, "standard": made}, is_json)
    say(f"next: bihuan improvement standard force {made} --on DAY --elsewhere …")


@standard_app.command("force")
def force_(
    standard: StandardArgument,
    on: Annotated[datetime, typer.Option("--on", formats=_DAYS, help="From that day on.")],
    elsewhere: Annotated[str, typer.Option(help="Where else the same could happen, and what was done there.")] = "",
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Put a standard in force."""
    from bihuan.services.standard import put_in_force

    act(put_in_force, standard, on.date(), who(by), elsewhere)
    emit({"standard": standard, "effective_on": on.date()}, is_json)


@standard_app.command("train")
def train(
    standard: StandardArgument,
    ratio: Annotated[float, typer.Argument(min=0, max=1, help="Of the people concerned: 0.95.")],
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Say how many of the people concerned were trained."""
    from bihuan.services.standard import record_training

    act(record_training, standard, ratio, who(by))
    emit({"standard": standard, "trained_ratio": ratio}, is_json)


@standard_app.command("audit")
def audit(
    standard: StandardArgument,
    due: Annotated[datetime, typer.Argument(formats=_DAYS, help="The day on which it was due.")],
    kept: Annotated[bool, typer.Option("--kept/--not-kept", help="What it found.")],
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Say what an audit found."""
    from bihuan.services.standard import record_audit

    act(record_audit, standard, due.date(), who(by), is_kept=kept)
    emit({"standard": standard, "due_on": due.date(), "is_kept": kept}, is_json)


@standard_app.command("tell")
def tell(
    standard: StandardArgument,
    words: Annotated[str, typer.Option(help="What is different now, in words for complainants.")],
    by: ByOption = "",
    is_json: JsonOption = False,
) -> None:
    """Plan the letters that tell each complainant what their feedback changed; once each."""
    from bihuan.services.standard_told import tell_complainants

    emit({"standard": standard, **act(tell_complainants, standard, words, who(by))._asdict()}, is_json)


def scoreboard(
    cycle: Annotated[str, typer.Option(help="Of one cycle: PDCA-2026-11.")] = "",
    year: Annotated[int | None, typer.Option(help="Of one year.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Every verdict among all others, and how many effects still hold."""
    from bihuan.services.scoreboard import board

    with office() as here, here.db.read() as session:
        told = board(session, cycle, year)
    emit(told if is_json else told["items"], is_json)
    rate = told["sustained"]
    if rate["n"]:
        say(f"held: {rate['x']} of {rate['n']} ({100 * rate['low']:.0f}% to {100 * rate['high']:.0f}%)")


def lessons(
    words: Annotated[list[str] | None, typer.Argument(help="All of these words; none: everything.")] = None,
    is_json: JsonOption = False,
) -> None:
    """The case library: what was tried, and what it did."""
    from bihuan.services.lesson import find_lessons

    with office() as here, here.db.read() as session:
        emit(list(find_lessons(session, " ".join(words or ()))), is_json)


def trace(standard: StandardArgument, is_json: JsonOption = False) -> None:
    """For a standard: the complaints that it came from, what led to it, and which complainants were told."""
    from bihuan.services.standard_trace import traced

    with office() as here, here.db.read() as session:
        told: dict[str, Any] = traced(session, standard)
    emit(told, is_json)
