"""``python -m bihuan.web``: serve the pages on loopback until stopped."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

import uvicorn

from bihuan.clock import wall_clock
from bihuan.errors import BihuanError, UnavailableError
from bihuan.log import configure
from bihuan.policy.files import PolicyFiles
from bihuan.settings import Settings, settings
from bihuan.store.engine import open_database
from bihuan.web.app import create_app
from bihuan.web.watch import watched

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Serve; the exit code."""
    try:
        serve(settings())
    except BihuanError as error:
        sys.stderr.write(f"bihuan: {error}\n")
        return error.exit_code
    return 0


def serve(here: Settings) -> None:
    """Serve the pages of this installation on loopback, and watch its sweeps meanwhile.

    Raises:
        UnavailableError: The port is in use.
    """
    configure(here)
    db = open_database(here)
    app = create_app(here, db, PolicyFiles(here.policy_dir), wall_clock)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    # uvicorn has ended in order by the time it is interrupted
    with listen(here.web_port) as listener, suppress(KeyboardInterrupt), watched(here, db, wall_clock):
        uvicorn.Server(config).run(sockets=[listener])
    db.close()


def listen(port: int) -> socket.socket:
    """A socket that listens on ``port`` of loopback.

    Raises:
        UnavailableError: The port is in use.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"port {port} for the web page is in use",
            cure="stop what uses it, or choose another with --port or BIHUAN_WEB_PORT",
        ) from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
