"""The rows of the hub: what was asked and not yet verified, and the subscriptions that hold. Neither is joined to anybody."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel


class WebSubAsk(SQLModel, table=True):
    """A request that waits for its challenge. It is deleted before the challenge leaves: there is never a second one."""

    __tablename__ = "websub_ask"
    mark: str = Field(primary_key=True)  # asking.Asked.mark
    subscribes: bool
    topic: str
    callback: str
    host: str
    secret: bytes | None = Field(default=None, sa_type=LargeBinary)  # sealed; None: deliveries are not signed
    key_id: str
    lease_s: int
    asked_at: datetime


class WebSubSubscription(SQLModel, table=True):
    """A callback that has shown that it wants a feed. told: the digest of what it took last, "" before the first time."""

    __tablename__ = "websub_subscription"
    mark: str = Field(primary_key=True)
    topic: str
    callback: str
    host: str = Field(index=True)
    secret: bytes | None = Field(default=None, sa_type=LargeBinary)
    key_id: str
    lease_until: datetime
    since: datetime
    told: str = ""
    delivered_at: datetime | None = None  # when it took something last
    failures: int = 0  # one after the other
    failing_since: datetime | None = None
    again_at: datetime | None = None  # not before this, unless there is something new
