"""The survey page under load, against an empty page of the same framework in the same run.

Two processes of `python -m bihuan.web` share one database, two of an empty FastAPI page have none; all four listen on
ports of their own as they do in service, and a client in a process of its own drives one kind of request at a time, in
turns. Each answer goes to an invitation of its own; afterwards every one of them must be in the database.

    python -m benchmarks.survey_page [REQUESTS]
"""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select

from benchmarks.asked import SECRET, Asked, ask
from benchmarks.ground import databases, keep
from benchmarks.load import Client, Driven, client, p99_ms, request
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from bihuan.web.__main__ import listen
from schemas.survey import Answer

PROCESSES, CONNECTIONS, ROUNDS = 2, 16, 5
"""Of the servers, to each of them, and of each kind of request."""
KINDS = {"empty": 200, "page": 200, "answer": 303, "mixed": 303}
"""What is asked for, with the status of each answer. Mixed answers are bad ones too, which open work at once."""
_SEED = 20261122
_CONTENT = {"csat": {5: 45, 4: 40, 3: 15}, "nps": {10: 50, 9: 25, 8: 15, 7: 10}}
_MIXED = {"csat": {5: 45, 4: 35, 3: 12, 2: 5, 1: 3}, "nps": {10: 40, 9: 20, 8: 17, 7: 10, 6: 6, 5: 4, 2: 3}}
"""How often each is answered, in per cent."""
_SOLVED, _WORDY = 0.9, 0.3


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they listen, and their processes."""

    ports: Sequence[int]
    pids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Turn:
    """The empty page, and at once after it one of ours."""

    empty: Driven
    ours: Driven


def empty_page() -> FastAPI:
    """A page with nothing on it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/")
    async def nothing() -> HTMLResponse:
        return HTMLResponse("")

    return app


def serve_empty(port: int) -> None:
    """Serve the empty page the way the product serves its own."""
    config = uvicorn.Config(
        empty_page(), log_level="warning", access_log=False, server_header=False, proxy_headers=False
    )
    with listen(port) as listener:
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def empty_servers() -> Iterator[Servers]:
    """Processes with the empty page."""
    ports = [_free_port() for _ in range(PROCESSES)]
    make = multiprocessing.get_context("spawn").Process
    processes = [make(target=serve_empty, args=(port,), daemon=True) for port in ports]
    for process in processes:
        process.start()
    try:
        yield Servers([_awaited(port) for port in ports], [process.pid or 0 for process in processes])
    finally:
        for process in processes:
            process.terminate()
            process.join()


@contextmanager
def our_servers(db: Database, folder: Path) -> Iterator[Servers]:
    """Processes of the product at that database."""
    ports, pids = [_free_port() for _ in range(PROCESSES)], []
    url = db.engine.url.render_as_string(hide_password=False)
    shared = {"BIHUAN_DATABASE_URL": url, "BIHUAN_SECRET": SECRET, "BIHUAN_DATA_DIR": str(folder)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BIHUAN_")}
    with ExitStack() as running:
        for port in ports:
            environment = inherited | shared | {"BIHUAN_WEB_PORT": str(port)}
            command = [sys.executable, "-m", "bihuan.web"]
            process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[1])  # noqa: S603 - our own
            running.callback(process.wait)
            running.callback(process.terminate)
            pids.append(process.pid)
        yield Servers([_awaited(port) for port in ports], pids)


def _free_port() -> int:
    with listen(0) as listener:
        port: int = listener.getsockname()[1]
        return port


