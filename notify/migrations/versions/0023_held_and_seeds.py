"""What is held after a restore until a person releases it; seed phones and mailboxes, and what became of their copies."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0023"
down_revision = "0022"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("hold_id", BIG, sa.Identity(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("released_at", UTC, nullable=True),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_hold")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "seed",
        sa.Column("address_id", BIG, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enrolled_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("address_id", name=op.f("pk_seed")),
        sa.UniqueConstraint("name", name=op.f("uq_seed_name")),
    )
    op.create_table(
        "seed_copy",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("address_id", BIG, autoincrement=False, nullable=False),
        sa.Column("reported_at", UTC, nullable=True),
        sa.Column("alarmed_at", UTC, nullable=True),
        sa.PrimaryKeyConstraint("event_id", "address_id", name=op.f("pk_seed_copy")),
    )


def downgrade() -> None:
    for name in ("seed_copy", "seed", "hold"):
        op.drop_table(name)
