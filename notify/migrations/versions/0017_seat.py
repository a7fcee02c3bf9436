"""How agents spent their time is kept, and when a callback was put through."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0017"
down_revision = "0016"
UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "seat",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "at", "turns", name=op.f("pk_seat")),
    )
    op.create_index("ix_seat_at", "seat", ["at"])
    op.add_column("callback", sa.Column("connected_at", UTC, nullable=True))


def downgrade() -> None:
    op.drop_column("callback", "connected_at")
    op.drop_table("seat")
