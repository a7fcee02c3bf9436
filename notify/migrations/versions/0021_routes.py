"""A delivery says by which route it was last claimed: its provider alone is asked what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("route", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("delivery", "route")
