"""The rows of what staff record by telephone: calls to them, takes, and sounds. Nothing of a resident is among them.

A sound is known by its bytes and never changes; takes only move forward (surge.recorded.takes.FOLLOWS).
"""

from datetime import datetime

from sqlalchemy import Column, Identity, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class SoundRow(SQLModel, table=True):
    """What was spoken, as the provider keeps it."""

    __tablename__ = "sound"
    sound_id: str = Field(primary_key=True)  # SHA-256 of the bytes
    kind: str  # its content type
    seconds: float
    body: bytes = Field(sa_type=LargeBinary)
    at: datetime


class RecordingCallRow(SQLModel, table=True):
    """A call to somebody of the staff who speaks prompts. wanted: JSON, a list of {key, english, words}, in their order."""

    __tablename__ = "recording_call"
    call_id: str = Field(primary_key=True)  # nobody can guess it: it stands in the paths of its webhooks
    person_id: str = Field(index=True, foreign_key="person.person_id")
    language: str
    wanted: str
    made_at: datetime
    call_sid: str = ""  # the provider's name for it, once it has taken it
    ended_at: datetime | None = None
    why: str = ""  # why it came to nothing


class TakeRow(SQLModel, table=True):
    """One try at one prompt. turn: counts the beeps of a call."""

    __tablename__ = "take"
    __table_args__ = (
        UniqueConstraint("call_id", "turn", name="uq_take_turn"),
        Index("ix_take_prompt", "language", "key"),
        Index("ix_take_state", "state"),
        {"sqlite_autoincrement": True},
    )
    take_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    call_id: str = Field(foreign_key="recording_call.call_id")
    turn: int
    language: str
    key: str
    digest: str  # of the words it says
    english: str
    words: str
    state: str  # surge.recorded.takes.State
    recorded_by: str
    at: datetime
    ref: str | None = Field(default=None, unique=True)  # the provider's name for the recording
    sound_id: str | None = Field(default=None, foreign_key="sound.sound_id")
    seconds: float | None = None
    released_by: str | None = None
    released_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    why: str = ""
