"""The rows of signing in through the city's identity provider: whose account there is whose here, and what is under way."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel


class IdentityLink(SQLModel, table=True):
    """Whose account at the provider is whose here. Made by an invitation's holder or by administrators, never from a name or a
    mailbox that the provider tells."""

    __tablename__ = "identity_link"
    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    person_id: str = Field(unique=True, foreign_key="person.person_id")
    linked_by: str
    linked_at: datetime
    used_at: datetime | None = None


class IdentityVisit(SQLModel, table=True):
    """A browser that was sent to the provider. It goes with the first answer, right or wrong."""

    __tablename__ = "identity_visit"
    holder: str = Field(primary_key=True)  # hash of the cookie that this browser was given for it
    purpose: str  # visits.Purpose
    subject: str = ""  # enter: nothing; join: hash of the invitation; prove: id of the session
    way: str = "/"  # where to go afterwards
    asked_at: datetime
    expires_at: datetime = Field(index=True)


class IdentitySession(SQLModel, table=True):
    """The ID token that a session began with, sealed: to sign out at the provider takes it. It goes with the session."""

    __tablename__ = "identity_session"
    session_id: str = Field(primary_key=True, foreign_key="session.session_id")
    token: bytes = Field(sa_type=LargeBinary)
    key_id: str
    kept_at: datetime = Field(index=True)
