"""The rows of alerts, events, deliveries, the audit log and what is due.

`delivery` times are whole microseconds since 1970 UTC (see clock.micros): it is the one table that grows by millions of rows.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId

# About every sixteenth text that was handed over. By a hash of its id: routes take rows in turn, and of every sixteenth by
# number one route might have all. Word for word in queries, or its index is not used.
WATCHED: Final = "channel = 'sms' AND handed_at IS NOT NULL AND ((delivery_id * 40503) & 65535) < 4096"


class Incident(SQLModel, table=True):
    """The thread that owns alerts. Its id is public and permanent: /a/{incident_id}."""

    __tablename__ = "incident"
    incident_id: str = Field(primary_key=True)
    hazard: str
    opened_at: datetime
    closed_at: datetime | None = None


class AlertRow(SQLModel, table=True):
    """A draft and its way to approval. `content` is the draft's JSON; `version` rises with every edit."""

    __tablename__ = "alert"
    alert_id: str = Field(primary_key=True)
    incident_id: str = Field(foreign_key="incident.incident_id", index=True)
    stage: str
    hazard: str
    status: str  # life.Status
    content: str
    version: int = 1
    author: str
    last_editor: str
    submitted_by: str | None = None
    submitted_at: datetime | None = None
    digest: str | None = None  # of what was submitted; an approval names it
    frozen: str | None = None  # the rendered Event as submitted, JSON; approving copies it to event
    approved_by: str | None = None
    reason: str = ""  # of the last return, rejection or stop
    ended_why: str = ""
    created_at: datetime
    changed_at: datetime


class EventRow(SQLModel, table=True):
    """A frozen instruction. content, cap, digest and identifier are written once and never edited; only the clock columns
    and `status` move, and only forward."""

    __tablename__ = "event"
    event_id: str = Field(primary_key=True)
    alert_id: str = Field(foreign_key="alert.alert_id", unique=True)
    incident_id: str = Field(index=True)
    stage: str
    digest: str
    identifier: str = Field(unique=True)
    status: str = Field(index=True)  # life.Progress: approved, countdown, publishing, sending, done, stopped, expired
    priority: int
    approved_at: datetime
    expires_at: datetime
    not_before: datetime | None = None
    not_after: datetime | None = None
    send_by: str | None = None  # who pressed send
    countdown_until: datetime | None = None
    started_at: datetime | None = None  # the countdown's end
    published_at: datetime | None = None
    publish_problem: str = ""
    planned_at: datetime | None = None  # every row that will exist exists
    done_at: datetime | None = None
    stopped_at: datetime | None = None
    ended_at: datetime | None = None  # cleared, cancelled, expired or replaced: no longer in force
    ended_why: str = ""
    replaced_by: str = ""  # identifier of the event that replaced it
    cap: bytes = Field(sa_type=LargeBinary)
    content: str  # last, with cap: what is long must not lie in the way of what is looked at every second


class Delivery(SQLModel, table=True):
    """One Event to one Address: the ledger. States and their order: deliveries.py. Never joined to a person when exported;
    never deleted; `address_id` outlives the erasure of the person. Planning gives everybody their first word; only a latecomer
    gets a second one (late.py)."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "channel", "address_id", "word", name="uq_delivery_event_channel_address"),
        Index(
            "ix_delivery_claim",
            "channel",
            "priority",
            "delivery_id",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_delivery_open",
            "state",
            "lease_until",
            sqlite_where=text("state IN ('claimed', 'unknown')"),
            postgresql_where=text("state IN ('claimed', 'unknown')"),
        ),
        Index("ix_delivery_watched", "route", "handed_at", sqlite_where=text(WATCHED), postgresql_where=text(WATCHED)),
        {"sqlite_autoincrement": False},
    )
    delivery_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    event_id: str
    address_id: int = Field(sa_type=BigInteger)
    channel: str
    language: str  # the person's; what was written in is Event.languages_used[language]
    wording: str  # which of the event's contents: "first", "update", "first/why"
    word: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # 2: told "outside" before, or it did not arrive
    priority: int
    state: str
    lease_owner: str | None = None
    lease_until: int | None = Field(default=None, sa_type=BigInteger)  # without owner: not before
    fence: int = 0
    attempts: int = 0
    provider_id: str | None = None
    route: str | None = None  # by which it was last claimed; None where a channel has no named routes
    code: str | None = None
    ambiguous: bool = False  # an attempt ended without anybody knowing whether it was accepted
    planned_at: int = Field(sa_type=BigInteger)
    claimed_at: int | None = Field(default=None, sa_type=BigInteger)
    handed_at: int | None = Field(default=None, sa_type=BigInteger)
    final_at: int | None = Field(default=None, sa_type=BigInteger)


class Skip(SQLModel, table=True):
    """How many addresses an event left out, by reason: the other half of the audience."""

    __tablename__ = "skip"
    event_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    people: int


class Report(SQLModel, table=True):
    """A provider's later word, as it came. Appended before it is applied."""

    __tablename__ = "report"
    __table_args__ = {"sqlite_autoincrement": True}
    report_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    delivery_id: int = Field(sa_type=BigInteger)
    provider_id: str
    outcome: str
    code: str = ""
    at: int = Field(sa_type=BigInteger)


