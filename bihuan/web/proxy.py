"""What a proxy in front of us says about a request: believed from the proxies that are named, from nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bihuan.settings import Network, is_loopback, networks

_SCHEMES = frozenset({"http", "https"})
_FORWARDED = b"x-forwarded-"
_PASSED_ON = frozenset({"forwarded", "via", "x-real-ip", "cf-connecting-ip"})
_HOUSE_BITS = 64
"""A house has at least so many bits of IPv6 to itself: its addresses count as one."""


class BehindProxy:
    """Notes whether a trusted proxy passed the request on, from which address it came, and over which scheme."""

    def __init__(self, app: ASGIApp, trusted_proxies: str) -> None:
        """Wrap ``app``; the list is that of the setting."""
        trusted = networks(trusted_proxies)
        self.app, self.is_trusted = app, lru_cache(maxsize=4096)(lambda address: _is_in(address, trusted))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with what is known of its way here."""
        if scope["type"] == "http":
            peer = (scope.get("client") or ("",))[0]
            state = scope.setdefault("state", {})
            state["address"], state["is_from_proxy"] = peer, self.is_trusted(peer)
            if state["is_from_proxy"] and any(name.startswith(_FORWARDED) for name, _ in scope["headers"]):
                self._believe(scope, state)
        await self.app(scope, receive, send)

    def _believe(self, scope: Scope, state: dict[str, Any]) -> None:
        """Take over what the proxy says."""
        headers = Headers(scope=scope)
        state["address"] = _origin(state["address"], headers.getlist("x-forwarded-for"), self.is_trusted)
        scheme = headers.get("x-forwarded-proto", "").strip().lower()
        if scheme in _SCHEMES:
            scope["scheme"] = scheme


def is_from_proxy(request: Request) -> bool:
    """Whether the immediate peer is one of the proxies whose headers are believed."""
    return bool(getattr(request.state, "is_from_proxy", False))


def is_of_this_machine(request: Request) -> bool:
    """Whether a program of this machine asks, and for itself: what a proxy passes on says so, trusted or not."""
    peer = request.client.host if request.client else ""
    names = {name.decode("latin-1").lower() for name, _ in request.scope["headers"]}
    is_passed_on = bool(names & _PASSED_ON) or any(name.startswith(_FORWARDED.decode()) for name in names)
    return is_loopback(peer) and not is_passed_on


def asker(request: Request) -> str:
    """The address that asks, as one line to count by: in IPv6 the whole network of a house."""
    address = str(request.state.address)
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(networks(f"{address}/{_HOUSE_BITS}")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def _origin(peer: str, forwarded: Sequence[str], is_trusted: Callable[[str], bool]) -> str:
    """The last address on the way that is none of ours: what stands before it, whoever asked may have written."""
    hops = [hop.strip() for hop in ",".join(forwarded).split(",") if hop.strip()]
    return next((hop for hop in reversed(hops) if not is_trusted(hop)), peer)


def _is_in(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in trusted)
