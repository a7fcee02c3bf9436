"""Writes a snapshot from the database and reads it again from the disk, before its name says that it is one."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text

from notify.snapshot import contents, sealed_stream
from notify.snapshot.sealed_stream import Sealer
from subscribers import atlas, contacts
from subscribers.areas import to_geojson
from subscribers.sealing import Keyring

SUFFIX: Final = ".sealed"
ADDRESSES: Final = text("""
    SELECT subscriber_id, address_id, channel, sealed, key_id, language, basis, stopped_at IS NOT NULL AS stopped,
    unreachable_at IS NOT NULL AS unreachable FROM address ORDER BY subscriber_id, address_id""")
PLACES: Final = text("SELECT subscriber_id, lon, lat, area, kind, block FROM place ORDER BY subscriber_id, place_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was written. digest: SHA-256 of the file."""

    path: Path
    bytes: int
    digest: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a snapshot says of itself."""

    made_at: datetime
    city: str
    mode: str
    senders: tuple[str, ...]


class Unproven(Exception):
    """What was written does not read as what was meant; nothing was kept."""


def lines(conn: Connection, ring: Keyring, heading: Heading) -> Iterator[dict[str, Any]]:
    """A snapshot's lines, in the one transaction of `conn`. Raises Unopenable: a snapshot without somebody is none."""
    yield {
        "format": contents.FORMAT,
        "made_at": heading.made_at.isoformat(),
        "city": heading.city,
        "mode": heading.mode,
        "senders": list(heading.senders),
    }
    counts = {"areas": 0, "people": 0, "addresses": 0}
    for area in atlas.areas(conn):
        counts["areas"] += 1
        shape = json.loads(to_geojson(area.shape))
        yield {"area": area.name, "citywide": area.citywide, "shape": shape}
    places: dict[int, list[Any]] = {}
    for person, lon, lat, area, kind, block in conn.execute(PLACES):
        spot = [lon, lat, block != ""] if kind == "point" else area
        if spot is not None and spot[:2] != [None, None]:
            places.setdefault(person, []).append(spot)
    suspects = set(contacts.suspects(conn))
    for person, rows in groupby(conn.execute(ADDRESSES), key=itemgetter(0)):
        who = [_address(row, ring, suspects) for row in rows]
        counts["people"] += 1
        counts["addresses"] += len(who)
        yield {"who": who, "at": places.get(person, [])}
    yield {"end": counts}


def _address(row: Any, ring: Keyring, suspects: set[int]) -> list[Any]:
    standing = "stopped" if row.stopped else "unreachable" if row.unreachable else "open"
    if standing == "open" and row.address_id in suspects:
        standing = contents.SUSPECT
    whole = ring.open(row.channel, row.key_id, row.sealed)
    return [row.address_id, row.channel, whole, row.language, row.basis, standing]


def make(conn: Connection, ring: Keyring, heading: Heading, public: str, path: Path) -> Made:
    """Writes, syncs, reads again with the file's own key, compares, and only then gives it its name. Raises Unproven,
    FileExistsError, Unopenable, OSError; then nothing is left."""
    if path.exists():
        raise FileExistsError(f"{path} exists already; a snapshot never overwrites.")
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    meant = hashlib.sha256()
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with Sealer(file, public) as sealer:
                for piece in contents.packed(lines(conn, ring, heading)):
                    meant.update(piece)
                    sealer.write(piece)
            file.flush()
            os.fsync(file.fileno())
        counts = _proven(part, sealer.key, meant.digest())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return Made(path=path, bytes=path.stat().st_size, digest=digest, counts=counts)


def _proven(path: Path, key: bytes, meant: bytes) -> dict[str, int]:
    """What the file on the disk holds, read as on the day it is needed."""
    with path.open("rb") as file:
        chunks = list(sealed_stream.opened_with(file, key))
    if hashlib.sha256(b"".join(chunks)).digest() != meant:
        raise Unproven("What was read from the disk is not what was written.")
    found = contents.read(chunks)
    people = len({int(one) for one in found.index.base.subscriber_id})
    return {"areas": len(found.areas), "people": people, "addresses": len(found.addresses)}
