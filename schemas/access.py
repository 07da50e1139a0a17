"""Access: private links in messages, and the sessions of people who signed in. Only hashes of tokens are kept."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
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


class Seen(StrEnum):
    """What was seen of a person outside, or taken out of the house."""

    COMPLAINT = "complaint"
    """A complaint with everything that belongs to it."""
    CALL = "call"
    """The page of a call, with the telephone number."""
    INTERVIEW = "interview"
    """The page of an interview, with how the customer is reached."""
    ANSWERS = "answers"
    """What the complainant answered, on the board of bad answers."""
    EXPORT = "export"
    """A file: of a month, a staff book, a plan table."""


class Way(StrEnum):
    """How whoever saw it came there."""

    SIGNED_IN = "signed_in"
    LINK = "link"
    """By the private link of a message: whoever holds it counts as its reader."""
    COMMAND = "command"
    """By a command, under the name of the machine's user."""


class AccessEntry(SQLModel, table=True):
    """That somebody saw something of a person, once in some minutes; see ``bihuan.services.access``."""

    __tablename__ = "access_entry"
    __table_args__ = (
        Index("ix_access_entry_subject", "subject", "seen_at"),
        Index("ix_access_entry_person", "person", "seen_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    seen_at: datetime = Field(index=True)
    person: str = Field(max_length=60)
    """Staff code; of a link to nobody in particular its recipient (``department:2``), of a command the user's name."""
    way: Way = Field(sa_type=Word(Way))
    what: Seen = Field(sa_type=Word(Seen))
    subject: str = Field(max_length=200)
    """Complaint number; of an export the file, of an interview its number."""
    page: str = Field(max_length=200)
    """The path without what is secret in it, or the command."""


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
