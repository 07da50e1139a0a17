"""Private links: the token in a message's link, made from the message's key, so that a retry makes the same again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bihuan.errors import RefusedError
from schemas.access import Purpose

TOKEN_LENGTH = 22
"""Characters of base64url: 132 bits, no padding."""


def token_of(secret: str, purpose: Purpose, key: str) -> str:
    """The token with which the message of that key lets its reader do one kind of thing.

    Args:
        secret: The installation's; links have a key of their own, derived from it, so that neither a form's proof nor
            a sealed contact tells anything about them.
        purpose: What the link is good for; another purpose makes another token.
        key: The message's.

    Raises:
        RefusedError: The secret is empty.
    """
    told = f"{purpose.value}\0{key}".encode()
    digest = hmac.new(_key(secret), told, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()[:TOKEN_LENGTH]


def token_hash(token: str) -> str:
    """What is stored of a token, 64 characters: enough to know it again, too little to make a link of."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    if not secret:
        raise RefusedError("no secret to sign links with", cure="set BIHUAN_SECRET")
    return HKDF(SHA256(), length=32, salt=None, info=b"bihuan link 1").derive(secret.encode())
