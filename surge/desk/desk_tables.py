"""The rows of the 311 desk: what was asked for and came of it, what callers ask, what is answered, and who has read what.

No row here points at a contact's row by a foreign key: a contact is journalled first and reaches the database with its batch,
and what an agent notes about it may come before. Words, places and numbers of residents are sealed like an address.
"""

from datetime import datetime

from sqlalchemy import Column, Identity, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class NeedRow(SQLModel, table=True):
    """Something that is to be brought, done or arranged for somebody. The row says where it stands after its last event."""

    __tablename__ = "need"
    __table_args__ = (
        Index("ix_need_status", "status"),
        Index("ix_need_logged", "logged_at"),
        Index("ix_need_contact", "contact_id"),
    )
    need_id: str = Field(primary_key=True)
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")
    contact_id: str | None = None
    code: str  # as the runbook names it ("WATER_DELIVERY"), or one of surge.desk.needs.ACCOMMODATIONS
    accommodation: bool = False  # asked for under the ADA or Title VI: an interpreter, large print, a ride with a wheelchair
    language: str = "en"
    people: int = 1
    area: str | None = None  # a ZIP or the name of an area
    cell: str | None = None  # the quadkey the place lies in, never finer than surge.desk.needs.FINEST; None: no point is known
    # JSON {address, lat, lon, reply_to, words}, sealed: whoever brings it reads it, with consent_to_share
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    key_id: str = ""
    consent_to_share: bool = False  # the caller said that whoever brings it may have the address
    status: str  # surge.desk.needs.NeedStatus
    routed_to: str = ""  # the bureau, partner or line that has it
    due_at: datetime | None = None
    logged_by: str
    logged_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    open311_id: str | None = Field(default=None, unique=True)
    hsds_service_id: str | None = None  # the service of a 211 directory it was referred to
    rev: int = 1


class NeedEventRow(SQLModel, table=True):
    """One thing that happened to a need. Only ever added."""

    __tablename__ = "need_event"
    need_id: str = Field(primary_key=True, foreign_key="need.need_id")
    seq: int = Field(primary_key=True)
    at: datetime
    status: str  # what it came to
    actor: str
    routed_to: str = ""
    note: bytes | None = Field(default=None, sa_type=LargeBinary)  # sealed
    key_id: str = ""


class TallyRow(SQLModel, table=True):
    """One press of a tally key. mark: made by the page, so that a press sent twice counts once. Never a name or a number."""

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_at", "at"), {"sqlite_autoincrement": True})
    tally_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    mark: str = Field(unique=True)
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")
    contact_id: str | None = None
    at: datetime  # when it was pressed; the page tells, and it never lies ahead of the server's clock
    reason: str  # surge.desk.tally.Reason
    language: str
    area: str | None = None  # a ZIP
    person_id: str


class QuestionRow(SQLModel, table=True):
    """What a caller wanted to know and no script says. An answer is an entry of the knowledge base, for all."""

    __tablename__ = "question"
    __table_args__ = (Index("ix_question_status", "status", "asked_at"),)
    question_id: str = Field(primary_key=True)
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")
    contact_id: str | None = None
    language: str = "en"
    words: bytes = Field(sa_type=LargeBinary)  # sealed: a caller's own words may name them
    key_id: str
    step: str = ""  # the script's step it was asked at
    status: str  # surge.desk.faq.Status
    faq_id: str | None = None  # what answers it
    asked_by: str
    asked_at: datetime
    settled_by: str | None = None
    settled_at: datetime | None = None
    rev: int = 1


class FaqRow(SQLModel, table=True):
    """A question with an approved answer, in one language. Only ever added: a later rev replaces it, one with `withdrawn` ends
    it, and the earlier ones stay for who was told them."""

    __tablename__ = "faq"
    faq_id: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    rev: int = Field(primary_key=True)
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")  # None: holds always
    question: str
    answer: str
    withdrawn: bool = False
    approved_by: str
    approved_at: datetime


class ReadTickRow(SQLModel, table=True):
    """Somebody has read what changed with this version of the script."""

    __tablename__ = "read_tick"
    activation_id: str = Field(primary_key=True, foreign_key="activation.activation_id")
    version: int = Field(primary_key=True)
    person_id: str = Field(primary_key=True, foreign_key="person.person_id")
    at: datetime


class ScriptRunRow(SQLModel, table=True):
    """One walk through a script: which version, which steps, which facts were read out. Kept as it stood when it ended."""

    __tablename__ = "script_run"
    __table_args__ = (
        Index("ix_script_run_activation", "activation_id", "version"),
        Index("ix_script_run_contact", "contact_id"),
    )
    run_id: str = Field(primary_key=True)  # made by the page, so that one sent twice is kept once
    activation_id: str = Field(foreign_key="activation.activation_id")
    version: int
    contact_id: str | None = None
    person_id: str
    language: str
    begun_at: datetime
    ended_at: datetime | None = None
    path: str = "[]"  # JSON [[anchor, answer], ...]
    facts: str = "[]"  # JSON [fact_id, ...]: what stood in the words that were read
    disposition: str = ""  # surge.scripts.runbook.Ending


class DeskReplyRow(SQLModel, table=True):
    """A text or a letter that leaves from the desk: an answer, or a guide a caller asked for. The row stands before it goes."""

    __tablename__ = "desk_reply"
    __table_args__ = (
        UniqueConstraint("mark", name="uq_desk_reply_mark"),
        Index("ix_desk_reply_contact", "contact_id"),
        Index("ix_desk_reply_state", "state"),
    )
    reply_id: str = Field(primary_key=True)
    mark: str  # made by the page: what is sent twice leaves once
    contact_id: str | None = None
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")
    channel: str  # sms | email
    language: str
    sealed: bytes = Field(sa_type=LargeBinary)  # JSON {to, words}
    key_id: str
    source: str  # where the words come from: "faq:ID:rev", "step:VERSION:anchor", "guide", "distress", "own words"
    consent: str = ""  # "they wrote to us", or how somebody on the line agreed
    state: str  # surge.desk.replies.State
    ref: str | None = None  # the provider's
    code: str = ""
    made_by: str
    made_at: datetime
    claimed_at: datetime | None = None  # just before the provider is asked: a kill after it leaves `unknown`
    handed_at: datetime | None = None


class DeskOwedRow(SQLModel, table=True):
    """A resident's text on its way to the desk: written with the text itself, gone as soon as the desk has it."""

    __tablename__ = "desk_owed"
    provider_id: str = Field(primary_key=True)
    sealed: bytes = Field(sa_type=LargeBinary)  # JSON, see surge.desk.owed
    key_id: str
