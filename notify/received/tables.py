"""The rows of alerts that other agencies issued, as they came, and of how their sources answer."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field, SQLModel


class ReceivedAlert(SQLModel, table=True):
    """One alert from one source. Written once: only what we made of it (the draft) is added. received_id follows from source,
    identifier, sender and sent, so that the same alert is never kept twice; the same one of another source is another row."""

    __tablename__ = "received_alert"
    __table_args__ = (Index("ix_received_alert_entry", "source", "entry"),)
    received_id: str = Field(primary_key=True)
    source: str
    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    earlier: str  # references, JSON: [[sender, identifier, sent], ...]
    event: str
    headline: str
    area_desc: str
    severity: str
    urgency: str
    all_clear: bool
    ends_at: datetime = Field(index=True)
    signer: str  # of a signature that was verified; "" where the source needs none
    entry: str  # what its source called it: what is not fetched again
    came_at: datetime = Field(index=True)
    draft_id: str = ""  # the alert of ours that began with it
    drafted_by: str = ""
    drafted_at: datetime | None = None
    content: str  # message.Message, JSON
    media: str
    document: bytes = Field(sa_type=LargeBinary)  # every byte as it came


class ReceivedSource(SQLModel, table=True):
    """How a source answered last. heard_at: the last good answer, or document of one that posts."""

    __tablename__ = "received_source"
    name: str = Field(primary_key=True)
    since: datetime  # when it was first asked or waited for
    tried_at: datetime | None = None
    heard_at: datetime | None = None
    problem: str = ""
    etag: str = ""
    modified: str = ""
    told_silent: bool = False  # the duty officer has been paged about this silence
