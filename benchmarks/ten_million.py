"""Ten million complaints kept and a million of them open, on PostgreSQL: what everybody waits for, at four sizes.

Measured at a thousandth, a hundredth, a tenth and all of it: the sweep that finds nothing, the sweep of ten thousand
that are due beside the plain SQL that does the same, `bihuan sla status`, and the board. Takes half an hour and
27 GB of disk for the ten million, and gives the disk back. Run: ``python -m benchmarks.ten_million [KEPT [OPEN]]``.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from benchmarks.ground import NOW, databases, keep, middle, seconds
from benchmarks.kept import (
    BYTES_EACH,
    count_rows,
    forget_after,
    keep_closed,
    keep_due,
    keep_open,
    last_id,
    model,
    settle,
)
from benchmarks.sweep import idle, plain, rows_examined
from bihuan.clock import fixed
from bihuan.policy.loader import load_policy
from bihuan.services.deadline import check_all
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.store.queries.sla import status
from bihuan.web.app import create_app, prepare

_SHARES = (1000, 100, 10, 1)
_DUE, _ROUNDS, _LOOKS = 10_000, 3, 5


def due(db: Database, turn: int) -> dict[str, float]:
    """Ours and plain SQL in turn on ten thousand each; milliseconds, and the median ratio."""
    policy, last = load_policy(None), last_id(db)
    times: tuple[list[float], list[float]] = [], []
    for nth in range(_ROUNDS * 2):
        at = NOW + timedelta(minutes=turn + nth)
        count = keep_due(db, _DUE, at)
        db.analyze()
        work = partial(check_all, db, policy, at) if nth % 2 else partial(plain, db, at)
        times[nth % 2].append(seconds(work) * 1000 * _DUE / count)
    forget_after(db, last)
    ratios = [ours / theirs for theirs, ours in zip(*times, strict=True)]
    return {
        "due ms": median(times[1]),
        "plain SQL ms": median(times[0]),
        "ratio": median(ratios),
        "ratio, worst": max(ratios),
    }


def board(db: Database) -> dict[str, float]:
    """The page, milliseconds, the whole of the application without the network.

    The first look of a process that was made ready as ``python -m bihuan.web`` is, and the median after; what making
    ready takes; and a look that waits for a new count, as whoever comes after a quiet minute waits.
    """
    ready, quiet = _pages(db), _pages(db)
    figures = {"made ready ms": seconds(lambda: prepare(ready)) * 1000}
    figures["board, first look ms"] = seconds(lambda: _look(ready)) * 1000
    figures["board ms"] = middle(lambda: _look(ready), _LOOKS) * 1000
    figures["board, counted anew ms"] = seconds(lambda: _look(quiet)) * 1000
    return figures


def _pages(db: Database) -> FastAPI:
    return create_app(Settings(secret=SecretStr("none")), db, load_policy(None), fixed(NOW))


def _look(app: FastAPI) -> None:
    async def look() -> None:
        inside = httpx.ASGITransport(app, client=("127.0.0.1", 40_000))
        async with httpx.AsyncClient(transport=inside, base_url="http://127.0.0.1") as client:
            (await client.get("/")).raise_for_status()

    asyncio.run(look())


def show_status(db: Database) -> float:
    """Median of what ``bihuan sla status`` asks the database, milliseconds."""

    def look() -> None:
        with db.read() as session:
            status(session, NOW)

    return middle(look, _LOOKS) * 1000


def measure(db: Database, turn: int) -> dict[str, float]:
    """Everything at the size that is there now."""
    figures = {"idle ms": idle(db), "rows examined idle": float(rows_examined(db))}
    return figures | {"status ms": show_status(db)} | board(db) | due(db, turn)


def main(kept: int = 10_000_000, opened: int = 1_000_000) -> None:
    """Grow, and measure at each size."""
    free, needed = shutil.disk_usage(tempfile.gettempdir()).free, kept * BYTES_EACH
    if free < needed * 1.2:
        sys.exit(f"ten_million: {kept:,} need {needed / 1e9:.0f} GB of disk and some more, {free / 1e9:.0f} are free")
    told: dict[str, Any] = {"kept": kept, "open": opened}
    with databases() as found:
        db = found["postgresql"]
        model(db)
        have = 0, 0
        for turn, share in enumerate(_SHARES):
            want = kept // share, max(opened // share, 1)
            took = seconds(lambda want=want, have=have: _grow(db, want, have))  # type: ignore[misc]
            have = want
            told[f"{want[0]:,} kept, load s"] = took
            told[f"{want[0]:,} kept, rows"] = ", ".join(f"{n:,} {name}" for name, n in count_rows(db).items())
            told |= {f"{want[0]:,} kept, {name}": figure for name, figure in measure(db, turn * 10).items()}
    keep("ten_million", told)


def _grow(db: Database, want: tuple[int, int], have: tuple[int, int]) -> None:
    keep_closed(db, want[0] - want[1] - have[0] + have[1])
    keep_open(db, want[1] - have[1])
    settle(db)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
