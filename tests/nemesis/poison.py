"""One person in a hundred cannot be reached, in each way in which a ledger can hold such a one; and what must have become of
their rows."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, text

from notify.db import Database
from subscribers.sealing import NONCE_BYTES, Keyring, Sealed
from tests.stories.town import Town

ONE_IN: Final = 100
LATE: Final = 1.25  # times what the texts take at their pace: others are not held up
START_S: Final = 3.0
SPOIL: Final = text("UPDATE address SET sealed = :data, key_id = :key_id WHERE channel = 'sms' AND blind = :blind")


def altered(ring: Keyring, number: str) -> Sealed:
    sealed = ring.seal("sms", number)
    return replace(sealed, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1]))


def of_a_lost_key(ring: Keyring, number: str) -> Sealed:
    return replace(ring.seal("sms", number), key_id="lost")


def half_a_letter(ring: Keyring, number: str) -> Sealed:
    """A surrogate of UTF-16 alone, which is no text in UTF-8."""
    nonce = os.urandom(NONCE_BYTES)
    data = AESGCM(ring.keys[ring.current]).encrypt(nonce, number.encode() + b"\xed\xa0\x80", b"sms")
    return Sealed(key_id=ring.current, data=nonce + data)


def endless(ring: Keyring, number: str) -> Sealed:
    return ring.seal("sms", number + "5" * 10_000)


def no_number(ring: Keyring, number: str) -> Sealed:
    return ring.seal("sms", number[:-1] + "x")


def two_lines(ring: Keyring, number: str) -> Sealed:
    return ring.seal("sms", number[:-1] + "\n")


def of_no_region(ring: Keyring, number: str) -> Sealed:
    return ring.seal("sms", "+10" + number[3:])


KINDS: Final[Sequence[Callable[[Keyring, str], Sealed]]] = (
    altered,
    of_a_lost_key,
    half_a_letter,
    endless,
    no_number,
    two_lines,
    of_no_region,
)


def chosen(people: Sequence[str]) -> Sequence[str]:
    return people[::ONE_IN]


def spoil(town: Town, people: Sequence[str]) -> None:
    """As a damaged disk, a bad import or a rotation gone wrong would leave their addresses."""
    found = []
    for place, number in enumerate(chosen(people)):
        sealed = KINDS[place % len(KINDS)](town.ring, number)
        found.append({"data": sealed.data, "key_id": sealed.key_id, "blind": town.ring.blind("sms", number)})

    def alter(conn: Connection) -> int:
        return conn.execute(SPOIL, found).rowcount

    with closing(Database(town.database_url)) as db:
        db.write_now(alter)


def problems(
    rows: Iterable[Mapping[str, str]], accepted: Sequence[Mapping[str, Any]], people: Sequence[str], rate: float
) -> list[str]:
    """Sentences, from the dump and from what the carrier accepted. rate: segments a second."""
    bad = set(chosen(people))
    good = set(people) - bad
    theirs = [row for row in rows if row["address"] not in good]
    found = [] if len(theirs) == len(bad) else [f"{len(theirs)} rows of {len(bad)} people who cannot be reached."]
    for row in theirs:
        if row["state"] != "refused" or not row["code"]:
            said = f"{row['state']}, code '{row['code']}'"
            found.append(
                f"Delivery {row['delivery_id']} of somebody who cannot be reached ended as {said}, not refused with a reason."
            )
    times = sorted(datetime.fromisoformat(line["at"]).timestamp() for line in accepted)
    took, due = times[-1] - times[0], sum(line["num_segments"] for line in accepted) / rate
    if took > LATE * due + START_S:
        found.append(f"The others' texts took {took:.1f} s; their pace allows {due:.1f} s.")
    return found
