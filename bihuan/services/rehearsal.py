"""Rehearsal 预演: a draft policy replayed over the stored history beside today's; nothing is written.

Each complaint's whole log is read once and its deadlines are derived under either policy as if it had always counted.
People's acts are taken as they happened: nobody is thought to hurry more under a stricter policy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from sqlmodel import Session

from bihuan.analysis.alerts import Figures, figures, together
from bihuan.analysis.kpi import rates
from bihuan.analysis.rehearsal import SIDES, Rehearsal
from bihuan.policy.book import PolicyBook
from bihuan.policy.models import Policy
from bihuan.policy.scope import DIMENSIONS, Facts
from bihuan.rules.replay import NEVER, TURNING, Plain, Promises, joined, replay_one_by_one, replay_plain, watched
from bihuan.rules.roster import Roster
from bihuan.rules.timeline import to_instant, to_microseconds
from bihuan.services.people import roster
from bihuan.services.projection import logs_of
from bihuan.store.engine import Database
from bihuan.store.queries.history import Span, Stretch, Window, spans, stretch
from bihuan.store.queries.names import recipient_names
from schemas.complaint import EventKind

_PAGE = 25_000
"""Complaints in memory at once, in each process."""
_ALONE = 50_000
"""Up to so many complaints one process is quicker than several."""
_LISTED = 5_000
_KEY = ["complaint", "milestone", "round"]
Sides = tuple[Policy, Policy]


@dataclass(frozen=True)
class Question:
    """What is rehearsed: policies, history, and the last instant that counts."""

    policies: Sides
    """Today's and the draft."""
    window: Window
    at: datetime
    """Whatever happened from then on does not count."""
    timezone: str
    is_simulated: bool = False


@dataclass(frozen=True)
class _Part:
    """What a run of complaints gave."""

    complaints: int
    sides: tuple[Figures, Figures]
    moved: pd.DataFrame
    moved_count: int


def rehearse(db: Database, question: Question, processes: int | None = None) -> Rehearsal:
    """Replay the window's complaints under both policies.

    Args:
        db: Only read.
        question: What to replay.
        processes: How many work side by side; None: as many as there are cores, one where the history is small.
    """
    with db.read() as session:
        runs = spans(session, question.window, _PAGE)
        people = roster(session, question.policies[0], question.at)
    if processes is None:
        processes = (os.cpu_count() or 1) if len(runs) * _PAGE > _ALONE else 1
    parts = list(_parts(db, question, people, runs, processes))
    with db.read() as session:
        return _whole(session, question, parts)


def _parts(db: Database, question: Question, people: Roster, runs: Sequence[Span], processes: int) -> Iterator[_Part]:
    if processes == 1:
        with db.read() as session:
            for run in runs:
                yield _part(session, question, people, run)
        return
    url = db.engine.url.render_as_string(hide_password=False)
    spawn, hands = get_context("spawn"), (url, question, people)
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=_take_up, initargs=hands) as pool:
        yield from pool.map(_elsewhere, runs)


_taken_up: list[tuple[Database, Question, Roster]] = []
"""What a process that replays runs of complaints was given once, so that what it learns of the policies stays."""


def _take_up(url: str, question: Question, people: Roster) -> None:
    _taken_up.append((Database(url), question, people))


def _elsewhere(run: Span) -> _Part:
    """``_part`` in a process of its own."""
    ((db, question, people),) = _taken_up
    with db.read() as session:
        return _part(session, question, people, run)


def _part(session: Session, question: Question, people: Roster, run: Span) -> _Part:
    deadlines = [policy.deadline for policy in question.policies]
    loaded = stretch(session, question.window, run, watched(*deadlines), TURNING)
    odd = loaded.complaints["id"].to_numpy(np.int64)[~loaded.is_plain]
    logs = logs_of(session, [int(one) for one in odd])
    number_of = {int(one): place for place, one in enumerate(loaded.complaints["id"])}
    numbered = [(number_of[one], log) for one, log in logs.items()]
    plain, rows = _plain(loaded)
    sides = [_replayed(policy, plain, rows, numbered) for policy in question.policies]
    recipients = _recipients(loaded.complaints, people)
    found = tuple(
        _figures(question, policy, promises, recipients)
        for policy, promises in zip(question.policies, sides, strict=True)
    )
    moved = _moved(question, loaded.complaints, sides)
    return _Part(len(loaded.complaints), (found[0], found[1]), moved[:_LISTED], len(moved))


def _plain(loaded: Stretch) -> tuple[Plain, np.ndarray[Any, np.dtype[np.int64]]]:
    """The plain logs as columns, and their places among all complaints."""
    rows = np.flatnonzero(loaded.is_plain)
    facts = loaded.complaints.iloc[rows][list(DIMENSIONS)]
    groups = facts.groupby(list(DIMENSIONS), dropna=False, sort=False)
    distinct = [Facts(*(None if pd.isna(word) else str(word) for word in words)) for words in groups.groups]
    occurred = {kind: at[rows] for kind, at in loaded.occurred.items()}
    return Plain(distinct, groups.ngroup().to_numpy(np.int64), occurred), rows


def _replayed(
    policy: Policy, plain: Plain, rows: np.ndarray[Any, np.dtype[np.int64]], numbered: Sequence[tuple[int, Any]]
) -> Promises:
    quick = replay_plain(plain, policy.deadline, policy.calendars)
    slow = replay_one_by_one(numbered, PolicyBook.of(policy.deadline, policy.calendars))
    return joined([quick._replace(complaint=rows[quick.complaint]), slow])


