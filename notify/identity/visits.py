"""Browsers on their way to the identity provider and back: asked once, answered once. One transaction each; what did not hold
is an outcome, not an error, so that a question that was answered stays answered."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, delete, insert
from sqlmodel import col, select

from notify import audit
from notify.audit import Act
from notify.identity import links
from notify.identity.claims import Identity
from notify.identity.identity_tables import IdentitySession, IdentityVisit
from notify.identity.links import Account
from notify.staff import accounts, people
from notify.staff.accounts import PROVED_FOR, SIGNED_IN_FOR
from notify.staff.people import BadPerson
from subscribers.sealing import Keyring, Unopenable

ASKED_FOR: Final = timedelta(minutes=10)  # long enough for a second factor that has to be looked for
MOST_UNDER_WAY: Final = 10_000  # a flood costs a megabyte or two, and the oldest go first
TOKEN: Final = "id_token"  # what a token is sealed as


class Purpose(StrEnum):
    ENTER = "enter"  # to sign in
    JOIN = "join"  # to use an invitation by linking an account
    PROVE = "prove"  # to show, before a grave step, that the person signed in sits there


class Why(StrEnum):
    """Why nobody came in."""

    NOBODY = "the account is linked to nobody here"
    DISABLED = "the person it is linked to is disabled"
    USED = "the invitation does not hold any more"
    TAKEN = "the account is linked to somebody else"
    OTHER = "it is another account than the one of whoever is signed in"
    GONE = "the session has ended meanwhile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """subject: as IdentityVisit.subject."""

    purpose: Purpose
    way: str
    subject: str = ""
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """token: the cookie's value of a new session. person_id: who it is; None when nobody came in, and why."""

    person_id: str | None = None
    token: str | None = None
    why: Why | None = None


def ask(conn: Connection, cookie: str, visit: Visit) -> None:
    """Notes that the browser with this cookie is sent there; an earlier visit of the same cookie is void."""
    now, holder = visit.asked_at, accounts.hashed(cookie)
    conn.execute(delete(IdentityVisit).where(col(IdentityVisit.expires_at) <= now))
    last = select(col(IdentityVisit.expires_at)).order_by(col(IdentityVisit.expires_at).desc())
    oldest = last.offset(MOST_UNDER_WAY - 1).limit(1).scalar_subquery()
    conn.execute(delete(IdentityVisit).where(col(IdentityVisit.expires_at) <= oldest))
    conn.execute(delete(IdentityVisit).where(col(IdentityVisit.holder) == holder))
    row = IdentityVisit(
        holder=holder,
        purpose=visit.purpose.value,
        subject=visit.subject,
        way=visit.way,
        asked_at=now,
        expires_at=now + ASKED_FOR,
    )
    conn.execute(insert(IdentityVisit).values(**row.model_dump()))


def take(conn: Connection, cookie: str, now: datetime) -> Visit | None:
    """The visit that is open, which is open no longer; None when there is none, or it took too long."""
    mine = delete(IdentityVisit).where(col(IdentityVisit.holder) == accounts.hashed(cookie))
    found = conn.execute(mine.returning(*IdentityVisit.__table__.columns)).first()  # type: ignore[attr-defined]
    if found is None or found.expires_at <= now:
        return None
    return Visit(purpose=Purpose(found.purpose), way=found.way, subject=found.subject, asked_at=found.asked_at)


def enter(conn: Connection, who: Identity, device: str, now: datetime, *, proves: bool) -> Came:
    """Signs in whoever the account is linked to. proves: whether having shown there who they are counts here, for as long as a
    code would; a session that the provider only remembered has shown nothing."""
    account = Account(issuer=who.issuer, subject=who.subject)
    person_id = links.owner(conn, account)
    if person_id is None:
        return Came(why=Why.NOBODY)
    if people.active(conn, person_id) is None:
        return Came(why=Why.DISABLED)
    links.used(conn, account, now)
    shown_at = min(who.shown_at, now) if proves and who.shown_at is not None else now - PROVED_FOR
    return Came(person_id=person_id, token=accounts.sign_in(conn, person_id, device, now, shown_at))


def join(conn: Connection, invitation: str, who: Identity, now: datetime) -> Came:
    """Uses an invitation: the account is linked, and what its person signed in with before is void. invitation: hashed."""
    account = Account(issuer=who.issuer, subject=who.subject)
    person_id = accounts.invited_by_hash(conn, invitation, now)
    if person_id is None:
        return Came(why=Why.USED)
    if links.owner(conn, account) not in (None, person_id):
        return Came(why=Why.TAKEN)
    try:
        links.check(conn, person_id, account)
    except BadPerson:
        return Came(why=Why.DISABLED)
    if accounts.start_anew(conn, invitation, person_id, now) is None:
        return Came(why=Why.USED)
    links.link(conn, person_id, account, person_id, now)
    return Came(person_id=person_id)


def prove(conn: Connection, session_id: str, who: Identity, now: datetime) -> Came:
    """Whether the account is the one of whoever is signed in; their session then counts as shown."""
    person_id = accounts.holder(conn, session_id, now)
    if person_id is None:
        return Came(why=Why.GONE)
    if links.owner(conn, Account(issuer=who.issuer, subject=who.subject)) != person_id:
        return Came(why=Why.OTHER)
    accounts.prove_session(conn, session_id, now)
    act = Act(actor=person_id, action="showed at the identity provider who they are", subject=person_id, detail={})
    audit.append(conn, act, now)
    return Came(person_id=person_id)


def keep_token(conn: Connection, ring: Keyring, session_id: str, token: str, now: datetime) -> None:
    """For signing out there. Those of sessions that have ended by age go."""
    conn.execute(delete(IdentitySession).where(col(IdentitySession.kept_at) <= now - SIGNED_IN_FOR))
    sealed = ring.seal(TOKEN, token)
    row = IdentitySession(session_id=session_id, token=sealed.data, key_id=sealed.key_id, kept_at=now)
    conn.execute(insert(IdentitySession).values(**row.model_dump()))


def take_token(conn: Connection, ring: Keyring, session_id: str) -> str | None:
    """The ID token that a session began with, which is forgotten; None for one that did not begin at the provider."""
    mine = delete(IdentitySession).where(col(IdentitySession.session_id) == session_id)
    found: Any = conn.execute(mine.returning(col(IdentitySession.key_id), col(IdentitySession.token))).first()
    if found is None:
        return None
    try:
        return ring.open(TOKEN, found[0], found[1])
    except Unopenable:
        return ""
