"""The audience index, read from the database in about a second a million and then kept in step with it.

Change rows are followed by number. On PostgreSQL a number may become visible after a higher one, because transactions end in
another order than they began; numbers passed over are therefore remembered and asked for again until they appear.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select, true

from subscribers import atlas
from subscribers.index import Index, index
from subscribers.rows import AT_A_POINT, NO_ROWS, Rows, Standing, Vocabulary, Words
from subscribers.store import ADDRESS, CHANGE, PLACE, batches
from subscribers.tables import PlaceKind

logger = logging.getLogger(__name__)

STEP_MAX = 20_000  # people changed since the last load; beyond it reading everything anew is cheaper than every step
LATE = 10_000  # how far behind the newest change row an unfinished transaction's row may still appear


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The change rows already followed: all up to `last`, but for those in `missing`."""

    last: int
    missing: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """An index, and how far it is true."""

    index: Index
    seen: Seen


def load(conn: Connection) -> Audience:
    """Reads everybody. Whatever changes while it reads is changed again by the next `caught_up`, so nothing is missed."""
    seen = _newest(conn)  # before the rows: a change in between is then followed once more, which does no harm
    vocabulary = Vocabulary()
    shapes = {area.name: area.shape for area in atlas.areas(conn)}
    rows = _rows(conn, vocabulary)
    logger.info("read %s addresses and %s places into the audience index", len(rows.address_id), len(rows.place_id))
    return Audience(index=index(rows, shapes, vocabulary), seen=seen)


def caught_up(conn: Connection, audience: Audience) -> Audience:
    """The audience with every change committed since: step by step, or read anew after a bulk import or very many changes."""
    changes = _changes(conn, audience.seen)
    if not changes:
        return audience
    subscribers = {subscriber for _, subscriber in changes}
    if None in subscribers or len(subscribers) + len(audience.index.changed) > STEP_MAX:
        return load(conn)
    changed = sorted(subscriber for subscriber in subscribers if subscriber is not None)
    rows = NO_ROWS
    for some in batches(changed):
        theirs = ADDRESS.c.subscriber_id.in_(some), PLACE.c.subscriber_id.in_(some)
        rows = rows.plus(_rows(conn, audience.index.vocabulary, *theirs))
    stepped = audience.index.stepped(np.array(changed, np.int64), rows)
    return Audience(index=stepped, seen=_followed(audience.seen, [number for number, _ in changes]))


def _newest(conn: Connection) -> Seen:
    last = conn.execute(select(func.max(CHANGE.c.change_id))).scalar() or 0
    there = set(conn.execute(select(CHANGE.c.change_id).where(CHANGE.c.change_id > last - LATE)).scalars())
    last = max(there, default=0)
    return Seen(last=last, missing=frozenset(range(max(1, last - LATE + 1), last)) - there)


def _changes(conn: Connection, seen: Seen) -> list[tuple[int, int | None]]:
    query = select(CHANGE.c.change_id, CHANGE.c.subscriber_id)
    changes = [(row[0], row[1]) for row in conn.execute(query.where(CHANGE.c.change_id > seen.last))]
    for some in batches(sorted(seen.missing)):
        changes += [(row[0], row[1]) for row in conn.execute(query.where(CHANGE.c.change_id.in_(some)))]
    return changes


def _followed(seen: Seen, numbers: Sequence[int]) -> Seen:
    last = max(seen.last, *numbers)
    passed_over = set(range(seen.last + 1, last)) | seen.missing
    return Seen(last=last, missing=frozenset(number for number in passed_over - set(numbers) if number > last - LATE))


