"""The frames of a month: what the database holds of it and of its baseline, as it stood, with nobody to be recognised.

Complaints are read as they stood at one instant, so a month that is looked at late gives what it would have given in
time, but for news that were written down late. Names, numbers and addresses in the texts are masked on the way out.
"""

from __future__ import annotations

import hmac
from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlmodel import Session

from bihuan.analysis.codes import Codes
from bihuan.analysis.month import ANSWERS, DIMENSIONS, SCORED, checked, checked_answers, no_answers
from bihuan.analysis.score import DETRACTS_TO, SATISFIED_FROM
from bihuan.rules.mask import mask
from bihuan.store.queries import month as queries
from bihuan.store.queries.month import Stretch

_TEXT = 1000
"""Characters of a text that are looked at: a topic is told in the first lines."""
HANDLING = "handled"
"""The milestone whose breach makes a complaint late."""


class Frames(NamedTuple):
    """What is analysed: see ``bihuan.analysis.month``."""

    complaints: pd.DataFrame
    answers: pd.DataFrame


def frames(session: Session, stretch: Stretch, told: Callable[[], pd.DataFrame], zone: ZoneInfo, secret: str) -> Frames:
    """The complaints registered in a stretch, and the answers given in it.

    Args:
        session: Where to read.
        stretch: The baseline and the month, and the instant as of which they are looked at.
        told: Gives the ways of these complaints, by id.
        zone: The installation's: a complaint belongs to its day there.
        secret: Makes the keys of persons, which nobody without it can follow back.
    """
    person = _person_key(secret)
    asked = list(queries.answers(session, stretch))
    rows = _complaints(session, stretch, person)
    late = queries.lateness(session, stretch, HANDLING)
    whole = pd.concat([rows, told()], axis="columns").assign(
        registered_on=_days(pd.to_datetime(rows["registered_at"], unit="us", utc=True), zone),
        is_late=rows["id"].map(late).astype("boolean"),
        is_negative=rows["id"].map(_negative(asked)).astype("boolean"),
    )
    complaints = checked(whole)
    return Frames(complaints, _answers(asked, complaints, zone))


def _complaints(session: Session, stretch: Stretch, person: Callable[[int | None], str]) -> pd.DataFrame:
    """What stands in the complaints, column by column: a row of Python objects for each would weigh a gigabyte."""
    ids, instants = array("q"), array("q")
    numbers, persons, texts = list[str](), list[str](), list[str]()
    elements = {name: (Codes(_same), array("i")) for name in DIMENSIONS}
    for batch in queries.complaints(session, stretch):
        ids.extend(batch.id)
        instants.extend(batch.registered_at)
        numbers.extend(batch.number)
        for values, (codes, found) in zip(batch.dimensions, elements.values(), strict=True):
            found.extend(map(codes.__getitem__, values))
        persons.extend(map(person, batch.customer_id))
        texts.extend(map(_text, batch.title, batch.matter, batch.name))
    return pd.DataFrame({
        "id": np.asarray(ids, np.int64), "registered_at": np.asarray(instants, np.int64),
        **{name: pd.Categorical.from_codes(found, codes.words) for name, (codes, found) in elements.items()},
        **{name: pd.Series(told, dtype="str") for name, told in
           (("number", numbers), ("person", persons), ("text", texts))},
    })  # fmt: skip


def _same(word: str) -> str:
    return word


def _text(title: str, matter: str, name: str | None) -> str:
    words = f"{title}\n{matter}".strip()[:_TEXT]
    return mask(words, (name,) if name else ()) if words else ""


def _person_key(secret: str) -> Callable[[int | None], str]:
    key = f"bihuan month {secret}".encode()
    return lambda customer_id: (
        hmac.digest(key, str(customer_id).encode(), "sha256")[:8].hex() if customer_id is not None else ""
    )


def _negative(asked: Sequence[Any]) -> dict[int, bool]:
    """Whether any answer about a complaint was negative, by complaint; of those that can be judged."""
    found: dict[int, bool] = {}
    for row in asked:
        if row.complaint_id is not None and row.is_negative is not None:
            found[row.complaint_id] = found.get(row.complaint_id, False) or bool(row.is_negative)
    return found


def _answers(asked: Sequence[Any], complaints: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """The answers with the dimensions of the complaint they are about, where it lies in the frame."""
    if not asked:
        return checked_answers(no_answers())
    told = pd.DataFrame({
        "number": [row.number or "" for row in asked],
        "answered_on": _days(pd.Series([row.answered_at for row in asked]), zone),
        "text": [mask(row.comment[:_TEXT]) if row.comment else "" for row in asked],
        "is_negative": pd.array([row.is_negative for row in asked], dtype="boolean"),
        "is_detractor": pd.array([_at_most(row.nps, DETRACTS_TO) for row in asked], dtype="boolean"),
        "is_unsatisfied": pd.array([_at_most(row.csat, SATISFIED_FROM - 1) for row in asked], dtype="boolean"),
    })  # fmt: skip
    about = complaints.set_index("number")[[*DIMENSIONS, "person"]]
    joined = told.join(about, on="number").fillna({"person": ""})
    return checked_answers(joined[[*ANSWERS, *SCORED]])


def _at_most(score: int | None, limit: int) -> bool | None:
    return None if score is None else score <= limit


def _days(instants: pd.Series, zone: ZoneInfo) -> pd.Series:
    """The day of each instant in a zone, without one."""
    return pd.to_datetime(instants, utc=True).dt.tz_convert(zone).dt.normalize().dt.tz_localize(None)
