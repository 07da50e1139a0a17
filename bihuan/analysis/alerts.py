"""What deadlines lead to: verdicts by milestone, alerts by hour, night and person, follow-ups by day.

Everything counts what happened up to a last instant and is blind to what came later. Figures of parts of a history are
added up by ``together``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NIGHT_BEGINS, NIGHT_ENDS = 22, 8
"""Hours between which an alert disturbs the night."""
_COUNTS = ("deadlines", "met", "on_time", "breaches", "cancelled", "running", "warnings")
_KEYS = {
    "milestones": ["milestone"], "people": ["recipient"], "hours": ["hour"], "nights": ["night"],
    "follow_ups": ["day", "milestone"],
}  # fmt: skip
Figures = dict[str, pd.DataFrame]


def figures(
    deadlines: pd.DataFrame, warnings: NDArray[np.int64], *, names: Sequence[str], follow_ups: frozenset[str],
    until: int, zone: str,
) -> Figures:  # fmt: skip
    """The figures of some deadlines under one policy.

    Args:
        deadlines: milestone (place in ``names``), leg, due, met, cancelled (microseconds since 1970, the greatest
            int64 for never) and recipient, m rows.
        warnings: Instants of the warnings, shape (m, k).
        names: The milestones.
        follow_ups: Those that are follow-ups with the complainant.
        until: Whatever comes at or after this instant has not happened, microseconds.
        zone: In which days and hours are cut.

    Returns:
        Frames by name: ``milestones`` (leg 0 only), ``people``, ``hours``, ``nights``, ``follow_ups``.
    """
    ended = np.minimum(deadlines["met"], deadlines["cancelled"]).to_numpy()
    due, met = deadlines["due"].to_numpy(), deadlines["met"].to_numpy()
    is_breach = (due < until) & (due < ended)
    is_warned = (warnings < until) & (warnings < ended[:, None])
    told = deadlines.assign(
        breaches=is_breach, warnings=is_warned.sum(axis=1), deadlines=1, met=met < until,
        on_time=(met < until) & (met <= due), cancelled=deadlines["cancelled"].to_numpy() < until,
        running=ended >= until, milestone=np.array(names, dtype=object)[deadlines["milestone"]],
    )  # fmt: skip
    at = _local(np.concatenate((due[is_breach], warnings[is_warned])), zone)
    asked = told[told["milestone"].isin(follow_ups) & (due < until) & (told["leg"] == 0)]
    return {
        "milestones": _summed(told[told["leg"] == 0], "milestones", list(_COUNTS)),
        "people": _summed(told, "people", ["warnings", "breaches"]),
        "hours": _counted("hours", "alerts", hour=at.hour),
        "nights": _nights(at),
        "follow_ups": _counted(
            "follow_ups", "count", day=_local(asked["due"].to_numpy(), zone).date, milestone=asked["milestone"].array
        ),
    }


def together(parts: Sequence[Figures]) -> Figures:
    """The figures of several parts of a history, added up; sorted by their keys."""
    return {name: _added([part[name] for part in parts], keys) for name, keys in _KEYS.items()}


def _added(frames: Sequence[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True).groupby(keys, as_index=False, sort=True).sum()


def _summed(told: pd.DataFrame, name: str, columns: list[str]) -> pd.DataFrame:
    return told.groupby(_KEYS[name], as_index=False, sort=True)[columns].sum().astype(dict.fromkeys(columns, "int64"))


def _counted(name: str, column: str, **keys: object) -> pd.DataFrame:
    frame = pd.DataFrame(keys)
    return frame.groupby(_KEYS[name], as_index=False, sort=True).size().rename(columns={"size": column})


def _nights(at: pd.DatetimeIndex) -> pd.DataFrame:
    """Alerts of each night, by the day on which it begins."""
    in_night = at[(at.hour >= NIGHT_BEGINS) | (at.hour < NIGHT_ENDS)]
    began = in_night - pd.to_timedelta(np.where(in_night.hour < NIGHT_ENDS, 1, 0), unit="D")
    return _counted("nights", "alerts", night=began.date)


def _local(at: NDArray[np.int64], zone: str) -> pd.DatetimeIndex:
    """Instants as a clock on the wall shows them."""
    return pd.DatetimeIndex(at.astype("datetime64[us]")).tz_localize("UTC").tz_convert(zone).tz_localize(None)
