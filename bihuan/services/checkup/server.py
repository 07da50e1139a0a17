"""Questions to our own servers, past any proxy the environment names: on this machine, or Prefect's on another."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from bihuan.errors import UnavailableError

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
    return _asked(HTTPConnection(host, port, timeout=_SECONDS), method, path, content, user)


def ask_prefect(
    port: int, environment: Mapping[str, str], method: str, path: str, content: object = None
) -> tuple[str, int, bytes]:
    """Ask Prefect's server on this machine's port; where nothing listens there, the one the workers' environment names.

    Returns:
        Where it was asked, in words without secrets; status and body.

    Raises:
        OSError: Nothing listens on the port and no other is named (ConnectionRefusedError), or it does not answer.
        HTTPException: What listens there does not speak HTTP.
        UnavailableError: The server that PREFECT_API_URL names cannot be reached.
    """
    user = environment.get("PREFECT_API_AUTH_STRING", "")
    try:
        return f"port {port}", *ask(port, method, f"/api{path}", content, user=user)
    except ConnectionRefusedError:
        at = urlsplit(environment.get("PREFECT_API_URL", ""))
        if not at.hostname or (at.hostname, at.port) == (LOOPBACK, port):
            raise
    kind = HTTPSConnection if at.scheme == "https" else HTTPConnection
    where = at.netloc.rpartition("@")[2]
    try:
        return where, *_asked(kind(at.hostname, at.port, timeout=_SECONDS), method, f"{at.path}{path}", content, user)
    except OSError as error:
        raise UnavailableError(
            f"Prefect's server at {where} does not answer", cure="start it there, or mend PREFECT_API_URL"
        ) from error


def _asked(connection: HTTPConnection, method: str, path: str, content: object, user: str) -> tuple[int, bytes]:
    try:
        body = None if content is None else json.dumps(content)
        named = {"Authorization": f"Basic {b64encode(user.encode()).decode()}"} if user else {}
        connection.request(method, path, body, {"Content-Type": "application/json", **named})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST)
    finally:
        connection.close()
