"""Indexes that hold all the status counts: its cost follows what is open and what was ever broken, not what is kept.

Revision ID: 2026_12_03_status
Revises: 2026_12_02_retention
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_12_03_status"
down_revision = "2026_12_02_retention"
branch_labels = None
depends_on = None

_PROMISE = "subject_kind = 'complaint' AND leg = 0"
_RUNNING = ["subject_id", "milestone", "due_at", "state", "started_at"]
_PARTIAL = (
    ("ix_complaint_open_department", "complaint", ["department_id", "round", "registered_at"], "handled_at IS NULL"),
    ("ix_deadline_promise_running", "deadline", _RUNNING, f"{_PROMISE} AND met_at IS NULL AND cancelled_at IS NULL"),
    ("ix_deadline_promise_broken", "deadline", ["subject_id", "milestone", "breached_at"],
     f"{_PROMISE} AND breached_at IS NOT NULL"),
    ("ix_deadline_cancelled_at", "deadline", ["cancelled_at"], "cancelled_at IS NOT NULL"),
)  # fmt: skip


def upgrade() -> None:
    """Apply."""
    for index, table, names, where in _PARTIAL:
        op.create_index(index, table, names, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index("ix_complaint_of_department", "complaint", ["id", "department_id"])
    op.create_index(
        "ix_deadline_met_at",
        "deadline",
        ["met_at"],
        sqlite_where=sa.text("met_at IS NOT NULL"),
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_deadline_met_at", "deadline")
    op.drop_index("ix_complaint_of_department", "complaint")
    for index, table, _, _ in _PARTIAL:
        op.drop_index(index, table)
