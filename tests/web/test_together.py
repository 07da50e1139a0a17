"""Many who ask at once are served at once, everyone gets an own answer, and one who fails harms nobody else."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Sequence
from contextlib import suppress

import pytest

from bihuan.errors import RefusedError, UnavailableError
from bihuan.web.together import AT_MOST, Together


class Act:
    """Doubles numbers; refuses 13, and whatever comes with it; keeps the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.has_begun, self.may_go = threading.Event(), threading.Event()
        self.may_go.set()
        self.is_down = False

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.has_begun.set()
        self.may_go.wait(10)
        if self.is_down:
            raise UnavailableError("gone", cure="wait")
        if 13 in numbers:
            raise RefusedError("not thirteen", cure="another")
        return [number * 2 for number in numbers]


async def ask(together: Together[int, int], numbers: Sequence[int]) -> list[int | BaseException]:
    return await asyncio.gather(*(together(number) for number in numbers), return_exceptions=True)


@pytest.fixture
def act():
    return Act()


def test_who_comes_while_others_are_served_is_served_together_and_everyone_gets_their_own(act):
    async def crowd() -> list[int | BaseException]:
        together = Together(act)
        act.may_go.clear()
        first = asyncio.ensure_future(ask(together, [1]))
        await asyncio.to_thread(act.has_begun.wait, 10)
        rest = asyncio.ensure_future(ask(together, range(2, 10)))
        await asyncio.sleep(0)
        act.may_go.set()
        return [*await first, *await rest]

    assert asyncio.run(crowd()) == [number * 2 for number in range(1, 10)]
    assert act.batches == [[1], list(range(2, 10))]


def test_a_crowd_is_served_in_parts_in_the_order_in_which_it_came(act):
    crowd = list(range(100, 100 + AT_MOST * 3))
    assert asyncio.run(ask(Together(act), crowd)) == [number * 2 for number in crowd]
    assert [number for batch in act.batches for number in batch] == crowd
    assert max(map(len, act.batches)) <= AT_MOST


def test_where_one_fails_the_others_are_served_alone_and_only_that_one_is_told(act):
    done = asyncio.run(ask(Together(act), [1, 13, 3]))
    assert (done[0], done[2]) == (2, 6)
    assert isinstance(done[1], RefusedError)


def test_where_the_database_is_gone_nobody_waits_for_it_once_more_than_the_first(act):
    act.is_down = True
    done = asyncio.run(ask(Together(act), range(20)))
    assert [type(each) for each in done] == [UnavailableError] * 20
    assert len(act.batches) <= 2 * 2  # the first alone and the rest together, and each tried once more


def test_it_serves_one_loop_after_another_and_several_at_once(act):
    together = Together(act)
    assert asyncio.run(ask(together, [1])) + asyncio.run(ask(together, [2])) == [2, 4]
    done: list[int | BaseException] = []
    threads = [threading.Thread(target=lambda n=n: done.extend(asyncio.run(ask(together, [n])))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, done)) == [number * 2 for number in range(8)]


def test_who_goes_away_meanwhile_stops_nobody(act):
    async def impatient(together: Together[int, int]) -> None:
        act.may_go.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(together(1), 0.01)

    together = Together(act)
    asyncio.run(impatient(together))  # its loop is closed by now
    act.may_go.set()
    assert asyncio.run(ask(together, [2])) == [4]


def test_its_thread_ends_with_it(act):
    before = set(threading.enumerate())
    together = Together(act)
    asyncio.run(ask(together, [1]))
    (thread,) = set(threading.enumerate()) - before
    del together
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()
