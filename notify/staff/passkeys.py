"""Passkeys of staff: asked for, added, used, removed. One transaction each; what did not hold is an outcome, not an error, so
that the challenge it used up stays used up."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import col, select

from notify import audit
from notify.audit import Act
from notify.staff import accounts, ceremony, people
from notify.staff.ceremony import ASKED_FOR, CHALLENGE_BYTES, Key, Party, Unproven
from notify.staff.staff_tables import Challenge, Passkey

logger = logging.getLogger(__name__)

MOST: Final = 10  # of one person: phone, laptop, a key in the safe, and room for new ones
LONGEST_NAME: Final = 60
MOST_AT_THE_DOOR: Final = 10_000  # challenges of people not signed in: a flood costs a megabyte, and the oldest go first


class Purpose(StrEnum):
    ADD = "add"  # to become a passkey of whoever is signed in
    ENTER = "enter"  # to sign in
    PROVE = "prove"  # to show, before a grave step, that the person signed in sits there


class Why(StrEnum):
    """Why an answer was refused."""

    UNASKED = "no challenge of this browser and purpose is open"
    UNKNOWN = "there is no such passkey"
    FOREIGN = "it is somebody else's passkey"
    UNPROVEN = "it does not hold"
    BACKWARDS = "its count went backwards: two devices may hold it"
    KNOWN = "it is a passkey already"
    MANY = "the person has as many as anybody may have"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """person_id: who has shown that it is them; None when nobody has, and why."""

    person_id: str | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkeys:
    """What a console can ask of browsers. key: makes the handles that authenticators keep in place of names.

    cookie: always the value of the cookie that marks one browser; a challenge is nobody else's."""

    party: Party
    key: bytes

    def ask_to_add(self, conn: Connection, cookie: str, person_id: str, now: datetime) -> dict[str, Any]:
        """What the browser is to ask its authenticator, as JSON."""
        challenge = _ask(conn, cookie, Purpose.ADD, now)
        known = [one.credential_id for one in of(conn, person_id)]
        return ceremony.to_add(self.party, person_id, ceremony.handle(self.key, person_id), challenge, known)

    def ask_to_enter(self, conn: Connection, cookie: str, now: datetime) -> dict[str, Any]:
        return ceremony.to_prove(self.party, _ask(conn, cookie, Purpose.ENTER, now))

    def ask_to_prove(self, conn: Connection, cookie: str, person_id: str, now: datetime) -> dict[str, Any]:
        challenge = _ask(conn, cookie, Purpose.PROVE, now)
        return ceremony.to_prove(self.party, challenge, [one.credential_id for one in of(conn, person_id)])

    def add(self, conn: Connection, cookie: str, owner: tuple[str, str], answer: str, now: datetime) -> Verdict:
        """owner: the person and what they call the passkey."""
        person_id, name = owner
        challenge = _take(conn, cookie, Purpose.ADD, now)
        if challenge is None:
            return _refused(Why.UNASKED)
        try:
            key = ceremony.added(self.party, challenge, answer)
        except Unproven as error:
            return _refused(Why.UNPROVEN, str(error))
        if _row(conn, key.credential_id) is not None:
            return _refused(Why.KNOWN)
        if len(of(conn, person_id)) >= MOST:
            return _refused(Why.MANY)
        row = Passkey(
            person_id=person_id,
            credential_id=key.credential_id,
            public_key=key.public_key,
            count=key.count,
            name=name[:LONGEST_NAME],
            added_at=now,
        )
        (passkey_id,) = conn.execute(
            insert(Passkey).values(**row.model_dump(exclude={"passkey_id"})).returning(col(Passkey.passkey_id))
        ).one()
        _log(conn, person_id, "added a passkey", person_id, now, passkey=passkey_id)
        return Verdict(person_id=person_id)

    def enter(self, conn: Connection, cookie: str, answer: str, now: datetime) -> Verdict:
        """Whose passkey this is, for whoever is not signed in."""
        return self._use(conn, cookie, (Purpose.ENTER, None), answer, now)

    def prove(self, conn: Connection, cookie: str, person_id: str, answer: str, now: datetime) -> Verdict:
        """Whether the person signed in has just used one of their own."""
        return self._use(conn, cookie, (Purpose.PROVE, person_id), answer, now)

    def _use(self, conn: Connection, cookie: str, sought: tuple[Purpose, str | None], answer: str, now: datetime) -> Verdict:
        purpose, wanted = sought
        challenge = _take(conn, cookie, purpose, now)
        if challenge is None:
            return _refused(Why.UNASKED)
        try:
            claim = ceremony.claimed(answer)
            row = _row(conn, claim.raw_id)
            if row is None or people.active(conn, row.person_id) is None:
                return _refused(Why.UNKNOWN)
            key = Key(credential_id=row.credential_id, public_key=row.public_key, count=row.count)
            stated = ceremony.proven(self.party, challenge, key, claim)
        except Unproven as error:
            return _refused(Why.UNPROVEN, str(error))
        owner = ceremony.handle(self.key, row.person_id)
        told = claim.response.user_handle
        if wanted not in (None, row.person_id) or (told != owner and (told is not None or wanted is None)):
            return _refused(Why.FOREIGN)
        if ceremony.went_backwards(row.count, stated):
            _log(conn, row.person_id, "used a passkey whose count went backwards", row.person_id, now, passkey=row.passkey_id)
            return _refused(Why.BACKWARDS)
        conn.execute(update(Passkey).where(col(Passkey.passkey_id) == row.passkey_id).values(count=stated, used_at=now))
        _log(conn, row.person_id, "used a passkey", row.person_id, now, passkey=row.passkey_id, purpose=purpose.value)
        return Verdict(person_id=row.person_id)


