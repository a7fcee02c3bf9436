"""A version of a script keeps the translations that were reviewed when it was published."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("script", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.String(), server_default="{}", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("script", schema=None) as batch_op:
        batch_op.drop_column("words")
