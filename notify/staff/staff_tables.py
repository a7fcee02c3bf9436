"""The rows of who may sign in, with what, and the powers asked for and given."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, LargeBinary
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class Person(SQLModel, table=True):
    """A member of staff. One token, one person; only the token's hash is kept."""

    __tablename__ = "person"
    person_id: str = Field(primary_key=True)  # a short name staff know each other by: "duty-officer"
    roles: str  # comma-separated: viewer, author, approver, agent311, lead311, translator, admin
    scope: str = "{}"  # JSON {"hazards": [...], "areas": [...], "channels": [...]}; an absent key means all
    token_hash: str = Field(unique=True)
    created_at: datetime
    disabled_at: datetime | None = None


class Login(SQLModel, table=True):
    """How a member of staff signs in to the console: a password and a code from a phone (RFC 6238)."""

    __tablename__ = "login"
    person_id: str = Field(primary_key=True, foreign_key="person.person_id")
    password: str  # Argon2id, in its own encoded form
    seed: bytes = Field(sa_type=LargeBinary)  # of the codes, sealed like an address
    key_id: str
    last_step: int = 0  # the 30-second step of the last code used: none is taken twice
    failures: int = 0  # in a row
    wait_until: datetime | None = None


class Session(SQLModel, table=True):
    """A browser somebody signed in with. Only a hash of its cookie is kept; ended rows stay, for the record."""

    __tablename__ = "session"
    session_id: str = Field(primary_key=True)
    person_id: str = Field(index=True, foreign_key="person.person_id")
    made_at: datetime
    seen_at: datetime
    proved_at: datetime  # when the code was last typed
    device: str = ""
    ended_at: datetime | None = None


class Invitation(SQLModel, table=True):
    """A link by which somebody sets or resets their password and code, once."""

    __tablename__ = "invitation"
    token_hash: str = Field(primary_key=True)
    person_id: str = Field(index=True, foreign_key="person.person_id")
    made_by: str
    expires_at: datetime
    used_at: datetime | None = None


class Passkey(SQLModel, table=True):
    """A key by which a member of staff signs in without password and code. Only its public half is here; an authenticator of
    theirs keeps the other one and asks for a finger, a face or a PIN."""

    __tablename__ = "passkey"
    __table_args__ = {"sqlite_autoincrement": True}
    passkey_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    person_id: str = Field(index=True, foreign_key="person.person_id")
    credential_id: bytes = Field(sa_type=LargeBinary, unique=True)
    public_key: bytes = Field(sa_type=LargeBinary)  # COSE
    count: int = Field(default=0, sa_type=BigInteger)  # of uses, as the authenticator states it
    name: str
    added_at: datetime
    used_at: datetime | None = None


class Challenge(SQLModel, table=True):
    """What one browser was asked to have signed, for one purpose. It goes with the first answer, right or wrong."""

    __tablename__ = "passkey_challenge"
    holder: str = Field(primary_key=True)  # hash of the cookie of the browser that asked
    purpose: str = Field(primary_key=True)  # passkeys.Purpose
    challenge: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime = Field(index=True)


class Grant(SQLModel, table=True):
    """A power that one administrator asked for and another one gives or refuses: a new approver or administrator, a token."""

    __tablename__ = "staff_grant"
    __table_args__ = {"sqlite_autoincrement": True}
    grant_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    what: str  # accounts.Power
    person_id: str
    roles: str = ""
    scope: str = "{}"  # as Person.scope
    asked_by: str
    asked_at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None
    given: bool = False