def of(conn: Connection, person_id: str) -> list[Passkey]:
    """A person's passkeys, the oldest first."""
    query = select(Passkey).where(col(Passkey.person_id) == person_id).order_by(col(Passkey.passkey_id))
    return [Passkey(**row._mapping) for row in conn.execute(query)]


def everybodys(conn: Connection) -> dict[str, list[Passkey]]:
    """Who has which."""
    found: dict[str, list[Passkey]] = {}
    for row in conn.execute(select(Passkey).order_by(col(Passkey.passkey_id))):
        found.setdefault(row.person_id, []).append(Passkey(**row._mapping))
    return found


def rename(conn: Connection, owner: str, passkey_id: int, name: str, now: datetime) -> bool:
    """What its owner calls a passkey from now on. False when they have no such passkey."""
    one = update(Passkey).where(col(Passkey.passkey_id) == passkey_id, col(Passkey.person_id) == owner)
    if conn.execute(one.values(name=name[:LONGEST_NAME])).rowcount != 1:
        return False
    _log(conn, owner, "renamed a passkey", owner, now, passkey=passkey_id)
    return True


def remove(conn: Connection, owner: str, passkey_id: int, by: tuple[str, str | None], now: datetime) -> bool:
    """Takes a passkey away: it opens nothing any more, and every browser its owner is signed in with is signed out, but the one
    this is done from. by: who removes it, and the cookie of their own browser if it is the owner's. False when the owner has
    no such passkey."""
    actor, cookie = by
    gone = delete(Passkey).where(col(Passkey.passkey_id) == passkey_id, col(Passkey.person_id) == owner)
    if conn.execute(gone).rowcount != 1:
        return False
    ended = accounts.end_all(conn, owner, now, but=cookie)
    _log(conn, actor, "removed a passkey", owner, now, passkey=passkey_id, sessions=ended)
    return True


def _ask(conn: Connection, cookie: str, purpose: Purpose, now: datetime) -> bytes:
    """A new challenge; an earlier one for the same browser and purpose is void."""
    challenge, holder = secrets.token_bytes(CHALLENGE_BYTES), _hash(cookie)
    conn.execute(delete(Challenge).where(col(Challenge.expires_at) <= now))
    if purpose is Purpose.ENTER:
        at_the_door = select(col(Challenge.expires_at)).where(col(Challenge.purpose) == purpose.value)
        last = at_the_door.order_by(col(Challenge.expires_at).desc()).offset(MOST_AT_THE_DOOR - 1).limit(1).scalar_subquery()
        conn.execute(delete(Challenge).where(col(Challenge.purpose) == purpose.value, col(Challenge.expires_at) <= last))
    _close(conn, holder, purpose)
    row = Challenge(holder=holder, purpose=purpose.value, challenge=challenge, expires_at=now + ASKED_FOR)
    conn.execute(insert(Challenge).values(**row.model_dump()))
    return challenge


def _take(conn: Connection, cookie: str, purpose: Purpose, now: datetime) -> bytes | None:
    """The open challenge, which is open no longer; None when there is none, or it is too old."""
    found: Sequence[Any] | None = _close(conn, _hash(cookie), purpose)
    return found[0] if found is not None and found[1] > now else None


def _close(conn: Connection, holder: str, purpose: Purpose) -> Any:
    one = delete(Challenge).where(col(Challenge.holder) == holder, col(Challenge.purpose) == purpose.value)
    return conn.execute(one.returning(col(Challenge.challenge), col(Challenge.expires_at))).first()


def _row(conn: Connection, credential_id: bytes) -> Passkey | None:
    found = conn.execute(select(Passkey).where(col(Passkey.credential_id) == credential_id).with_for_update()).first()
    return Passkey(**found._mapping) if found else None


def _refused(why: Why, detail: str = "") -> Verdict:
    logger.warning("a passkey was refused: %s %s", why, detail)
    return Verdict(why=why)


def _log(conn: Connection, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    audit.append(conn, Act(actor=actor, action=action, subject=subject, detail=detail), now)


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
