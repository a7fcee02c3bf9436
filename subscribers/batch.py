"""The SQL of an import: what is known of a batch of addresses, and what it gained written in a handful of bulk statements."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, bindparam, create_engine, text, update
from sqlmodel import SQLModel

from subscribers.address import EMAIL, SMS
from subscribers.entry import Entry
from subscribers.merging import Gains, Key, Person, Reach
from subscribers.place import Spot
from subscribers.plain import spoken
from subscribers.sealing import Keyring
from subscribers.store import ADDRESS, CHANGE, CONSENT, PLACE, SUBSCRIBER, batches, columns_of, spot_of, table_of
from subscribers.tables import Contact

FOLLOWED_ONE_BY_ONE = 1_000  # people changed; beyond it the audience index reads everything anew
SCRATCH_IDS = 1 << 40  # where a throw-away database starts counting, far above any real id


def known(conns: Sequence[Connection], keys: Sequence[Key]) -> dict[Key, Reach]:
    """What these databases together know of these addresses, with their people and places."""
    people: dict[int, Person] = {}
    found: dict[Key, Reach] = {}
    for conn in conns:
        for channel in (SMS, EMAIL):
            for some in batches(sorted({blind for name, blind in keys if name == channel})):
                for row in _select(conn, _REACHES, some, channel):
                    address_id, subscriber_id, blind, language, basis, stopped = row
                    person = people.setdefault(subscriber_id, Person(subscriber_id))
                    found[channel, bytes(blind)] = Reach(person, spoken(language), basis, bool(stopped), address_id)
    for conn in conns:
        for some_ids in batches(sorted(people)):
            for subscriber_id, label, *where in _select(conn, _PLACES, some_ids):
                people[subscriber_id].places[label] = spot_of(dict(zip(_WHERE, where, strict=True)))
            for subscriber_id, channel in _select(conn, _CHANNELS, some_ids):
                people[subscriber_id].has_phone |= channel == SMS
    return found


def erased(conns: Sequence[Connection], keys: Sequence[Key]) -> set[Key]:
    """Those of these addresses that are not to be used again until their owners write themselves."""
    found: set[Key] = set()
    for conn in conns:
        for channel in (SMS, EMAIL):
            for some in batches(sorted({blind for name, blind in keys if name == channel})):
                found |= {(channel, bytes(blind)) for (blind,) in _select(conn, _ERASED, some, channel)}
    return found


def write(conn: Connection, gains: Gains, keyring: Keyring, at: datetime, source: str) -> None:
    """Writes everything gained: people, sealed addresses, places, consents with the line they stand on, and the changes.

    `source` says where from, such as "import of people.csv".
    """
    for person, subscriber_id in zip(gains.people, _reserve(conn, SUBSCRIBER, len(gains.people)), strict=True):
        person.subscriber_id = subscriber_id
    for (_, reach, _), address_id in zip(gains.addresses, _reserve(conn, ADDRESS, len(gains.addresses)), strict=True):
        reach.address_id = address_id
    now = _stored(conn, SUBSCRIBER.c.created_at)(at)
    _insert(conn, SUBSCRIBER, [(person.subscriber_id, now, source) for person in gains.people])
    _insert(conn, ADDRESS, [_address(key, reach, keyring) for key, reach, _ in gains.addresses])
    _insert(conn, PLACE, [_place(person, label, spot) for person, label, spot in gains.places])
    if gains.upgrades:
        change = update(ADDRESS).where(ADDRESS.c.address_id == bindparam("id")).values(basis=bindparam("new_basis"))
        conn.execute(change, [{"id": reach.address_id, "new_basis": entry.basis} for reach, entry in gains.upgrades])
    agreed = [*((reach, entry) for _, reach, entry in gains.addresses), *gains.upgrades]
    moment = _stored(conn, CONSENT.c.at)
    _insert(conn, CONSENT, [_consent(reach, entry, moment(entry.consent_at), source) for reach, entry in agreed])
    changed = sorted(gains.persons())
    _insert(conn, CHANGE, [(person,) for person in changed] if len(changed) <= FOLLOWED_ONE_BY_ONE else [(None,)])


@contextmanager
def scratch() -> Iterator[Engine]:
    """An empty database of the same tables in a temporary file, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'scratch.db'}")
        with engine.begin() as conn:
            conn.exec_driver_sql("PRAGMA synchronous=OFF")
            SQLModel.metadata.create_all(conn, tables=[SUBSCRIBER, ADDRESS, PLACE, CONSENT, CHANGE, table_of(Contact)])
            for table in (SUBSCRIBER, ADDRESS):
                _reserve(conn, table, SCRATCH_IDS)
        yield engine
        engine.dispose()


