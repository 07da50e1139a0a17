"""What guards every page: known hosts, strict headers, cookies for us alone, forms that cannot be forged."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bihuan.settings import Settings

FORM_COOKIE = "bihuan_form"
TOKEN_FIELD = "token"  # noqa: S105 - the name of a field
LARGEST_BODY = 64 * 1024
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - names to listen on, by which nobody is asked for
_COOKIE = re.compile(r"[\w-]{20,64}")
_FORM = "application/x-www-form-urlencoded"

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
                               "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}  # fmt: skip
"""On every answer. No stricter Referrer-Policy: with ``no-referrer`` browsers send forms with ``Origin: null``."""
_ENCRYPTED_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
"""Where the installation's address is an encrypted one: browsers then ask for no other for a year."""


class StrictHeaders:
    """Puts these headers on every answer that does not say something else of itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        """Wrap ``app``."""
        self.app = app
        self.strict = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the headers."""

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ())]
                said = {name.lower() for name, _ in headers}  # a page may only say of itself what it needs instead
                message = {**message, "headers": headers + [each for each in self.strict if each[0] not in said]}
            await send(message)

        await self.app(scope, receive, send_strictly)


def strict_headers(settings: Settings) -> dict[str, str]:
    """What stands on every answer; nothing but our own static files may be kept by a browser."""
    encrypted = _ENCRYPTED_ONLY if urlsplit(settings.web_url).scheme == "https" else {}
    return {**HEADERS, "Cache-Control": "no-store", **encrypted}


def allowed_hosts(settings: Settings) -> list[str]:
    """Names a browser may know us by. Any other is a foreign page that pointed its own name at loopback."""
    hosts = {urlsplit(settings.web_url).hostname or "", settings.web_host} - _EVERYWHERE
    return sorted({"127.0.0.1", "localhost", "[::1]", *(f"[{host}]" if ":" in host else host for host in hosts)})


def form_cookie(request: Request) -> str | None:
    """The browser's random half of a form's proof, None where it has none yet."""
    value = request.cookies.get(FORM_COOKIE, "")
    return value if _COOKIE.fullmatch(value) else None


def new_cookie() -> str:
    """A random value for a browser that has none."""
    return secrets.token_urlsafe(24)


def token(secret: str, cookie: str) -> str:
    """What a form must carry to be taken from the browser that holds ``cookie``."""
    return hmac.new(secret.encode(), f"form {cookie}".encode(), hashlib.sha256).hexdigest()


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Let the browser keep a value that no script reads, and that is sent along from another site by a link only."""
    is_secure = _is_encrypted(request)
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=is_secure)


def set_form_cookie(request: Request, response: Response, value: str) -> None:
    """Let the browser keep its half of a form's proof, which is never sent along from another site."""
    is_secure = _is_encrypted(request)
    response.set_cookie(FORM_COOKIE, value, httponly=True, samesite="strict", secure=is_secure)


def _is_encrypted(request: Request) -> bool:
    """Whether the browser speaks to us, or to a proxy before us, in private; not every proxy says so."""
    ours = urlsplit(request.app.state.site.settings.web_url)
    return request.url.scheme == "https" or (ours.scheme == "https" and request.url.hostname == ours.hostname)


def shown_path(request: Request) -> str:
    """The path as a log may show it: without the token of a private link."""
    token_ = request.path_params.get("token", "")
    return request.url.path.replace(token_, "***") if token_ else request.url.path


async def genuine_form(request: Request, secret: str) -> dict[str, str]:
    """The fields of a form that this installation gave to this very browser.

    Raises:
        HTTPException: 403 not from one of our pages, 413 too large, 415 not a form, 400 not readable.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
        raise HTTPException(415)
    fields = _fields(await body_of(request))
    cookie = form_cookie(request)
    is_genuine = cookie is not None and hmac.compare_digest(
        fields.pop(TOKEN_FIELD, "").encode(), token(secret, cookie).encode()
    )
    if not is_genuine or not is_same_origin(request):
        raise HTTPException(403)
    return fields


async def posted_form(request: Request) -> dict[str, str]:
    """The fields of a form whose address is itself the proof, a private link: it needs no cookie.

    Raises:
        HTTPException: 403 sent from another site, 413 too large, 415 not a form, 400 not readable.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
        raise HTTPException(415)
    if not is_same_origin(request):
        raise HTTPException(403)
    return _fields(await body_of(request))


async def body_of(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """What a request brings, at most ``largest`` bytes of it.

    Raises:
        HTTPException: 413 it brings more, 400 it broke off.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > largest:
                raise HTTPException(413)
    except ClientDisconnect as error:
        raise HTTPException(400) from error
    return bytes(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=40, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error
    return {name: value.replace("\r\n", "\n").replace("\0", "").strip() for name, value in pairs}


def is_same_origin(request: Request) -> bool:
    """Whether one of our own pages sent it.

    Browsers name the sender of a form; another port of this machine shares our cookies but not our origin.
    """
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")
