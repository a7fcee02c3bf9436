"""When a subscriber of a feed took something last."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("websub_subscription", sa.Column("delivered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("websub_subscription", "delivered_at")
