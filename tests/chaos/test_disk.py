"""A full disk: what cannot be written down is not decided, and what went out and was not written down is unknown."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from benchmarks.crew import Crew, Order
from bihuan.errors import UnavailableError
from bihuan.store.engine import Database
from tests.chaos.mortal_postgres import MortalPostgres, mortal_postgres, place, wait

pytestmark = pytest.mark.long


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=pytest.mark.chaos)])
def test_a_sqlite_file_that_cannot_grow_keeps_nothing_by_halves(house_in, sqlite_url, account, rounds, dice):
    house = house_in(sqlite_url)
    file = Path(make_url(sqlite_url).database or "")
    with Crew(house.post(), 2) as crew:
        house.lives(crew, 12)
        for _ in range(rounds):
            house.goes_on()
            crew.sweep(Order(house.at, limit=7, file_bytes=dice.randrange(1, file.stat().st_size)))
        assert crew.refused > 0
        assert all("free space" in why for why in crew.said), crew.said
        house.settles(crew)
    assert account(house).customers_twice == 0


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk with room for an empty cluster, its log, and what this house writes."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    with place() as folder:
        try:
            subprocess.run([mount, "-t", "tmpfs", "-o", "size=200m,mode=755", "none", folder], check=True)
        except (OSError, TypeError, subprocess.CalledProcessError):
            pytest.skip("no small disk may be mounted here")
        yield folder
        subprocess.run([umount, "--lazy", folder], check=True)


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=pytest.mark.chaos)])
def test_a_postgresql_on_a_full_disk_keeps_nothing_by_halves(house_in, small_disk, account, rounds, dice):
    """It refuses what finds no place, or stops where its own log finds none; with room again it goes on."""
    with mortal_postgres(small_disk) as postgres:
        house = house_in(postgres.url)
        with Crew(house.post(), 2) as crew:
            house.lives(crew, 12)
            for _ in range(rounds):
                house.goes_on()
                with _full(postgres, dice):
                    crew.sweep(Order(house.at, limit=7))
                _goes_on(postgres, house)
            assert any("free space" in why for why in crew.said), crew.said
            house.settles(crew)
        assert account(house).customers_twice == 0
        house.db.close()


@contextmanager
def _full(postgres: MortalPostgres, dice: random.Random) -> Iterator[None]:
    """Less than a hundred kilobytes are free, and its log is just at the end of a file in every other case."""
    if dice.random() < 0.5:
        _at_the_end_of_its_log(postgres.url)
    ballast = postgres.data.parent / "ballast"
    state = os.statvfs(postgres.data)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - dice.randrange(100) * 1024)
    try:
        yield
    finally:
        ballast.unlink()


def _at_the_end_of_its_log(url: str) -> None:
    db = Database(url)
    with db.write() as session:
        session.execute(text("SELECT pg_switch_wal()"))
    db.close()


def _goes_on(postgres: MortalPostgres, house: Any) -> None:
    """It answers again, by itself or because somebody starts it."""
    for _ in range(4):
        house.db.close()
        with suppress(UnavailableError), house.db.read() as session:
            session.execute(text("SELECT 1"))
            return
        wait(0.5)
    postgres.start()
    house.db.close()
