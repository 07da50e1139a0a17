"""The messages of a day are counted by state from one index; their rows are not read.

Revision ID: 2026_12_05_ledger
Revises: 2026_12_04_department
"""

from alembic import op

revision = "2026_12_05_ledger"
down_revision = "2026_12_04_department"
branch_labels = None
depends_on = None

_NAME = "ix_message_planned_at"


def upgrade() -> None:
    """Apply."""
    _index(["planned_at", "state"])


def downgrade() -> None:
    """Take back."""
    _index(["planned_at"])


def _index(names: list[str]) -> None:
    op.drop_index(_NAME, "message")
    op.create_index(_NAME, "message", names)
