"""Questions to our own servers: on this machine only, and past any proxy the environment names."""

from __future__ import annotations

import json
from http.client import HTTPConnection

LOOPBACK = "127.0.0.1"
_SECONDS = 5.0
_MOST = 16_000_000


def ask(port: int, method: str, path: str, content: object = None, host: str = LOOPBACK) -> tuple[int, bytes]:
    """Status and body of the answer to one request; ``content`` goes as JSON.

    Raises:
        OSError: Nothing listens there (ConnectionRefusedError), or it does not answer in time.
        HTTPException: What listens there does not speak HTTP.
    """
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        body = None if content is None else json.dumps(content)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST)
    finally:
        connection.close()
