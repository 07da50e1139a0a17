"""A long count is shared by all readers and made behind their backs; a short one is made for each."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Event, Thread

import pytest

from bihuan.errors import UnavailableError
from bihuan.web.remembered import MANY, PAUSE, STALE_SECONDS, Remembered

TOOK = 2.0


class Register:
    """Grows with every count; a count takes ``TOOK`` seconds of the test's own clock."""

    def __init__(self, size: int) -> None:
        self.now, self.size, self.counted = 0.0, size, 0
        self.behind: list[Callable[[], None]] = []
        self.remembered: Remembered[int] = Remembered(lambda: self.now, self.behind.append)

    def count(self) -> int:
        self.now += TOOK
        self.counted += 1
        return self.counted

    def look(self) -> int:
        return self.remembered.get(self.count, lambda _: self.size)


def test_where_there_is_little_every_reader_sees_what_was_just_recorded():
    register = Register(MANY - 1)
    assert [register.look() for _ in range(3)] == [1, 2, 3]


def test_where_there_is_much_readers_share_a_count():
    register = Register(MANY)
    assert [register.look() for _ in range(3)] == [1, 1, 1]
    assert register.counted == 1


def test_a_count_is_made_again_behind_the_reader_after_its_pause():
    register = Register(MANY)
    register.look()
    register.now += TOOK * PAUSE
    assert (register.look(), len(register.behind)) == (1, 0)
    register.now += 0.001
    assert [register.look() for _ in range(3)] == [1, 1, 1]
    assert len(register.behind) == 1, "one at a time"
    register.behind.pop()()
    assert register.look() == 2


def test_nobody_is_shown_a_count_older_than_a_minute():
    register = Register(MANY)
    register.look()
    register.now += STALE_SECONDS + 0.001
    assert register.look() == 2


def test_a_count_that_fails_behind_the_reader_is_tried_again_by_the_next():
    register = Register(MANY)
    register.look()
    register.now += TOOK * PAUSE + 0.001
    register.remembered.get(fail, lambda _: MANY)
    register.behind.pop()()
    assert register.look() == 1
    register.behind.pop()()
    assert register.look() == 2


def test_a_reader_who_waits_is_told_that_the_database_is_gone():
    with pytest.raises(UnavailableError):
        Register(MANY).remembered.get(fail, lambda _: MANY)


def test_of_many_readers_of_an_old_count_one_counts():
    register = Register(MANY)
    register.look()
    register.now += STALE_SECONDS + 1
    all_there, may_end, seen = Barrier(5), Event(), []

    def slow() -> int:
        may_end.wait(5)
        return register.count()

    def read() -> None:
        all_there.wait(5)
        seen.append(register.remembered.get(slow, lambda _: MANY))

    readers = [Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    all_there.wait(5)
    may_end.set()
    for reader in readers:
        reader.join(5)
    assert (seen, register.counted) == ([2, 2, 2, 2], 2)


def fail() -> int:
    raise UnavailableError("the database does not answer", cure="start it")
