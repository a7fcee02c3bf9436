"""Prompts that staff record by telephone: the calls to them, the takes, and the sounds."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0018"
down_revision = "0017"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "sound",
        sa.Column("sound_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("sound_id", name=op.f("pk_sound")),
    )
    op.create_table(
        "recording_call",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("ended_at", UTC, nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_recording_call_person_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording_call")),
    )
    op.create_index(op.f("ix_recording_call_person_id"), "recording_call", ["person_id"])
    op.create_table(
        "take",
        sa.Column("take_id", BIG, sa.Identity(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("english", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("sound_id", sa.String(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("released_at", UTC, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", UTC, nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["recording_call.call_id"], name=op.f("fk_take_call_id")),
        sa.ForeignKeyConstraint(["sound_id"], ["sound.sound_id"], name=op.f("fk_take_sound_id")),
        sa.PrimaryKeyConstraint("take_id", name=op.f("pk_take")),
        sa.UniqueConstraint("call_id", "turn", name="uq_take_turn"),
        sa.UniqueConstraint("ref", name=op.f("uq_take_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_take_prompt", "take", ["language", "key"])
    op.create_index("ix_take_state", "take", ["state"])


def downgrade() -> None:
    op.drop_table("take")
    op.drop_table("recording_call")
    op.drop_table("sound")