class AuditLine(SQLModel, table=True):
    """One act. hash = SHA-256 over the line and the hash before it, so that no line can be changed, moved or dropped."""

    __tablename__ = "audit"
    seq: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    at: str  # ISO 8601 UTC: part of what is hashed
    actor: str
    action: str
    subject: str
    detail: str  # JSON, keys sorted
    hash: str


class Due(SQLModel, table=True):
    """Something to do at a time. Claimed like any other work; the unique (kind, ref, due_at) makes it happen once."""

    __tablename__ = "due"
    __table_args__ = (
        UniqueConstraint("kind", "ref", "due_at", name="uq_due_kind_ref_due_at"),
        {"sqlite_autoincrement": True},
    )
    due_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    kind: str
    ref: str
    due_at: datetime = Field(index=True)
    lease_until: datetime | None = None
    done_at: datetime | None = None
    outcome: str = ""


class OpenPromise(SQLModel, table=True):
    """What a text told people we would do, and by when: 'next update by 8 PM', 'until we say it is safe'."""

    __tablename__ = "promise"
    promise_id: str = Field(primary_key=True)  # "{alert_id}/update", "{incident_id}/all_clear"
    incident_id: str = Field(index=True)
    what: str
    by: datetime | None = None
    kept_at: datetime | None = None
    kept_by: str = ""


class IdempotencyKey(SQLModel, table=True):
    """The saved reply to a request that carried an Idempotency-Key."""

    __tablename__ = "idempotency_key"
    person_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: str
    status: int
    body: str
    at: datetime


class WordReview(SQLModel, table=True):
    """A reviewer's word on one message in one language, void as soon as source or target changes."""

    __tablename__ = "word_review"
    language: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    source_hash: str
    target_hash: str
    reviewer: str
    kind: str
    at: datetime


class Hold(SQLModel, table=True):
    """Senders hold everything of incidents opened before `since`, until two people release it: the database is older than what
    has left (sending/hold.py)."""

    __tablename__ = "hold"
    __table_args__ = {"sqlite_autoincrement": True}
    hold_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    since: datetime
    why: str
    released_at: datetime | None = None
    released_by: str = ""
    asked_at: datetime | None = None  # what one person has asked for, and nobody has agreed to yet (sending/held.py)
    asked_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    asked_reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    asked_of: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})  # JSON: alerts that were held then
    asked_drops: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})  # JSON: those of them that must not go on


class Seed(SQLModel, table=True):
    """An address of our own that every alert goes to, wherever it is about: its silence is an alarm."""

    __tablename__ = "seed"
    address_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    name: str = Field(unique=True)  # where it lies: "radio room"
    enrolled_at: datetime


class SeedCopy(SQLModel, table=True):
    """A seed's copy of one event that has arrived, or whose silence has been paged."""

    __tablename__ = "seed_copy"
    event_id: str = Field(primary_key=True)
    address_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    reported_at: datetime | None = None
    alarmed_at: datetime | None = None
