"""Surge mode: activations, facts, scripts, agents, contacts and callbacks."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0011"
down_revision = "0010"

UTC = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "surge_contact_event",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("stands", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "seq", name=op.f("pk_surge_contact_event")),
    )
    op.create_table(
        "activation",
        sa.Column("activation_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=True),
        sa.Column("runbook", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("armed_by", sa.String(), nullable=True),
        sa.Column("armed_at", UTC, nullable=True),
        sa.Column("opened_by", sa.String(), nullable=True),
        sa.Column("opened_at", UTC, nullable=True),
        sa.Column("standing_down_at", UTC, nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_at", UTC, nullable=True),
        sa.Column("handover", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.incident_id"], name=op.f("fk_activation_incident_id")),
        sa.PrimaryKeyConstraint("activation_id", name=op.f("pk_activation")),
    )
    op.create_table(
        "agent",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("languages", sa.String(), nullable=False),
        sa.Column("skills", sa.String(), nullable=False),
        sa.Column("interpreter", sa.Boolean(), nullable=False),
        sa.Column("home", sa.String(), nullable=False),
        sa.Column("trained_at", UTC, nullable=True),
        sa.Column("until", UTC, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_agent_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_agent")),
    )
    op.create_table(
        "fact",
        sa.Column("fact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("valid_from", UTC, nullable=False),
        sa.Column("valid_to", UTC, nullable=True),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", UTC, nullable=False),
        sa.Column("recalled_at", UTC, nullable=True),
        sa.Column("recalled_why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_fact_activation_id")),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_fact")),
        sa.UniqueConstraint("activation_id", "name", "language", "rev", name="uq_fact_rev"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "script",
        sa.Column("activation_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("published_at", UTC, nullable=False),
        sa.Column("changed", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_script_activation_id")),
        sa.PrimaryKeyConstraint("activation_id", "version", name=op.f("pk_script")),
    )
    op.create_table(
        "surge_contact",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("activation_id", sa.String(), nullable=True),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("caller", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("offered_at", UTC, nullable=False),
        sa.Column("enqueued_at", UTC, nullable=True),
        sa.Column("virtual", UTC, nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("answered_at", UTC, nullable=True),
        sa.Column("left_queue_at", UTC, nullable=True),
        sa.Column("ended_at", UTC, nullable=True),
        sa.Column("talked_s", sa.Float(), nullable=False),
        sa.Column("wrapped_s", sa.Float(), nullable=False),
        sa.Column("agent", sa.String(), nullable=True),
        sa.Column("script", sa.Integer(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activation.activation_id"], name=op.f("fk_surge_contact_activation_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_surge_contact")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_surge_contact_provider_id")),
    )
    with op.batch_alter_table("surge_contact", schema=None) as batch_op:
        batch_op.create_index("ix_surge_contact_caller", ["caller"], unique=False)
        batch_op.create_index("ix_surge_contact_offered", ["offered_at"], unique=False)
        batch_op.create_index("ix_surge_contact_standing", ["standing"], unique=False)

    op.create_table(
        "callback",
        sa.Column("callback_id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("promised_from", UTC, nullable=False),
        sa.Column("promised_to", UTC, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UTC, nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("ended_at", UTC, nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["surge_contact.contact_id"], name=op.f("fk_callback_contact_id")),
        sa.PrimaryKeyConstraint("callback_id", name=op.f("pk_callback")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_callback_contact_id")),
    )
    with op.batch_alter_table("callback", schema=None) as batch_op:
        batch_op.create_index("ix_callback_state", ["state", "next_at"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("callback", schema=None) as batch_op:
        batch_op.drop_index("ix_callback_state")

    op.drop_table("callback")
    with op.batch_alter_table("surge_contact", schema=None) as batch_op:
        batch_op.drop_index("ix_surge_contact_standing")
        batch_op.drop_index("ix_surge_contact_offered")
        batch_op.drop_index("ix_surge_contact_caller")

    op.drop_table("surge_contact")
    op.drop_table("script")
    op.drop_table("fact")
    op.drop_table("agent")
    op.drop_table("activation")
    op.drop_table("surge_contact_event")
