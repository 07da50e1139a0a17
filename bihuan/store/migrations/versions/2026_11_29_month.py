"""The month in numbers: indicators as they were counted, warnings, analysis runs, problems, candidates.

Revision ID: 2026_11_29_month
Revises: 2026_11_28_calls
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_29_month"
down_revision = "2026_11_28_calls"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
_TABLES = ("kpi_snapshot", "kpi_signal", "analysis_run", "problem", "finding")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "kpi_snapshot",
        sa.Column("id", ID, nullable=False),
        sa.Column("grain", sa.String(32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("survey", sa.String(60), nullable=False),
        sa.Column("x", sa.Float(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("apart", sa.JSON(), nullable=False),
        sa.Column("counted_at", INSTANT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("first_value", sa.Float(), nullable=True),
        sa.Column("corrected_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kpi_snapshot")),
        sa.UniqueConstraint(
            "grain",
            "starts_on",
            "indicator",
            "dimension",
            "element",
            "survey",
            name="uq_kpi_snapshot_slice",
        ),
    )
    op.create_index(
        "ix_kpi_snapshot_series", "kpi_snapshot", ["indicator", "grain", "dimension", "element", "starts_on"]
    )
    op.create_table(
        "kpi_signal",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(240), nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("survey", sa.String(60), nullable=False),
        sa.Column("grain", sa.String(32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("chart", sa.String(20), nullable=False),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("is_worse", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("center", sa.Float(), nullable=False),
        sa.Column("lower", sa.Float(), nullable=True),
        sa.Column("upper", sa.Float(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.Column("noted_at", INSTANT, nullable=True),
        sa.Column("noted_by", sa.String(120), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kpi_signal")),
        sa.UniqueConstraint("key", name=op.f("uq_kpi_signal_key")),
    )
    op.create_index("ix_kpi_signal_indicator", "kpi_signal", ["indicator", "starts_on"])
    op.create_table(
        "analysis_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("period_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(120), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("complaints", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("response_ratio", sa.Float(), nullable=True),
        sa.Column("tests", sa.Integer(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("conclusion", sa.JSON(), nullable=False),
        sa.Column("policy_version", sa.String(16), nullable=False),
        sa.Column("code_version", sa.String(40), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analysis_run")),
        sa.UniqueConstraint("number", name=op.f("uq_analysis_run_number")),
        sa.UniqueConstraint("period_on", "scope", name=op.f("uq_analysis_run_period_on_scope")),
    )
    op.create_table(
        "problem",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Integer(), nullable=True),
        sa.Column("share_ratio", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("severity_weight", sa.Float(), nullable=False),
        sa.Column("tier_weight", sa.Float(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("negative", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problem")),
        sa.ForeignKeyConstraint(["run_id"], ["analysis_run.id"], name=op.f("fk_problem_run_id_analysis_run")),
        sa.UniqueConstraint("run_id", "rank", name=op.f("uq_problem_run_id_rank")),
    )
    op.create_table(
        "finding",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("element", sa.String(160), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("bone", sa.String(32), nullable=False),
        sa.Column("x0", sa.Float(), nullable=True),
        sa.Column("n0", sa.Integer(), nullable=True),
        sa.Column("x1", sa.Float(), nullable=True),
        sa.Column("n1", sa.Integer(), nullable=True),
        sa.Column("size", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("contribution", sa.Float(), nullable=True),
        sa.Column("q", sa.Float(), nullable=True),
        sa.Column("refuted_by", sa.String(60), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=True),
        sa.Column("disposed_at", INSTANT, nullable=True),
        sa.Column("disposed_by", sa.String(120), nullable=False),
        sa.Column("disposition_reason", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.ForeignKeyConstraint(["run_id"], ["analysis_run.id"], name=op.f("fk_finding_run_id_analysis_run")),
        sa.UniqueConstraint("number", name=op.f("uq_finding_number")),
        sa.UniqueConstraint(
            "run_id",
            "source",
            "indicator",
            "dimension",
            "element",
            name=op.f("uq_finding_run_id_source_indicator_dimension_element"),
        ),
    )


def downgrade() -> None:
    """Take back."""
    for table in reversed(_TABLES):
        op.drop_table(table)
