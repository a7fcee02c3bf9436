"""How far the database has got in the journal of surge's floor moves with what it writes."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "surge_journal",
        sa.Column("only", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("ends", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_surge_journal")),
    )


def downgrade() -> None:
    op.drop_table("surge_journal")
