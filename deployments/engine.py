"""Prefect's server and its runner in one process: the server in a thread, runs as children of this process.

Ending (SIGTERM, Ctrl-C) stops the runs first, while the server still takes their last states, then the server.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import uvicorn
from prefect import get_client
from prefect.runner import Runner
from prefect.server.api.server import create_app

from bihuan.clock import wall_clock
from bihuan.errors import UnavailableError
from deployments.bootstrap import bury_dead_runs, forget_missed_runs, run_now, watch_for_zombies
from deployments.environment import HOST
from deployments.registry import SWEEP, deployments


class _Runner(Runner):
    """Prefect's runner, ended by SIGTERM as by Ctrl-C: its own way forgets to await what it calls."""

    def handle_sigterm(self, *_: object) -> None:
        signal.raise_signal(signal.SIGINT)


def run(port: int) -> None:
    """Serve every deployment until told to end.

    Raises:
        UnavailableError: The server did not start, or stopped by itself.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the runner brings its own
    with _server(port):
        runner = _Runner(name="bihuan", pause_on_shutdown=False)
        served = deployments()
        for deployment in served:
            runner.add_deployment(deployment)
        with get_client(sync_client=True) as client:
            bury_dead_runs(client)
            forget_missed_runs(client, wall_clock)
            watch_for_zombies(client)
            run_now(client, [deployment.full_name for deployment in served if SWEEP in deployment.tags])
        with suppress(KeyboardInterrupt):  # how it ends when told to
            asyncio.run(runner.start())


@contextmanager
def _server(port: int) -> Iterator[None]:
    """A Prefect server that answers as long as the block runs."""
    config = uvicorn.Config(
        create_app(final=True), host=HOST, port=port, log_config=None, log_level="warning", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = Thread(target=_run_server, args=[server], name="prefect-server", daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(timeout=0.1)
            if not thread.is_alive():
                raise UnavailableError("Prefect's server did not start", cure="the lines above say why")
        yield
        if not server.should_exit and not thread.is_alive():
            raise UnavailableError("Prefect's server stopped", cure="the lines above say why")
    finally:
        server.should_exit = True
        thread.join(timeout=5)


def _run_server(server: uvicorn.Server) -> None:
    server.run()
    if not server.should_exit:  # it ended by itself: there is nothing left to serve
        os.kill(os.getpid(), signal.SIGTERM)
