"""One letter through Apprise, under guard: which targets may be used, how long they may take, what they answered."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from apprise import Apprise, AppriseAsset, NotifyFormat, OverflowMode
from apprise.plugins import url_to_dict

from bihuan.errors import RefusedError, UnavailableError
from bihuan.notify import chat, mail, robots, sms
from bihuan.notify.channel import SMS_CHARACTERS, channel_of
from bihuan.notify.destination import guarded, require_public
from bihuan.notify.length import short
from bihuan.notify.letter import Letter
from bihuan.notify.outcome import Heard, Verdict, of_error, of_log, of_part
from schemas.outbox import AttemptOutcome

_FILE_ARGUMENTS = frozenset({"template", "pgp", "pgppub", "pgpkey", "pgpprv", "wkd"})
"""URL arguments with which Apprise reads files of this machine, or fetches keys from elsewhere."""

_ASSET = AppriseAsset(
    app_id="bihuan",
    app_desc="bihuan",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    http_redirects=False,
    pgp_autogen=False,
    pem_autogen=False,
)

chat.register()
robots.register()
mail.register()
sms.register()


@dataclass(frozen=True, slots=True)
class Limits:
    """What an installation allows: URL schemes, seconds to wait for an answer, loopback and private networks."""

    schemes: frozenset[str]
    timeout_seconds: float
    is_private_allowed: bool


def deliver(url: str, letter: Letter, limits: Limits, connections: mail.Connections) -> Verdict:
    """Hand a letter to a target once; mail goes on the ``connections`` of its batch.

    Returns:
        The outcome, and why when it was not sent. The reason may hold parts of ``url``; the caller scrubs it.
    """
    with _listening() as heard:
        try:
            service = _service(url, limits)
            if isinstance(service, mail.BatchEmail):
                service.connections = connections
            sent = short(letter, SMS_CHARACTERS) if channel_of(url).is_short else letter
            with nullcontext() if limits.is_private_allowed else guarded():
                is_taken = service.notify(body=sent.body, title=sent.title, body_format=NotifyFormat.TEXT)
        except RefusedError as error:
            return Verdict(AttemptOutcome.REFUSED, str(error))
        except UnavailableError as error:
            return Verdict(AttemptOutcome.RETRY, str(error))
        except Exception as error:  # noqa: BLE001 - a service's own bug must end in a row, not end the outbox
            return of_part(heard, of_error(error))
        return Verdict(AttemptOutcome.SENT, None) if is_taken else of_log(heard)


def _service(url: str, limits: Limits) -> Any:
    """The Apprise service of a URL, made to our rules whatever the URL says.

    Raises:
        RefusedError: The URL cannot be used, or is not allowed.
        UnavailableError: Its host is not found at present.
    """
    parts: dict[str, Any] | None = url_to_dict(url)
    if parts is None:
        raise RefusedError("the contact is not a URL that can be sent to", cure="correct the contact")
    if parts["schema"] not in limits.schemes:
        raise RefusedError(f"sending by {parts['schema']} is not allowed", cure="see BIHUAN_ALLOWED_SCHEMES")
    if used := _FILE_ARGUMENTS.intersection(parts.get("qsd", ())):
        raise RefusedError(f"the contact's URL may not use {', '.join(sorted(used))}=", cure="take it out of the URL")
    service = _instance(parts)
    if not limits.is_private_allowed and "host" in service.template_tokens:
        require_public(getattr(service, "smtp_host", None) or service.host)
    service.redirects = False
    service.socket_connect_timeout = service.socket_read_timeout = limits.timeout_seconds
    service.request_rate_per_sec = 0  # the outbox paces per target; Apprise would sleep 5.5 s
    service.notify_format = NotifyFormat.TEXT
    service.overflow_mode = OverflowMode.UPSTREAM
    return service


def _instance(parts: dict[str, Any]) -> Any:
    wrong = RefusedError(f"the contact's {parts['schema']} URL is incomplete or wrong", cure="correct the contact")
    try:
        service = Apprise.instantiate(parts, asset=_ASSET, suppress_exceptions=False)
    except TypeError:  # what a service raises for an argument it cannot use
        raise wrong from None
    if service is None:
        raise wrong
    return service


_HEARD: ContextVar[tuple[list[Heard], BaseException | None] | None] = ContextVar("heard", default=None)
"""Lines heard by this thread's sending, and the exception its caller was already handling, which is none of ours."""


class _Ear(logging.Filter):
    """Notes what Apprise logs, with the exception it is handling and the answer it looks at.

    It gives no other sign of why a sending failed. Noted lines go no further, because they hold URLs and letters.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if (hearing := _HEARD.get()) is None:
            return True
        heard, earlier = hearing
        error = sys.exception()
        heard.append(Heard(record.levelno, record.getMessage(), None if error is earlier else error, _answer()))
        return False


def _answer() -> requests.Response | None:
    """The HTTP answer that whoever is logging holds in a variable of its own: its log line names the status at most."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not deliver.__code__:
        for value in frame.f_locals.values():
            if isinstance(value, requests.Response):
                return value
        frame = frame.f_back
    return None


_EAR = _Ear()


@contextmanager
def _listening() -> Iterator[list[Heard]]:
    """What Apprise logs in this thread meanwhile; its ``LogCapture`` hears other threads too, and gives text only."""
    logger = logging.getLogger("apprise")
    logger.addFilter(_EAR)
    logger.setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(logging.INFO)  # its debug lines show the path, where webhooks keep their key
    heard: list[Heard] = []
    token = _HEARD.set((heard, sys.exception()))
    try:
        yield heard
    finally:
        _HEARD.reset(token)
