"""What is watched on control charts: what a file may say, and how a slip is told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bihuan.errors import PolicyError
from bihuan.policy.document import read_document
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.policy.models import Policy


def written(folder: Path, **changed: Any) -> Path:
    """The shipped file with some keys replaced."""
    said = read_document("trend.yaml", (DEFAULTS / "trend.yaml").read_bytes()).content | changed
    (folder / "trend.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    return folder


def test_as_shipped_weeks_are_watched_after_twelve_points_and_the_quality_manager_is_told(policy: Policy):
    trend = policy.trend
    assert (trend.grain, trend.baseline, trend.least, trend.told) == ("week", 24, 12, ("quality_manager",))
    assert trend.nelson is False
    assert set(trend.watched) <= set(policy.kpi.indicators)
    assert trend.watched["on_time_handled"].dimensions == ("department",)


def test_one_indicator_may_be_watched_otherwise_than_all(tmp_path):
    trend = load_policy(
        written(tmp_path, watched={"nps": {"grain": "day", "settled_after": "14d"}, "csat_mean": {}})
    ).trend
    assert (trend.grain_of("nps"), trend.settled_after_of("nps")) == ("day", timedelta(days=14))
    assert (trend.grain_of("csat_mean"), trend.settled_after_of("csat_mean")) == ("week", timedelta(days=3))


def test_a_phase_is_of_the_indicators_it_names_or_of_all(tmp_path):
    reason = {"zh": "新排班", "en": "new shifts"}
    phases = [{"starts_on": "2027-01-04", "reason": reason, "indicators": ["nps"]},
              {"starts_on": "2026-10-05", "reason": dict(reason)}]  # fmt: skip
    trend = load_policy(written(tmp_path, phases=phases)).trend
    assert [it.starts_on for it in trend.phases_of("nps")] == [date(2026, 10, 5), date(2027, 1, 4)]
    assert [it.starts_on for it in trend.phases_of("csat_mean")] == [date(2026, 10, 5)]


REASON = {"zh": "x", "en": "x"}


@pytest.mark.parametrize(("changed", "says"), [
    ({"watched": {"on_time_handeld": {}}}, "unknown indicator 'on_time_handeld' - did you mean on_time_handled?"),
    ({"watched": {"nps": {"dimensions": ["canal"]}}}, "no dimension 'canal'"),
    ({"watched": {"nps": {"grain": "month"}}}, "unknown word 'month'"),
    ({"explained_by": ["handler"]}, "no dimension 'handler'"),
    ({"told": ["department_head"]}, "'department_head' is somebody only of a complaint - name a role, or staff:CODE"),
    ({"told": ["quality_manger"]}, "did you mean quality_manager?"),
    ({"told": []}, "is empty"),
    ({"baseline": 12, "least": 13}, "13 is more than the baseline has - write at most 12"),
    ({"phases": [{"starts_on": "4.1.2027", "reason": REASON}]}, "'4.1.2027' is not a day - write it as 2026-10-01"),
    ({"phases": [{"starts_on": "2027-01-04", "reason": REASON, "indicators": ["npss"]}]}, "unknown indicator 'npss'"),
])  # fmt: skip
def test_a_slip_is_refused_with_its_cure(tmp_path, changed: dict[str, Any], says: str):
    with pytest.raises(PolicyError) as caught:
        load_policy(written(tmp_path, **changed))
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "trend.yaml:"))
