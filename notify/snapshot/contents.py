"""What a snapshot holds, line by line, as JSON packed with gzip inside the sealed stream.

    {"format": 2, "made_at": ..., "city": ..., "mode": ..., "senders": [...]}          the first line
    {"area": NAME, "citywide": ..., "shape": GeoJSON}                                   each named area
    {"who": [[ADDRESS ID, CHANNEL, ADDRESS, LANGUAGE, BASIS, STANDING], ...],           each person with an address;
     "at": [[LON, LAT, WHETHER A BLOCK'S MIDDLE], "AREA NAME", ...]}                    standing: see STANDINGS
    {"end": {"areas": ..., "people": ..., "addresses": ...}}                            the last line: nothing is missing

The people of an area are found by the very index that finds them for the service.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import shapely

from notify.snapshot.sealed_stream import Unreadable
from subscribers.index import Index, index
from subscribers.rows import AT_A_POINT, Rows, Standing, Vocabulary

FORMAT: Final = 2
READABLE: Final = (1, FORMAT)  # 1 does not tell blocks from points
SUSPECT: Final = "suspect"  # the number may have a new owner
STANDINGS: Final[Mapping[str, Standing]] = {
    "open": Standing.OPEN,
    "stopped": Standing.STOPPED,
    "unreachable": Standing.UNREACHABLE,
    SUSPECT: Standing.OPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One address and how it stands."""

    address_id: int
    channel: str
    address: str
    language: str
    basis: str
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot as read. areas: shape and whether it is citywide, by name; addresses: by address_id."""

    made_at: datetime
    city: str
    mode: str
    senders: tuple[str, ...]
    areas: Mapping[str, tuple[Any, bool]]
    addresses: Mapping[int, Person]
    index: Index = field(repr=False)


def packed(lines: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Lines as the sealed stream holds them."""
    press = zlib.compressobj(6, zlib.DEFLATED, 31)
    for line in lines:
        yield press.compress(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    yield press.flush()


def lines_of(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Raises Unreadable for what no writer of ours has written."""
    unpress, left = zlib.decompressobj(31), b""
    try:
        for chunk in chunks:
            whole = (left + unpress.decompress(chunk)).split(b"\n")
            left = whole.pop()
            yield from map(json.loads, whole)
    except (zlib.error, ValueError) as error:
        raise Unreadable("What is sealed in the file is no snapshot.") from error
    if not unpress.eof or left:
        raise Unreadable("What is sealed in the file ends in the middle.")


@dataclass(slots=True)
class _Columns:
    """Rows for the index, while they are read."""

    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    address: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    place: list[tuple[int, int]] = field(default_factory=list)
    where: list[tuple[float, float, bool]] = field(default_factory=list)

    def add(self, person: int, who: list[list[Any]], at: list[Any]) -> None:
        words = self.vocabulary
        for address_id, channel, _, language, basis, standing in who:
            codes = words.languages.code(language), words.channels.code(channel), words.bases.code(basis)
            self.address.append((address_id, person, *codes, int(STANDINGS[standing])))
        for one in at:
            named = isinstance(one, str)
            self.place.append((person, words.areas.code(one) if named else AT_A_POINT))
            self.where.append((np.nan, np.nan, False) if named else (one[0], one[1], len(one) < 3 or one[2]))

    def rows(self) -> Rows:
        address = np.array(self.address, np.int64).reshape(-1, 6)
        place = np.array(self.place, np.int64).reshape(-1, 2)
        where = np.array(self.where, np.float64).reshape(-1, 3)
        return Rows(
            address_id=address[:, 0].copy(),
            address_subscriber=address[:, 1].copy(),
            language=address[:, 2].astype(np.int16),
            channel=address[:, 3].astype(np.int16),
            basis=address[:, 4].astype(np.int16),
            standing=address[:, 5].astype(np.int16),
            place_id=np.arange(1, len(place) + 1, dtype=np.int64),
            place_subscriber=place[:, 0].copy(),
            place_area=place[:, 1].astype(np.int32),
            lon=where[:, 0].copy(),
            lat=where[:, 1].copy(),
            rough=where[:, 2].astype(np.bool_),
        )


def read(chunks: Iterable[bytes]) -> Snapshot:
    """Raises Unreadable: also when a line is missing, or there is one that this version does not know."""
    lines = lines_of(chunks)
    head = next(lines, {})
    if head.get("format") not in READABLE:
        raise Unreadable(f"The snapshot is of format {head.get('format')}; this program reads {FORMAT} and older.")
    areas: dict[str, tuple[Any, bool]] = {}
    addresses: dict[int, Person] = {}
    columns, people, end = _Columns(), 0, None
    try:
        for line in lines:
            if end is not None:
                raise Unreadable("Something follows the snapshot's end.")
            if "who" in line:
                people += 1
                columns.add(people, line["who"], line["at"])
                addresses |= {one[0]: Person(**dict(zip(Person.__slots__, one, strict=True))) for one in line["who"]}
            elif "area" in line:
                areas[line["area"]] = (shapely.from_geojson(json.dumps(line["shape"])), bool(line["citywide"]))
            else:
                end = line["end"]
        made_at = datetime.fromisoformat(head["made_at"])
    except (KeyError, ValueError, TypeError, shapely.errors.GEOSException) as error:
        raise Unreadable(f"A line of the snapshot cannot be read: {error}") from error
    if end != {"areas": len(areas), "people": people, "addresses": len(addresses)}:
        raise Unreadable("The snapshot does not hold what its last line counts.")
    found = index(columns.rows(), {name: shape for name, (shape, _) in areas.items()}, columns.vocabulary)
    return Snapshot(
        made_at=made_at,
        city=str(head["city"]),
        mode=str(head["mode"]),
        senders=tuple(head["senders"]),
        areas=areas,
        addresses=addresses,
        index=found,
    )
