"""``bihuan policy rehearse``: a draft policy replayed over history, or over a simulated stream, beside today's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bihuan.cli.explain import Language
from bihuan.cli.office import Office, office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.clock import parse_instant
from bihuan.errors import UsageError

if TYPE_CHECKING:
    from bihuan.analysis.rehearsal import Rehearsal
    from bihuan.policy.models import Policy
    from bihuan.services.pilot import Compared
    from bihuan.store.engine import Database

_SHOWN = (
    "milestone", "deadlines_today", "breaches_today", "breaches_draft", "breaches_difference", "value_today",
    "value_draft", "value_difference", "alerts_today", "alerts_draft", "alerts_difference",
)  # fmt: skip
_LISTED = ("number", "milestone", "round", "due_today", "due_draft", "breached_today", "breached_draft")
_SHORT = 20
_SIMULATED_DAYS = 90

ScopeOption = Annotated[
    list[str] | None,
    typer.Option("--scope", help="Only these complaints, such as department=service or tier=premium,advanced."),
]


def rehearse(
    draft: Annotated[Path, typer.Argument(metavar="DIR", help="The draft policy directory.")],
    since: Annotated[str | None, typer.Option("--from", help="Complaints registered from this instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one; default: now.")] = None,
    scope: ScopeOption = None,
    simulate: Annotated[
        int | None, typer.Option("--simulate", min=1, max=20_000, help="Instead of history, so many made-up a day.")
    ] = None,
    excel: Annotated[Path | None, typer.Option(help="Write a workbook there.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with charts there.")] = None,
    language: Annotated[Language | None, typer.Option(help="Language of workbook and page.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Replay history under a draft policy beside today's: breaches, on-time rates, alerts, nights, follow-ups.

    The draft is read and never stored; nothing in the database changes. Exit 1 when a verdict differs.
    """
    from bihuan.policy.loader import load_policy

    with office() as here:
        drafted = load_policy(draft)
        chosen = _scope(scope or ())
        first, last = _window(here, since, until)
        with _stage(here, simulate, first, last) as db:
            found = _rehearse(here, db, drafted, (first, last), chosen, is_simulated=simulate is not None)
        spoken = language or here.settings.language
    _write(found, here.policy, spoken, excel, page)
    _show(found, is_json)
    raise typer.Exit(1 if found.moved_count else 0)


def pilot(
    name: Annotated[str, typer.Argument(help="A scope of deadline.yaml.")],
    since: Annotated[str | None, typer.Option("--from", help="Complaints registered from this instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="… and before this one; default: now.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Compare the complaints of a scope with all the others: on-time rates with n, interval, and the difference.

    A comparison of groups, no experiment: who is in the pilot was not drawn by chance.
    """
    from bihuan.services.pilot import compare

    with office() as here, here.db.read() as session:
        rows = compare(session, here.policy, name, *_window(here, since, until))
    emit(rows if is_json else [_line(row) for row in rows], is_json)


def _line(row: Compared) -> dict[str, Any]:
    """A comparison as people read it."""

    def share(it: Any) -> str:
        return "-" if it.value is None else f"{it.value:.1%} ({it.low:.1%}–{it.high:.1%}) n {it.n}"

    apart = row.difference
    points = f"{100 * apart.value:+.1f} ({100 * apart.low:+.1f} to {100 * apart.high:+.1f})" if apart else "-"
    return {"milestone": row.milestone, "pilot": share(row.pilot), "rest": share(row.rest), "points": points,
            "verdict": row.verdict}  # fmt: skip


def _scope(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    from bihuan.policy.scope import DIMENSIONS

    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        name, equals, values = word.partition("=")
        if name not in DIMENSIONS or not equals or not values:
            known = ", ".join(DIMENSIONS)
            raise UsageError(f"{word!r} is no scope", cure=f"write it as NAME=VALUE, NAME one of {known}")
        found[name] = tuple(value.strip() for value in values.split(","))
    return found


def _window(here: Office, since: str | None, until: str | None) -> tuple[datetime, datetime]:
    last = min(parse_instant(until), here.clock()) if until else here.clock()
    first = parse_instant(since) if since else last - timedelta(days=_SIMULATED_DAYS)
    if first >= last:
        raise UsageError("the history ends before it begins", cure="give --from an earlier instant than --to")
    return first, last


@contextmanager
def _stage(here: Office, per_day: int | None, first: datetime, last: datetime) -> Iterator[Database]:
    """The database to replay: the installation's own, or a made-up one that is thrown away."""
    if per_day is None:
        yield here.db
        return
    from bihuan.simulation.demo import fill
    from bihuan.store.engine import Database
    from bihuan.store.migrations import upgrade

    with (
        tempfile.TemporaryDirectory(prefix="bihuan-rehearsal-") as folder,
        closing(Database(f"sqlite:///{folder}/made-up.db")) as db,
    ):
        upgrade(db)
        say(f"making up {per_day} complaints a day")
        fill(db, here.policy, here.settings, since=first, until=last, per_day=per_day)
        yield db


def _rehearse(
    here: Office, db: Database, draft: Policy, span: tuple[datetime, datetime], scope: dict[str, tuple[str, ...]], *,
    is_simulated: bool,
) -> Rehearsal:  # fmt: skip
    from bihuan.services.rehearsal import Question, rehearse
    from bihuan.store.queries.history import Window

    window = Window(*span, scope)
    return rehearse(db, Question((here.policy, draft), window, here.clock(), here.settings.timezone, is_simulated))


def _write(found: Rehearsal, policy: Policy, language: str, excel: Path | None, page: Path | None) -> None:
    if not (excel or page):
        return
    from bihuan.notify.words import words
    from bihuan.report import page as pages
    from bihuan.report import workbook

    least = min(indicator.min_n for indicator in policy.kpi.indicators.values())
    if excel:
        excel.write_bytes(workbook.xlsx(found, words(language), least=least))
        say(f"workbook: {excel}")
    if page:
        page.write_text(pages.html(found, words(language), least=least), encoding="utf-8")
        say(f"page: {page}")


def _show(found: Rehearsal, is_json: bool) -> None:
    from bihuan.analysis.rehearsal import differences

    record: dict[str, Any] = {
        "complaints": found.complaints,
        "from": found.since,
        "to": found.until,
        "versions": dict(found.versions),
        "moved": found.moved_count,
        "milestones": _records(differences(found.milestones)),
        "verdicts": _records(found.moved if is_json else found.moved[:_SHORT]),
    }
    if is_json:
        record |= {name: _records(getattr(found, name)) for name in ("people", "hours", "nights", "follow_ups")} | {
            "sides": _records(found.milestones),
            "scope": dict(found.scope),
            "is_simulated": found.is_simulated,
        }
    emit(record, is_json, {"milestones": _SHOWN, "verdicts": _LISTED})


def _records(frame: Any) -> list[dict[str, Any]]:
    """A frame's rows, with None where a figure does not exist."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]
