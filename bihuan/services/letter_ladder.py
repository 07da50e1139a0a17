"""What a letter from a ladder says beside its matter: who was told before, and why its reader is told now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.notify.words import instant, words
from bihuan.rules.escalation import read
from bihuan.rules.outbox import repeat_of
from bihuan.store.queries.letter import notes, told_before
from bihuan.store.queries.names import recipient_names, staff_names
from schemas.escalation import Trigger
from schemas.outbox import Notice

CANNOT_KEY, HANDED_OVER_KEY = "cannot ", "handed over "
"""Starts of the keys of the events by which somebody said that they cannot, or handed a matter over."""
_FROM_A_LADDER = frozenset({
    Notice.ESCALATION, Notice.OVERSIGHT, Notice.HANDED_OVER, Notice.CANNOT, Notice.WORK_LATE,
})  # fmt: skip
_RUNGS = frozenset({Notice.ESCALATION, Notice.OVERSIGHT, Notice.WORK_LATE})


@dataclass(frozen=True, slots=True)
class LadderFacts:
    """What is known of the ladders of a batch of letters."""

    steps: Mapping[int, Sequence[Row[Any]]] = field(default_factory=dict)
    said: Mapping[int, Sequence[Row[Any]]] = field(default_factory=dict)
    """What people said when they handed over or could not, by complaint."""
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    staff: Mapping[str, str] = field(default_factory=dict)

    def values(self, row: Row[Any], language: str, timezone: str) -> dict[str, Any]:
        """Why the reader is told now, in words: ``why``, ``rung``, ``repeat`` (0 at first), ``who`` and ``said``."""
        steps, place = self.steps.get(row.escalation_id, ()), (repeat_of(row.key), row.rung)
        is_rung = row.notice in _RUNGS
        now = next((one for one in steps if is_rung and (one.cycle, one.rung) == place), None)
        before = [one for one in steps if now is None or (one.cycle, one.rung) < place]
        note = self._note(row)
        who = self.staff.get(note.actor, note.actor) if note else ""
        said = str(note.data.get("cannot", "")) if note else ""
        why = self._why(before, now.trigger if now else None, (who, said), language, timezone)
        return {"rung": row.rung, "repeat": now.cycle if now else 0, "why": why, "who": who, "said": said}

    def _why(
        self, before: Sequence[Row[Any]], trigger: Trigger | None, note: tuple[str, str], language: str, timezone: str
    ) -> str:
        say = words(language)["ladder"]
        who, said = note
        if trigger is Trigger.CANNOT and who:
            return say["cannot"].format(who=who, said=said)
        if trigger is Trigger.EXPIRED and before:
            return say["expired"].format(who=self._name(before[-1].acknowledged_by or "", language))
        told = [f"{self._name(recipient, language)} ({instant(one.told_at, timezone)[5:16]})"
                for one in before for recipient, _ in sorted(read(one.told))]  # fmt: skip
        return say["silence"].format(told=say["and"].join(told)) if told else say["first"]

    def _name(self, recipient: str, language: str) -> str:
        zh, en = self.names.get(recipient, ("", ""))
        return (en if language == "en" and en else zh) or words(language)["ladder"]["somebody"]

    def _note(self, row: Row[Any]) -> Row[Any] | None:
        """What somebody said that led to this letter."""
        if row.subject_kind != "complaint":
            return None
        slot = row.key.rpartition("|")[2]
        said = self.said.get(row.subject_id, ())
        if row.notice in {Notice.HANDED_OVER, Notice.CANNOT}:
            return next((one for one in said if one.key == slot), None)
        mine = [
            one
            for one in said
            if one.key.startswith(f"{CANNOT_KEY}{row.milestone}") and one.occurred_at <= row.planned_at
        ]
        return mine[-1] if mine else None


def ladder_facts(session: Session, rows: Sequence[Row[Any]]) -> LadderFacts:
    """What the letters of these messages need; nothing is asked where none is from a ladder."""
    mine = [row for row in rows if row.notice in _FROM_A_LADDER]
    if not mine:
        return LadderFacts()
    steps = told_before(session, {row.escalation_id for row in mine if row.escalation_id})
    complaints = {row.subject_id for row in mine if row.subject_kind == "complaint"}
    said = notes(session, complaints, (CANNOT_KEY, HANDED_OVER_KEY)) if complaints else {}
    told = {recipient for some in steps.values() for one in some for recipient, _ in read(one.told)}
    told |= {one.acknowledged_by for some in steps.values() for one in some if one.acknowledged_by}
    actors = {one.actor for some in said.values() for one in some}
    return LadderFacts(steps, said, recipient_names(session, told), staff_names(session, actors))
