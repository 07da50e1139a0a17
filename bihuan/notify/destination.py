"""Where a letter may go: hosts of the open internet, unless an installation allows its own network.

A host is looked at twice. Before a letter is sent its name is looked up, so that a contact of a private network is
refused with words. While it is sent every connection of that thread is looked at again, at the address that it really
goes to: a name that meanwhile leads elsewhere, a service that looks a host up by itself and an answer that leads on
are refused all the same.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from bihuan.errors import RefusedError, UnavailableError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv4 as networks without it see them (RFC 6052)."""
_CURE = "see BIHUAN_ALLOW_PRIVATE_TARGETS"
_GUARDED: ContextVar[frozenset[str] | None] = ContextVar("guarded", default=None)
"""While a thread sends under guard: addresses of the HTTP proxies of this machine, to which it may connect."""


def require_public(host: str) -> None:
    """Let a host pass all whose addresses belong to the open internet, however it is written.

    Raises:
        RefusedError: One of them is of this machine, of a private network or of none.
        UnavailableError: The host is not found at present.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise RefusedError(f"{host!r} is not a host name", cure="correct the contact") from error
    except OSError as error:
        raise UnavailableError(f"host {host} is not found", cure="check the contact and the network") from error
    if not all(is_public(str(address[0])) for *_, address in found):
        raise RefusedError(f"{host} is on a private network", cure=_CURE)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to one host of the open internet; one of IPv4 inside one of IPv6 counts as itself.

    Raises:
        ValueError: It is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in _meant(ip))


def _meant(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address itself, or those of IPv4 that it leads to."""
    if isinstance(ip, IPv4Address):
        yield ip
    elif ip.ipv4_mapped or ip.sixtofour:
        yield ip.ipv4_mapped or ip.sixtofour or ip
    elif ip in _NAT64:
        yield IPv4Address(int(ip) & 0xFFFFFFFF)
    else:
        yield from (ip, *(ip.teredo or ()))


@contextmanager
def guarded() -> Iterator[None]:
    """Until left, this thread connects to no private address.

    Whatever connects gets a ``RefusedError``, which is no ``OSError``, so that no library takes it for a host that is
    down and tries again.
    """
    _watch()
    token = _GUARDED.set(_proxies())
    try:
        yield
    finally:
        _GUARDED.reset(token)


@cache
def _watch() -> None:
    """Hear of every connection of this process, once and for good: Python takes no hook away again."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or (proxies := _GUARDED.get()) is None:
        return
    connection, address = arguments
    host = str(address[0]) if isinstance(address, tuple) else ""  # no tuple: a socket of this machine
    if host in proxies:
        return
    if not _is_public_number(host):
        connection.close()  # who connects closes it after an OSError only
        raise RefusedError("the connection leads into a private network", cure=_CURE)


def _is_public_number(host: str) -> bool:
    """A name, which whoever connects has not looked up, is none."""
    try:
        return is_public(host)
    except ValueError:
        return False


def _proxies() -> frozenset[str]:
    """Addresses of the HTTP proxies that the environment names; they look hosts up themselves."""
    hosts = {urlsplit(url if "://" in url else f"//{url}").hostname for url in getproxies().values()}
    return frozenset(address for host in hosts if host for address in _addresses(host))


def _addresses(host: str) -> Iterator[str]:
    try:
        yield from (str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except OSError:
        return
