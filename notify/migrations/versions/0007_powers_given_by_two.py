"""Powers that two administrators give together."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0007"
down_revision = "0006"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "staff_grant",
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", UTC, nullable=True),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_staff_grant")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("staff_grant")
