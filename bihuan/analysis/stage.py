"""Stage delays: which stage 环节 ate the lateness, on the business clock."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from bihuan.analysis.cells import Floor, Whole, whole
from bihuan.analysis.month import STAGES
from schemas.improvement import Stage

UNTIL_HANDLED = tuple(stage for stage in Stage if stage is not Stage.TELLING)
"""The stages that can make handling late."""
STAGE_DIMENSION = "stage"
_Z95 = float(norm.ppf(0.975))
_COLUMNS = [f"stage_{stage}" for stage in UNTIL_HANDLED]


def excess(frame: pd.DataFrame) -> pd.DataFrame:
    """How long each late complaint stood in each stage beyond what those on time usually do.

    Excess is max(0, d - median of d among those on time); a stage that a complaint never came to took no time.

    Args:
        frame: Complaints (``bihuan.analysis.month``), the late ones and those on time that they are held against.

    Returns:
        Business seconds, one row a late complaint whose stages are known, same index, columns ``UNTIL_HANDLED``.
        No rows where nothing was on time.
    """
    is_known = frame[_COLUMNS].notna().any(axis=1) & frame["is_late"].notna()
    seconds = frame.loc[is_known, _COLUMNS].fillna(0.0).set_axis(list(UNTIL_HANDLED), axis=1)
    is_late = frame.loc[is_known, "is_late"].astype("bool")
    if is_late.all():
        return seconds.iloc[:0]
    return (seconds[is_late] - seconds[~is_late].median()).clip(lower=0.0)


def eaten_by(frame: pd.DataFrame) -> pd.Series:
    """The stage with the greatest excess of each late complaint.

    Args:
        frame: As ``excess`` takes it.

    Returns:
        str, one a row, same index; empty where it was not late, its stages are not known, or none took longer than
        usual. Of equal ones the earlier in a complaint's way.
    """
    found = pd.Series("", frame.index, dtype="str")
    over = excess(frame)
    over = over[over.gt(0).any(axis=1)]
    found.loc[over.index] = over.idxmax(axis=1).astype("str")
    return found


def delays(frame: pd.DataFrame) -> pd.DataFrame:
    """Who ate the lateness: the excess of each stage, and its share of all.

    Args:
        frame: Complaints of one month.

    Returns:
        One row a stage of ``UNTIL_HANDLED``, in their order: ``excess_seconds`` (business), ``share`` 0..1, ``late``
        (complaints that stood in it longer than usual), ``usual_seconds`` (the median of those on time), and ``n``
        (late complaints whose stages are known). Shares are NaN where nothing is in excess.
    """
    over = excess(frame)
    total = float(over.to_numpy().sum())
    on_time = frame[(~frame["is_late"].fillna(value=True).astype("bool")) & frame[_COLUMNS].notna().any(axis=1)]
    usual = on_time[_COLUMNS].fillna(0.0).median().set_axis(list(UNTIL_HANDLED))
    rows = {
        "excess_seconds": over.sum(), "share": over.sum() / total if total else np.nan,
        "late": over.gt(0).sum().astype("int64"), "usual_seconds": usual, "n": len(over),
    }  # fmt: skip
    return pd.DataFrame(rows, index=pd.Index(UNTIL_HANDLED, name="stage"))


def stage_tests(frame: pd.DataFrame, is_now: pd.Series, dispersion: float, floor: Floor) -> pd.DataFrame:
    """Which stage makes more of the lateness than it did; for ``localise`` to take part in.

    A late complaint counts for the stage that ate most of it, so the changes of the stages add up to that of lateness.
    As a slice is held against the rest of its dimension, a stage is held against the other stages: tested is whether
    its part of what was late grew, so that a month which is later in every stage, or has more of the slow cases, points
    at none. One-sided, variance φ Σ s (1 - s) / late.

    Args:
        frame: Complaints of both periods; what is usual is that of both together.
        is_now: Whether each is of the month.
        dispersion: φ of lateness.
        floor: What there must be late, and of it made by the stage, to test it.

    Returns:
        Columns of ``bihuan.analysis.contribution.TESTED`` but ``q`` and ``state``; dimension ``STAGE_DIMENSION``, the
        counts being those of all cases and ``size`` what the stage moved their rate by. No rows where no stages are
        known.
    """
    is_known = frame["is_late"].notna() & frame[list(STAGES)].notna().any(axis=1)
    known, now = frame[is_known], is_now[is_known]
    eater = eaten_by(known)
    late = whole(known["is_late"], now)
    tested = []
    for stage in UNTIL_HANDLED:
        counted = whole((eater == stage).astype("boolean"), now)
        if counted.x0 + counted.x1 and counted.n0 and counted.n1:
            tested.append(_tested(stage, counted, late, dispersion, floor))
    return pd.DataFrame(tested)


def _tested(stage: Stage, it: Whole, late: Whole, dispersion: float, floor: Floor) -> dict[str, object]:
    part = Whole(it.x0, late.x0, it.x1, late.x1)
    spread, own = _spread(part, dispersion), _spread(it, dispersion)
    z = part.change / spread if part.is_enough(floor) and spread else float("nan")
    return {
        "indicator": "late", "dimension": STAGE_DIMENSION, "element": str(stage), "within_dimension": "",
        "within_element": "", **it._asdict(), "size": it.change, "low": it.change - _Z95 * own,
        "high": it.change + _Z95 * own, "contribution": it.change / late.change if late.change else float("nan"),
        "z": z, "p": float(norm.sf(z)),
    }  # fmt: skip


def _spread(it: Whole, dispersion: float) -> float:
    """The standard error of a change of a rate."""
    if not it.n0 or not it.n1:
        return 0.0
    return float((dispersion * sum(r * (1 - r) / n for r, n in ((it.r0, it.n0), (it.r1, it.n1)))) ** 0.5)
