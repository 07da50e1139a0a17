"""Editions of the policy; whose clock a deadline is, and what late news would have made of it; terms in the log.

Revision ID: 2026_11_25_editions
Revises: 2026_11_22_first
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_editions"
down_revision = "2026_11_22_first"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TERMS = ("channel", "kind", "region", "business_line", "tier")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "policy_edition",
        sa.Column("id", ID, nullable=False),
        sa.Column("section", sa.String(20), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("file", sa.String(120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_edition")),
    )
    op.add_column("deadline", sa.Column("department", sa.String(60), nullable=True))
    op.add_column("deadline", sa.Column("corrected_due_at", sa.DateTime(timezone=True), nullable=True))
    _remember_terms()


def _remember_terms() -> None:
    """Let each registration say the terms that scopes look at; what it says already stays."""
    if op.get_bind().dialect.name == "postgresql":
        known = ", ".join(f"'{name}', complaint.{name}" for name in _TERMS)
        op.execute(
            f"UPDATE complaint_event SET data = (jsonb_build_object({known}) || complaint_event.data::jsonb)::json "  # noqa: S608
            "FROM complaint WHERE complaint.id = complaint_event.complaint_id AND complaint_event.kind = 'registered'"
        )
        return
    known = ", ".join(f"'$.{name}', complaint.{name}" for name in _TERMS)
    op.execute(
        f"UPDATE complaint_event SET data = (SELECT json_insert(complaint_event.data, {known}) FROM complaint "  # noqa: S608
        "WHERE complaint.id = complaint_event.complaint_id) WHERE kind = 'registered'"
    )


def downgrade() -> None:
    """Take back; what the log remembers of terms stays, nothing reads it."""
    with op.batch_alter_table("deadline") as deadline:
        deadline.drop_column("corrected_due_at")
        deadline.drop_column("department")
    op.drop_table("policy_edition")