def _awaited(port: int) -> int:
    """The port, once somebody answers there."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
        time.sleep(0.05)
    raise TimeoutError(f"nobody answers on port {port}")


def answer_to(asked: Asked, dice: random.Random, *, is_mixed: bool) -> bytes:
    """A form as somebody fills it in: content, or, mixed, one in seven of them not."""
    if asked.questionnaire == "result":
        is_solved = not is_mixed or dice.random() < _SOLVED
        said = {"solved": "yes"} if is_solved else {"solved": "no", "still_open": "还是不制冷"}
    else:
        said = {name: str(dice.randint(2, 5)) for name in ("speed", "attitude", "competence", "outcome")}
        for name, odds in _MIXED.items() if is_mixed else _CONTENT.items():
            said[name] = str(dice.choices([*odds], [*odds.values()])[0])
        said |= {"suggestion": "希望能更快一些。"} if dice.random() < _WORDY else {}
    return request("POST", f"/s/{asked.token}", urlencode(said))


def measure(db: Database, folder: Path, empty: Servers, caller: Client, asked: list[Asked]) -> dict[str, Any]:
    """One kind of request after the other, each in turns with the empty page; a first turn warms everything up.

    Pages come before answers: after many answers a database works on, on its own account.
    """
    rounds: dict[str, list[Turn]] = {}
    with our_servers(db, folder) as ours:
        for kind, requests in requests_of(asked).items():
            size = len(requests) // (ROUNDS + 1)
            turns = [requests[size * turn : size * (turn + 1)] for turn in range(ROUNDS + 1)]
            rounds[kind] = [
                Turn(_driven(caller, empty, "empty", [request("GET", "/")] * size), _driven(caller, ours, kind, mine))
                for mine in turns
            ][1:]
    bad = check_kept(db, len(asked))
    return figures(rounds) | {"share of bad ones, mixed": bad * 2}


def requests_of(asked: Sequence[Asked]) -> dict[str, list[bytes]]:
    """The kinds of request: everybody looks at the page, twice; half of them answer well, half like people."""
    dice, half = random.Random(_SEED), len(asked) // 2
    return {
        "page": [request("GET", f"/s/{one.token}") for one in asked] * 2,
        "answer": [answer_to(one, dice, is_mixed=False) for one in asked[:half]],
        "mixed": [answer_to(one, dice, is_mixed=True) for one in asked[half:]],
    }


def _driven(caller: Client, servers: Servers, kind: str, requests: Sequence[bytes]) -> Driven:
    driven = caller.drive(servers.ports, servers.pids, requests, CONNECTIONS)
    if driven.statuses != {KINDS[kind]: len(requests)}:
        raise AssertionError(f"{kind}: {driven.statuses}")
    return driven


def figures(rounds: Mapping[str, Sequence[Turn]]) -> dict[str, Any]:
    """What is told of each kind of request: medians over the turns, p99 over all of them; ratios of each turn."""
    nothing = [turn.empty for turns in rounds.values() for turn in turns]
    told = _told("empty", nothing)
    for kind, turns in rounds.items():
        ratios = [turn.ours.a_second / turn.empty.a_second for turn in turns]
        told |= _told(kind, [turn.ours for turn in turns])
        told |= {f"{kind} / empty": median(ratios), f"{kind} / empty, worst": min(ratios)}
    return told


def _told(kind: str, driven: Sequence[Driven]) -> dict[str, Any]:
    costs = zip(*((one.server_ms, one.client_ms) for one in driven), strict=True)
    return {
        f"{kind} requests/s": median(one.a_second for one in driven),
        f"{kind} p99 ms": p99_ms([wait for one in driven for wait in one.waits]),
        f"{kind} cpu ms, servers | client": " | ".join(f"{median(cost):.3f}" for cost in costs),
    }


def check_kept(db: Database, count: int) -> float:
    """The share of bad answers; fails where not every answer was kept, once."""
    answer = table_of(Answer).c
    with db.read() as session:
        counted = select(func.count(answer.id), func.count(answer.invitation_id.distinct()))
        kept, invitations = session.execute(counted).one()
        negative = session.execute(select(func.count(answer.id)).where(answer.is_negative)).scalar_one()
    if (kept, invitations) != (count, count):
        raise AssertionError(f"{kept} answers to {invitations} invitations, {count} were sent")
    return float(negative / count)


def main(requests: int = 600) -> None:
    """Measure on both databases."""
    told: dict[str, Any] = {"processes": PROCESSES, "connections": PROCESSES * CONNECTIONS, "rounds": ROUNDS,
                            "answers a round": requests}  # fmt: skip
    with ExitStack() as opened:
        found = opened.enter_context(databases())
        empty, caller = opened.enter_context(empty_servers()), opened.enter_context(client())
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bihuan-bench-")))
        for name, db in found.items():
            asked = ask(db, requests * 2 * (ROUNDS + 1))
            told |= {f"{name} {what}": figure for what, figure in measure(db, folder, empty, caller, asked).items()}
    keep("survey_page", told)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
