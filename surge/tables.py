"""The rows of surge mode: what is switched on and says what, who answers, and every contact with all that happened to it.

Facts, script versions and contact events are only ever added. A contact's own row says where it stands after its last event, so
that a restart need not read a day of them. Numbers and words of residents are sealed like an address.
"""

from datetime import datetime

from sqlalchemy import Column, Identity, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class ActivationRow(SQLModel, table=True):
    """Surge mode for one incident, from the first draft to the report. rev: counts its changes; whoever changes it names the
    one they saw."""

    __tablename__ = "activation"
    activation_id: str = Field(primary_key=True)
    # None: by load or by hand, before any alert
    incident_id: str | None = Field(default=None, foreign_key="incident.incident_id")
    runbook: str  # the page's name: "boil-water"
    title: str
    drill: bool = False  # never in real figures, and never speaks to residents
    status: str  # surge.switch.activation.Status
    level: int = 0  # 1 to 3 while open
    why: str = ""  # the reason somebody gave, or the sentence of the trigger
    rev: int = 1
    made_by: str
    made_at: datetime
    armed_by: str | None = None
    armed_at: datetime | None = None
    opened_by: str | None = None  # never who armed it
    opened_at: datetime | None = None
    standing_down_at: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    handover: str = ""  # the note to the next shift, or to who writes the report


class FactRow(SQLModel, table=True):
    """A value that scripts leave open, as somebody with authority issued it. A later one of the same name and language replaces
    it; the earlier one stays, for who heard it."""

    __tablename__ = "fact"
    __table_args__ = (
        UniqueConstraint("activation_id", "name", "language", "rev", name="uq_fact_rev"),
        {"sqlite_autoincrement": True},
    )
    fact_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    activation_id: str = Field(foreign_key="activation.activation_id")
    name: str
    language: str = ""  # "" for a value that is the same in all: a number, a time
    rev: int
    value: str
    issued_by: str  # the agency and role that stand for it
    valid_from: datetime
    valid_to: datetime | None = None
    entered_by: str
    entered_at: datetime
    recalled_at: datetime | None = None  # it was wrong: who heard it is called back
    recalled_why: str = ""


class ScriptRow(SQLModel, table=True):
    """One version of an activation's script: the runbook's text with the facts of that moment. A call keeps the one it began
    with."""

    __tablename__ = "script"
    activation_id: str = Field(primary_key=True, foreign_key="activation.activation_id")
    version: int = Field(primary_key=True)
    source: str  # the runbook's Markdown, whole
    facts: str  # JSON {name: {language: [fact_id, value]}}
    words: str = Field(
        default="{}", sa_column_kwargs={"server_default": "{}"}
    )  # JSON {language: {key of a sentence: its words}}
    published_by: str
    published_at: datetime
    changed: str = ""  # what the strip says: "free water: 5 sites (was 3)"


class AgentRow(SQLModel, table=True):
    """A member of staff who answers. Their line is any phone or SIP address, sealed. until: the end of a borrowed role."""

    __tablename__ = "agent"
    person_id: str = Field(primary_key=True, foreign_key="person.person_id")
    line: bytes | None = Field(default=None, sa_type=LargeBinary)  # None: at the desk only, no telephone
    key_id: str = ""
    languages: str  # comma-separated tags
    skills: str = ""  # comma-separated
    interpreter: bool = True  # can call one up
    home: str = ""  # the bureau they come from
    trained_at: datetime | None = None  # ended the practice call
    until: datetime | None = None


class ContactRow(SQLModel, table=True):
    """One person turning to the city, by any way in. See surge.contact for where it may stand."""

    __tablename__ = "surge_contact"
    __table_args__ = (
        Index("ix_surge_contact_offered", "offered_at"),
        Index("ix_surge_contact_caller", "caller"),
        Index("ix_surge_contact_standing", "standing"),
    )
    contact_id: str = Field(primary_key=True)
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")
    way: str  # surge.contact.Way: voice, sms, email, web, walk-in
    provider_id: str | None = Field(default=None, unique=True)  # CallSid, MessageSid, Message-ID
    caller: bytes | None = Field(default=None, sa_type=LargeBinary)  # blind index; None where nobody knows
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)  # the number or address to answer to
    words: bytes | None = Field(default=None, sa_type=LargeBinary)  # what was written, sealed; None for a call
    key_id: str = ""
    language: str = "en"
    area: str | None = None  # a ZIP or the name of an area, never a point
    head: str = "none"  # surge.floor.queue.Head
    skill: str = ""
    seq: int = 0
    standing: str
    offered_at: datetime
    enqueued_at: datetime | None = None
    virtual: datetime | None = None  # surge.floor.queue.Place
    place: int | None = None
    answered_at: datetime | None = None
    left_queue_at: datetime | None = None
    ended_at: datetime | None = None
    talked_s: float = 0.0
    wrapped_s: float = 0.0
    agent: str | None = None
    script: int | None = None  # the version it was answered with
    disposition: str = ""  # surge.scripts.runbook.Ending


class ContactEventRow(SQLModel, table=True):
    """One thing that happened to a contact. Only ever added; what it came to stand as, and why."""

    __tablename__ = "surge_contact_event"
    contact_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: datetime
    stands: str  # where it came to stand by it
    actor: str = ""  # an agent, a partner, "caller", "provider", "service"
    why: str = ""
    data: str = "{}"


class CallbackRow(SQLModel, table=True):
    """A resident's wish to be called back, with the promise that was spoken. It keeps the place its contact had."""

    __tablename__ = "callback"
    __table_args__ = (Index("ix_callback_state", "state", "next_at"),)
    callback_id: str = Field(primary_key=True)
    contact_id: str = Field(unique=True, foreign_key="surge_contact.contact_id")
    state: str  # surge.floor.callback.State
    asked_at: datetime
    promised_from: datetime
    promised_to: datetime
    attempts: int = 0
    next_at: datetime
    rev: int = 1
    connected_at: datetime | None = None  # resident and agent were put together; the last time, where it was several
    ended_at: datetime | None = None
    why: str = ""


class SeatRow(SQLModel, table=True):
    """What an agent became and when, as the floor's journal has it. Only ever added; until the next one of theirs they are it.
    Whoever reads it adds agents up: nobody's own time is shown."""

    __tablename__ = "seat"
    __table_args__ = (Index("ix_seat_at", "at"),)
    agent: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True)
    turns: int = Field(primary_key=True)  # counts their changes: what came later of two in one moment
    state: str  # surge.floor.seats.AgentState
