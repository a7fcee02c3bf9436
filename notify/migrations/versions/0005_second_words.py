"""A second word of one event to one address, for whoever was told that it does not concern them before it did."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

UNIQUE = "uq_delivery_event_channel_address"
PLANNED = "state = 'planned'"
OPEN = "state IN ('claimed', 'unknown')"


def upgrade() -> None:
    _drop_indexes()
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("word", sa.Integer(), server_default="1", nullable=False))
        batch_op.drop_constraint(UNIQUE, type_="unique")
        batch_op.create_unique_constraint(UNIQUE, ["event_id", "channel", "address_id", "word"])
    _create_indexes()


def downgrade() -> None:
    """Refuses, by the old constraint, while second words are in the ledger: no row of it is ever deleted."""
    _drop_indexes()
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint(UNIQUE, type_="unique")
        batch_op.create_unique_constraint(UNIQUE, ["event_id", "channel", "address_id"])
        batch_op.drop_column("word")
    _create_indexes()


def _drop_indexes() -> None:
    """SQLite copies the table: partial indexes are made anew rather than copied."""
    for name in ("ix_delivery_claim", "ix_delivery_open"):
        op.drop_index(name, table_name="delivery")


def _create_indexes() -> None:
    columns = ["channel", "priority", "delivery_id"]
    for name, on, where in (("ix_delivery_claim", columns, PLANNED), ("ix_delivery_open", ["state", "lease_until"], OPEN)):
        op.create_index(name, "delivery", on, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
