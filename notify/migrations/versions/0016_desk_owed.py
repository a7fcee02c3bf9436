"""Texts that the 311 desk is to get are kept with the text itself, until the desk has them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "desk_owed",
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_desk_owed")),
    )


def downgrade() -> None:
    op.drop_table("desk_owed")