def _recipients(complaints: pd.DataFrame, people: Roster) -> np.ndarray[Any, Any]:
    """Who would be told of each complaint's deadlines, as people are there today."""
    pairs = complaints[["handler_id", "department_id"]].astype("Int64")
    known: dict[tuple[int | None, int | None], str] = {}
    found = []
    for handler, department in zip(pairs["handler_id"], pairs["department_id"], strict=True):
        pair = (None if handler is pd.NA else int(handler), None if department is pd.NA else int(department))
        if pair not in known:
            known[pair] = people.for_complaint(*pair)
        found.append(known[pair])
    return np.array(found, dtype=object)


def _figures(question: Question, policy: Policy, promises: Promises, recipients: np.ndarray[Any, Any]) -> Figures:
    frame = pd.DataFrame({name: getattr(promises, name) for name in ("milestone", "leg", "due", "met", "cancelled")})
    frame["recipient"] = recipients[promises.complaint]
    follow_ups = frozenset(
        name for name, milestone in policy.deadline.milestones.items() if EventKind.HANDLED in milestone.starts
    )
    return figures(
        frame, promises.warn, names=tuple(policy.deadline.milestones), follow_ups=follow_ups,
        until=to_microseconds(question.at), zone=question.timezone,
    )  # fmt: skip


def _moved(question: Question, complaints: pd.DataFrame, sides: Sequence[Promises]) -> pd.DataFrame:
    """Promises to complainants that one policy breaches and the other does not."""
    until = to_microseconds(question.at)
    frames = []
    for policy, promises in zip(question.policies, sides, strict=True):
        frame = pd.DataFrame({name: getattr(promises, name) for name in (*_KEY, "due")})[promises.leg == 0]
        ended = np.minimum(promises.met, promises.cancelled)[promises.leg == 0]
        frame["breached"] = (frame["due"] < until) & (frame["due"] < ended)
        frame["milestone"] = np.array(tuple(policy.deadline.milestones), dtype=object)[frame["milestone"]]
        frames.append(frame.set_index(_KEY))
    both = frames[0].join(frames[1], how="outer", suffixes=("_today", "_draft"))
    for side in SIDES:
        both[f"breached_{side}"] = both[f"breached_{side}"].fillna(value=False).astype(bool)
    differing = both[both["breached_today"] != both["breached_draft"]].reset_index()
    return differing.assign(number=complaints["number"].to_numpy()[differing["complaint"]])


def _whole(session: Session, question: Question, parts: Sequence[_Part]) -> Rehearsal:
    sides = [together([part.sides[side] for part in parts]) for side in range(len(SIDES))] if parts else []
    frames = {name: _beside([side[name] for side in sides], name) for name in _COLUMNS}
    recipients = set(frames["people"]["recipient"])
    names = recipient_names(session, recipients)
    frames["people"]["name"] = [names.get(one, (one, ""))[0] for one in frames["people"]["recipient"]]
    today, draft = question.policies
    return Rehearsal(
        since=question.window.since, until=question.window.until, timezone=question.timezone,
        complaints=sum(part.complaints for part in parts), scope=question.window.scope,
        versions={"today": today.version, "draft": draft.version}, is_simulated=question.is_simulated,
        milestones=_in_order(question.policies, _rated(frames["milestones"])), people=frames["people"],
        hours=frames["hours"], nights=frames["nights"], follow_ups=frames["follow_ups"],
        moved=_told([part.moved for part in parts]), moved_count=sum(part.moved_count for part in parts),
    )  # fmt: skip


_COLUMNS: Mapping[str, Sequence[str]] = {
    "milestones": ("milestone", "deadlines", "met", "on_time", "breaches", "cancelled", "running", "warnings"),
    "people": ("recipient", "warnings", "breaches"),
    "hours": ("hour", "alerts"),
    "nights": ("night", "alerts"),
    "follow_ups": ("day", "milestone", "count"),
}


def _beside(frames: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """The frames of both sides under each other, with a column that says whose a row is."""
    if not frames:
        return pd.DataFrame(columns=[*_COLUMNS[name], "side"])
    return pd.concat([frame.assign(side=side) for side, frame in zip(SIDES, frames, strict=True)], ignore_index=True)


def _rated(milestones: pd.DataFrame) -> pd.DataFrame:
    counts = milestones.rename(columns={"on_time": "x", "met": "n"})
    return milestones.join(rates(counts)[["value", "low", "high"]])


def _in_order(policies: Sides, milestones: pd.DataFrame) -> pd.DataFrame:
    """In the order of the policies."""
    order = list(dict.fromkeys(name for policy in policies for name in policy.deadline.milestones))
    place = milestones["milestone"].map({name: number for number, name in enumerate(order)})
    return (
        milestones.assign(place=place).sort_values("place", kind="stable").drop(columns="place").reset_index(drop=True)
    )


def _told(moved: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The differing verdicts with their instants, the first some thousands."""
    columns = ["number", "milestone", "round", "due_today", "due_draft", "breached_today", "breached_draft"]
    if not moved:
        return pd.DataFrame(columns=columns)
    listed = pd.concat(moved, ignore_index=True)[columns][:_LISTED]
    for side in SIDES:
        listed[f"due_{side}"] = pd.Series(
            [None if pd.isna(at) or at == NEVER else to_instant(int(at)) for at in listed[f"due_{side}"]], dtype=object
        )
    return listed
