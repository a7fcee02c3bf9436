"""The rows of webhooks: who gets alerts where, every numbered posting to each, and every try at one."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class Webhook(SQLModel, table=True):
    """An address of a partner agency. Address and secret are sealed: Slack's and Teams' addresses are secrets themselves.
    Whoever holds the lease posts; `fence` rises with every lease, and a word under an older one is refused."""

    __tablename__ = "webhook"
    webhook_id: str = Field(primary_key=True)
    shape: str  # webhook.Shape
    origin: str  # of the address: scheme, host and port, which may be shown
    sealed: bytes = Field(sa_type=LargeBinary)  # JSON of url and secret
    key_id: str
    hazards: str  # JSON list; [] for all
    least: str  # alert.Severity
    realities: str  # comma-separated webhook.Reality
    state: str  # webhook.State
    why: str = ""  # it is suspended or ended
    code: str  # what proves, in the challenge, that the address is the partner's
    asked_by: str
    asked_at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None
    confirmed_at: datetime | None = None
    seq: int = Field(default=0, sa_type=BigInteger)  # of the last posting planned
    failures: int = 0  # in a row
    failing_since: datetime | None = None
    told_at: datetime | None = None  # when somebody was paged about these failures
    try_at: datetime | None = None  # not before
    taken_at: datetime | None = None  # the last success
    lease_owner: str | None = None
    lease_until: datetime | None = None
    fence: int = 0


class Posting(SQLModel, table=True):
    """One numbered message to one webhook. They leave in the order of their numbers. message_id stays the same over every
    try and replay; so does the body, once it is made."""

    __tablename__ = "webhook_posting"
    __table_args__ = (
        Index(
            "ix_webhook_posting_waiting",
            "webhook_id",
            "seq",
            sqlite_where=text("standing = 'waiting'"),
            postgresql_where=text("standing = 'waiting'"),
        ),
        Index("ix_webhook_posting_incident", "webhook_id", "incident_id"),
        Index("ix_webhook_posting_done", "done_at"),
    )
    webhook_id: str = Field(primary_key=True, foreign_key="webhook.webhook_id")
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    message_id: str = Field(unique=True)
    kind: str  # webhook.Kind
    incident_id: str = ""
    event_id: str = ""
    standing: str  # webhook.Standing
    attempts: int = 0
    planned_at: datetime
    done_at: datetime | None = None
    body: bytes | None = Field(default=None, sa_type=LargeBinary)


class PostingTry(SQLModel, table=True):
    """One request, or what kept it from being made: the delivery log."""

    __tablename__ = "webhook_try"
    __table_args__ = (Index("ix_webhook_try_posting", "webhook_id", "seq"), {"sqlite_autoincrement": True})
    try_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    webhook_id: str
    seq: int = Field(sa_type=BigInteger)
    at: datetime
    took_ms: int
    status: int | None = None
    said: str = ""  # why it failed; "" when it was taken
