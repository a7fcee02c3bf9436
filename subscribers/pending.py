"""What waits for proof of possession: made, found by its token, tried, used once, forgotten. On the caller's transaction.

A token is 128 random bits, written in 22 letters; only its hash is kept. A code is short, so it is kept sealed and can be tried
a few times only.
"""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select, update

from subscribers.sealing import Keyring
from subscribers.signup import CODE_DIGITS, CODE_LIFE, CODE_TRIES, LINK_LIFE, VISIT_LIFE, Kind, Wish
from subscribers.store import table_of
from subscribers.tables import Pending

PENDING = table_of(Pending)

TOKEN_BYTES: Final = 16
TOKEN_LETTERS: Final = 22
LIVES: Final = {
    Kind.CODE: CODE_LIFE,
    Kind.ENTRY: CODE_LIFE,
    Kind.CONFIRM: LINK_LIFE,
    Kind.MANAGE: LINK_LIFE,
    Kind.VISIT: VISIT_LIFE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a pending row keeps sealed: the sign-up asked for, and the code sent for it."""

    wish: Wish | None = None
    code: str = field(default="", repr=False)

    @classmethod
    def with_code(cls, wish: Wish | None = None) -> Self:
        """With a fresh code to be sent."""
        return cls(wish=wish, code=f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}")


HELD = TypeAdapter(Held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A pending row, opened. blind: the keyed hash of the address that is to be proven."""

    pending_id: int
    kind: Kind
    channel: str
    blind: bytes
    held: Held
    created_at: datetime
    expires_at: datetime
    tries: int
    used_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at and self.tries < CODE_TRIES


@dataclass(frozen=True, slots=True)
class Safe:
    """The pending rows on one connection, at one moment."""

    conn: Connection
    keyring: Keyring
    now: datetime

    def put(self, kind: Kind, channel: str, blind: bytes, held: Held) -> str:
        """Keeps something waiting; returns the token that finds it, which is kept nowhere."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        sealed = self.keyring.seal(_bound(kind), HELD.dump_json(held).decode())
        values: dict[str, Any] = {"kind": kind, "token_hash": _hash(kind, token), "channel": channel, "blind": blind}
        values |= {"sealed": sealed.data, "key_id": sealed.key_id, "tries": 0}
        values |= {"created_at": self.now, "expires_at": self.now + LIVES[kind]}
        self.conn.execute(insert(PENDING).values(**values))
        return token

    def find(self, kind: Kind, token: str) -> Waiting | None:
        """What this token was given out for, used or not; None for any other: of another kind, too old. Raises Unopenable."""
        if len(token) != TOKEN_LETTERS or not token.isascii():
            return None
        query = select(PENDING).where(PENDING.c.token_hash == _hash(kind, token), PENDING.c.expires_at > self.now)
        row = self.conn.execute(query).mappings().first()
        if row is None:
            return None
        held = HELD.validate_json(self.keyring.open(_bound(kind), row["key_id"], bytes(row["sealed"])))
        columns = ("pending_id", "channel", "created_at", "expires_at", "tries", "used_at")
        return Waiting(kind=kind, blind=bytes(row["blind"]), held=held, **{name: row[name] for name in columns})

    def use(self, waiting: Waiting) -> bool:
        """Takes it, once: False when somebody has taken it before."""
        unused = (PENDING.c.pending_id == waiting.pending_id) & PENDING.c.used_at.is_(None)
        return self.conn.execute(update(PENDING).where(unused).values(used_at=self.now)).rowcount > 0

    def try_code(self, waiting: Waiting, typed: str) -> int | None:
        """Counts a try at the code. None when it is right (and then it is used); else how many tries are left."""
        row = update(PENDING).where(
            PENDING.c.pending_id == waiting.pending_id, PENDING.c.used_at.is_(None), PENDING.c.tries < CODE_TRIES
        )
        tries = self.conn.execute(row.values(tries=PENDING.c.tries + 1).returning(PENDING.c.tries)).scalar()
        if tries is None:
            return 0
        code = waiting.held.code
        if code and hmac.compare_digest(digits(typed).encode(), code.encode()) and self.use(waiting):
            return None
        return CODE_TRIES - int(tries)

    def forget(self, channel: str, blind: bytes) -> None:
        """Deletes everything that waits for this address to be proven, its open pages included."""
        self.conn.execute(delete(PENDING).where(PENDING.c.channel == channel, PENDING.c.blind == blind))

    def clear(self) -> int:
        """Deletes what is too old; returns how many rows."""
        return self.conn.execute(delete(PENDING).where(PENDING.c.expires_at <= self.now)).rowcount


def digits(typed: str) -> str:
    """The digits of what was typed as a code, whatever stands between them, in any script's digits; at most a few."""
    return "".join(str(unicodedata.digit(letter)) for letter in typed[:40] if letter.isdecimal())


def _hash(kind: Kind, token: str) -> bytes:
    return hashlib.sha256(f"{kind} {token}".encode()).digest()


def _bound(kind: Kind) -> str:
    """What the sealed JSON is bound to: moved into a row of another kind it does not open."""
    return f"pending {kind}"
