"""The way of each complaint of a month, read off its log: plain logs all at once, the others one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from bihuan.rules.business_time import BusinessClock
from bihuan.rules.complaint import LogLine, standing
from bihuan.rules.plain_stage import NEVER, is_in_order, plain_stage_seconds
from bihuan.rules.stage import Span, spans, stage_seconds, way
from bihuan.rules.timeline import to_microseconds
from bihuan.store.queries.month import Plain, Step, Stretch, complaint_ids, plain_logs, steps
from schemas.complaint import EventKind

_HOUR = 3_600_000_000


class Story(NamedTuple):
    """What the log of one complaint tells."""

    hours: float
    """From registration to the end of its present round; NaN while it is open."""
    is_handled: bool
    is_reopened: bool
    hand_offs: int
    is_ping_pong: bool
    spans: Sequence[Span]


def ways(session: Session, stretch: Stretch, clock: BusinessClock) -> pd.DataFrame:
    """The ways of the complaints of a stretch.

    Args:
        session: Where to read.
        stretch: Whose, and as of when.
        clock: Counts the time of the stages.

    Returns:
        One row a complaint, by id: the figures of ``Story``, and of each stage ``stage_…``, business seconds.
    """
    ids, plain = complaint_ids(session, stretch), _in_order(plain_logs(session, stretch))
    told = _told_plainly(plain, stretch.as_of, clock)
    odd = np.setdiff1d(ids, plain.complaint_id, assume_unique=True)
    told = pd.concat([told, _told_singly(session, stretch, odd, clock)]) if len(odd) else told
    untold = {"is_handled": False, "is_reopened": False, "hand_offs": 0, "is_ping_pong": False}
    return told.reindex(ids).fillna(untold).astype({"hand_offs": "int64"}).reset_index(drop=True)


def _in_order(plain: Plain) -> Plain:
    """Those of the plain logs that go the usual way."""
    fits = is_in_order(plain.occurred)
    return Plain(plain.complaint_id[fits], plain.occurred[:, fits])


def _told_plainly(plain: Plain, as_of: datetime, clock: BusinessClock) -> pd.DataFrame:
    registered, handled = plain.occurred[0], plain.occurred[3]
    is_handled = handled != NEVER
    hours = np.where(is_handled, (np.where(is_handled, handled, registered) - registered) / _HOUR, np.nan)
    stages = plain_stage_seconds(plain.occurred, to_microseconds(as_of), clock)
    return pd.DataFrame(
        {"hours": hours, "is_handled": is_handled, "is_reopened": False, "hand_offs": 0, "is_ping_pong": False}
        | {f"stage_{stage}": seconds for stage, seconds in stages.items()},
        index=plain.complaint_id,
    )


def _told_singly(session: Session, stretch: Stretch, ids: NDArray[np.int64], clock: BusinessClock) -> pd.DataFrame:
    stories = dict(_stories(session, stretch, ids))
    known = list(stories)
    found = pd.DataFrame([story[:-1] for story in stories.values()], columns=Story._fields[:-1], index=known)
    stages = stage_seconds([story.spans for story in stories.values()], clock)
    return found.assign(**{f"stage_{stage}": seconds for stage, seconds in stages.items()})


def _stories(session: Session, stretch: Stretch, ids: NDArray[np.int64]) -> Iterator[tuple[int, Story]]:
    for complaint_id, lines in groupby(steps(session, stretch, ids), key=lambda step: step.complaint_id):
        yield complaint_id, story([_line(step) for step in lines], stretch.as_of)


def _line(step: Step) -> LogLine:
    data = {name: word for name, word in (("department", step.department), ("handler", step.handler)) if word}
    return LogLine(step.kind, step.occurred_at.astimezone(UTC), step.recorded_at.astimezone(UTC), data)


def story(log: Sequence[LogLine], as_of: datetime) -> Story:
    """What one log tells; nothing in it may lie after ``as_of``."""
    stood, went = standing(log), way(log)
    began_at = next((line.occurred_at for line in log if line.kind is EventKind.REGISTERED), log[0].occurred_at)
    hours = (stood.handled_at - began_at).total_seconds() / 3600 if stood.handled_at else float("nan")
    return Story(
        max(hours, 0.0), stood.handled_at is not None, went.reopens > 0, went.hand_offs, bool(went.ping_pongs),
        spans(log, as_of),
    )  # fmt: skip
