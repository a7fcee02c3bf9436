"""What carriers said of phone numbers at sign-up."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "phone_line",
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("blind", name=op.f("pk_phone_line")),
    )
    with op.batch_alter_table("phone_line", schema=None) as batch_op:
        batch_op.create_index("ix_phone_line_asked_at", ["asked_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("phone_line", schema=None) as batch_op:
        batch_op.drop_index("ix_phone_line_asked_at")
    op.drop_table("phone_line")
