"""Surveys: invitations, answers, telephone calls, opt-outs, touchpoints, interviews, keys of other systems.

Revision ID: 2026_11_27_survey
Revises: 2026_11_26_escalation
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_27_survey"
down_revision = "2026_11_26_escalation"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
_OWED = """
UPDATE deadline SET survey_at = started_at
WHERE milestone IN ('result_feedback', 'satisfaction_follow_up') AND leg = 0 AND met_at IS NULL AND cancelled_at IS NULL
"""
"""Complainants who are still to be told are asked from now on."""
_TABLES = ("touchpoint", "invitation", "answer", "call_attempt", "opt_out", "interview", "api_key")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "touchpoint",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("external_id", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touchpoint")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_touchpoint_customer_id_customer")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_touchpoint_source_external_id")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("subject_kind", sa.String(20), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("duty", sa.String(40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("questionnaire", sa.String(40), nullable=False),
        sa.Column("policy_version", sa.String(16), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("send_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(60), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("contacted_at", INSTANT, nullable=True),
        sa.Column("invited_at", INSTANT, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invitation_customer_id_customer")),
        sa.UniqueConstraint("key", name=op.f("uq_invitation_key")),
    )
    op.create_index("ix_invitation_customer", "invitation", ["customer_id", "invited_at"])
    op.create_index("ix_invitation_due_at", "invitation", ["due_at"])
    where = sa.text("next_at IS NOT NULL")
    op.create_index("ix_invitation_next_at", "invitation", ["next_at"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_invitation_subject", "invitation", ["subject_kind", "subject_id"])
    op.create_table(
        "answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("invitation_id", ID, nullable=True),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("external_id", sa.String(120), nullable=True),
        sa.Column("subject_kind", sa.String(20), nullable=False),
        sa.Column("subject_id", ID, nullable=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("is_solved", sa.Boolean(), nullable=True),
        sa.Column("csat", sa.Integer(), nullable=True),
        sa.Column("nps", sa.Integer(), nullable=True),
        sa.Column("index", sa.Float(), nullable=True),
        sa.Column("index_weight", sa.Float(), nullable=True),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("is_negative", sa.Boolean(), nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitation.id"], name=op.f("fk_answer_invitation_id_invitation")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_answer_invitation_id")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_answer_source_external_id")),
    )
    op.create_index("ix_answer_answered_at", "answer", ["answered_at"])
    op.create_table(
        "call_attempt",
        sa.Column("id", ID, nullable=False),
        sa.Column("invitation_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("called_at", INSTANT, nullable=False),
        sa.Column("called_by", sa.String(120), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_attempt")),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitation.id"], name=op.f("fk_call_attempt_invitation_id_invitation")
        ),
        sa.UniqueConstraint("invitation_id", "number", name=op.f("uq_call_attempt_invitation_id_number")),
    )
    op.create_table(
        "opt_out",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("how", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_opt_out_customer_id_customer")),
    )
    op.create_index("ix_opt_out_customer_id", "opt_out", ["customer_id"])
    op.create_table(
        "interview",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("complaint_id", ID, nullable=True),
        sa.Column("interviewer", sa.String(60), nullable=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("held_at", INSTANT, nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interview")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_interview_complaint_id_complaint")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_interview_customer_id_customer")),
    )
    op.create_index("ix_interview_customer_id", "interview", ["customer_id"])
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_key_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
    )
    op.add_column("customer", sa.Column("timezone", sa.String(60), nullable=True))
    op.add_column("message", sa.Column("invitation_id", ID, nullable=True))
    op.add_column("deadline", sa.Column("survey_at", INSTANT, nullable=True))
    for table, column in (("message", "invitation_id"), ("deadline", "survey_at")):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_{table}_{column}", table, [column], sqlite_where=where, postgresql_where=where)
    op.execute(_OWED)


def downgrade() -> None:
    """Take back."""
    for table, column in (("message", "invitation_id"), ("deadline", "survey_at")):
        op.drop_index(f"ix_{table}_{column}", table)
    for table, column in (("customer", "timezone"), ("message", "invitation_id"), ("deadline", "survey_at")):
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column)
    for table in reversed(_TABLES):
        op.drop_table(table)
