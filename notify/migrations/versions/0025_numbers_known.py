"""An address keeps which of our numbers it knows: it is texted by that one while it works."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("address", sa.Column("ours", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("address", "ours")
