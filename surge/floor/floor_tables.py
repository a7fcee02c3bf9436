"""How far the database has got in the floor's journal, the journal itself for a process on another machine, and where the
process with 311's line is reached."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class JournalRow(SQLModel, table=True):
    """One row: the journal's name, and the position up to which everything is in the tables. It moves in the transaction that
    writes what it read."""

    __tablename__ = "surge_journal"
    only: int = Field(default=1, primary_key=True)
    name: str
    ends: int = Field(sa_column=Column(BigId, nullable=False))


class JournalLineRow(SQLModel, table=True):
    """A line of the journal that stands in surge_journal, as it is in the file: where several processes share a database, any
    of them can rebuild the floor. Lines of an earlier journal go with the first one of the next."""

    __tablename__ = "surge_journal_line"
    journal: str = Field(primary_key=True)
    ends: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    line: bytes = Field(sa_type=LargeBinary)


class DoorRow(SQLModel, table=True):
    """One row: the process that took 311's line last, and where others of the instance reach its two listeners. It may be
    dead."""

    __tablename__ = "floor_door"
    only: int = Field(default=1, primary_key=True)
    process: str
    public: str
    private: str
    since: datetime
