"""A message's identity, and how long a failed sending waits."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from bihuan.rules.outbox import MAX_ATTEMPTS, message_key, retry_wait, slot

DUE = datetime(2026, 11, 18, 1, 0, tzinfo=UTC)
PARTS = {"subject": "complaint:17", "duty": "handled", "recipient": "staff:3", "channel": "preferred", "slot": "1"}


def longest_key() -> str:
    """With every part as long as its column lets it be, and ids of 64 bits."""
    return message_key(f"improvement_measure:{2**63}", "m" * 40, f"department:{2**63}", "c" * 20,
                       slot(999, 99, DUE.replace(microsecond=123456), "warning 99"), 99)  # fmt: skip


@pytest.mark.parametrize("part", [*PARTS, "rung"])
def test_every_part_of_a_key_tells_messages_apart(part):
    other = {part: 1} if part == "rung" else {part: f"{PARTS[part]}1"}
    assert message_key(**PARTS) != message_key(**PARTS | other)


def test_a_key_fits_its_column():
    assert len(longest_key()) <= 240


@pytest.mark.parametrize(
    "other",
    [
        slot(2, 0, DUE, "breach"),
        slot(1, 1, DUE, "breach"),
        slot(1, 0, DUE + timedelta(microseconds=1), "breach"),
        slot(1, 0, DUE, "warning 1"),
    ],
    ids=["round", "leg", "due instant", "what"],
)
def test_another_occasion_is_another_slot(other):
    assert slot(1, 0, DUE, "breach") != other


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)])
def test_each_failure_doubles_the_wait(attempts, minutes):
    wait = retry_wait(attempts, random.Random(attempts))
    assert timedelta(minutes=minutes) <= wait <= timedelta(minutes=minutes) * 1.25


def test_waits_differ_so_that_what_failed_together_does_not_come_back_together():
    dice = random.Random(1)
    assert len({retry_wait(1, dice) for _ in range(20)}) == 20


@pytest.mark.parametrize("attempts", [MAX_ATTEMPTS, MAX_ATTEMPTS + 1])
def test_after_the_last_attempt_nothing_is_worth_waiting_for(attempts):
    assert retry_wait(attempts, random.Random(1)) is None
