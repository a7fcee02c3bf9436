"""The floor's journal beside the tables, for a process on another machine; and where the process is reached that has 311's
line."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0028"
down_revision = "0027"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "surge_journal_line",
        sa.Column("journal", sa.String(), nullable=False),
        sa.Column("ends", BIG, autoincrement=False, nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("journal", "ends", name=op.f("pk_surge_journal_line")),
    )
    op.create_table(
        "floor_door",
        sa.Column("only", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("public", sa.String(), nullable=False),
        sa.Column("private", sa.String(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_floor_door")),
    )


def downgrade() -> None:
    for name in ("floor_door", "surge_journal_line"):
        op.drop_table(name)
