"""The rows of a gazetteer: editions, their streets, and the numbered houses along them that the city's file names."""

from sqlalchemy import BigInteger, Column, Identity, Index
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class Edition(SQLModel, table=True):
    """One import of a file. The newest complete edition is the gazetteer; others are being written, or left by a crash."""

    __tablename__ = "gazetteer_edition"
    __table_args__ = {"sqlite_autoincrement": True}  # an id never comes again: it is what tells that streets have changed
    edition_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    source: str  # the file's name
    houses: int  # written so far
    complete: bool


class Street(SQLModel, table=True):
    __tablename__ = "street"
    __table_args__ = {"sqlite_autoincrement": True}
    street_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    edition_id: int = Field(sa_type=BigInteger, index=True)
    direction: str  # N, NE, NW, S, SE, SW, E, W or ""
    name: str  # folded, ordinals as digits: what is searched
    kind: str  # Ave, St, ... or ""
    shown: str  # as the city writes it: "SW 5th Ave"


class House(SQLModel, table=True):
    """One address point. `block` is its hundred: 11 for 1120; with a leading zero, minus one more than that."""

    __tablename__ = "house"
    __table_args__ = (Index("ix_house_street_block", "street_id", "block"), {"sqlite_autoincrement": True})
    house_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    street_id: int = Field(sa_type=BigInteger)
    number: str  # digits as written, leading zeros kept
    block: int
    zip: str
    lat: float
    lon: float
