"""What an installation knows of itself: facts by name, and when each sweep last ran."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class InstallationFact(SQLModel, table=True):
    """One fact about this database, such as that it holds a simulated company."""

    __tablename__ = "installation_fact"

    name: str = Field(primary_key=True, max_length=60)
    value: str = Field(max_length=500)


class Heartbeat(SQLModel, table=True):
    """The last completed run of one sweep; its silence is an alarm."""

    __tablename__ = "heartbeat"

    sweep: str = Field(primary_key=True, max_length=60)
    beat_at: datetime
    done: int = Field(default=0)
    """How many rows that run decided or delivered."""
    seconds: float | None = None
    """How long that run took, seconds; None: not known."""
