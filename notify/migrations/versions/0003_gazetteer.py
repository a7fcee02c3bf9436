"""The gazetteer: editions, streets, and the houses along them."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "gazetteer_edition",
        sa.Column(
            "edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("houses", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_gazetteer_edition")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "house",
        sa.Column("house_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False),
        sa.Column("street_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("zip", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("house_id", name=op.f("pk_house")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("house", schema=None) as batch_op:
        batch_op.create_index("ix_house_street_block", ["street_id", "block"], unique=False)
    op.create_table(
        "street",
        sa.Column("street_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("shown", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("street_id", name=op.f("pk_street")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("street", schema=None) as batch_op:
        batch_op.create_index("ix_street_edition_id", ["edition_id"], unique=False)


def downgrade() -> None:
    op.drop_table("street")
    op.drop_table("house")
    op.drop_table("gazetteer_edition")
