"""Whose a complaint is stands on its deadlines: counting by department reads two indexes and nothing else.

Revision ID: 2026_12_04_department
Revises: 2026_12_03_status
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_12_04_department"
down_revision = "2026_12_03_status"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PROMISE = "subject_kind = 'complaint' AND leg = 0"
_RUNNING = f"{_PROMISE} AND met_at IS NULL AND cancelled_at IS NULL"
_BROKEN = f"{_PROMISE} AND breached_at IS NOT NULL"
_COPY = (
    "UPDATE deadline SET complaint_department_id = complaint.department_id FROM complaint "
    "WHERE deadline.subject_kind = 'complaint' AND complaint.id = deadline.subject_id "
    "AND complaint.department_id IS NOT NULL"
)


def upgrade() -> None:
    """Apply."""
    op.add_column("deadline", sa.Column("complaint_department_id", ID, nullable=True))
    _drop()
    op.execute(_COPY)
    _index("complaint_department_id")
    op.drop_index("ix_complaint_of_department", "complaint")


def downgrade() -> None:
    """Take back."""
    op.create_index("ix_complaint_of_department", "complaint", ["id", "department_id"])
    _drop()
    op.drop_column("deadline", "complaint_department_id")
    _index("subject_id")


def _index(first: str) -> None:
    """What the status counts, from one index each."""
    for name, rest, where in (
        ("ix_deadline_promise_running", ["due_at", "state", "started_at"], _RUNNING),
        ("ix_deadline_promise_broken", ["breached_at"], _BROKEN),
    ):
        names = [first, "milestone", *rest]
        op.create_index(name, "deadline", names, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _drop() -> None:
    for name in ("ix_deadline_promise_running", "ix_deadline_promise_broken"):
        op.drop_index(name, "deadline")
