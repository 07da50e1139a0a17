"""Contact URLs: they hold passwords and tokens, so they are stored sealed, shown masked and counted by a hash."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bihuan.errors import RefusedError
from schemas.people import MASK, TELEPHONE

_SHORTEST_SECRET = 4
"""Shorter parts of a URL are left in error texts: hiding every ``25`` would make them unreadable and hide nothing."""

_MARKS = re.compile(r"[\s().\-－]+")
"""What people put between the digits of a telephone number."""
_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_TEXTED = re.compile(r"smss?://[^?]*\?(?:.*&)?to=(\+?[0-9]{5,15})(?![0-9])", re.IGNORECASE)
"""A contact of our own SMS gateway, with the number that it writes to."""

_CODES = ("ok=", "busy=")
"""Arguments of an SMS gateway that list its answers, which the ledger is to name."""

_WITH_HOST = re.compile(
    r"(?P<scheme>mailtos?|jsons?|forms?|xmls?|workflows?|smss?|https?)://"
    r"(?:[^@/?#\s]*@)?(?P<host>[a-z0-9.-]+(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?)"
    r"(?:/[^@?#\s]*)?(?:\?[^=@\s]+=[^\s]*)?",
    re.IGNORECASE,
)
"""URLs whose host is a host (a robot's is its key). An ``@`` left of the query would make part of a badly written
password look like the host, so such URLs do not match and show their scheme only."""


@lru_cache(maxsize=4)
def _fernet(secret: str) -> Fernet:
    if not secret:
        raise RefusedError("no secret to seal contacts with", cure="set BIHUAN_SECRET")
    key = HKDF(SHA256(), length=32, salt=None, info=b"bihuan contact 1").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def seal(url: str, secret: str) -> str:
    """The URL encrypted for storage; one that is only a telephone number says so. Sealing twice gives different texts.

    Raises:
        RefusedError: The secret is empty.
    """
    mark = TELEPHONE if url and not written_to(url) else ""
    return f"{mark}{_fernet(secret).encrypt(url.encode()).decode()}"


def unseal(sealed: str, secret: str) -> str:
    """The URL that was sealed.

    Raises:
        RefusedError: The secret is empty or not the one it was sealed with, or the text was altered.
    """
    try:
        return _fernet(secret).decrypt(sealed.removeprefix(TELEPHONE).encode()).decode()
    except InvalidToken:
        raise RefusedError(
            "a stored contact was sealed with another secret",
            cure="give back the earlier BIHUAN_SECRET (or secret.key in the data folder), or enter the contact again",
        ) from None


def contact_of(url: str, number: str) -> str | None:
    """One contact of what somebody is written to at and what they are called at; None where neither is known.

    Args:
        url: An address of any kind, or empty.
        number: A telephone number as people write it, or empty.

    Raises:
        ValueError: That is no telephone number.
    """
    plain = _MARKS.sub("", number)
    if plain and not _NUMBER.fullmatch(plain):
        raise ValueError("no telephone number")
    return " ".join(filter(None, (url, plain and f"{TELEPHONE}{plain}"))) or None


def written_to(contact: str) -> str:
    """The part of a contact that letters go to; empty where it is only a telephone number."""
    return " ".join(word for word in contact.split() if not word.startswith(TELEPHONE))


def called_at(contact: str) -> str:
    """The telephone number of a contact, also where text messages go there; empty where there is none."""
    numbers = [word.removeprefix(TELEPHONE) for word in contact.split() if word.startswith(TELEPHONE)]
    texted = _TEXTED.match(contact.strip())
    return numbers[0] if numbers else texted[1] if texted else ""


def addressed(contact: str, mail_url: str) -> str:
    """The Apprise URL that reaches a contact: a plain address ``mailto:a@b`` goes through the installation's account.

    Raises:
        RefusedError: A plain address, and no account to send from.
    """
    address = contact.strip().removeprefix("mailto:")
    if address == contact.strip() or address.startswith("//"):
        return contact
    if not mail_url:
        raise RefusedError("no mail account to send from", cure="set BIHUAN_MAIL_URL")
    return f"{mail_url}{'&' if '?' in mail_url else '/?'}to={quote(address, safe='@')}"


def masked(url: str) -> str:
    """What may be shown of a URL: its scheme, and its host where that is no secret: ``json://hooks.example.com/***``.

    User names, passwords, tokens, robot keys, paths, query values and header values never show.
    """
    if hosted := _WITH_HOST.fullmatch(url.strip()):
        return f"{hosted['scheme'].lower()}://{hosted['host'].lower()}/{MASK}"
    scheme = re.match(r"[a-z][a-z0-9+.-]{0,30}(?=://)", url.strip(), re.IGNORECASE)
    return f"{scheme[0].lower()}://{MASK}" if scheme else MASK


def scrubbed(text: str, url: str) -> str:
    """``text`` with every part of ``url`` that `masked` hides replaced, also where it stands decoded."""
    parts = {form for part in _hidden_parts(url) for form in (part, unquote_plus(part))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, MASK)
    return text


def target_key(url: str) -> str:
    """32 characters that stand for one target: attempts are counted and paced by it."""
    return hashlib.sha256(url.strip().encode()).hexdigest()[:32]


def _hidden_parts(url: str) -> Iterator[str]:
    hosted = _WITH_HOST.fullmatch(url.strip())
    head, _, query = url.strip().partition("://")[2].partition("?")
    user, _, rest = head.rpartition("@")
    yield user
    yield user.partition(":")[2]
    yield from re.split(r"[/:@,;#]", user)
    yield from re.split(r"[/:@,;#]", rest.partition("/")[2] if hosted else rest)
    is_gateway = url.strip().lower().startswith(("sms:", "smss:"))
    for pair in query.split("&"):
        if is_gateway and pair.startswith(_CODES):
            continue
        value = pair.partition("=")[2] or pair
        yield value
        yield from re.split(r"[/:,;#]", unquote_plus(value))
