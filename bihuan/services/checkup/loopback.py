"""Questions to our own servers: on this machine only, and past any proxy the environment names."""

from __future__ import annotations

import json
from base64 import b64encode
from http.client import HTTPConnection

LOOPBACK = "127.0.0.1"
_SECONDS = 5.0
_MOST = 16_000_000


def ask(
    port: int, method: str, path: str, content: object = None, host: str = LOOPBACK, user: str = ""
) -> tuple[int, bytes]:
    """Status and body of the answer to one request; ``content`` goes as JSON, ``user`` is ``name:password``.

    Raises:
        OSError: Nothing listens there (ConnectionRefusedError), or it does not answer in time.
        HTTPException: What listens there does not speak HTTP.
    """
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        body = None if content is None else json.dumps(content)
        headers = {"Content-Type": "application/json"}
        if user:
            headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST)
    finally:
        connection.close()
