"""Procrastinate's side: one job a deadline, and a worker that takes the due ones; run by the peer's Python.

Arguments: the database's URL (with the product's tables and ``deadline`` rows), how many jobs wait, how many of them
are due, how many wait in the end. Each job marks its deadline and writes its message in one transaction, as
`benchmarks.plain` does for thousands at once. Prints what each step took as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import psycopg_pool
from procrastinate import App, PsycopgConnector, jobs

_CONCURRENCY, _SINGLE, _POLLS, _LATER_DUE, _PAGE = 10, 500, 10, 20, 1000
_MARK = "UPDATE deadline SET breached_at = %s, step = 2, next_at = NULL WHERE id = %s RETURNING subject_id, due_at"
_TELL = (
    "INSERT INTO message (key, subject_kind, subject_id, deadline_id, rung, notice, audience, recipient, channel, "
    "urgency, is_late, is_repeated, state, planned_at, next_at, attempts) SELECT "
    "'complaint:' || c.id || '|handled|1|' || c.handler_id || '|preferred|1.0@' || CAST(%s AS text), 'complaint', "
    "c.id, %s, 1, 'breach', 'staff', 'staff:' || c.handler_id, 'preferred', 'usual', false, false, 'planned', %s, %s, "
    "0 FROM complaint AS c WHERE c.id = %s ON CONFLICT DO NOTHING"
)
_MANY = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at) SELECT 'default', 'breach', "
    "jsonb_build_object('deadline_id', n), CAST(%s AS timestamptz) + n * interval '1 second' "
    "FROM generate_series(1, %s) AS n"
)
_DUE_NOW = "UPDATE procrastinate_jobs SET scheduled_at = %s WHERE id = ANY(%s)"
NOW = datetime.now(UTC)
"""The worker compares with the server's clock: no other instant can be handed in."""


class Bench:
    """An application of theirs, with our job."""

    def __init__(self, url: str, pool: psycopg_pool.AsyncConnectionPool) -> None:
        self.pool = pool
        self.app = App(connector=PsycopgConnector(conninfo=url, max_size=_CONCURRENCY + 2))
        self.task = self.app.task(name="breach", queue="default")(self.breach)

    async def breach(self, deadline_id: int) -> None:
        """Decide one deadline and write its notice."""
        at = datetime.now(UTC)
        async with self.pool.connection() as connection:
            (row,) = await (await connection.execute(_MARK, (at, deadline_id))).fetchall()
            await connection.execute(_TELL, (row[1], deadline_id, at, at, row[0]))

    async def promise(self, deadline_ids: range, at: datetime) -> list[int]:
        """So many jobs at one instant, a thousand a call; their ids."""
        jobs = []
        for start in range(0, len(deadline_ids), _PAGE):
            some = [{"deadline_id": one} for one in deadline_ids[start : start + _PAGE]]
            jobs += await self.task.configure(schedule_at=at).batch_defer_async(*some)
        return jobs

    async def work(self) -> None:
        """Take what is due, ten at a time, until nothing is."""
        await self.app.run_worker_async(
            wait=False, concurrency=_CONCURRENCY, listen_notify=False, install_signal_handlers=False
        )

    async def move(self, deadline_ids: range) -> None:
        """One after the other: its job taken back, another written for a later instant."""
        at = NOW + timedelta(days=30)
        ids = [await self.task.configure(schedule_at=at).defer_async(deadline_id=one) for one in deadline_ids]
        self.moved_from = time.perf_counter()
        for one, job in zip(deadline_ids, ids, strict=True):
            await self.app.job_manager.cancel_job_by_id_async(job, delete_job=True)
            await self.task.configure(schedule_at=at + timedelta(hours=1)).defer_async(deadline_id=one)

    async def poll(self, worker: int) -> None:
        """What a worker asks every five seconds."""
        job: jobs.Job | None = await self.app.job_manager.fetch_job(queues=None, worker_id=worker)
        assert job is None, "nothing is due"

    async def execute(self, statement: str, *values: Any) -> None:
        """Outside of the queue."""
        async with self.pool.connection() as connection:
            await connection.execute(statement, values)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds."""
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def main(url: str, waiting: int, due: int, finally_waiting: int) -> None:
    """Every step in turn."""
    logging.disable(logging.CRITICAL)
    async with psycopg_pool.AsyncConnectionPool(url, min_size=_CONCURRENCY, max_size=_CONCURRENCY) as pool:
        bench = Bench(url, pool)
        async with bench.app.open_async():
            await bench.app.schema_manager.apply_schema_async()
            print(json.dumps(await _measure(bench, waiting, due, finally_waiting)))


async def _measure(bench: Bench, waiting: int, due: int, finally_waiting: int) -> dict[str, float]:
    """What is due lies in the midst of what waits, as it does where targets differ: neither all older nor all newer."""
    past, later = NOW - timedelta(minutes=1), NOW + timedelta(days=1)
    ids, midst = range(1, waiting + 1), (waiting + due) // 2
    defer = await timed(lambda: bench.promise(ids[due:midst], later))
    await bench.promise(ids[:due], past)
    defer += await timed(lambda: bench.promise(ids[midst:], later))
    await bench.execute("ANALYZE procrastinate_jobs")
    found = {"defer_us": defer / (waiting - due) * 1e6, "due_seconds": await timed(bench.work)}
    await bench.move(ids[due : due + _SINGLE])
    found["move_us"] = (time.perf_counter() - bench.moved_from) / _SINGLE * 1e6
    worker = await bench.app.job_manager.register_worker()
    found["idle_ms_few"] = await _polls(bench, worker)
    more = finally_waiting - waiting
    await bench.execute(_MANY, later, more // 2)
    jobs = await bench.promise(ids[due : due + _LATER_DUE], later)
    await bench.execute(_MANY, later, more - more // 2)
    await bench.execute("ANALYZE procrastinate_jobs")
    found["idle_ms_many"] = await _polls(bench, worker)
    await bench.execute(_DUE_NOW, past, jobs)
    found["due_ms_each_many"] = 1000 * await timed(bench.work) / _LATER_DUE
    return found


async def _polls(bench: Bench, worker: int) -> float:
    """Milliseconds of a look, the median."""
    return 1000 * median([await timed(lambda: bench.poll(worker)) for _ in range(_POLLS)])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
