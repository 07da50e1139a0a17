"""``python -m bihuan.web``: serve the pages until stopped; beyond loopback only where people sign in."""

from __future__ import annotations

import errno
import gc
import socket
import sys
from contextlib import suppress

import uvicorn

from bihuan.clock import wall_clock
from bihuan.errors import BihuanError, UnavailableError
from bihuan.log import configure, ended
from bihuan.policy.files import PolicyFiles
from bihuan.settings import Settings, settings
from bihuan.store.engine import open_database
from bihuan.web.app import create_app, prepare
from bihuan.web.watch import watched

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Serve; the exit code."""
    try:
        serve(settings())
    except BihuanError as error:
        sys.stderr.write(f"{ended(str(error))}\n")
        return error.exit_code
    return 0


def serve(here: Settings) -> None:
    """Serve the pages of this installation, and watch its sweeps meanwhile.

    Raises:
        RefusedError: They would be open to everyone beyond loopback.
        UnavailableError: The address is none of this machine, or its port is in use.
    """
    configure(here)
    host = here.listening_host()
    db = open_database(here)
    app = create_app(here, db, PolicyFiles(here.policy_dir), wall_clock)
    prepare(app)
    gc.freeze()  # what is there now stays: looking through it again and again takes a twentieth of the time of a page
    # what a proxy says is believed by our own rules: uvicorn's would hide who the immediate peer is
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, server_header=False, proxy_headers=False
    )
    # uvicorn has ended in order by the time it is interrupted
    with listen(here.web_port, host) as listener, suppress(KeyboardInterrupt), watched(here, db, wall_clock):
        uvicorn.Server(config).run(sockets=[listener])
    db.close()


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """A socket that listens on ``port`` of that address.

    Raises:
        UnavailableError: The address is none of this machine, or its port is in use.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UnavailableError(f"there is no address {host}", cure="mend BIHUAN_WEB_HOST") from error
    # asyncio sends at once only over what says that it is TCP; else a page waits 40 ms for the browser's delayed ACK
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise UnavailableError(
                f"{host} is no address of this machine", cure="set BIHUAN_WEB_HOST to one of its own, or to 0.0.0.0"
            ) from error
        raise UnavailableError(
            f"port {port} for the web page is in use",
            cure="stop what uses it, or choose another with --port or BIHUAN_WEB_PORT",
        ) from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
