"""Signing in to the console: invitations, logins and sessions. One transaction each; nothing here hashes a password, which is
slow: see passwords.py."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import col, select

from notify import audit
from notify.alerts.life import Staff
from notify.audit import Act
from notify.identity.identity_tables import IdentityLink
from notify.staff import passwords, people
from notify.staff.staff_tables import Invitation, Login, Passkey, Person, Session
from subscribers.sealing import Keyring

TOKEN_BYTES: Final = 24
INVITED_FOR: Final = timedelta(hours=24)
SIGNED_IN_FOR: Final = timedelta(hours=12)  # a shift
IDLE_FOR: Final = timedelta(minutes=30)
PROVED_FOR: Final = timedelta(minutes=5)  # within which an approval does not ask for the code again
SEEN_EVERY: Final = timedelta(seconds=30)  # how exactly we note when a browser was last seen
FREE_TRIES: Final = 5
LONGEST_WAIT: Final = timedelta(minutes=15)
SEED: Final = "totp"  # what a seed is sealed as


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A signed-in browser. token: its cookie's value."""

    token: str
    staff: Staff
    seen_at: datetime
    proved_at: datetime

    @property
    def mark(self) -> str:
        """What forms of this session carry: another site cannot know it."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()[:32]

    def proved(self, now: datetime) -> bool:
        """Whether the person at this browser typed their code or used a passkey a moment ago."""
        return now - self.proved_at < PROVED_FOR


def invite(conn: Connection, person_id: str, made_by: str, now: datetime) -> str:
    """A token for one use within a day; earlier ones of the person are void. Raises people.BadPerson."""
    known = select(col(Person.person_id)).where(col(Person.person_id) == person_id, col(Person.disabled_at).is_(None))
    if conn.execute(known).first() is None:
        raise people.BadPerson(f"There is no {person_id}, or they are disabled.")
    conn.execute(delete(Invitation).where(col(Invitation.person_id) == person_id, col(Invitation.used_at).is_(None)))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = Invitation(token_hash=hashed(token), person_id=person_id, made_by=made_by, expires_at=now + INVITED_FOR)
    conn.execute(insert(Invitation).values(**row.model_dump()))
    _log(conn, made_by, "invited", person_id, now)
    return token


def invited(conn: Connection, token: str, now: datetime) -> str | None:
    """Whom an invitation is for; None when it was used, is too old or never was one."""
    return invited_by_hash(conn, hashed(token), now)


def invited_by_hash(conn: Connection, token_hash: str, now: datetime) -> str | None:
    query = select(col(Invitation.person_id)).where(
        col(Invitation.token_hash) == token_hash, col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now
    )
    found = conn.execute(query).first()
    return found[0] if found else None


def start_anew(conn: Connection, token_hash: str, person_id: str, now: datetime) -> int | None:
    """Uses an invitation up: what its person signed in with before is void, passkeys and the account at the identity provider
    too, and every session of theirs ends: whoever needs a new start may have lost what holds them. Returns how many passkeys
    were voided, None when it was used meanwhile."""
    used = update(Invitation).where(col(Invitation.token_hash) == token_hash, col(Invitation.used_at).is_(None))
    if conn.execute(used.values(used_at=now)).rowcount != 1:
        return None
    conn.execute(delete(Login).where(col(Login.person_id) == person_id))
    conn.execute(delete(IdentityLink).where(col(IdentityLink.person_id) == person_id))
    voided = conn.execute(delete(Passkey).where(col(Passkey.person_id) == person_id)).rowcount
    end_all(conn, person_id, now)
    return voided


def enrol(conn: Connection, token: str, password: str, seed: bytes, ring: Keyring, step: int, now: datetime) -> str | None:
    """Uses an invitation: sets the login, and voids what was before it (start_anew). password: hashed. step: of the code that
    proved that the app has the seed. Returns the person, None when the invitation does not hold (any more)."""
    person_id = invited(conn, token, now)
    voided = start_anew(conn, hashed(token), person_id, now) if person_id is not None else None
    if person_id is None or voided is None:
        return None
    sealed = ring.seal(SEED, seed.hex())
    row = Login(person_id=person_id, password=password, seed=sealed.data, key_id=sealed.key_id, last_step=step)
    conn.execute(insert(Login).values(**row.model_dump()))
    _log(conn, person_id, "set a password", person_id, now, passkeys_voided=voided)
    return person_id


def login(conn: Connection, person_id: str) -> Login | None:
    """How this person signs in; None for somebody who is not there, was never invited or is disabled."""
    active = select(col(Person.person_id)).where(col(Person.disabled_at).is_(None))
    query = select(Login).where(col(Login.person_id) == person_id, col(Login.person_id).in_(active))
    found = conn.execute(query).first()
    return Login(**found._mapping) if found else None


def attempt(conn: Connection, person_id: str, fits: bool, code: str, ring: Keyring, now: datetime) -> bool:
    """Counts one try to sign in or to prove oneself. True when the password fits, the code is of now and was not used
    before, and no wait is running. After five failures in a row each further one makes the person wait, twice as long."""
    found = conn.execute(select(Login).where(col(Login.person_id) == person_id).with_for_update()).first()
    if found is None:
        return False
    row = Login(**found._mapping)
    if row.wait_until is not None and now < row.wait_until:
        return False
    seed = bytes.fromhex(ring.open(SEED, row.key_id, row.seed))
    step = passwords.step_of(seed, code, now, row.last_step) if fits else None
    change = update(Login).where(col(Login.person_id) == person_id)
    if step is None:
        failures = row.failures + 1
        conn.execute(change.values(failures=failures, wait_until=_wait(failures, now)))
        if failures == FREE_TRIES:
            _log(conn, person_id, "failed to sign in five times", person_id, now)
        return False
    conn.execute(change.values(failures=0, wait_until=None, last_step=step))
    return True


def next_code(row: Login, ring: Keyring, now: datetime) -> str:
    """A code that this login takes now; "" when the ones of now are used up."""
    seed = bytes.fromhex(ring.open(SEED, row.key_id, row.seed))
    coming = (now, now + timedelta(seconds=passwords.STEP_S))
    codes = [passwords.code_at(seed, at) for at in coming]
    return next((code for code in codes if passwords.step_of(seed, code, now, row.last_step) is not None), "")


def sign_in(conn: Connection, person_id: str, device: str, now: datetime, proved_at: datetime | None = None) -> str:
    """A new session; returns its cookie's value. proved_at: when they showed who they are; None: with this very sign-in."""
    token, shown = secrets.token_urlsafe(TOKEN_BYTES), proved_at or now
    row = Session(session_id=hashed(token), person_id=person_id, made_at=now, seen_at=now, proved_at=shown, device=device)
    conn.execute(insert(Session).values(**row.model_dump()))
    _log(conn, person_id, "signed in", person_id, now, device=device)
    return token


