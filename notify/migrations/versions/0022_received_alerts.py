"""Alerts of other agencies, and how their sources answer."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0022"
down_revision = "0021"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    texts = ("identifier", "sender", "status", "msg_type", "earlier", "event", "headline", "area_desc", "severity", "urgency")
    op.create_table(
        "received_alert",
        sa.Column("received_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("sent", UTC, nullable=False),
        sa.Column("all_clear", sa.Boolean(), nullable=False),
        sa.Column("ends_at", UTC, nullable=False),
        sa.Column("signer", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("came_at", UTC, nullable=False),
        sa.Column("draft_id", sa.String(), nullable=False),
        sa.Column("drafted_by", sa.String(), nullable=False),
        sa.Column("drafted_at", UTC, nullable=True),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("media", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("received_id", name=op.f("pk_received_alert")),
    )
    op.create_index("ix_received_alert_entry", "received_alert", ["source", "entry"])
    op.create_index(op.f("ix_received_alert_ends_at"), "received_alert", ["ends_at"])
    op.create_index(op.f("ix_received_alert_came_at"), "received_alert", ["came_at"])
    op.create_table(
        "received_source",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.Column("tried_at", UTC, nullable=True),
        sa.Column("heard_at", UTC, nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("modified", sa.String(), nullable=False),
        sa.Column("told_silent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_received_source")),
    )


def downgrade() -> None:
    op.drop_table("received_source")
    op.drop_table("received_alert")
