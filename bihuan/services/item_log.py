"""The log of an improvement item: every change is one event, raises the revision, and voids what it no longer is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from sqlmodel import Session, col
from sqlmodel import select as select_rows

from bihuan.clock import Clock
from bihuan.errors import RefusedError, UsageError
from bihuan.notify.words import words
from bihuan.rules.content import voided_from
from bihuan.rules.item import ENDED, WORKED_FOR, Lack, Refusal, position
from bihuan.services.dossier import SPENT, Dossier, agreed, dossier, hashes
from schemas.item import Gate, Item, ItemEvent, ItemState

MOVED, EDITED, VOIDED = "moved", "edited", "voided"
REASON_CHARACTERS = 500
_EVENT_OF_EDIT = "r"
_BEFORE_WORK = frozenset({Gate.G1, Gate.G2, Gate.G3})


class Told(TypedDict, total=False):
    """What else an event says."""

    reason: str
    to: ItemState
    """Where the item goes by it."""
    data: dict[str, Any]


class LackingError(RefusedError):
    """An item lacks something for what was asked; ``refusals`` says what, each as a word."""

    def __init__(self, number: str, wanted: str, refusals: tuple[Refusal, ...]) -> None:
        """Say all of it in one line."""
        self.refusals = refusals
        said = "; ".join(text_of(one, "en") for one in refusals)
        super().__init__(f"{number} cannot become {wanted}: {said}", cure=f"see `bihuan improvement show {number}`")


class StaleError(RefusedError):
    """Somebody edited it meanwhile; ``changed`` has what, by field: before, after, who."""

    def __init__(self, number: str, changed: Mapping[str, tuple[Any, Any, str]]) -> None:
        """Name what was changed, and by whom."""
        self.changed = dict(changed)
        who = ", ".join(dict.fromkeys(by for _, _, by in changed.values() if by)) or "somebody"
        what = ", ".join(changed) or "its state"
        super().__init__(f"{number} was changed meanwhile by {who}: {what}", cure="look at it again, then edit it")


class EndedItemError(RefusedError):
    """The item has ended: nothing of it is changed any more."""


def text_of(refusal: Refusal, language: str) -> str:
    """A refusal in a reader's language."""
    section = words(language)
    if refusal.why is Lack.GOAL:
        letter, _, why = refusal.about.partition(" ")
        return f"{section['smart'][letter]}: {section['goal_lack'][why]}"
    about = section["verification_lack"].get(refusal.about, refusal.about)
    return section["item_lack"][refusal.why.value].format(about=about)


def find(session: Session, number: str) -> Item:
    """The item of that number, locked for this transaction.

    Raises:
        UsageError: There is none.
    """
    found = session.exec(select_rows(Item).where(Item.number == number).with_for_update()).first()
    if found is None:
        raise UsageError(f"no improvement item {number!r}", cure="see `bihuan improvement list`")
    return found


def find_open(session: Session, number: str, revision: int | None = None) -> Item:
    """The item of that number, locked, which has not ended and is as whoever edits it saw it.

    Raises:
        UsageError: There is none.
        EndedItemError: It has ended.
        StaleError: It is not at ``revision`` any more.
    """
    item = find(session, number)
    refuse_ended(item)
    if revision is not None and revision != item.revision:
        raise StaleError(number, changed_since(session, item, revision))
    return item


def refuse_ended(item: Item) -> None:
    """Refuse what is to be done on an item that has ended.

    Raises:
        EndedItemError: It has.
    """
    if item.state in ENDED:
        raise EndedItemError(f"{item.number} has ended ({item.state})", cure="open a new item, or let a child go on")


def changed_since(session: Session, item: Item, revision: int) -> dict[str, tuple[Any, Any, str]]:
    """The fields that were edited after a revision: what they were then, what they are now, who edited them last."""
    events = session.exec(select_rows(ItemEvent).where(ItemEvent.item_id == item.id).order_by(col(ItemEvent.id))).all()
    found: dict[str, tuple[Any, Any, str]] = {}
    for event in events:
        number = event.key.partition(" ")[0].removeprefix(_EVENT_OF_EDIT)
        if not number.isdecimal() or int(number) <= revision:
            continue
        pairs = ((name, pair) for name, pair in event.data.items() if isinstance(pair, list) and len(pair) == 2)  # noqa: PLR2004 - before and after
        for name, (before, after) in pairs:
            found[name] = (found[name][0] if name in found else before, after, event.actor)
    return found


def said(text: str, what: str = "the reason", most: int = REASON_CHARACTERS) -> str:
    """A text without space around it.

    Raises:
        UsageError: It is longer than can be kept.
    """
    text = text.strip()
    if len(text) > most:
        raise UsageError(f"{what} is longer than {most} characters", cure="say it more briefly")
    return text


def needed(text: str, what: str = "a reason") -> str:
    """A text that has to be there.

    Raises:
        UsageError: It is empty, or longer than can be kept.
    """
    if not text.strip():
        raise UsageError(f"{what} is missing", cure="say why, in a sentence")
    return said(text, what)


def note(session: Session, clock: Clock, item: Item, kind: str, by: str, **told: Unpack[Told]) -> Dossier:
    """Keep a change that was made: one event, the next revision; approvals of what is different now are voided.

    Args:
        session: Inside ``Database.write``, the change made in it.
        clock: Tells the present.
        item: Locked.
        kind: moved, edited, approved …
        by: Who.
        **told: Why, where it goes by it, and what was changed.

    Returns:
        The dossier as it is now.
    """
    _event(session, clock, item, kind, by, **told)
    file = dossier(session, item)
    gate = voided_from(agreed(file), hashes(file)) if item.state not in ENDED else None
    return _void(session, clock, file, gate, by) if gate else file


def _event(session: Session, clock: Clock, item: Item, kind: str, by: str, **told: Unpack[Told]) -> None:
    before, to = item.state, told.get("to")
    item.revision += 1
    if to is not None:
        item.state = to
    session.add(item)
    session.add(ItemEvent(
        item_id=item.id or 0, kind=kind, from_state=before.value if to else "", to_state=to.value if to else "",
        occurred_at=clock(), actor=said(by, "the name", 120), reason=said(told.get("reason", "")),
        key=f"{_EVENT_OF_EDIT}{item.revision} {kind}", data=told.get("data", {}),
    ))  # fmt: skip
    session.flush()


def void(session: Session, clock: Clock, file: Dossier, gate: Gate, by: str) -> Dossier:
    """Void what was agreed to at a gate and later ones, although nothing was edited.

    Returns:
        The dossier as it is now; as it was where nothing was agreed to there.
    """
    return _void(session, clock, file, gate, by) if agreed(file).get(gate) else file


def _void(session: Session, clock: Clock, file: Dossier, gate: Gate, by: str) -> Dossier:
    item, later = file.item, list(Gate)[list(Gate).index(gate) :]
    for one in file.approvals:
        if one.gate in later:
            one.voided_at = clock()
            session.add(one)
    told = Told(data={"gate": gate.value, "was": item.state.value})
    if gate is not Gate.G5:
        item.verdict = None
    if gate in _BEFORE_WORK and file.check:
        told["data"][SPENT] = file.check.id  # it judged another plan
    if position(item.state) > position(WORKED_FOR[gate]):
        told["to"] = WORKED_FOR[gate]
    _event(session, clock, item, VOIDED, by, **told)
    return dossier(session, item)
