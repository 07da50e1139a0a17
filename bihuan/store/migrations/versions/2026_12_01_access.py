"""Who saw and exported what.

Revision ID: 2026_12_01_access
Revises: 2026_11_30_pdca
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_12_01_access"
down_revision = "2026_11_30_pdca"
branch_labels = None
depends_on = None

TABLE = "access_entry"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (("subject", "seen_at"), ("person", "seen_at"), ("seen_at",))


def upgrade() -> None:
    """Apply."""
    op.create_table(
        TABLE,
        sa.Column("id", ID, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.String(60), nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("page", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_entry")),
    )
    for columns in _INDEXES:
        op.create_index(f"ix_access_entry_{columns[0]}", TABLE, list(columns))


def downgrade() -> None:
    """Take back."""
    op.drop_table(TABLE)
