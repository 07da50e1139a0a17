"""What tests send to: a gateway that records, and real SMTP and HTTP servers on loopback that behave as told."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from bihuan.notify.contact import masked
from bihuan.notify.gateway import Sender, SendResult
from bihuan.notify.letter import Letter
from schemas.outbox import AttemptOutcome


class RecordingGateway:
    """Delivers nothing and keeps every letter in ``sent``; answers with ``outcomes`` in turn, then with ``sent``."""

    def __init__(self, outcomes: Iterable[AttemptOutcome] = ()) -> None:
        self.sent: list[tuple[str, Letter]] = []
        """Every letter handed over with its URL, whatever the outcome."""
        self._outcomes: Iterator[AttemptOutcome] = iter(outcomes)

    def send(self, url: str, letter: Letter) -> SendResult:
        """Record the letter and answer with the next outcome."""
        self.sent.append((url, letter))
        outcome = next(self._outcomes, AttemptOutcome.SENT)
        error = None if outcome is AttemptOutcome.SENT else f"scripted: {outcome}"
        return SendResult(outcome=outcome, error=error, target=masked(url))

    def session(self) -> AbstractContextManager[Sender]:
        """Itself: it opens nothing that would have to be closed."""
        return nullcontext(self)


MailBehaviour = Literal[
    "accept",
    "greet_never",
    "refuse_login",
    "refuse_recipient",
    "defer_recipient",
    "refuse_text",
    "hang",
    "kill",
    "leave",
]
"""After the text was taken come ``hang``, no answer at all; ``kill``, the connection cut; ``leave``, the answer and
then the connection closed."""


class SmtpServer:
    """An SMTP server on loopback. ``behaviour`` may be changed between messages; ``messages`` holds what was taken.

    With ``tls`` it offers STARTTLS, or, where ``is_tls_only``, speaks TLS from the first byte.
    """

    def __init__(
        self, behaviour: MailBehaviour = "accept", *, tls: ssl.SSLContext | None = None, is_tls_only: bool = False
    ) -> None:
        self.behaviour: MailBehaviour = behaviour
        self.messages: list[EmailMessage] = []
        self.connections = 0
        """How often it was connected to."""
        self._tls, self._is_tls_only = tls, is_tls_only
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._listener: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        opening = self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self._tls if self._is_tls_only else None)
        self._listener = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(cast(asyncio.Server, self._listener).sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """An Apprise URL without login that brings mail to staff@example.com."""
        return f"mailto://127.0.0.1:{self.port}/?from=bihuan@example.com&to=staff@example.com"

    @property
    def login_url(self) -> str:
        """The same with user ``clerk`` and password ``open-sesame``."""
        return self.url.replace("://", "://clerk:open-sesame@")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take the recipient, or refuse or defer it."""
        del server, session, options
        if self.behaviour == "refuse_recipient":
            return f"550 5.1.1 no mailbox {address}"
        if self.behaviour == "defer_recipient":
            return "450 4.2.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
    ) -> str:
        """Take the text and answer, or not."""
        del session
        if self.behaviour == "refuse_text":
            return "554 5.7.1 text refused"
        content = cast(bytes, envelope.content)
        self.messages.append(email.message_from_bytes(content, policy=email.policy.default))
        if self.behaviour == "kill":
            cast(asyncio.Transport, server.transport).abort()
        if self.behaviour == "hang":
            await asyncio.Event().wait()
        if self.behaviour == "leave":
            self._loop.call_soon(cast(asyncio.Transport, server.transport).close)
        return "250 OK"

    def _protocol(self) -> asyncio.Protocol:
        self.connections += 1
        if self.behaviour == "greet_never":
            return asyncio.Protocol()
        offered = None if self._is_tls_only else self._tls
        return SMTP(
            self, loop=self._loop, auth_require_tls=False, authenticator=self._authenticate, tls_context=offered
        )

    async def _close(self) -> None:
        cast(asyncio.Server, self._listener).close()
        conversations = asyncio.all_tasks() - {asyncio.current_task()}
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)

    def _authenticate(self, *_: Any) -> AuthResult:
        is_welcome = self.behaviour != "refuse_login"
        return AuthResult(success=is_welcome, handled=is_welcome)


@dataclass(slots=True)
class Answer:
    """How the HTTP server answers: after ``delay`` seconds, or by cutting the connection."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request the HTTP server was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class HttpServer:
    """An HTTP server on loopback. ``answer`` may be changed between requests; ``requests`` holds what came.

    ``answers`` are given first, one a request. With ``tls`` it speaks HTTPS.
    """

    def __init__(self, answer: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer or Answer()
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self.is_over = threading.Event()
        self._server = _Listener(("127.0.0.1", 0), _Responder)
        self._server.owner = self
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def web_url(self) -> str:
        """Its address for an HTTP client, without a path."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """An Apprise URL that posts JSON to the path ``/hook``."""
        return f"json://127.0.0.1:{self.port}/hook"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The JSON bodies that came, in order."""
        return [json.loads(request.body) for request in self.requests]


class _Listener(ThreadingHTTPServer):
    owner: HttpServer


class _Responder(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        owner = cast(_Listener, self.server).owner
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        owner.requests.append(Request(self.command, self.path, dict(self.headers), body))
        answer = owner.answers.pop(0) if owner.answers else owner.answer
        owner.is_over.wait(answer.delay)
        if answer.is_cut:
            self.close_connection = True
            return
        with suppress(OSError):  # the client has given up by now
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        if "Date" not in answer.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body.encode())

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing: tests read `HttpServer.requests`."""
