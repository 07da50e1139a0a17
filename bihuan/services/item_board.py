"""The board of improvement items 改进看板: by phase, with what is late, what was carried, and how far each is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.rules.item import Phase, phase_of, position
from bihuan.rules.plan_progress import Part, progress
from bihuan.store.queries import improvement as queries
from bihuan.store.queries.improvement import Wish
from schemas.plan import MeasureState

ENDED_SHOWN = 10
"""Of those that ended, so many stand below the open ones."""
ENDED_MOST = 200
"""… and so many where those are asked for."""


class Standing(StrEnum):
    """A part of the board."""

    LATE = "late"
    CARRIED = "carried"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Card:
    """One item on the board; ``row`` is that of ``bihuan.store.queries.improvement.items``."""

    row: Row[Any]
    phase: Phase | None
    """None: it has ended."""
    progress_ratio: float
    is_late: bool
    """Its own day has passed."""
    late_measures: int
    is_held: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Open items by phase, in the order of their way there; those that ended, newest first."""

    phases: dict[Phase, list[Card]]
    ended: list[Card]

    @property
    def cards(self) -> list[Card]:
        """The open ones."""
        return [card for cards in self.phases.values() for card in cards]


def board(session: Session, wish: Wish, today: date, standing: Standing | None = None) -> Board:
    """The items that are asked for.

    Args:
        session: Where to read.
        wish: Whose, and of what.
        today: The day, in the zone of the usual calendar.
        standing: Only a part of them.
    """
    is_ended = standing is Standing.ENDED
    rows = [] if is_ended else queries.items(session, wish, is_open=True)
    ended = queries.items(session, wish, is_open=False, limit=ENDED_MOST if is_ended else ENDED_SHOWN)
    cards = _cards(session, rows, today)
    if standing is Standing.LATE:
        cards = [card for card in cards if card.is_late or card.late_measures]
    if standing is Standing.CARRIED:
        cards = [card for card in cards if card.row.carry_count]
    by_phase = {phase: [card for card in cards if card.phase is phase] for phase in Phase}
    for found in by_phase.values():
        found.sort(key=lambda card: -position(card.row.state))
    return Board(by_phase, _cards(session, ended, today) if standing in {None, Standing.ENDED} else [])


def _cards(session: Session, rows: Sequence[Row[Any]], today: date) -> list[Card]:
    parts: dict[int, list[Part]] = defaultdict(list)
    for one in queries.measures(session, (row.id for row in rows)):
        parts[one.item_id].append(Part(one.state, one.progress_ratio, one.effort, one.start_on, one.due_on))
    return [_card(row, parts[row.id], today) for row in rows]


def _card(row: Row[Any], parts: list[Part], today: date) -> Card:
    phase = phase_of([row.state])
    return Card(
        row, phase, progress(parts, is_verified=row.verdict is not None),
        phase is not None and row.due_on is not None and row.due_on < today,
        sum(is_late(part, today) for part in parts) if phase else 0,
        row.held_until_on is not None and today < row.held_until_on,
    )  # fmt: skip


def is_late(part: Part, today: date) -> bool:
    """Whether a measure should be done by now and is not."""
    is_open = part.state in {MeasureState.PLANNED, MeasureState.DOING}
    return is_open and part.due_on is not None and part.due_on < today
