"""How far the database has got in the floor's journal. It moves in the transaction that writes what it read."""

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class JournalRow(SQLModel, table=True):
    """One row: the journal's name, and the position up to which everything is in the tables."""

    __tablename__ = "surge_journal"
    only: int = Field(default=1, primary_key=True)
    name: str
    ends: int = Field(sa_column=Column(BigId, nullable=False))
