"""Ladders and their rungs; substitutes, absences, duty shifts; private links and sessions.

Revision ID: 2026_11_26_escalation
Revises: 2026_11_25_editions
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_escalation"
down_revision = "2026_11_25_editions"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    _escalation()
    _people()
    _access()
    op.add_column("message", sa.Column("escalation_id", ID, nullable=True))
    op.add_column("message", sa.Column("rung", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("urgency", sa.String(32), nullable=False, server_default="usual"))
    op.add_column("message", sa.Column("acknowledged_at", INSTANT, nullable=True))
    _partial("message", "escalation_id")
    is_sent = sa.text("sent_at IS NOT NULL")
    op.create_index(
        "ix_message_recipient", "message", ["recipient", "sent_at"], sqlite_where=is_sent, postgresql_where=is_sent
    )


def _partial(table: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(f"ix_{table}_{column}", table, [column], sqlite_where=where, postgresql_where=where)


def _escalation() -> None:
    op.create_table(
        "escalation",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("subject_kind", sa.String(20), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("deadline_id", ID, nullable=True),
        sa.Column("duty", sa.String(40), nullable=False),
        sa.Column("occasion", sa.String(120), nullable=False),
        sa.Column("ladder", sa.String(40), nullable=False),
        sa.Column("policy_version", sa.String(16), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("acknowledged_by", sa.String(60), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
        sa.UniqueConstraint("key", name=op.f("uq_escalation_key")),
        sa.ForeignKeyConstraint(["deadline_id"], ["deadline.id"], name=op.f("fk_escalation_deadline_id_deadline")),
    )
    _partial("escalation", "next_at")
    op.create_index("ix_escalation_subject", "escalation", ["subject_kind", "subject_id"])
    op.create_index("ix_escalation_deadline_id", "escalation", ["deadline_id"])
    op.create_table(
        "escalation_step",
        sa.Column("id", ID, nullable=False),
        sa.Column("escalation_id", ID, nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("passed", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_step")),
        sa.UniqueConstraint("escalation_id", "cycle", "rung", name=op.f("uq_escalation_step_escalation_id_cycle_rung")),
        sa.ForeignKeyConstraint(
            ["escalation_id"], ["escalation.id"], name=op.f("fk_escalation_step_escalation_id_escalation")
        ),
    )


def _people() -> None:
    op.add_column("staff", sa.Column("sealed_contacts", sa.JSON(), nullable=True))
    op.add_column("staff", sa.Column("roles", sa.JSON(), nullable=True))
    op.add_column("staff", sa.Column("is_liaison", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff", sa.Column("substitute_id", ID, nullable=True))
    op.add_column("staff", sa.Column("quiet_from", sa.String(5), nullable=True))
    op.add_column("staff", sa.Column("quiet_until", sa.String(5), nullable=True))
    op.create_table(
        "absence",
        sa.Column("id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
        sa.UniqueConstraint("staff_id", "starts_at", name=op.f("uq_absence_staff_id_starts_at")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_absence_staff_id_staff")),
    )
    op.create_table(
        "duty_shift",
        sa.Column("id", ID, nullable=False),
        sa.Column("rota", sa.String(60), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("weekdays", sa.String(27), nullable=False),
        sa.Column("begins", sa.String(5), nullable=False),
        sa.Column("ends", sa.String(5), nullable=False),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shift")),
        sa.UniqueConstraint(
            "rota", "staff_id", "weekdays", "begins", "from_on",
            name=op.f("uq_duty_shift_rota_staff_id_weekdays_begins_from_on"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_duty_shift_staff_id_staff")),
    )  # fmt: skip


def _access() -> None:
    op.create_table(
        "link",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("recipient", sa.String(60), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_link_token_hash")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_link_message_id_message")),
    )
    op.create_index("ix_link_message_id", "link", ["message_id"])
    op.create_table(
        "sign_in_session",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_session_token_hash")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sign_in_session_staff_id_staff")),
    )
    op.create_index("ix_sign_in_session_staff_id", "sign_in_session", ["staff_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_message_recipient", "message")
    op.drop_index("ix_message_escalation_id", "message")
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table) as changed:
            for column in columns:
                changed.drop_column(column)
    for table in ("sign_in_session", "link", "duty_shift", "absence", "escalation_step", "escalation"):
        op.drop_table(table)


_ADDED = {
    "message": ("acknowledged_at", "urgency", "rung", "escalation_id"),
    "staff": ("quiet_until", "quiet_from", "substitute_id", "is_liaison", "roles", "sealed_contacts"),
}