def _rows(conn: Connection, vocabulary: Vocabulary, *only: ColumnElement[bool]) -> Rows:
    """Everybody's rows, or those of some; `only` is a condition on addresses and the same one on places."""
    of_addresses, of_places = only or (true(), true())
    address_id, address_subscriber, packed = _addresses(conn, vocabulary, of_addresses)
    packed, standing = np.divmod(packed, len(Standing))
    packed, basis = np.divmod(packed, WORDS_MAX)
    language, channel = np.divmod(packed, WORDS_MAX)
    ids, point = (PLACE.c.place_id, PLACE.c.subscriber_id), PLACE.c.kind == PlaceKind.POINT
    located = point & PLACE.c.lon.is_not(None) & PLACE.c.lat.is_not(None)
    points = _columns(conn, select(*ids, PLACE.c.lon, PLACE.c.lat, _ROUGH).where(located, of_places))
    named = _fetched(conn, select(*ids, PLACE.c.area).where(~point, of_places))
    areas = np.array([(place, person, vocabulary.areas.code(area)) for place, person, area in named], np.int64).reshape(-1, 3)
    nowhere = np.full(len(areas), np.nan)
    return Rows(
        address_id=address_id,
        address_subscriber=address_subscriber,
        language=language.astype(np.int16),
        channel=channel.astype(np.int16),
        basis=basis.astype(np.int16),
        standing=standing.astype(np.int16),
        place_id=np.concatenate([points[0].astype(np.int64), areas[:, 0]]),
        place_subscriber=np.concatenate([points[1].astype(np.int64), areas[:, 1]]),
        place_area=np.concatenate([np.full(len(points[0]), AT_A_POINT), areas[:, 2]]).astype(np.int32),
        lon=np.concatenate([points[2], nowhere]),
        lat=np.concatenate([points[3], nowhere]),
        rough=np.concatenate([points[4].astype(np.bool_), np.zeros(len(areas), np.bool_)]),
    )


def _addresses(conn: Connection, vocabulary: Vocabulary, condition: ColumnElement[bool]) -> Sequence[NDArray[np.int64]]:
    """address_id, subscriber_id and, in one number, the codes of language, channel, basis and standing.

    Each column costs a third of a second a million; so does each row, so the words are numbered by the database.
    """
    packed = np.array([_NEW_WORD])
    while packed.min(initial=0) < 0:  # again when a word appeared between the two queries
        for row in conn.execute(select(ADDRESS.c.language, ADDRESS.c.channel, ADDRESS.c.basis).where(condition).distinct()):
            for word, known in zip(row, _words(vocabulary), strict=True):
                known.code(word)
        language, channel, basis = (
            case(*((column == word, code) for word, code in known.known.items()), else_=_NEW_WORD)
            if known.known
            else literal(0)
            for column, known in zip(_WORD_COLUMNS, _words(vocabulary), strict=True)
        )
        code = ((language * WORDS_MAX + channel) * WORDS_MAX + basis) * len(Standing) + _STANDING
        query = select(ADDRESS.c.address_id, ADDRESS.c.subscriber_id, code).where(condition)
        address_id, subscriber_id, packed = (column.astype(np.int64) for column in _columns(conn, query))
    return address_id, subscriber_id, packed


def _columns(conn: Connection, query: Select[Any]) -> NDArray[np.float64]:
    """A table of numbers, column by column. Ids are exact below 2**53."""
    flat = np.fromiter(chain.from_iterable(_fetched(conn, query)), np.float64)
    return np.ascontiguousarray(flat.reshape(-1, len(query.selected_columns)).T)


def _fetched(conn: Connection, query: Select[Any]) -> Iterator[Any]:
    """The rows as the driver gives them: half the time of rows as objects."""
    sql = str(query.compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True}))
    cursor: Any = conn.connection.cursor()
    try:
        cursor.execute(sql)
        yield from cursor
    finally:
        cursor.close()


def _words(vocabulary: Vocabulary) -> list[Words]:
    return [vocabulary.languages, vocabulary.channels, vocabulary.bases]


WORDS_MAX = 1 << 12  # languages, channels or bases; their codes share one number
_NEW_WORD = -(1 << 40)  # outweighs every code beside it
_WORD_COLUMNS = (ADDRESS.c.language, ADDRESS.c.channel, ADDRESS.c.basis)
_ROUGH = case((PLACE.c.block != "", 1), else_=0)
_STANDING = case(
    (ADDRESS.c.stopped_at.is_not(None), int(Standing.STOPPED)),
    (ADDRESS.c.unreachable_at.is_not(None), int(Standing.UNREACHABLE)),
    else_=int(Standing.OPEN),
)
