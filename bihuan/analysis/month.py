"""The month under analysis: the two frames that every analysis of a month reads, one a complaint and one an answer.

Whoever has the database fills them; everything after that is pure. A month is looked at against its baseline, the
months before it, so both frames hold all of these, each row with the day it belongs to.

Complaints: one row a complaint registered in the baseline or in the month.

- ``number`` str, unique: the complaint number.
- ``registered_on`` datetime64: the day, in the installation's zone, without one of its own.
- ``DIMENSIONS`` category: codes; a missing value is unknown, and never an element of its dimension.
- ``person`` str: an opaque key of who complains, empty where nobody knows.
- ``text`` str: what was said, with personal data already masked (``bihuan.rules.mask``): nothing here masks.
- ``hours`` float64: registration to handling, elapsed; NaN while it is open.
- ``is_handled`` bool: handled in its present round.
- ``is_late`` boolean: a deadline of handling was breached; NA where it has none, or none is decided yet.
- ``is_reopened`` bool.
- ``is_negative`` boolean: an answer was negative; NA where nothing was answered.
- ``hand_offs`` int64: how often it went to another handler or department.
- ``is_ping_pong`` bool: it came back to one it had been handed on by.
- ``stage_…`` float64: business seconds spent in each stage (``bihuan.rules.stage``); NaN where it never came to it.

Answers: one row an answer: ``number`` str (of the complaint, empty where there is none), ``answered_on`` datetime64,
``DIMENSIONS`` (of the complaint) category, ``person`` str, ``text`` str (the comment, masked) and ``is_negative``
boolean (NA where it cannot be judged). Where scores were asked for, ``SCORED`` stand beside: ``is_detractor`` boolean
(recommends with 0 to 6; NA without a recommendation score) and ``is_unsatisfied`` boolean (satisfaction below the top
two of five; NA without a satisfaction score).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import pandas as pd

from schemas.improvement import Stage

DIMENSIONS = (
    "channel", "kind", "severity", "department", "handler", "region", "tier", "business_line", "product", "source",
)  # fmt: skip
STAGES = tuple(f"stage_{stage}" for stage in Stage)
COMPLAINTS: Mapping[str, str] = MappingProxyType(
    {"number": "str", "registered_on": "datetime64[us]"}
    | dict.fromkeys(DIMENSIONS, "category")
    | {"person": "str", "text": "str", "hours": "float64", "is_handled": "bool", "is_late": "boolean"}
    | {"is_reopened": "bool", "is_negative": "boolean", "hand_offs": "int64", "is_ping_pong": "bool"}
    | dict.fromkeys(STAGES, "float64")
)
"""The columns of the frame of complaints with their types."""
ANSWERS: Mapping[str, str] = MappingProxyType(
    {"number": "str", "answered_on": "datetime64[us]"}
    | dict.fromkeys(DIMENSIONS, "category")
    | {"person": "str", "text": "str", "is_negative": "boolean"}
)
"""The columns of the frame of answers with their types."""
SCORED: Mapping[str, str] = MappingProxyType(dict.fromkeys(("is_detractor", "is_unsatisfied"), "boolean"))
"""Columns that the frame of answers may have beside these; packs of earlier editions have none."""


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of complaints as promised above: the columns of ``COMPLAINTS`` in their types, by complaint number.

    Sorted, so that no figure depends on the order in which a database gives its rows; an empty word of a dimension
    becomes unknown.

    Args:
        frame: At least these columns, any index.

    Raises:
        ValueError: A column is missing or holds what its type does not, a number stands twice, or a day is missing.
    """
    found = _typed(frame, COMPLAINTS, "registered_on")
    if found["number"].duplicated().any():
        raise ValueError("a complaint number stands twice in the frame of complaints")
    return found.sort_values("number", ignore_index=True)


def checked_answers(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of answers as promised above, by day and complaint number; ``SCORED`` only where it has them.

    Raises:
        ValueError: A column is missing or holds what its type does not, or a day is missing.
    """
    kinds = {**ANSWERS, **{name: kind for name, kind in SCORED.items() if name in frame}}
    return _typed(frame, kinds, "answered_on").sort_values(["answered_on", "number"], ignore_index=True)


def no_answers() -> pd.DataFrame:
    """A frame of answers without rows."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in ANSWERS.items()})


def in_month(days: pd.Series, month_on: date) -> pd.Series:
    """Whether each day lies in the month under analysis; what lies before it is the baseline.

    Args:
        days: datetime64, shape (n,).
        month_on: The first day of the month.

    Raises:
        ValueError: A day lies after the month.
    """
    first = pd.Timestamp(month_on)
    if (days >= first + pd.offsets.MonthBegin()).any():
        raise ValueError(f"the frame goes on after the month of {month_on}")
    return days >= first


def _typed(frame: pd.DataFrame, kinds: Mapping[str, str], day: str) -> pd.DataFrame:
    if missing := [name for name in kinds if name not in frame]:
        raise ValueError(f"the frame lacks {', '.join(missing)}")
    found = frame[list(kinds)].reset_index(drop=True)
    try:
        found = found.astype({name: kind for name, kind in kinds.items() if str(found[name].dtype) != kind})
    except (TypeError, ValueError) as error:
        raise ValueError(f"the frame holds what its columns do not: {error}") from error
    if found[day].isna().any():
        raise ValueError(f"{day} is missing in a row")
    return found.assign(**{name: _elements(found[name]) for name in DIMENSIONS})


def _elements(values: pd.Series) -> pd.Series:
    """The dimension with its elements as words in order, an empty one unknown."""
    words = values.cat.rename_categories(str) if not values.cat.categories.empty else values
    kept = sorted(set(words.cat.categories) - {""})
    return words.cat.set_categories(kept)
