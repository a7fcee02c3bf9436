"""The 311 desk: needs and what came of them, tallies, questions and answers, read-ticks, walks through a script, replies."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0012"
down_revision = "0011"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "desk_reply",
        sa.Column("reply_id", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("claimed_at", UTC, nullable=True),
        sa.Column("handed_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_desk_reply_activation_id")),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_desk_reply")),
        sa.UniqueConstraint("mark", name="uq_desk_reply_mark"),
    )
    with op.batch_alter_table("desk_reply", schema=None) as batch_op:
        batch_op.create_index("ix_desk_reply_contact", ["contact_id"], unique=False)
        batch_op.create_index("ix_desk_reply_state", ["state"], unique=False)

    op.create_table(
        "faq",
        sa.Column("faq_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("approved_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_faq_activation_id")),
        sa.PrimaryKeyConstraint("faq_id", "language", "rev", name=op.f("pk_faq")),
    )
    op.create_table(
        "need",
        sa.Column("need_id", sa.String(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("accommodation", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("cell", sa.String(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("consent_to_share", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("routed_to", sa.String(), nullable=False),
        sa.Column("due_at", UTC, nullable=True),
        sa.Column("logged_by", sa.String(), nullable=False),
        sa.Column("logged_at", UTC, nullable=False),
        sa.Column("changed_at", UTC, nullable=False),
        sa.Column("ended_at", UTC, nullable=True),
        sa.Column("open311_id", sa.String(), nullable=True),
        sa.Column("hsds_service_id", sa.String(), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_need_activation_id")),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_need")),
        sa.UniqueConstraint("open311_id", name=op.f("uq_need_open311_id")),
    )
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.create_index("ix_need_contact", ["contact_id"], unique=False)
        batch_op.create_index("ix_need_logged", ["logged_at"], unique=False)
        batch_op.create_index("ix_need_status", ["status"], unique=False)

    op.create_table(
        "question",
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("faq_id", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", UTC, nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_question_activation_id")),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_question")),
    )
    with op.batch_alter_table("question", schema=None) as batch_op:
        batch_op.create_index("ix_question_status", ["status", "asked_at"], unique=False)

    op.create_table(
        "read_tick",
        sa.Column("activation_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_read_tick_activation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_read_tick_person_id")),
        sa.PrimaryKeyConstraint("activation_id", "version", "person_id", name=op.f("pk_read_tick")),
    )
    op.create_table(
        "script_run",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("begun_at", UTC, nullable=False),
        sa.Column("ended_at", UTC, nullable=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_script_run_activation_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_script_run")),
    )
    with op.batch_alter_table("script_run", schema=None) as batch_op:
        batch_op.create_index("ix_script_run_activation", ["activation_id", "version"], unique=False)
        batch_op.create_index("ix_script_run_contact", ["contact_id"], unique=False)

    op.create_table(
        "tally",
        sa.Column("tally_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.Column("at", UTC, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_tally_activation_id")),
        sa.PrimaryKeyConstraint("tally_id", name=op.f("pk_tally")),
        sa.UniqueConstraint("mark", name=op.f("uq_tally_mark")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.create_index("ix_tally_at", ["at"], unique=False)

    op.create_table(
        "need_event",
        sa.Column("need_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("routed_to", sa.String(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["need.need_id"], name=op.f("fk_need_event_need_id")),
        sa.PrimaryKeyConstraint("need_id", "seq", name=op.f("pk_need_event")),
    )


def downgrade() -> None:
    op.drop_table("need_event")
    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.drop_index("ix_tally_at")

    op.drop_table("tally")
    with op.batch_alter_table("script_run", schema=None) as batch_op:
        batch_op.drop_index("ix_script_run_contact")
        batch_op.drop_index("ix_script_run_activation")

    op.drop_table("script_run")
    op.drop_table("read_tick")
    with op.batch_alter_table("question", schema=None) as batch_op:
        batch_op.drop_index("ix_question_status")

    op.drop_table("question")
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.drop_index("ix_need_status")
        batch_op.drop_index("ix_need_logged")
        batch_op.drop_index("ix_need_contact")

    op.drop_table("need")
    op.drop_table("faq")
    with op.batch_alter_table("desk_reply", schema=None) as batch_op:
        batch_op.drop_index("ix_desk_reply_state")
        batch_op.drop_index("ix_desk_reply_contact")

    op.drop_table("desk_reply")
