"""Warnings 异常预警: look at the watched charts, keep what they newly say, and tell of what has become worse.

A signal is kept once, however often somebody looks: it is known by its series, its rule and where it began, and a run
that goes on is the same run. Late news may add a signal; one that the figures no longer bear out is marked, never taken
away.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isnan
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row, update
from sqlmodel import Session

from bihuan.analysis.period import next_start
from bihuan.analysis.trend import Found
from bihuan.clock import zone
from bihuan.errors import UsageError
from bihuan.policy.models import Policy
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import OPERATOR, PREFERRED, Roster, address_of
from bihuan.services.deadline import ENDED
from bihuan.services.people import roster
from bihuan.services.trend_chart import Phase, View, evidence_of, explained, views
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.ids import reserve_ids
from bihuan.store.lock import hold
from bihuan.store.queries import trend as queries
from bihuan.store.queries.trend import SUBJECT, Slice
from bihuan.store.rows import id_in, insert_rows, table_of, update_rows
from schemas.kpi import Grain, Signal
from schemas.outbox import Audience, Message, MessageState, Notice, Urgency

NOTE_CHARACTERS, WHO_CHARACTERS = 500, 120
_LONGEST_KEY = 240
_S, _M = table_of(Signal), table_of(Message)


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look at the charts did."""

    charts: int = 0
    signals: int = 0
    """Kept for the first time."""
    worse: int = 0
    """Of these, for the worse."""
    told: int = 0
    """Messages planned."""
    withdrawn: int = 0
    """Marked, as today's figures do not bear them out any more."""


class _Seen(NamedTuple):
    """A pattern on a chart."""

    view: View
    phase: Phase
    it: Found

    @property
    def since(self) -> date:
        return self.phase.starts[self.it.since]

    @property
    def at(self) -> date:
        return self.phase.starts[self.it.at]

    @property
    def until(self) -> date:
        return self.phase.starts[self.it.until]

    @property
    def key(self) -> str:
        """What lets it be kept once."""
        of, side = self.view.of, "high" if self.it.is_high else "low"
        key = "|".join((*of, self.view.grain.value, f"{self.it.rule.value} {side}", self.since.isoformat()))
        if len(key) <= _LONGEST_KEY:
            return key
        return f"{hashlib.sha256('|'.join(of).encode()).hexdigest()}|{'|'.join(key.split('|')[-3:])}"

    def is_kept_as(self, row: Row[Any]) -> bool:
        """Whether that row is this pattern, which may have gone on since, or have been corrected by a period or two."""
        is_alike = (row.rule, row.is_worse) == (self.it.rule.value, self.it.is_worse)
        return is_alike and row.since_on <= self.until and self.since <= row.starts_on

    def overlaps(self, other: _Seen) -> bool:
        """Whether both are of one time: what happened was the same, whatever rule says so."""
        return self.since <= other.until and other.since <= self.until


def watch(db: Database, policy: Policy, settings: Settings, at: datetime) -> Watched:
    """Look at every watched chart up to its last settled period; looking twice changes nothing the second time.

    What is new is kept with its evidence, and told in the same transaction: one letter a look to each reader.

    Args:
        db: With the snapshots of the indicators.
        policy: What is watched, and who is told.
        settings: The zone in which days begin.
        at: Now.
    """
    here = zone(settings.timezone)
    with db.read() as session:
        seen = [view for wish in _wishes(policy) for view in views(session, policy, here, at, wish)]
        kept = _kept(session, seen)
        made = {it.key: _row(session, policy, it, at) for view in seen for it in _fresh(view, kept)}
    with db.write() as session:
        hold(session, "trend")
        kept = _kept(session, seen)
        withdrawn = sum(_withdraw(session, view, kept, at) for view in seen)
        news = dict(it for view in seen for it in _news(view, kept, at - policy.trend.told_within, here))
        rows = [made[it.key] for view in seen for it in _fresh(view, kept)]
        rows = _keep(session, rows, news)
        messages = _tell(session, policy, [row for row in rows if news.get(row["key"])], at)
    worse = sum(row["is_worse"] for row in rows)
    return Watched(len(seen), len(rows), worse, messages, withdrawn)