def visit(conn: Connection, token: str, now: datetime) -> Visit | None:
    """Who this cookie is: None once the session ended, was idle for half an hour or is half a day old, or the person was
    disabled."""
    found = _going_on(conn, hashed(token), now)
    staff = people.active(conn, found[0]) if found else None
    return Visit(token=token, staff=staff, seen_at=found[1], proved_at=found[2]) if found and staff else None


def holder(conn: Connection, session_id: str, now: datetime) -> str | None:
    """Whose session this is, under the conditions of `visit`."""
    found = _going_on(conn, session_id, now)
    return found[0] if found and people.active(conn, found[0]) is not None else None


def _going_on(conn: Connection, session_id: str, now: datetime) -> Any:
    query = select(col(Session.person_id), col(Session.seen_at), col(Session.proved_at)).where(
        col(Session.session_id) == session_id,
        col(Session.ended_at).is_(None),
        col(Session.made_at) > now - SIGNED_IN_FOR,
        col(Session.seen_at) > now - IDLE_FOR,
    )
    return conn.execute(query).first()


def seen(conn: Connection, token: str, now: datetime) -> None:
    _change(conn, hashed(token), seen_at=now)


def prove(conn: Connection, token: str, now: datetime) -> None:
    """Notes that the person at this browser has just typed their code or used a passkey."""
    prove_session(conn, hashed(token), now)


def prove_session(conn: Connection, session_id: str, now: datetime) -> None:
    _change(conn, session_id, seen_at=now, proved_at=now)


def sign_out(conn: Connection, token: str, now: datetime) -> None:
    _change(conn, hashed(token), ended_at=now)


def end_all(conn: Connection, person_id: str, now: datetime, but: str | None = None) -> int:
    """Ends every session of a person at once; returns how many. but: the cookie of the one that goes on."""
    ended = update(Session).where(col(Session.person_id) == person_id, col(Session.ended_at).is_(None))
    if but is not None:
        ended = ended.where(col(Session.session_id) != hashed(but))
    return conn.execute(ended.values(ended_at=now)).rowcount


def cut_off(conn: Connection, person_id: str, by: str, now: datetime) -> None:
    """Ends every session of somebody else, at once."""
    ended = end_all(conn, person_id, now)
    _log(conn, by, "cut off", person_id, now, sessions=ended)


def disable(conn: Connection, person_id: str, by: str, now: datetime) -> None:
    """The person may do nothing any more, from this moment. Raises people.BadPerson."""
    people.disable(conn, person_id, now)
    end_all(conn, person_id, now)
    _log(conn, by, "disabled", person_id, now)


def sessions(conn: Connection, now: datetime) -> list[Session]:
    """The browsers signed in now, the last seen first."""
    query = select(Session).where(
        col(Session.ended_at).is_(None), col(Session.made_at) > now - SIGNED_IN_FOR, col(Session.seen_at) > now - IDLE_FOR
    )
    return [Session(**row._mapping) for row in conn.execute(query.order_by(col(Session.seen_at).desc()))]


def _change(conn: Connection, session_id: str, **values: Any) -> None:
    conn.execute(update(Session).where(col(Session.session_id) == session_id, col(Session.ended_at).is_(None)).values(**values))


def _wait(failures: int, now: datetime) -> datetime | None:
    if failures < FREE_TRIES:
        return None
    return now + min(LONGEST_WAIT, timedelta(seconds=2 ** min(failures - FREE_TRIES, 20)))


def _log(conn: Connection, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    audit.append(conn, Act(actor=actor, action=action, subject=subject, detail=detail), now)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
