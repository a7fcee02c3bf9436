"""The rows of pages to our own staff: where each of them is reached, who is on call, and what was sent to whom.

None of them is ever joined to residents: a page goes to a person's own confirmed addresses, or nowhere.
"""

from datetime import datetime

from sqlalchemy import Column, Identity, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from subscribers.tables import BigId


class StaffContact(SQLModel, table=True):
    """A phone or mailbox of a member of staff that has shown, by the code sent to it, that it is theirs. Sealed."""

    __tablename__ = "staff_contact"
    person_id: str = Field(primary_key=True, foreign_key="person.person_id")
    channel: str = Field(primary_key=True)  # "sms" or "email"
    sealed: bytes = Field(sa_type=LargeBinary)
    key_id: str
    confirmed_at: datetime


class ContactClaim(SQLModel, table=True):
    """An address that waits for its code. The one confirmed before stays in use until then."""

    __tablename__ = "staff_contact_claim"
    person_id: str = Field(primary_key=True, foreign_key="person.person_id")
    channel: str = Field(primary_key=True)
    sealed: bytes = Field(sa_type=LargeBinary)
    key_id: str
    code_mac: bytes = Field(sa_type=LargeBinary)
    tries: int = 0
    made_by: str
    made_at: datetime


class OnCall(SQLModel, table=True):
    """When somebody who may approve is called: those on call at once, then the others by their turn, the smallest first."""

    __tablename__ = "on_call"
    person_id: str = Field(primary_key=True, foreign_key="person.person_id")
    turn: int
    until: datetime | None = None  # on call until then


class StaffPage(SQLModel, table=True):
    """One message to one member of staff on one channel: at most one for each step of each thing they are paged about."""

    __tablename__ = "staff_page"
    __table_args__ = (
        UniqueConstraint("kind", "about", "asked_at", "step", "person_id", "channel", name="uq_staff_page_once"),
        Index("ix_staff_page_about", "about"),
        Index("ix_staff_page_asked_by", "asked_by", "asked_at"),
        {"sqlite_autoincrement": True},
    )
    page_id: int | None = Field(default=None, sa_column=Column(BigId, Identity(), primary_key=True))
    kind: str  # paging.Kind
    about: str  # an alert's id; "" for a code
    asked_at: datetime  # when what it is about came up: the submission, the break-glass send, the press of a button
    step: int  # of the escalation; 0 is the first
    person_id: str
    channel: str
    asked_by: str
    state: str  # paging.PageState
    attempts: int = 0
    code: str = ""  # the provider's, or ours, when it failed
    claimed_at: datetime | None = None
    done_at: datetime | None = None
    opened_at: datetime | None = None  # its link was used
