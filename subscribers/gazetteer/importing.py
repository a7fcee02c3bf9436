"""Reads a city's address file into the gazetteer: the columns number, street, zip, lat, lon and, if there is one, unit.

A bad row is named with its line and reason and left out; the same house twice is listed. The file becomes a new edition,
written in batches, so that the service's own writes never wait long; it takes the old one's place in one small transaction. A
crash, or a file of which most is wrong, leaves the old edition as it was: half a gazetteer would answer half the city that its
streets do not exist.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from subscribers.gazetteer.blocks import block_of
from subscribers.gazetteer.crossings import HOUSE
from subscribers.gazetteer.rows import Fault, Row, Tell, rows
from subscribers.gazetteer.streetmap import EDITION, NEWEST, STREET
from subscribers.place import Envelope
from subscribers.sheet import BadFile

logger = logging.getLogger(__name__)

BATCH: Final = 1_000  # houses a transaction: more would keep an alert's own writes waiting
CLEARED: Final = 20  # streets of old editions forgotten in one transaction
FEW_NOTES: Final = 5  # said of a file that is of no use
MOST_NOTES: Final = 1_000  # rows named one by one; of a wholly wrong file the rest is counted

Begin = Callable[[], AbstractContextManager[Connection]]


class TakenOver(Exception):
    """Another import ran at the same time and won; this one changed nothing."""


@dataclass(slots=True)
class Imported:
    """What a file holds. rows: all but blank ones; units: further homes of a house; notes: a sentence a bad or repeated row."""

    rows: int = 0
    houses: int = 0
    streets: int = 0
    units: int = 0
    duplicates: int = 0
    bad: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, line: int, why: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(f"Line {line}: {why}")


def survey(path: Path, envelope: Envelope, tell: Tell) -> Imported:
    """What importing a file would give; writes nothing. Raises BadFile; OSError when it cannot be read."""
    found = Imported()
    for _ in _houses(path, envelope, tell, found):
        pass
    return found


def import_file(path: Path, begin: Begin, envelope: Envelope, tell: Tell) -> Imported:
    """Replaces the gazetteer by a file. `begin` opens a transaction.

    Raises BadFile when the file is of no use, OSError when it cannot be read, TakenOver; each leaves the gazetteer as it was.
    """
    found = Imported()
    with begin() as conn:
        edition = _new_edition(conn, path.name)
    _clear(begin, edition)  # what a crash left
    try:
        _write(_houses(path, envelope, tell, found), begin, edition)
        if found.bad >= found.houses:
            few = f"Only {found.houses} of {found.rows} rows can be used: the gazetteer stays as it is."
            raise BadFile([*found.notes[:FEW_NOTES], few])
    except (BadFile, OSError):
        _clear(begin, None)
        raise
    with begin() as conn:
        _note(conn, edition, complete=True)
    _clear(begin, edition)
    logger.info("imported %s houses on %s streets, %s rows refused", found.houses, found.streets, found.bad)
    return found


def keep(conn: Connection, path: Path, envelope: Envelope) -> Imported:
    """As `import_file`, within one transaction: for a database nobody else uses yet."""
    return import_file(path, lambda: nullcontext(conn), envelope, lambda done, total: None)


def _houses(path: Path, envelope: Envelope, tell: Tell, found: Imported) -> Iterator[tuple[Row, int]]:
    """Each house once, with a number of its street within the file; everything is counted in `found`."""
    streets: dict[tuple[str, str, str], int] = {}
    seen: dict[int, int] = {}
    for row in rows(path, envelope, tell):
        found.rows += 1
        if isinstance(row, Fault):
            found.bad += 1
            found.note(row.line, row.why)
            continue
        street = streets.setdefault(row.way, len(streets))
        first = seen.setdefault(_key(street, row), row.line)
        if first == row.line:
            found.houses += 1
            found.streets = len(streets)
            yield row, street
        elif row.unit:
            found.units += 1
        else:
            found.duplicates += 1
            found.note(row.line, f"{row.number} {row.shown} {row.zip} is in line {first} already.")


def _key(street: int, row: Row) -> int:
    """One number for street, house number with its leading zeros, and ZIP: half a million of them are kept in memory."""
    return ((street * 8 + len(row.number)) * 1_000_000 + int(row.number)) * 100_000 + int(row.zip)


def _write(houses: Iterator[tuple[Row, int]], begin: Begin, edition: int) -> None:
    street_ids: dict[int, int] = {}
    while batch := list(islice(houses, BATCH)):
        with begin() as conn:
            _note(conn, edition, houses=EDITION.c.houses + len(batch))
            for row, street in batch:
                if street not in street_ids:
                    street_ids[street] = _new_street(conn, edition, row)
            conn.execute(insert(HOUSE), [{"street_id": street_ids[street], **_values(row)} for row, street in batch])


def _values(row: Row) -> dict[str, Any]:
    return {"number": row.number, "block": block_of(row.number), "zip": row.zip, "lat": row.lat, "lon": row.lon}


def _new_street(conn: Connection, edition: int, row: Row) -> int:
    direction, name, kind = row.way
    values = {"edition_id": edition, "direction": direction, "name": name, "kind": kind, "shown": row.shown}
    return int(conn.execute(insert(STREET).values(values).returning(STREET.c.street_id)).scalar_one())


def _new_edition(conn: Connection, source: str) -> int:
    added = insert(EDITION).values(source=source, houses=0, complete=False).returning(EDITION.c.edition_id)
    return int(conn.execute(added).scalar_one())


def _note(conn: Connection, edition: int, **values: Any) -> None:
    """Notes something of the edition that is being written. Raises TakenOver when another import has taken it away."""
    if conn.execute(update(EDITION).where(EDITION.c.edition_id == edition).values(**values)).rowcount != 1:
        raise TakenOver("Another import of addresses ran at the same time: this one changed nothing.")


def _clear(begin: Begin, mine: int | None) -> None:
    """Forgets all editions but mine and the newest complete one, a little at a time."""
    with begin() as conn:
        current = conn.execute(NEWEST).scalar_one()
        kept = [one for one in (mine, current) if one is not None]
        conn.execute(delete(EDITION).where(EDITION.c.edition_id.not_in(kept)))
    while True:
        with begin() as conn:
            old = select(STREET.c.street_id).where(STREET.c.edition_id.not_in(kept)).limit(CLEARED)
            street_ids = list(conn.scalars(old))
            conn.execute(delete(HOUSE).where(HOUSE.c.street_id.in_(street_ids)))
            conn.execute(delete(STREET).where(STREET.c.street_id.in_(street_ids)))
        if not street_ids:
            return
