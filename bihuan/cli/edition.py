"""``bihuan policy apply``, ``policy history`` and ``calendar update``: editions taken in, and what that moves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from bihuan.cli.office import Office, office
from bihuan.cli.output import JsonOption, emit, say
from bihuan.errors import UsageError
from bihuan.policy.document import PolicyFile
from bihuan.settings import settings

PreviewOption = Annotated[bool, typer.Option("--preview", help="Only show what would move.")]
_NOT_DONE = 3
_LISTED = ("number", "milestone", "round", "leg", "old_due_at", "new_due_at")
_EDITIONS = ("id", "recorded_at", "section", "version", "effective_at", "applied_at", "moved", "file")


def apply(
    is_open: Annotated[
        bool, typer.Option("--open", help="Also bring what is open under it; what is met, due or breached stays.")
    ] = False,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask before open deadlines are moved.")] = False,
    preview: PreviewOption = False,
    is_json: JsonOption = False,
) -> None:
    """Let today's policy files count from now on, and with --open for the open deadlines too.

    Without --open only deadlines that start from now on follow them, as they do anyway once a command or a sweep first
    uses the files. With --open what would move is shown first; where nobody can be asked it takes --yes, and without it
    nothing is changed and the exit code is 3.
    """
    from bihuan.services.policy import adopt, apply_to_open

    act = apply_to_open if is_open else adopt
    with office() as here:
        shown = _tried(here, act)
        is_wanted = not preview and (not is_open or is_sure or not shown["moved"] or _is_confirmed(shown, is_json))
        done = _taken_in(here, act, None) if is_wanted else shown
    emit(done, is_json, {"deadlines": _LISTED})
    if not is_wanted:
        say("nothing was changed" + ("" if preview else "; --yes applies it"))
        raise typer.Exit(0 if preview else _NOT_DONE)


def moved(
    edition: Annotated[int, typer.Argument(help="Number of the edition, see `policy history`.")],
    is_json: JsonOption = False,
) -> None:
    """List the open deadlines that an edition moved when it was applied, also where a sweep took it in by itself."""
    from bihuan.services.policy import moved_by

    with office() as here, here.db.read() as session:
        emit(_rows(session, list(moved_by(session, edition))), is_json, _LISTED)


def history(is_json: JsonOption = False) -> None:
    """List every edition of the policy this installation has used: since when, and what it moved."""
    from bihuan.services.policy import history as editions

    with office() as here, here.db.read() as session:
        emit(list(editions(session)), is_json, _EDITIONS)


def update(
    file: Annotated[
        Path | None, typer.Argument(help="A notice of one or more years, YAML or JSON; without one, what changed.")
    ] = None,
    calendar: Annotated[str | None, typer.Option(help="Which calendar it is for; default: as it says.")] = None,
    preview: PreviewOption = False,
    is_json: JsonOption = False,
) -> None:
    """Take the official days of a year in, and move the open deadlines that count on them; lists what moved.

    FILE is copied into calendar.d/ of the policy directory. Without FILE, what was changed there by hand, or came with
    an update of the holidays package, is taken in.
    """
    from bihuan.policy.loader import load_policy
    from bihuan.services.policy import adopt

    notice = _notice(file, calendar) if file else None
    with office() as here:
        there = replace(here, policy=load_policy(here.settings.policy_dir, notice)) if notice else here
        done = _tried(there, adopt) if preview else _taken_in(there, adopt, notice)
    emit(done, is_json, {"deadlines": _LISTED})


def _notice(file: Path, calendar: str | None) -> PolicyFile:
    """The notice as it will be kept, under the name it has now."""
    from bihuan.policy.notice import SUFFIXES, read_notice

    if settings().policy_dir is None:
        raise UsageError("no policy directory to keep the notice in", cure="make one and set BIHUAN_POLICY_DIR to it")
    if file.suffix not in SUFFIXES:
        raise UsageError(f"{file} is not a notice", cure=f"name it NAME{' or NAME'.join(SUFFIXES)}")
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", cure="name a notice file") from error
    document, _ = read_notice(PolicyFile(str(file), raw))
    if calendar:
        raw = json.dumps({**document.content, "calendar": calendar}, ensure_ascii=False, indent=1).encode()
    return PolicyFile(str(file), raw)


def _taken_in(here: Office, act: Callable[..., Any], notice: PolicyFile | None) -> dict[str, Any]:
    """Do it, and put the notice where it is read from now on; both or neither."""
    take_back: Callable[[], None] | None = None
    try:
        with here.db.write() as session:
            done = _summary(session, act(session, here.policy, here.clock()))
            # Last: whoever reads it from now on waits until this is written.
            take_back = _put(here.settings.policy_dir, notice) if here.settings.policy_dir and notice else None
    except BaseException:
        if take_back:
            take_back()
        raise
    return done


def _put(directory: Path, notice: PolicyFile) -> Callable[[], None]:
    """Write the notice into its folder, in one step; gives what takes it back."""
    from bihuan.policy.notice import FOLDER

    place = directory / FOLDER / Path(notice.name).name.lstrip(".")
    before = place.read_bytes() if place.exists() else None
    try:
        place.parent.mkdir(exist_ok=True)
        _write(place, notice.raw)
    except OSError as error:
        cure = "make the policy directory one that may be written"
        raise UsageError(f"{place} cannot be written: {error.strerror}", cure=cure) from error

    def take_back() -> None:
        if before is not None:
            _write(place, before)
            return
        place.unlink(missing_ok=True)
        with suppress(OSError):
            place.parent.rmdir()

    return take_back


def _write(place: Path, raw: bytes) -> None:
    """Whole or not at all: a sweep may be reading. Hidden files are passed over."""
    half = place.with_name(f".{place.name}")
    half.write_bytes(raw)
    half.replace(place)


def _tried(here: Office, act: Callable[..., Any]) -> dict[str, Any]:
    """What the act would do; nothing is kept."""
    with here.db.write() as session:
        found = _summary(session, act(session, here.policy, here.clock()))
        session.rollback()
    return found


def _summary(session: Session, adoption: Any) -> dict[str, Any]:
    return {
        "new_sections": list(adoption.sections),
        "moved": adoption.moved_count,
        "deadlines": _rows(session, adoption.moved),
    }


def _rows(session: Session, moves: Sequence[Any]) -> list[dict[str, Any]]:
    from bihuan.store.queries.names import numbers

    number_of = numbers(session, {one.complaint_id for one in moves})
    return [
        {"number": number_of[one.complaint_id], "milestone": one.milestone, "round": one.round, "leg": one.leg,
         "old_due_at": one.old_due_at, "new_due_at": one.new_due_at}
        for one in moves
    ]  # fmt: skip


def _is_confirmed(shown: dict[str, Any], is_json: bool) -> bool:
    """Ask on a terminal; elsewhere nobody could answer."""
    if not sys.stdin.isatty():
        return False
    if not is_json:
        emit(shown, is_json, {"deadlines": _LISTED})
    return typer.confirm(f"Move these {shown['moved']} deadlines?", err=True)