def _reserve(conn: Connection, table: Table, count: int) -> Sequence[int]:
    """The next `count` ids of a table, nobody else's from now on, so that rows pointing to each other go out in bulk."""
    (column,) = table.primary_key
    if not count:
        return []
    if conn.dialect.name != "sqlite":
        numbers = text("SELECT nextval(pg_get_serial_sequence(:table, :column)) FROM generate_series(1, :count)")
        return list(conn.execute(numbers, {"table": table.name, "column": column.name, "count": count}).scalars())
    taken = text("UPDATE sqlite_sequence SET seq = seq + :count WHERE name = :table RETURNING seq")
    last = conn.execute(taken, {"count": count, "table": table.name}).scalar()
    if last is None:  # the first rows of this table
        conn.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :count)"), {"table": table.name, "count": count}
        )
        last = count
    return range(last - count + 1, last + 1)


_COLUMNS = {
    SUBSCRIBER: "subscriber_id, created_at, source",
    ADDRESS: "address_id, subscriber_id, channel, sealed, key_id, blind, language, basis",
    PLACE: "subscriber_id, label, kind, lat, lon, area",
    CONSENT: "address_id, granted, basis, at, source, evidence, terms",
    CHANGE: "subscriber_id",
}
_WHERE = ("kind", "lat", "lon", "area")
_REACHES = (
    "SELECT address_id, subscriber_id, blind, language, basis, stopped_at IS NOT NULL FROM address "
    "WHERE blind IN ({some}) AND channel = {mark}"
)
_ERASED = "SELECT blind FROM contact WHERE blind IN ({some}) AND channel = {mark} AND erased_at IS NOT NULL"
_PLACES = "SELECT subscriber_id, label, kind, lat, lon, area FROM place WHERE subscriber_id IN ({some}) ORDER BY place_id"
_CHANNELS = (
    "SELECT subscriber_id, channel FROM address WHERE subscriber_id IN ({some})"  # a condition misleads SQLite's planner
)


def _insert(conn: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows straight to the driver: a third of the time that checked parameters take, a million times over."""
    if rows:
        marks = ", ".join([_mark(conn)] * len(rows[0]))
        conn.exec_driver_sql(f"INSERT INTO {table.name} ({_COLUMNS[table]}) VALUES ({marks})", list(rows))


def _select(conn: Connection, statement: str, some: Sequence[Any], *others: Any) -> Sequence[Any]:
    """Rows where a column is one of `some`; `others` fill the marks after them."""
    mark = _mark(conn)
    sql = statement.format(some=", ".join([mark] * len(some)), mark=mark)
    return conn.exec_driver_sql(sql, (*some, *others)).all()


def _mark(conn: Connection) -> str:
    return "?" if conn.dialect.name == "sqlite" else "%s"


def _stored(conn: Connection, column: ColumnElement[Any]) -> Callable[[datetime], Any]:
    """How the driver wants a moment of this column."""
    return column.type.dialect_impl(conn.dialect).bind_processor(conn.dialect) or (lambda moment: moment)


def _address(key: Key, reach: Reach, keyring: Keyring) -> tuple[Any, ...]:
    channel, blind = key
    sealed = keyring.seal(channel, reach.text)
    ids = reach.address_id, reach.person.subscriber_id
    return *ids, channel, sealed.data, sealed.key_id, blind, reach.language, reach.basis


def _place(person: Person, label: str, spot: Spot) -> tuple[Any, ...]:
    where = columns_of(spot)
    return person.subscriber_id, label, where["kind"].value, where["lat"], where["lon"], where["area"]


def _consent(reach: Reach, entry: Entry, at: Any, source: str) -> tuple[Any, ...]:
    words = f': "{entry.consent_words}"' if entry.consent_words else ""
    evidence = f"{source}, line {entry.line}{words}"
    return reach.address_id, True, entry.basis, at, entry.consent_source, evidence, entry.consent_terms
