"""Contacts as they are kept: sealed, and sealed anew only where they are new."""

from __future__ import annotations

import re

from bihuan.errors import RefusedError, UsageError
from bihuan.notify.channel import scheme_of
from bihuan.notify.contact import addressed, seal, unseal
from bihuan.settings import Settings
from schemas.people import MASK

_OPENS_NOTHING = "none"
_CONTACT = re.compile(r"mailto:[^/\s@]+@[^\s@]+|[a-z][a-z0-9+.-]*://[^\s*]+", re.IGNORECASE)
"""A plain address or a URL; one that was shown masked is none."""


def resealed(sealed: str | None, contact: str | None, secret: str) -> str | None:
    """The contact as it is kept: what is stored where it says nothing new.

    Args:
        sealed: What is stored.
        contact: As a roster gives it: a URL, ``NO_CONTACT``, masked, or None.
        secret: To seal with.

    Raises:
        UsageError: It is masked, and none is stored.
    """
    if contact is None or (sealed and MASK in contact):
        return sealed
    if MASK in contact:
        raise UsageError("a contact is masked, and none is known here", cure="write it in full, or leave it empty")
    return sealed if sealed and _holds(sealed, contact, secret) else seal(contact, secret) if contact else None


def _holds(sealed: str, contact: str, secret: str) -> bool:
    try:
        return unseal(sealed, secret) == contact
    except RefusedError:
        return False  # sealed with another secret: it is entered again


def unreachable(contact: str, settings: Settings) -> tuple[str, str] | None:
    """What and cure where another system names a contact that nothing may be sent to; neither quotes it."""
    if not _CONTACT.fullmatch(contact):
        return "is no contact", "write mailto:li@example.com, or an Apprise URL"
    if scheme_of(contact) not in settings.schemes():
        return "is a contact of a kind that is not allowed here", "see BIHUAN_ALLOWED_SCHEMES"
    return None


def unusable(sealed: str, settings: Settings) -> tuple[str, str] | None:
    """What and cure where a stored contact cannot be sent to; no secret is made where there is none."""
    has_secret = settings.secret.get_secret_value() or (settings.data_dir / "secret.key").exists()
    secret = settings.secret_value() if has_secret else _OPENS_NOTHING
    try:
        addressed(unseal(sealed, secret), settings.mail_url.get_secret_value())
    except RefusedError as error:
        return error.what, error.cure
    return None
