"""What one person has asked to become of held messages, until another one agrees."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0026"
down_revision = "0025"

TEXTS = {"asked_by": "", "asked_reason": "", "asked_of": "[]", "asked_drops": "[]"}


def upgrade() -> None:
    op.add_column("hold", sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    for name, empty in TEXTS.items():
        op.add_column("hold", sa.Column(name, sa.String(), server_default=empty, nullable=False))


def downgrade() -> None:
    for name in ("asked_at", *TEXTS):
        op.drop_column("hold", name)
