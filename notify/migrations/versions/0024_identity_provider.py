"""Signing in through the city's identity provider."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0024"
down_revision = "0023"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "identity_link",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("linked_by", sa.String(), nullable=False),
        sa.Column("linked_at", UTC, nullable=False),
        sa.Column("used_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_identity_link_person_id")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identity_link")),
        sa.UniqueConstraint("person_id", name=op.f("uq_identity_link_person_id")),
    )
    op.create_table(
        "identity_visit",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_identity_visit")),
    )
    with op.batch_alter_table("identity_visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_visit_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "identity_session",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("kept_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["session.session_id"], name=op.f("fk_identity_session_session_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_identity_session")),
    )
    with op.batch_alter_table("identity_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_session_kept_at"), ["kept_at"], unique=False)


def downgrade() -> None:
    for name in ("identity_session", "identity_visit", "identity_link"):
        op.drop_table(name)
