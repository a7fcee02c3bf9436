"""People in the database: found, added, stopped, started, moved, erased. Each function works on the caller's transaction.

Whatever changes who can be reached where also appends a PlaceChange row, so that the audience index follows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, delete, func, select, update

from subscribers import statements, tables
from subscribers.place import PLACES_MAX, BadPlace, NamedPlace, Point, Spot, ZipArea
from subscribers.plain import is_plain, spoken, tagged
from subscribers.sealing import Keyring
from subscribers.tables import PlaceKind

T = TypeVar("T")


table_of = statements.table_of
SUBSCRIBER, ADDRESS, PLACE = statements.SUBSCRIBER, statements.ADDRESS, statements.PLACE
CHANGE, CONSENT, FAILURE = statements.CHANGE, statements.CONSENT, statements.FAILURE
AREA = table_of(tables.NamedArea)

IN_MAX = 5_000  # values in one IN (...): SQLite takes 32,766 parameters, PostgreSQL 65,535


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in pieces that fit one IN (...)."""
    return (values[at : at + IN_MAX] for at in range(0, len(values), IN_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAddress:
    """An address as kept. Times are aware UTC; `data` opens with the key named `key_id` and the channel."""

    address_id: int
    subscriber_id: int
    channel: str
    data: bytes
    key_id: str
    language: str
    plain: bool  # wants its texts without marks
    basis: str
    stopped_at: datetime | None
    unreachable_at: datetime | None
    introduced_at: datetime | None

    def opened(self, keyring: Keyring) -> str:
        """The address in clear. Raises Unopenable."""
        return keyring.open(self.channel, self.key_id, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddress:
    """A normalised address to be kept, and how its person wants to be spoken to."""

    channel: str
    address: str
    language: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """When, where and in which words somebody agreed or refused: what a consent row proves. A source that begins with
    statements.GATEWAY or CARRIER is what the provider's gateway itself has done."""

    at: datetime
    source: str
    evidence: str = ""
    terms: str = ""  # version of the terms they were shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlace:
    place_id: int
    label: str
    spot: Spot


def find_address(conn: Connection, channel: str, blind: bytes) -> KnownAddress | None:
    """The address with this blind index, if anybody has it."""
    found = conn.execute(statements.ADDRESS_BY_BLIND, {"channel": channel, "blind": blind}).mappings().first()
    return _known(found) if found else None


def addresses(conn: Connection, address_ids: Sequence[int]) -> dict[int, KnownAddress]:
    """The addresses with these ids; erased ones are missing. For batches of hundreds, as a sender claims them."""
    rows = conn.execute(statements.ADDRESSES_BY_ID, {"ids": list(address_ids)}).mappings()
    return {row["address_id"]: _known(row) for row in rows}


def addresses_of(conn: Connection, subscriber_id: int) -> list[KnownAddress]:
    """Every way to reach a person, oldest first."""
    return [_known(row) for row in conn.execute(statements.ADDRESSES_OF, {"whose": subscriber_id}).mappings()]


def add_subscriber(conn: Connection, at: datetime, source: str) -> int:
    """A new person, without address or place yet; returns their id."""
    return _inserted(conn, SUBSCRIBER, created_at=at, source=source)


def add_address(
    conn: Connection, subscriber_id: int, new: NewAddress, keyring: Keyring, said: Said, *, granted: bool = True
) -> int:
    """Keeps a new address sealed, with the consent (or, not `granted`, the refusal) it came with; returns its address_id.
    Raises IntegrityError when somebody already has this address.
    """
    sealed = keyring.seal(new.channel, new.address)
    address_id = _inserted(
        conn,
        ADDRESS,
        subscriber_id=subscriber_id,
        channel=new.channel,
        sealed=sealed.data,
        key_id=sealed.key_id,
        blind=keyring.blind(new.channel, new.address),
        language=new.language,
        basis=new.basis,
    )
    _consent(conn, address_id, new.basis, said, granted=granted)
    note_change(conn, subscriber_id)
    return address_id


def stop(conn: Connection, address_id: int, said: Said) -> bool:
    """Nothing is sent to this address from the commit on. False when it was stopped before; the wish is recorded each time.
    Raises LookupError when there is no such address.
    """
    known = _must_know(conn, address_id)
    _consent(conn, address_id, known.basis, said, granted=False)
    if known.stopped_at:
        return False
    _change_address(conn, known, stopped_at=said.at)
    return True


def start(conn: Connection, address_id: int, basis: str, said: Said) -> bool:
    """Lifts a stop on the person's own word, with the basis they give now. False when it was not stopped, or when the gateway
    lets nothing through (is_blocked): then the wish is recorded, and only what the gateway itself has seen lifts the stop.

    Raises LookupError when there is no such address.
    """
    known = _must_know(conn, address_id)
    closed = known.stopped_at is not None and not said.source.startswith(statements.GATEWAY) and is_blocked(conn, address_id)
    _consent(conn, address_id, basis, said, granted=True)
    if closed:
        return False
    _change_address(conn, known, stopped_at=None, unreachable_at=None, basis=basis)
    return known.stopped_at is not None


def is_blocked(conn: Connection, address_id: int) -> bool:
    """Whether the provider's gateway has seen a STOP of this address and no START since: whatever we send is refused."""
    return conn.execute(statements.GATEWAY_SAID, {"of": address_id}).scalar() is False


def set_language(conn: Connection, address_id: int, language: str, *, plain: bool = False) -> None:
    """plain: in its form without marks. Raises LookupError when there is no such address."""
    _change_address(conn, _must_know(conn, address_id), language=tagged(language, plain=plain))


def mark_unreachable(conn: Connection, address_ids: Sequence[int], at: datetime | None) -> None:
    """The provider says these cannot be reached (None: they can again). Unknown ids are passed over: they were erased."""
    for known in addresses(conn, address_ids).values():
        _change_address(conn, known, unreachable_at=at)


def mark_introduced(conn: Connection, address_ids: Sequence[int], at: datetime) -> None:
    """These have now read why they get our texts; the first time counts."""
    fresh = ADDRESS.c.address_id.in_(address_ids) & ADDRESS.c.introduced_at.is_(None)
    conn.execute(update(ADDRESS).where(fresh).values(introduced_at=at))


def places_of(conn: Connection, subscriber_id: int) -> list[SavedPlace]:
    """A person's places, oldest first."""
    rows = conn.execute(statements.PLACES_OF, {"whose": subscriber_id}).mappings()
    return [SavedPlace(place_id=row["place_id"], label=row["label"], spot=spot_of(dict(row))) for row in rows]


def add_place(conn: Connection, subscriber_id: int, label: str, spot: Spot) -> int:
    """Saves a place under a label of the person's own; returns its place_id. Raises BadPlace when the label is taken or
    they have as many places as we keep."""
    labels = {place.label for place in places_of(conn, subscriber_id)}
    if label in labels:
        raise BadPlace(f"There is already a place called {label}.")
    if len(labels) >= PLACES_MAX:
        raise BadPlace(f"There are already {PLACES_MAX} places, the most we keep.")
    place_id = _inserted(conn, PLACE, subscriber_id=subscriber_id, label=label, **columns_of(spot))
    note_change(conn, subscriber_id)
    return place_id


def move_place(conn: Connection, subscriber_id: int, label: str, spot: Spot) -> bool:
    """Gives the place of this label a new spot. False when there is none."""
    moved = conn.execute(statements.MOVE_PLACE, {"whose": subscriber_id, "called": label, **columns_of(spot)})
    return _changed(conn, subscriber_id, moved.rowcount)


def remove_place(conn: Connection, subscriber_id: int, label: str) -> bool:
    """False when there is no place of this label."""
    removed = conn.execute(statements.REMOVE_PLACE, {"whose": subscriber_id, "called": label})
    return _changed(conn, subscriber_id, removed.rowcount)


def remove_address(conn: Connection, address_id: int) -> None:
    """Deletes one of a person's several addresses. Raises LookupError when there is no such address."""
    known = _must_know(conn, address_id)
    conn.execute(delete(ADDRESS).where(ADDRESS.c.address_id == address_id))
    note_change(conn, known.subscriber_id)


def erase(conn: Connection, subscriber_id: int) -> bool:
    """Deletes a person, their addresses and places; consent rows stay and name nobody. False when there was no such person."""
    for table in (PLACE, ADDRESS, SUBSCRIBER):
        gone = conn.execute(delete(table).where(table.c.subscriber_id == subscriber_id)).rowcount
    return _changed(conn, subscriber_id, gone)


def count_addresses(conn: Connection) -> dict[tuple[str, str, str], int]:
    """How many addresses can be sent to, by channel, language and basis."""
    keys = (ADDRESS.c.channel, ADDRESS.c.language, ADDRESS.c.basis)
    query = select(*keys, func.count()).where(ADDRESS.c.stopped_at.is_(None), ADDRESS.c.unreachable_at.is_(None))
    return {(row[0], row[1], row[2]): row[3] for row in conn.execute(query.group_by(*keys))}


def reseal(conn: Connection, keyring: Keyring, limit: int) -> int:
    """Puts up to `limit` addresses under the current key; returns how many it was. 0 means the old keys can go.

    Raises Unopenable, naming the key.
    """
    query = select(ADDRESS).where(ADDRESS.c.key_id != keyring.current).order_by(ADDRESS.c.address_id).limit(limit)
    old = [_known(row) for row in conn.execute(query).mappings()]
    for known in old:
        sealed = keyring.seal(known.channel, known.opened(keyring))
        its_row = update(ADDRESS).where(ADDRESS.c.address_id == known.address_id)
        conn.execute(its_row.values(sealed=sealed.data, key_id=sealed.key_id))
    return len(old)


def note_change(conn: Connection, subscriber_id: int | None) -> None:
    """Tells the audience index that this person changed; None: that so many did that it should read everything anew."""
    conn.execute(statements.NOTE_CHANGE, {"subscriber_id": subscriber_id})


def columns_of(spot: Spot) -> dict[str, Any]:
    """A spot as columns of a place row."""
    match spot:
        case Point(lat=lat, lon=lon, block=block):
            return {"kind": spot.kind, "lat": lat, "lon": lon, "area": None, "block": block}
        case ZipArea(code=area) | NamedPlace(area=area):
            return {"kind": spot.kind, "lat": None, "lon": None, "area": area, "block": ""}


def spot_of(row: Mapping[str, Any]) -> Spot:
    """The spot in a place row, by the names of its columns."""
    match row["kind"]:
        case PlaceKind.POINT:
            return Point(row["lat"], row["lon"], row.get("block", ""))
        case PlaceKind.ZIP:
            return ZipArea(row["area"])
        case _:
            return NamedPlace(row["area"])


def _known(row: RowMapping) -> KnownAddress:
    kept = row["language"]
    rest = {name: row[name] for name in KnownAddress.__slots__ if name not in ("data", "language", "plain")}
    return KnownAddress(data=bytes(row["sealed"]), language=spoken(kept), plain=is_plain(kept), **rest)


def _must_know(conn: Connection, address_id: int) -> KnownAddress:
    known = addresses(conn, [address_id]).get(address_id)
    if known is None:
        raise LookupError(f"There is no address {address_id}.")
    return known


def _change_address(conn: Connection, known: KnownAddress, **values: Any) -> None:
    if values.get("unreachable_at", known) is None:
        conn.execute(statements.FORGET_FAILURES, {"of": known.address_id})
    conn.execute(statements.CHANGE_ADDRESS, {"of": known.address_id, **values})
    note_change(conn, known.subscriber_id)


def _changed(conn: Connection, subscriber_id: int, rows: int) -> bool:
    if rows:
        note_change(conn, subscriber_id)
    return rows > 0


def _consent(conn: Connection, address_id: int, basis: str, said: Said, *, granted: bool) -> None:
    conn.execute(statements.NOTE_CONSENT, {"address_id": address_id, "granted": granted, "basis": basis, **asdict(said)})


def _inserted(conn: Connection, table: Table, **values: Any) -> int:
    return int(conn.execute(statements.ADD[table], values).scalar_one())
