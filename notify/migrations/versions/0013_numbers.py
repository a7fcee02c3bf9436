"""What others have counted: 911's minutes, intervals of a city's own call centre, and grades of answers."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0013"
down_revision = "0012"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "call_interval",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("begins_at", UTC, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("within", sa.Integer(), nullable=True),
        sa.Column("threshold_s", sa.Integer(), nullable=True),
        sa.Column("mean_wait_s", sa.Float(), nullable=True),
        sa.Column("longest_wait_s", sa.Float(), nullable=True),
        sa.Column("mean_handling_s", sa.Float(), nullable=True),
        sa.Column("agents", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("queue", "begins_at", name=op.f("pk_call_interval")),
    )
    with op.batch_alter_table("call_interval", schema=None) as batch_op:
        batch_op.create_index("ix_call_interval_begins", ["begins_at"], unique=False)

    op.create_table(
        "centre_minute",
        sa.Column("minute", UTC, nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("within_15_s", sa.Integer(), nullable=True),
        sa.Column("within_20_s", sa.Integer(), nullable=True),
        sa.Column("mean_handling_s", sa.Float(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("imported_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("minute", "line", name=op.f("pk_centre_minute")),
    )
    op.create_table(
        "satisfaction",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("answered_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_satisfaction_activation_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_satisfaction")),
    )


def downgrade() -> None:
    op.drop_table("satisfaction")
    op.drop_table("centre_minute")
    with op.batch_alter_table("call_interval", schema=None) as batch_op:
        batch_op.drop_index("ix_call_interval_begins")

    op.drop_table("call_interval")
