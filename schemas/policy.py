"""Policy editions: every version of a policy file that this installation has used, with its text."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from schemas.base import Id


class PolicyEdition(SQLModel, table=True):
    """One section of the policy as it was first used, or used again after another; rows are only added."""

    __tablename__ = "policy_edition"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    section: str = Field(max_length=20)
    """The name of its file: ``deadline``, ``calendar``, ``routing``, ``kpi``."""
    version: str = Field(max_length=16)
    """A hash of what it says."""
    file: str = Field(max_length=120)
    """Where it was read from, without the folder."""
    text: str = Field(sa_type=Text)
    """The file as it was; of the calendar what it says together with the days that the ``holidays`` package knew."""
    recorded_at: datetime
    effective_at: datetime
    """It sets what starts from then on."""
    applied_at: datetime | None = None
    """When what was open was brought under it; None: it never was."""
    moved: int = Field(default=0)
    """Open deadlines whose due instant that moved."""
