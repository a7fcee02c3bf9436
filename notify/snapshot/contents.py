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
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

import numpy as np
import shapely

from notify.snapshot.columns import Addresses, Columns
from notify.snapshot.sealed_stream import Unreadable
from subscribers.index import Index, index
from subscribers.rows import Vocabulary

FORMAT: Final = 2
READABLE: Final = (1, FORMAT)  # 1 does not tell blocks from points
PAGE: Final = 1_000  # people who are in memory at once, while they are written, or checked
_MALFORMED: Final = (LookupError, ValueError, TypeError, AttributeError, OverflowError, shapely.errors.GEOSException)
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_parsed = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot as read. areas: shape and whether it is citywide, by name; addresses: by address_id."""

    made_at: datetime
    city: str
    mode: str
    senders: tuple[str, ...]
    areas: Mapping[str, tuple[Any, bool]]
    addresses: Addresses
    index: Index = field(repr=False)


def packed(lines: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Lines as the sealed stream holds them."""
    press, coming = zlib.compressobj(6, zlib.DEFLATED, 31), iter(lines)
    while page := "".join(_written(line) + "\n" for line in islice(coming, PAGE)):
        yield press.compress(page.encode())
    yield press.flush()


def lines_of(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Raises Unreadable for what no writer of ours has written."""
    unpress, left = zlib.decompressobj(31), b""
    try:
        for chunk in chunks:
            whole, end, left = (left + unpress.decompress(chunk)).rpartition(b"\n")
            if end:
                yield from map(_parsed, whole.decode().split("\n"))
    except (zlib.error, ValueError) as error:
        raise Unreadable("What is sealed in the file is no snapshot.") from error
    if not unpress.eof or left:
        raise Unreadable("What is sealed in the file ends in the middle.")


class Reading:
    """One way through a snapshot from its first line to its last, every line of it checked: whoever needs the people takes them
    page by page, and whoever has had the last page knows that nothing is missing. Both raise Unreadable."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.areas: dict[str, tuple[Any, bool]] = {}
        self.vocabulary = Vocabulary()
        self.people = 0
        self._ids = array("q")
        self._lines = lines_of(chunks)
        head = next(self._lines, {})
        if not isinstance(head, dict) or head.get("format") not in READABLE:
            form = head.get("format") if isinstance(head, dict) else None
            raise Unreadable(f"The snapshot is of format {form}; this program reads {FORMAT} and older.")
        try:
            self.made_at = datetime.fromisoformat(head["made_at"])
            self.city, self.mode, self.senders = str(head["city"]), str(head["mode"]), tuple(head["senders"])
        except _MALFORMED as error:
            raise _unreadable(error) from error

    @property
    def counts(self) -> dict[str, int]:
        """What has been read so far, in the words of the last line."""
        return {"areas": len(self.areas), "people": self.people, "addresses": len(self._ids)}

    def pages(self) -> Iterator[Columns]:
        """Also when a line is missing, or there is one that this version does not know, it raises Unreadable."""
        held: list[dict[str, Any]] = []
        end = None
        for line in self._lines:
            if end is not None:
                raise Unreadable("Something follows the snapshot's end.")
            try:
                if "who" in line:
                    held.append(line)
                elif "area" in line:
                    self.areas[line["area"]] = (shapely.from_geojson(_written(line["shape"])), bool(line["citywide"]))
                else:
                    end = line["end"]
            except _MALFORMED as error:
                raise _unreadable(error) from error
            if len(held) == PAGE:
                yield self._page(held)
                held = []
        yield self._page(held)
        ids = np.sort(self._ids)
        if end != self.counts or (ids[1:] == ids[:-1]).any():
            raise Unreadable("The snapshot does not hold what its last line counts.")

    def _page(self, lines: list[dict[str, Any]]) -> Columns:
        page = Columns(vocabulary=self.vocabulary, first=self.people)
        try:
            page.add(lines)
        except _MALFORMED as error:
            raise _unreadable(error) from error
        self.people += page.people
        self._ids.extend(page.address_id)
        return page


def _unreadable(error: Exception) -> Unreadable:
    return Unreadable(f"A line of the snapshot cannot be read: {error}")


def read(chunks: Iterable[bytes]) -> Snapshot:
    """Everybody. Raises Unreadable."""
    reading = Reading(chunks)
    everybody = Columns(vocabulary=reading.vocabulary)
    for page in reading.pages():
        everybody.extend(page)
    shapes = {name: shape for name, (shape, _) in reading.areas.items()}
    return Snapshot(
        made_at=reading.made_at,
        city=reading.city,
        mode=reading.mode,
        senders=reading.senders,
        areas=reading.areas,
        addresses=Addresses(everybody),
        index=index(everybody.rows(), shapes, reading.vocabulary),
    )
