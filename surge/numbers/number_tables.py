"""The rows of what others have counted: 911's minutes, the intervals of a city's own call centre, and what people said of an
answer. Counts only; no row tells of one resident but by the id of their contact."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class CentreMinuteRow(SQLModel, table=True):
    """One minute of the emergency centre's telephones, as its own system exports it. A later import replaces it."""

    __tablename__ = "centre_minute"
    minute: datetime = Field(primary_key=True)
    line: str = Field(primary_key=True)  # surge.numbers.number_files.CentreLine
    offered: int
    answered: int | None = None
    within_15_s: int | None = None  # answered within so long
    within_20_s: int | None = None
    mean_handling_s: float | None = None  # of those answered
    source: str  # SHA-256 of the file, or "simulated"
    imported_at: datetime


class IntervalRow(SQLModel, table=True):
    """What one queue of the city's own call centre did in a quarter of an hour or so. A later figure replaces it."""

    __tablename__ = "call_interval"
    __table_args__ = (Index("ix_call_interval_begins", "begins_at"),)
    queue: str = Field(primary_key=True)
    begins_at: datetime = Field(primary_key=True)
    minutes: int
    offered: int
    answered: int
    abandoned: int
    within: int | None = None  # answered within threshold_s
    threshold_s: int | None = None
    mean_wait_s: float | None = None  # of those answered
    longest_wait_s: float | None = None
    mean_handling_s: float | None = None
    agents: int | None = None  # signed in, on average
    source: str  # SHA-256 of the file, "api" or "typed"
    entered_by: str
    entered_at: datetime


class GradeRow(SQLModel, table=True):
    """The one question that may follow a contact: was this helpful? An answer is 1 to 5; nobody is asked twice."""

    __tablename__ = "satisfaction"
    contact_id: str = Field(primary_key=True)
    activation_id: str | None = Field(default=None, foreign_key="activation.activation_id")
    language: str
    asked_at: datetime
    grade: int | None = None
    answered_at: datetime | None = None
