"""What is kept how long: what the file may say, and how a slip is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.errors import PolicyError
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy
from bihuan.rules.erasure import answer_remains, attributes_remain, log_remains


def test_as_shipped_people_are_forgotten_after_three_years_and_messages_after_half_a_year(policy: Policy):
    spans = policy.retention.spans
    assert (spans["personal_data"], spans["message_targets"]) == (timedelta(days=3 * 365), timedelta(days=180))


def test_what_a_file_leaves_out_is_kept_for_ever(tmp_path: Path):
    (tmp_path / "retention.yaml").write_text("links: 30d\n", encoding="utf-8")
    assert load_policy(tmp_path).retention.spans == {"links": timedelta(days=30)}


@pytest.mark.parametrize(("line", "said"), [
    ("personal: 3d", "did you mean personal_data?"), ("personal_data: 3y", "write it as 30min, 24h or 3d"),
    ("links: 0d", "has no length"), ("personal_data: 99999d", "write at most 3650d"),
])  # fmt: skip
def test_a_slip_is_told_with_its_line(tmp_path: Path, line: str, said: str):
    (tmp_path / "retention.yaml").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"retention\.yaml") as refused:
        load_policy(tmp_path)
    assert said in str(refused.value)


def test_of_the_log_codes_stay_and_words_go():
    said = {"severity": "urgent", "handler": "li", "note": "她哭了", "reason": "x", "plan": "y", "result": "z",
            "cannot": "ill", "on_time": True, "calls": 2, "deadlines": {"handled": None}, "tier": "gold",
            "by": ["anybody"]}  # fmt: skip
    assert log_remains(said).keys() == {"severity", "handler", "on_time", "calls", "deadlines", "tier"}
    assert log_remains(log_remains(said)) == log_remains(said)


def test_of_answers_figures_and_choices_stay():
    said = {"csat": 4, "solved": False, "reason": "slow", "why": ["late", "rude"], "comment": "fine", "more": "太慢了"}
    assert answer_remains(said, {"comment"}) == {"csat": 4, "solved": False, "reason": "slow", "why": ["late", "rude"]}


def test_of_attributes_only_those_stay_that_are_named():
    assert attributes_remain({"outcome": "x", "phone": 138, "street": "y"}, ["outcome"]) == {"outcome": "x"}