def _wishes(policy: Policy) -> Iterator[Slice]:
    """What is watched, as far as the indicators exist."""
    for name, it in policy.trend.watched.items():
        if name in policy.kpi.indicators:
            yield from (Slice(name, dimension) for dimension in ("", *it.dimensions))


_Kept = Mapping[tuple[Slice, Grain], Sequence[Row[Any]]]
"""The signals kept of each series, oldest first."""


def _kept(session: Session, seen: Sequence[View]) -> _Kept:
    found: defaultdict[tuple[Slice, Grain], list[Row[Any]]] = defaultdict(list)
    for row in queries.signals_of(session, (view.of.indicator for view in seen)):
        found[queries.slice_of(row), row.grain].append(row)
    return found


def _patterns(view: View) -> list[_Seen]:
    return [_Seen(view, view.now, it) for it in view.now.found]


def _fresh(view: View, kept: _Kept) -> list[_Seen]:
    """The patterns that are not kept yet."""
    rows = kept[view.of, view.grain]
    return [it for it in _patterns(view) if not any(it.is_kept_as(row) for row in rows)]


def _news(view: View, kept: _Kept, since: datetime, here: ZoneInfo) -> Iterator[tuple[str, bool]]:
    """The keys of the fresh ones that are for the worse and not long over, and whether nobody knows of it yet.

    Whoever was told of a time knows of it, whatever other rule finds it later, and so on as long as it lasts.
    """
    rows = [row for row in kept[view.of, view.grain] if row.evidence.get("is_told")]
    known = [it for it in _patterns(view) if any(it.is_kept_as(row) for row in rows)]
    for it in _fresh(view, kept):
        is_over = next_start(it.until, view.grain) <= since.astimezone(here).date()
        if it.it.is_worse and not is_over:
            yield it.key, not any(it.overlaps(one) for one in known)
            known.append(it)


def _withdraw(session: Session, view: View, kept: _Kept, at: datetime) -> int:
    """Mark the signals of the phase that its chart does not bear out any more, and unmark those it does again.

    Messages about them that have not gone out stay behind.
    """
    first, patterns = view.now.starts[0], _patterns(view)
    changed = []
    for row in kept[view.of, view.grain]:
        is_borne_out = row.starts_on < first or any(it.is_kept_as(row) for it in patterns)
        if is_borne_out is ("withdrawn_at" in row.evidence):
            others = {name: said for name, said in row.evidence.items() if name != "withdrawn_at"}
            evidence = others if is_borne_out else {**others, "withdrawn_at": at.isoformat()}
            changed.append({"id": row.id, "evidence": evidence})
    update_rows(session, Signal, changed)
    over = [row["id"] for row in changed if "withdrawn_at" in row["evidence"]]
    _end_messages(session, over)
    return len(over)


def _end_messages(session: Session, signal_ids: Sequence[int]) -> None:
    """What has not gone out about these signals stays behind, with the reason."""
    is_theirs = (_M.c.subject_kind == SUBJECT) & id_in(_M.c.subject_id, signal_ids)
    values = {"state": MessageState.SUPPRESSED, "reason": ENDED, "next_at": None}
    if signal_ids:
        session.execute(update(_M).where(is_theirs, _M.c.state == MessageState.PLANNED).values(values))


