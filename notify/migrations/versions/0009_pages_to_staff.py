"""Pages to our own staff: their contacts, who is on call, and what was sent to whom."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0009"
down_revision = "0008"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "staff_contact",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("confirmed_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_staff_contact_person_id")),
        sa.PrimaryKeyConstraint("person_id", "channel", name=op.f("pk_staff_contact")),
    )
    op.create_table(
        "staff_contact_claim",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_staff_contact_claim_person_id")),
        sa.PrimaryKeyConstraint("person_id", "channel", name=op.f("pk_staff_contact_claim")),
    )
    op.create_table(
        "on_call",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("until", UTC, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_on_call_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_on_call")),
    )
    op.create_table(
        "staff_page",
        sa.Column("page_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("claimed_at", UTC, nullable=True),
        sa.Column("done_at", UTC, nullable=True),
        sa.Column("opened_at", UTC, nullable=True),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_staff_page")),
        sa.UniqueConstraint("kind", "about", "asked_at", "step", "person_id", "channel", name="uq_staff_page_once"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("staff_page", schema=None) as batch_op:
        batch_op.create_index("ix_staff_page_about", ["about"], unique=False)
        batch_op.create_index("ix_staff_page_asked_by", ["asked_by", "asked_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("staff_page", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_page_asked_by")
        batch_op.drop_index("ix_staff_page_about")
    for table in ("staff_page", "on_call", "staff_contact_claim", "staff_contact"):
        op.drop_table(table)
