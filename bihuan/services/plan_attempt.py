"""Several fields of one record written as far as they can be: what is refused is left out, and nothing half done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlmodel import Session

from bihuan.errors import BihuanError

Act = Callable[[Mapping[str, str]], None]
"""Writes these fields of a record, or raises a ``BihuanError``."""
Refused = dict[str, BihuanError]
"""By field."""


def attempt(session: Session, act: Act, changes: Mapping[str, str]) -> Refused:
    """Write all fields at once; where that is refused, as many as can be, which ones found by trying.

    Fields that only go together – a later start and a later due day – are tried again after the others.

    Args:
        session: Inside ``Database.write``; each try has a savepoint.
        act: What writes them.
        changes: What to write, by field.
    """
    if not changes or tried(session, act, changes) is None:
        return {}
    kept, refused = _sorted_out(session, act, changes)
    if kept:
        tried(session, act, kept)
    return refused


def faults(session: Session, act: Act, changes: Mapping[str, str]) -> Refused:
    """Which fields stand in the way of writing all of them; none where nothing does. Nothing is written."""
    if tried(session, act, changes, is_kept=False) is None:
        return {}
    return _sorted_out(session, act, changes)[1]


def _sorted_out(session: Session, act: Act, changes: Mapping[str, str]) -> tuple[dict[str, str], Refused]:
    kept: dict[str, str] = {}
    refused: Refused = {}
    left = dict(changes)
    while left:
        before = len(left)
        for key, value in list(left.items()):
            error = tried(session, act, kept | {key: value}, is_kept=False)
            if error is None:
                kept[key] = left.pop(key)
                refused.pop(key, None)
            else:
                refused[key] = error
        if len(left) == before:
            break
    return kept, refused


def tried(session: Session, act: Act, changes: Mapping[str, str], *, is_kept: bool = True) -> BihuanError | None:
    """Try to write fields; why it was refused, with everything as it was, or None.

    Args:
        session: Inside ``Database.write``.
        act: What writes them.
        changes: By field.
        is_kept: False: everything is as it was, whatever came of it.
    """
    point, refused = session.begin_nested(), None
    try:
        act(changes)
    except BihuanError as error:
        refused = error
    if refused is None and is_kept:
        point.commit()
        return None
    point.rollback()
    session.expunge_all()  # what was read in between may be a row that is no more
    return refused
