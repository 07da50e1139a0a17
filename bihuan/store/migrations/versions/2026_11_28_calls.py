"""The telephone worklist's instant, reviews of open texts, what an interview and a key are for.

Revision ID: 2026_11_28_calls
Revises: 2026_11_27_survey
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_calls"
down_revision = "2026_11_27_survey"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
_ADDED = (
    ("invitation", sa.Column("call_at", INSTANT, nullable=True)),
    ("answer", sa.Column("review", sa.String(32), nullable=True)),
    ("answer", sa.Column("reviewed_at", INSTANT, nullable=True)),
    ("answer", sa.Column("reviewed_by", sa.String(120), nullable=False, server_default="")),
    ("interview", sa.Column("reason", sa.String(500), nullable=False, server_default="")),
    ("interview", sa.Column("planned_by", sa.String(120), nullable=False, server_default="")),
    ("interview", sa.Column("cancelled_at", INSTANT, nullable=True)),
    ("api_key", sa.Column("scope", sa.String(60), nullable=False, server_default="touchpoints")),
)
_INDEXES = (
    ("ix_invitation_call_at", "invitation", "call_at", "call_at IS NOT NULL"),
    ("ix_answer_negative", "answer", "answered_at", "is_negative"),
    ("ix_answer_review", "answer", "review", "review IS NOT NULL"),
)
_ON_THE_LIST = "UPDATE invitation SET call_at = started_at WHERE state = 'phone'"
"""Whoever stood on the worklist before it had an hour is called first."""


def upgrade() -> None:
    """Apply."""
    for table, column in _ADDED:
        op.add_column(table, column)
    for index, table, name, where in _INDEXES:
        op.create_index(index, table, [name], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.execute(_ON_THE_LIST)


def downgrade() -> None:
    """Take back."""
    for index, table, _, _ in _INDEXES:
        op.drop_index(index, table)
    for table, column in reversed(_ADDED):
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column.name)
