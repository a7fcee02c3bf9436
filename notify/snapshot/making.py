"""Writes a snapshot from the database and reads it again from the disk, before its name says that it is one."""

import hashlib
import json
import math
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, TextClause, text

from notify.db import Database, of_one_moment
from notify.snapshot import contents, sealed_stream
from notify.snapshot.columns import SUSPECT
from notify.snapshot.contents import Reading
from notify.snapshot.sealed_stream import Sealer
from subscribers import atlas, contacts
from subscribers.areas import to_geojson
from subscribers.sealing import Keyring

SUFFIX: Final = ".sealed"
ADDRESSES: Final = text("""
    SELECT subscriber_id, address_id, channel, sealed, key_id, language, basis, stopped_at IS NOT NULL AS stopped,
    unreachable_at IS NOT NULL AS unreachable FROM address ORDER BY subscriber_id, address_id""")
PLACES: Final = text("SELECT subscriber_id, lon, lat, area, kind, block FROM place ORDER BY subscriber_id, place_id")
ROWS: Final = 1_000  # in memory at once, of each of the two
NOBODYS: Final[tuple[float, list[Any]]] = (math.inf, [])  # after the last who has a place
_OWNER: Final = itemgetter(0)


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


def lines(conn: Connection, ring: Keyring, heading: Heading) -> Generator[dict[str, Any]]:
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
    suspects = set(contacts.suspects(conn))
    with _streamed(conn, ADDRESSES) as addresses, _streamed(conn, PLACES) as rows:
        places = _places(rows)
        owner, spots = next(places, NOBODYS)
        for person, theirs in groupby(addresses, key=_OWNER):
            # Both come in the order of subscriber_id, so that nobody's places wait in memory for the others' addresses.
            while owner < person:
                owner, spots = next(places, NOBODYS)
            who = [_address(row, ring, suspects) for row in theirs]
            counts["people"] += 1
            counts["addresses"] += len(who)
            yield {"who": who, "at": spots if owner == person else []}
    yield {"end": counts}


def _streamed(conn: Connection, query: TextClause) -> CursorResult[Any]:
    """Rows as they are needed, all as they stand now; without the option PostgreSQL's driver would hold every one of them."""
    return conn.execute(query, execution_options={"yield_per": ROWS})


def _places(rows: Iterable[Any]) -> Iterator[tuple[float, list[Any]]]:
    """Everybody's places that can be matched, by subscriber_id."""
    for person, theirs in groupby(rows, key=_OWNER):
        spots = [[lon, lat, block != ""] if kind == "point" else area for _, lon, lat, area, kind, block in theirs]
        yield person, [spot for spot in spots if spot is not None and spot[:2] != [None, None]]


def _address(row: Any, ring: Keyring, suspects: set[int]) -> list[Any]:
    _, address_id, channel, sealed, key_id, language, basis, stopped, unreachable = row
    standing = "stopped" if stopped else "unreachable" if unreachable else "open"
    if standing == "open" and address_id in suspects:
        standing = SUSPECT
    return [address_id, channel, ring.open(channel, key_id, sealed), language, basis, standing]


def make(db: Database, ring: Keyring, heading: Heading, public: str, path: Path) -> Made:
    """Writes, syncs, reads again with the file's own key, compares, and only then gives it its name. Raises Unproven,
    Unreadable, FileExistsError, Unopenable, OSError; then nothing is left."""
    if path.exists():
        raise FileExistsError(f"{path} exists already; a snapshot never overwrites.")
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        key, meant = db.read_now(partial(_write_all, ring=ring, heading=heading, public=public, path=part))
        counts = proven(part, key, meant)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return Made(path=path, bytes=path.stat().st_size, digest=digest, counts=counts)


def _write_all(conn: Connection, ring: Keyring, heading: Heading, public: str, path: Path) -> tuple[bytes, bytes]:
    of_one_moment(conn)
    with closing(lines(conn, ring, heading)) as found:  # also when the disk is full: the database holds cursors for it
        return write(found, public, path)


def write(lines: Iterable[dict[str, Any]], public: str, path: Path) -> tuple[bytes, bytes]:
    """The file's own key, and the digest of what was meant; on the disk when it returns."""
    meant = hashlib.sha256()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with Sealer(file, public) as sealer:
            for piece in contents.packed(lines):
                meant.update(piece)
                sealer.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return sealer.key, meant.digest()


def proven(path: Path, key: bytes, meant: bytes) -> dict[str, int]:
    """What the file on the disk holds, read line by line as on the day it is needed, and forgotten."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        reading = Reading(_noted(sealed_stream.opened_with(file, key), found))
        for _ in reading.pages():
            pass
    if found.digest() != meant:
        raise Unproven("What was read from the disk is not what was written.")
    return reading.counts


def _noted(chunks: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
