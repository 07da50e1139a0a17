"""Legal hold 法务保全: complaints of which nothing may be erased, whatever their age."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from schemas.base import Id


class LegalHold(SQLModel, table=True):
    """One hold on one complaint; rows are added and released, never removed. At most one of a complaint stands."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        Index(
            "uq_legal_hold_standing",
            "complaint_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    complaint_id: int = Field(foreign_key="complaint.id", sa_type=Id)
    placed_at: datetime
    placed_by: str = Field(max_length=120)
    why: str = Field(max_length=500)
    released_at: datetime | None = None
    released_by: str = Field(default="", max_length=120)
    released_why: str = Field(default="", max_length=500)
