"""The rows of people: who, how to reach them, where, and what they agreed to.

Addresses are never stored in clear: `sealed` holds AES-256-GCM of the address under the key named `key_id`, `blind` a keyed
hash that finds an address again without opening any (see sealing.py). Erasing a person deletes subscriber, address and places;
`address_id` numbers are never reused, so that a ledger row still names one address that once was.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts ids only in a column typed INTEGER


class Basis(StrEnum):
    OPT_IN = "opt-in"  # asked for the texts
    UTILITY_ACCOUNT = "utility-account"  # gave the number to a utility: service-related texts only
    EMERGENCY = "emergency"  # listed for life safety (schools, care homes)


class PlaceKind(StrEnum):
    POINT = "point"  # lat, lon
    ZIP = "zip"  # matched by overlap with the ZIP's area, and flagged so
    AREA = "area"  # a neighbourhood or other named area; matched by overlap, and flagged so


class Subscriber(SQLModel, table=True):
    __tablename__ = "subscriber"
    __table_args__ = {"sqlite_autoincrement": True}
    subscriber_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    created_at: datetime
    source: str = ""  # which import or sign-up made it


class Address(SQLModel, table=True):
    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("channel", "blind", name="uq_address_channel_blind"),
        Index("ix_address_subscriber", "subscriber_id"),
        {"sqlite_autoincrement": True},
    )
    address_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    subscriber_id: int = Field(sa_type=BigInteger, foreign_key="subscriber.subscriber_id")
    channel: str  # sms | email
    sealed: bytes = Field(sa_type=LargeBinary)
    key_id: str
    blind: bytes = Field(sa_type=LargeBinary)
    language: str  # BCP 47, one of the city pack's; "ro-x-plain" for texts without marks
    basis: str = Basis.OPT_IN
    stopped_at: datetime | None = None  # opted out: nothing is ever sent while set
    unreachable_at: datetime | None = None  # the provider says it cannot be reached (landline, unknown)
    introduced_at: datetime | None = None  # when somebody on a list first read why they get our texts
    ours: str | None = None  # which of our numbers this phone knows: it was texted by it last, or wrote to it


class Place(SQLModel, table=True):
    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "label", name="uq_place_subscriber_label"),
        {"sqlite_autoincrement": True},
    )
    place_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    subscriber_id: int = Field(sa_type=BigInteger, foreign_key="subscriber.subscriber_id")
    label: str  # HOME, WORK, MOM, ... upper case, at most 12 characters
    kind: str  # PlaceKind
    lat: float | None = None
    lon: float | None = None
    area: str | None = None  # name of a ZIP area ("97214") or named area ("Lents")
    block: str = Field(default="", sa_column_kwargs={"server_default": ""})  # of a point, in words: "1100 block SW 5th Ave"


class PlaceChange(SQLModel, table=True):
    """Appended in the same transaction as any change of places or addresses; the audience index follows it by `change_id`.
    subscriber_id None means: reload everything (after a bulk import)."""

    __tablename__ = "place_change"
    __table_args__ = {"sqlite_autoincrement": True}
    change_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    subscriber_id: int | None = Field(default=None, sa_type=BigInteger)


class Failure(SQLModel, table=True):
    """A delivery that failed on account of its address. Gone as soon as something arrives there or its owner is heard of."""

    __tablename__ = "failure"
    __table_args__ = (Index("ix_failure_address", "address_id"),)
    delivery_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    address_id: int = Field(sa_type=BigInteger)
    hard: bool  # the address is no good; else it was no good just now
    at: datetime


class Consent(SQLModel, table=True):
    """A dated yes or no with its evidence. Rows are only ever added."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_address", "address_id"), {"sqlite_autoincrement": True})
    consent_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    address_id: int = Field(sa_type=BigInteger)
    granted: bool
    basis: str
    at: datetime
    source: str  # form, import file, "carrier 21610", ...
    evidence: str = ""  # the exact words or row
    terms: str = Field(default="", sa_column_kwargs={"server_default": ""})  # version of the terms they were shown


class Contact(SQLModel, table=True):
    """A phone or mailbox that once wrote or was written to, by its keyed hash: how the dialog stands. Outlives the erasure of
    the person, emptied: then the hash alone says that this number is not to be texted."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("channel", "blind", name="uq_contact_channel_blind"), {"sqlite_autoincrement": True})
    contact_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    channel: str  # sms | email
    blind: bytes = Field(sa_type=LargeBinary)
    language: str = ""
    memory: str = "{}"  # JSON of dialog.turn.Memory
    suspect_at: datetime | None = None  # since when the number may have a new owner
    erased_at: datetime | None = None  # do not text, until they themselves write again
    changed_at: datetime


class Words(SQLModel, table=True):
    """What was said between a contact and us, both directions, sealed like an address. provider_id makes an inbound text count
    once, however often it is delivered."""

    __tablename__ = "words"
    __table_args__ = (
        UniqueConstraint("provider_id", name="uq_words_provider_id"),
        Index("ix_words_contact", "contact_id"),
        {"sqlite_autoincrement": True},
    )
    words_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    contact_id: int = Field(sa_type=BigInteger)
    inbound: bool
    at: datetime
    ours: str  # the number of ours that was used
    provider_id: str | None = None
    key: str = ""  # which reply it was: "M02.es"
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)  # None once erased
    key_id: str | None = None


class Pending(SQLModel, table=True):
    """A sign-up or wish that waits for proof of possession: a code by text, a button in a mail. Single use."""

    __tablename__ = "pending"
    __table_args__ = (Index("ix_pending_expires", "expires_at"), {"sqlite_autoincrement": True})
    pending_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    kind: str  # code | confirm | manage
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    channel: str
    blind: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)  # JSON of what was asked for, the address included
    key_id: str
    created_at: datetime
    expires_at: datetime
    tries: int = 0
    used_at: datetime | None = None


class Quota(SQLModel, table=True):
    """How often something happened within a window: verification texts a day, sign-ups of a prefix an hour."""

    __tablename__ = "quota"
    name: str = Field(primary_key=True)  # "verify/day", "prefix/" + keyed hash; never a number or an IP address
    window_start: datetime = Field(primary_key=True)
    count: int = 0


class PhoneLine(SQLModel, table=True):
    """What kind of line the carrier says a number is. Found by a keyed hash that no other table has: it says of nobody that
    they are signed up, and is forgotten by age alone (lines.py)."""

    __tablename__ = "phone_line"
    __table_args__ = (Index("ix_phone_line_asked_at", "asked_at"),)
    blind: bytes = Field(sa_type=LargeBinary, primary_key=True)
    kind: str  # the carrier's word: "landline", "mobile", ...
    asked_at: datetime


class Noted(SQLModel, table=True):
    """Counts of what residents texted for, by day: distress, not understood, languages asked for. Never the words."""

    __tablename__ = "noted"
    day: str = Field(primary_key=True)  # ISO date, UTC
    note: str = Field(primary_key=True)
    detail: str = Field(primary_key=True, default="")
    count: int = 0


class NamedArea(SQLModel, table=True):
    """An area staff and residents can name: a preset, a neighbourhood, a ZIP. geometry is GeoJSON, longitude first."""

    __tablename__ = "named_area"
    name: str = Field(primary_key=True)
    kind: str  # city | service-area | district | neighborhood | water-zone | zip
    citywide: bool = False
    geometry: str
    names: str = "{}"  # JSON: language -> endonym
    source: str = ""
    imported_at: datetime
