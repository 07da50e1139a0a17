"""Three workers at once, killed at seeded steps again and again: what was promised is kept, as if nobody had died."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.crew import Crew, Order

STEPS = 70
"""A pass with letters takes about so many; whoever is to die later lives through it."""


def _live_and_die(house: Any, kills: int, dice: random.Random) -> Crew:
    """Round by round, each worker has a step of its own at which it dies, until so many did."""
    with Crew(house.post(), 3) as crew:
        while crew.killed < kills:
            house.goes_on()
            crew.work([Order(house.at, limit=7, dies_at=dice.randint(1, STEPS)) for _ in range(crew.size)])
        house.settles(crew)
    return crew


def _calm_twin(house: Any, twin: Any) -> None:
    """The same days, looked after by one worker whom nobody kills."""
    until, twin.each = house.at, house.each or 3
    with Crew(twin.post(), 1) as crew:
        while len(twin.numbers) < len(house.numbers):
            twin.goes_on()
            crew.sweep(Order(twin.at))
        twin.settles(crew)
    assert twin.at == until


def _assert_kept(house: Any, twin: Any, account: Callable[[Any], Any], capsys: Any, seconds: float, kills: int) -> None:
    found = account(house)
    with capsys.disabled():
        print(f"\n{house.url.partition(':')[0]}: {kills} kills, {len(house.numbers)} complaints, "  # noqa: T201
              f"{len(house.mail.messages)} letters, lost {len(twin.breaches - house.breaches)}, "
              f"customers twice {found.customers_twice}, staff twice {found.staff_twice}, unknown {found.unknown}, "
              f"{seconds:.0f} s")  # fmt: skip
    assert house.breaches == twin.breaches
    assert house.told == twin.told
    assert house.owed == twin.owed
    assert found.customers_twice == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.chaos)])
def test_kills_over_three_workers_lose_and_repeat_nothing(house_in, url_of, account, kills, dice, capsys, kind):
    start = time.monotonic()
    house = house_in(url_of(kind))
    crew = _live_and_die(house, kills, dice)
    assert crew.killed >= kills
    seconds = time.monotonic() - start
    twin = house_in(url_of("postgresql" if kind == "sqlite" else "sqlite"))
    _calm_twin(house, twin)
    _assert_kept(house, twin, account, capsys, seconds, crew.killed)
