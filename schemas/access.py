"""Access: private links in messages, and the sessions of people who signed in. Only hashes of tokens are kept."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from schemas.base import Id, Word


class Purpose(StrEnum):
    """What a private link is good for, and nothing else."""

    ACT = "act"
    """See the matter of a message, acknowledge it, hand it over, or say that it cannot be done."""
    SIGN_IN = "sign_in"
    """Sign in, once."""
    SURVEY = "survey"
    """Answer one invitation, as often as one likes until it expires."""
    OPT_OUT = "opt_out"
    """Not be asked any more."""


class Role(StrEnum):
    """What a member of staff may see and do; a person may have several."""

    HANDLER = "handler"
    DEPARTMENT_HEAD = "department_head"
    EXECUTIVE = "executive"
    QUALITY_MANAGER = "quality_manager"
    OPERATOR = "operator"


class Scope(StrEnum):
    """What a key of another system opens, and nothing else."""

    TOUCHPOINTS = "touchpoints"
    """Tell us what happened to a customer."""
    METRICS = "metrics"
    """Read how the installation stands, from another machine."""


class Link(SQLModel, table=True):
    """A private link that went out in a message; the token is made from the message's key and never stored."""

    __tablename__ = "link"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    token_hash: str = Field(max_length=64, unique=True)
    purpose: Purpose = Field(sa_type=Word(Purpose))
    message_id: int = Field(foreign_key="message.id", sa_type=Id, index=True)
    """Where several messages went out as one letter, the first of them."""
    recipient: str = Field(max_length=60)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class SignInSession(SQLModel, table=True):
    """A browser in which a member of staff has signed in."""

    __tablename__ = "sign_in_session"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    token_hash: str = Field(max_length=64, unique=True)
    staff_id: int = Field(foreign_key="staff.id", sa_type=Id, index=True)
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    """When the person signed out, here or everywhere."""
