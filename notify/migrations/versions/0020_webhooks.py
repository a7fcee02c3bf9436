"""Webhooks of partner agencies: who gets alerts where, every numbered posting, and every try at one."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0020"
down_revision = "0019"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.String(), nullable=False),
        sa.Column("shape", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("hazards", sa.String(), nullable=False),
        sa.Column("least", sa.String(), nullable=False),
        sa.Column("realities", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", UTC, nullable=True),
        sa.Column("confirmed_at", UTC, nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UTC, nullable=True),
        sa.Column("told_at", UTC, nullable=True),
        sa.Column("try_at", UTC, nullable=True),
        sa.Column("taken_at", UTC, nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTC, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_posting",
        sa.Column("webhook_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("planned_at", UTC, nullable=False),
        sa.Column("done_at", UTC, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.webhook_id"], name=op.f("fk_webhook_posting_webhook_id")),
        sa.PrimaryKeyConstraint("webhook_id", "seq", name=op.f("pk_webhook_posting")),
        sa.UniqueConstraint("message_id", name=op.f("uq_webhook_posting_message_id")),
    )
    waiting = sa.text("standing = 'waiting'")
    op.create_index(
        "ix_webhook_posting_waiting",
        "webhook_posting",
        ["webhook_id", "seq"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_webhook_posting_incident", "webhook_posting", ["webhook_id", "incident_id"])
    op.create_index("ix_webhook_posting_done", "webhook_posting", ["done_at"])
    op.create_table(
        "webhook_try",
        sa.Column("try_id", BIG, sa.Identity(), nullable=False),
        sa.Column("webhook_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("said", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("try_id", name=op.f("pk_webhook_try")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_try_posting", "webhook_try", ["webhook_id", "seq"])


def downgrade() -> None:
    op.drop_table("webhook_try")
    op.drop_table("webhook_posting")
    op.drop_table("webhook")
