"""Retention and metrics: what was erased, legal holds, how long a sweep took, messages that wait for a person.

Revision ID: 2026_12_02_retention
Revises: 2026_12_01_access
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_12_02_retention"
down_revision = "2026_12_01_access"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
_ADDED = (
    ("complaint", sa.Column("erased_at", INSTANT, nullable=True)),
    ("answer", sa.Column("erased_at", INSTANT, nullable=True)),
    ("touchpoint", sa.Column("erased_at", INSTANT, nullable=True)),
    ("interview", sa.Column("erased_at", INSTANT, nullable=True)),
    ("heartbeat", sa.Column("seconds", sa.Float(), nullable=True)),
)
_INDEXES = (
    ("ix_complaint_unerased", "complaint", ["registered_at"], "erased_at IS NULL"),
    ("ix_answer_unerased", "answer", ["answered_at"], "erased_at IS NULL"),
    ("ix_touchpoint_unerased", "touchpoint", ["occurred_at"], "erased_at IS NULL"),
    ("ix_delivery_attempt_addressed", "delivery_attempt", ["ended_at"], "target <> ''"),
    ("ix_message_trouble", "message", ["state", "planned_at"], "state IN ('failed', 'unknown')"),
)


def upgrade() -> None:
    """Apply."""
    for table, column in _ADDED:
        op.add_column(table, column)
    for index, table, names, where in _INDEXES:
        op.create_index(index, table, names, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_table(
        "legal_hold",
        sa.Column("id", ID, nullable=False),
        sa.Column("complaint_id", ID, nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("placed_by", sa.String(120), nullable=False),
        sa.Column("why", sa.String(500), nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("released_by", sa.String(120), nullable=False),
        sa.Column("released_why", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_legal_hold_complaint_id_complaint")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index(
        "uq_legal_hold_standing",
        "legal_hold",
        ["complaint_id"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("uq_legal_hold_standing", "legal_hold")
    op.drop_table("legal_hold")
    for index, table, _, _ in _INDEXES:
        op.drop_index(index, table)
    for table, column in reversed(_ADDED):  # in place: a table that others refer to cannot be made anew
        op.drop_column(table, column.name)
