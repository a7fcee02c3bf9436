"""The WebSub hub: what was asked of it, and who is subscribed."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0019"
down_revision = "0018"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "websub_ask",
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("subscribes", sa.Boolean(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("callback", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("lease_s", sa.Integer(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_websub_ask")),
    )
    op.create_table(
        "websub_subscription",
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("callback", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("lease_until", UTC, nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UTC, nullable=True),
        sa.Column("again_at", UTC, nullable=True),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_websub_subscription")),
    )
    op.create_index(op.f("ix_websub_subscription_host"), "websub_subscription", ["host"])


def downgrade() -> None:
    op.drop_table("websub_subscription")
    op.drop_table("websub_ask")
