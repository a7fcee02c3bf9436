"""Some of the texts by the moment they were handed over, to see whether a route's delivery reports come in time."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

WATCHED = "channel = 'sms' AND handed_at IS NOT NULL AND ((delivery_id * 40503) & 65535) < 4096"


def upgrade() -> None:
    where = sa.text(WATCHED)
    op.create_index("ix_delivery_watched", "delivery", ["route", "handed_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_delivery_watched", table_name="delivery")
