"""PDCA: cycles, items with their events and approvals, plans, effects, standards and what was learnt.

Revision ID: 2026_11_30_pdca
Revises: 2026_11_29_month
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_pdca"
down_revision = "2026_11_29_month"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
_TABLES = (
    "pdca_cycle",
    "improvement_item",
    "item_event",
    "approval",
    "cause",
    "measure",
    "verification_plan",
    "checkpoint",
    "effect_check",
    "standard",
    "sustain_watch",
    "lesson",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pdca_cycle",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("period_on", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(120), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("complaint_id", ID, nullable=True),
        sa.Column("manager_id", ID, nullable=True),
        sa.Column("sponsor_id", ID, nullable=True),
        sa.Column("previous_id", ID, nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.String(120), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.String(16), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["analysis_run.id"], name=op.f("fk_pdca_cycle_run_id_analysis_run")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_pdca_cycle_complaint_id_complaint")),
        sa.ForeignKeyConstraint(["manager_id"], ["staff.id"], name=op.f("fk_pdca_cycle_manager_id_staff")),
        sa.ForeignKeyConstraint(["sponsor_id"], ["staff.id"], name=op.f("fk_pdca_cycle_sponsor_id_staff")),
        sa.ForeignKeyConstraint(["previous_id"], ["pdca_cycle.id"], name=op.f("fk_pdca_cycle_previous_id_pdca_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pdca_cycle")),
        sa.UniqueConstraint("number", name=op.f("uq_pdca_cycle_number")),
    )
    op.create_index(
        "uq_pdca_cycle_month",
        "pdca_cycle",
        ["period_on", "scope"],
        unique=True,
        sqlite_where=sa.text("kind = 'monthly'"),
        postgresql_where=sa.text("kind = 'monthly'"),
    )
    op.create_table(
        "improvement_item",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("cycle_id", ID, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("finding_id", ID, nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("recurrence_of_id", ID, nullable=True),
        sa.Column("what_changed", sa.String(40), nullable=False),
        sa.Column("carry_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("baseline_x", sa.Float(), nullable=True),
        sa.Column("baseline_n", sa.Integer(), nullable=True),
        sa.Column("baseline_on", sa.Date(), nullable=True),
        sa.Column("baseline_until_on", sa.Date(), nullable=True),
        sa.Column("share_ratio", sa.Float(), nullable=True),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("target_text", sa.Text(), nullable=False),
        sa.Column("target_value", sa.Float(), nullable=True),
        sa.Column("target_on", sa.Date(), nullable=True),
        sa.Column("target_reason", sa.String(500), nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("department_id", ID, nullable=True),
        sa.Column("importance", sa.Integer(), nullable=True),
        sa.Column("urgency", sa.Integer(), nullable=True),
        sa.Column("feasibility", sa.Integer(), nullable=True),
        sa.Column("suggested", sa.JSON(), nullable=False),
        sa.Column("priority", sa.String(32), nullable=True),
        sa.Column("priority_reason", sa.String(500), nullable=False),
        sa.Column("budget", sa.Float(), nullable=True),
        sa.Column("start_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("is_contained", sa.Boolean(), nullable=False),
        sa.Column("held_until_on", sa.Date(), nullable=True),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["pdca_cycle.id"], name=op.f("fk_improvement_item_cycle_id_pdca_cycle")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_improvement_item_finding_id_finding")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["improvement_item.id"], name=op.f("fk_improvement_item_parent_id_improvement_item")
        ),
        sa.ForeignKeyConstraint(
            ["recurrence_of_id"],
            ["improvement_item.id"],
            name=op.f("fk_improvement_item_recurrence_of_id_improvement_item"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_improvement_item_owner_id_staff")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_improvement_item_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_improvement_item")),
        sa.UniqueConstraint("number", name=op.f("uq_improvement_item_number")),
    )
    op.create_index("ix_improvement_item_cycle_id", "improvement_item", ["cycle_id"])
    op.create_index("ix_improvement_item_state", "improvement_item", ["state"])
    op.create_table(
        "item_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("from_state", sa.String(32), nullable=False),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_item_event_item_id_improvement_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_event")),
        sa.UniqueConstraint("item_id", "key", name=op.f("uq_item_event_item_id_key")),
    )
    op.create_table(
        "approval",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("gate", sa.String(32), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.String(500), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("voided_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_approval_item_id_improvement_item")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_approval_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_item_id", "approval", ["item_id", "gate"])
    op.create_table(
        "cause",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("bone", sa.String(32), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(120), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("is_suggested", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["improvement_item.id"], name=op.f("fk_cause_item_id_improvement_item")),
        sa.ForeignKeyConstraint(["parent_id"], ["cause.id"], name=op.f("fk_cause_parent_id_cause")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cause")),
    )
    op.create_index("ix_cause_item_id", "cause", ["item_id"])
    op.create_table(
        "measure",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("cause_ids", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("strength", sa.String(32), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("place_of_work", sa.String(160), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("collaborators", sa.JSON(), nullable=False),
        sa.Column("resources", sa.String(500), nullable=False),
        sa.Column("budget", sa.Float(), nullable=True),
        sa.Column("spent", sa.Float(), nullable=True),
        sa.Column("start_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("depends_on", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("progress_ratio", sa.Float(), nullable=False),
        sa.Column("effort", sa.Float(), nullable=False),
        sa.Column("implemented_on", sa.Date(), nullable=True),
        sa.Column("coverage_ratio", sa.Float(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["improvement_item.id"], name=op.f("fk_measure_item_id_improvement_item")),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_measure_owner_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measure")),
        sa.UniqueConstraint("item_id", "place", name=op.f("uq_measure_item_id_place")),
    )
    op.create_table(
        "verification_plan",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("secondary", sa.JSON(), nullable=False),
        sa.Column("guardrails", sa.JSON(), nullable=False),
        sa.Column("control", sa.String(160), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("baseline_on", sa.Date(), nullable=False),
        sa.Column("baseline_until_on", sa.Date(), nullable=False),
        sa.Column("excluded", sa.JSON(), nullable=False),
        sa.Column("lag_days", sa.Integer(), nullable=False),
        sa.Column("least_days", sa.Integer(), nullable=False),
        sa.Column("alpha", sa.Float(), nullable=False),
        sa.Column("power", sa.Float(), nullable=False),
        sa.Column("smallest", sa.Float(), nullable=True),
        sa.Column("n_required", sa.Integer(), nullable=True),
        sa.Column("weekly_n", sa.Float(), nullable=True),
        sa.Column("ready_on", sa.Date(), nullable=True),
        sa.Column("fallback", sa.String(500), nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=True),
        sa.Column("frozen_hash", sa.String(64), nullable=False),
        sa.Column("amendments", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_verification_plan_item_id_improvement_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_plan")),
        sa.UniqueConstraint("item_id", name=op.f("uq_verification_plan_item_id")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.Column("planned_ratio", sa.Float(), nullable=False),
        sa.Column("actual_ratio", sa.Float(), nullable=False),
        sa.Column("deviation", sa.String(500), nullable=False),
        sa.Column("decision", sa.String(500), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("reviewed_by", sa.String(120), nullable=False),
        sa.Column("reviewed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_checkpoint_item_id_improvement_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint")),
        sa.UniqueConstraint("item_id", "week_on", name=op.f("uq_checkpoint_item_id_week_on")),
    )
    op.create_table(
        "effect_check",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("checked_at", INSTANT, nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("plan_hash", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("method_reason", sa.String(60), nullable=False),
        sa.Column("x0", sa.Float(), nullable=True),
        sa.Column("n0", sa.Integer(), nullable=True),
        sa.Column("x1", sa.Float(), nullable=True),
        sa.Column("n1", sa.Integer(), nullable=True),
        sa.Column("estimate", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("p", sa.Float(), nullable=True),
        sa.Column("diagnostics", sa.JSON(), nullable=False),
        sa.Column("secondary", sa.JSON(), nullable=False),
        sa.Column("guardrails", sa.JSON(), nullable=False),
        sa.Column("second_feedback", sa.JSON(), nullable=False),
        sa.Column("fidelity_ratio", sa.Float(), nullable=True),
        sa.Column("verdict", sa.String(32), nullable=True),
        sa.Column("attribution", sa.String(40), nullable=False),
        sa.Column("n_needed", sa.Integer(), nullable=True),
        sa.Column("limitations", sa.JSON(), nullable=False),
        sa.Column("checked_by", sa.String(120), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_effect_check_item_id_improvement_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effect_check")),
        sa.UniqueConstraint("item_id", "until_on", "is_final", name=op.f("uq_effect_check_item_id_until_on_is_final")),
    )
    op.create_table(
        "standard",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("trained_ratio", sa.Float(), nullable=False),
        sa.Column("audits", sa.JSON(), nullable=False),
        sa.Column("elsewhere", sa.Text(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_standard_item_id_improvement_item")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_standard_owner_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard")),
        sa.UniqueConstraint("number", "version", name=op.f("uq_standard_number_version")),
    )
    op.create_index("ix_standard_item_id", "standard", ["item_id"])
    op.create_table(
        "sustain_watch",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("frozen", sa.JSON(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("clean", sa.Integer(), nullable=False),
        sa.Column("signals", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("looked_until_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["improvement_item.id"], name=op.f("fk_sustain_watch_item_id_improvement_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sustain_watch")),
        sa.UniqueConstraint("item_id", name=op.f("uq_sustain_watch_item_id")),
    )
    op.create_table(
        "lesson",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["improvement_item.id"], name=op.f("fk_lesson_item_id_improvement_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson")),
        sa.UniqueConstraint("item_id", name=op.f("uq_lesson_item_id")),
    )


def downgrade() -> None:
    """Take back: what was planned, decided and verified is lost; the complaints behind it stay."""
    for table in reversed(_TABLES):
        op.drop_table(table)