def _row(session: Session, policy: Policy, seen: _Seen, at: datetime) -> dict[str, Any]:
    """The signal as it is kept, with everything that a reader is told of it."""
    view, it, charted = seen.view, seen.it, seen.phase.charted
    said = evidence_of(seen.phase, it)
    changed, tested = explained(session, policy, view, seen.phase, it)
    evidence = {
        "words": view.indicator.words.model_dump(), "unit": view.unit, "target": view.indicator.target,
        "direction": view.indicator.direction.value, "is_high": it.is_high, "sigma_z": _figure(charted.sigma_z),
        "points": said.points, "baseline_points": said.baseline_points, "n_before": said.n_before,
        "baseline": [day.isoformat() for day in said.baseline], "until_on": seen.until.isoformat(),
        "changed": [{name: _figure(value) for name, value in row.items()} for row in changed], "tested": tested,
    }  # fmt: skip
    return {
        "key": seen.key, **view.of._asdict(), "grain": view.grain, "starts_on": seen.at, "since_on": seen.since,
        "chart": charted.plan.kind.value, "rule": it.rule.value, "is_worse": it.is_worse, "value": said.after,
        "center": said.before, "lower": _figure(charted.low[it.at]), "upper": _figure(charted.high[it.at]),
        "n": said.n, "evidence": evidence, "found_at": at,
    }  # fmt: skip


def _figure(value: Any) -> Any:
    """A value as JSON has it: NaN is nothing, numpy's own types are plain ones."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and isnan(plain) else plain


def _keep(session: Session, rows: Sequence[dict[str, Any]], told: Collection[str]) -> list[dict[str, Any]]:
    """Write the signals down; as they were written, with their ids."""
    ids = reserve_ids(session, Signal, len(rows))
    kept = [
        {
            "id": next(ids),
            **row,
            "evidence": {**row["evidence"], "is_told": row["key"] in told},
            "noted_by": "",
            "note": "",
        }
        for row in rows
    ]
    insert_rows(session, Signal, kept)
    return kept


def _tell(session: Session, policy: Policy, rows: Sequence[dict[str, Any]], at: datetime) -> int:
    """Plan a message a signal and reader, one letter to each reader; how many."""
    if not rows:
        return 0
    duty = Notice.SIGNAL.value
    messages = [
        {
            "key": message_key(f"{SUBJECT}:{row['id']}", duty, to, channel, row["starts_on"].isoformat()),
            "subject_kind": SUBJECT, "subject_id": row["id"], "notice": Notice.SIGNAL, "audience": Audience.STAFF,
            "recipient": to, "channel": channel, "urgency": Urgency.CAN_WAIT,
            "bundle": f"signals {address_of(to, channel)} {at:%Y-%m-%dT%H:%M:%S}Z",
            "state": MessageState.PLANNED, "planned_at": at, "next_at": at,
        }
        for row in rows for to, channel in _readers(roster(session, policy, at), policy)
    ]  # fmt: skip
    insert_rows(session, Message, messages)
    return len(messages)


def _readers(people: Roster, policy: Policy) -> list[tuple[str, str]]:
    """Whoever the policy names and can be reached; else the operator."""
    found = (one for target in policy.trend.told for one in people.resolve(target, None, None).recipients)
    return list(dict.fromkeys(found)) or [(OPERATOR, PREFERRED)]


def note(session: Session, signal_id: int, text: str, who: str, at: datetime) -> None:
    """Keep what a person says of a signal; who says more later, says it in place of that. Letters about it stay behind.

    Raises:
        UsageError: There is no such signal, or nobody or nothing was said, or too much.
    """
    text, who = text.strip(), who.strip()
    if not text or len(text) > NOTE_CHARACTERS or not who or len(who) > WHO_CHARACTERS:
        raise UsageError(
            "a note says something, and who says it",
            cure=f"write at most {NOTE_CHARACTERS} and {WHO_CHARACTERS} characters",
        )
    noted = update(_S).where(_S.c.id == signal_id).values(note=text, noted_by=who, noted_at=at)
    if not session.execute(noted).rowcount:  # type: ignore[attr-defined]
        raise UsageError(f"no signal {signal_id}", cure="see `bihuan kpi signals`")
    _end_messages(session, [signal_id])
