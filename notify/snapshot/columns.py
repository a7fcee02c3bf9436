"""The people of a snapshot as columns of numbers, some sixty bytes each; a Person is made of them only when asked for."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import Any, Final

import numpy as np

from subscribers.rows import AT_A_POINT, Rows, Standing, Vocabulary

SUSPECT: Final = "suspect"  # the number may have a new owner
STANDINGS: Final[Mapping[str, Standing]] = {
    "open": Standing.OPEN,
    "stopped": Standing.STOPPED,
    "unreachable": Standing.UNREACHABLE,
    SUSPECT: Standing.OPEN,
}
_CODE_OF: Final = {standing: code for code, standing in enumerate(STANDINGS)}
_NAMES: Final = tuple(STANDINGS)

_longs, _numbers, _codes = (partial(array, kind) for kind in "qih")
_degrees: "partial[array[float]]" = partial(array, "d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One address and how it stands."""

    address_id: int
    channel: str
    address: str
    language: str
    basis: str
    standing: str


@dataclass(slots=True, kw_only=True)
class Columns:
    """People in the order in which they were read; `owner` and `place_owner` count them from `first`. text: the addresses end
    to end, `length` bytes each."""

    vocabulary: Vocabulary
    first: int = 0
    people: int = 0
    text: bytearray = field(default_factory=bytearray)
    length: "array[int]" = field(default_factory=_numbers)
    address_id: "array[int]" = field(default_factory=_longs)
    owner: "array[int]" = field(default_factory=_numbers)
    language: "array[int]" = field(default_factory=_codes)
    channel: "array[int]" = field(default_factory=_codes)
    basis: "array[int]" = field(default_factory=_codes)
    standing: "array[int]" = field(default_factory=_codes)
    place_owner: "array[int]" = field(default_factory=_numbers)
    area: "array[int]" = field(default_factory=_numbers)
    lon: "array[float]" = field(default_factory=_degrees)
    lat: "array[float]" = field(default_factory=_degrees)
    rough: "array[int]" = field(default_factory=_codes)

    def add(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Lines with `who` and `at`. Raises what Python raises when one is not of that form."""
        who: list[Sequence[Any]] = []
        for number, line in enumerate(lines, self.first + self.people):
            theirs = line["who"]
            who += theirs
            self.owner.extend(repeat(number, len(theirs)))
            for spot in line["at"]:
                self._place(number, spot)
        self.people += len(lines)
        if not who:
            return
        ids, channels, addresses, languages, bases, standings = zip(*who, strict=True)
        texts = [address.encode() for address in addresses]
        self.text += b"".join(texts)
        self.length.extend(map(len, texts))
        self.address_id.extend(ids)
        self.channel.extend(map(self.vocabulary.channels.code, channels))
        self.language.extend(map(self.vocabulary.languages.code, languages))
        self.basis.extend(map(self.vocabulary.bases.code, bases))
        self.standing.extend([_CODE_OF[standing] for standing in standings])

    def _place(self, number: int, spot: Any) -> None:
        named = isinstance(spot, str)
        lon, lat = (None, None) if named else spot[:2]
        self.place_owner.append(number)
        self.area.append(self.vocabulary.areas.code(spot) if named else AT_A_POINT)
        self.lon.append(np.nan if lon is None else lon)
        self.lat.append(np.nan if lat is None else lat)
        self.rough.append(not named and (len(spot) < 3 or bool(spot[2])))

    def extend(self, more: "Columns") -> None:
        """With those read right after, of the same vocabulary."""
        self.people += more.people
        self.text += more.text
        for name in _GROWING:
            getattr(self, name).extend(getattr(more, name))

    def rows(self) -> Rows:
        """As the index takes them."""
        return Rows(
            address_id=np.asarray(self.address_id),
            address_subscriber=np.asarray(self.owner).astype(np.int64),
            language=np.asarray(self.language),
            channel=np.asarray(self.channel),
            basis=np.asarray(self.basis),
            standing=np.array(list(STANDINGS.values()), np.int16)[np.asarray(self.standing)],
            place_id=np.arange(1, len(self.place_owner) + 1, dtype=np.int64),
            place_subscriber=np.asarray(self.place_owner).astype(np.int64),
            place_area=np.asarray(self.area),
            lon=np.asarray(self.lon),
            lat=np.asarray(self.lat),
            rough=np.asarray(self.rough).astype(np.bool_),
        )


_GROWING: Final = tuple(name for name in Columns.__slots__ if name not in ("vocabulary", "first", "people", "text"))


class Addresses(Mapping[int, Person]):
    """Everybody by address_id, in its order; each Person is made anew."""

    def __init__(self, columns: Columns) -> None:
        ids = np.asarray(columns.address_id)
        order = np.argsort(ids, kind="stable")
        self._ids, self._at = array("q", ids[order].tobytes()), array("i", order.astype(np.int32).tobytes())
        self._text, self._end = columns.text, array("q", np.cumsum(columns.length, dtype=np.int64).tobytes())
        self._language, self._channel, self._basis = columns.language, columns.channel, columns.basis
        self._length, self._standing = columns.length, columns.standing
        words = columns.vocabulary
        self._languages, self._channels, self._bases = words.languages.all(), words.channels.all(), words.bases.all()

    def __getitem__(self, address_id: int) -> Person:
        found = bisect_left(self._ids, address_id)
        if found == len(self._ids) or self._ids[found] != address_id:
            raise KeyError(address_id)
        at = self._at[found]
        end = self._end[at]
        return Person(
            address_id=address_id,
            channel=self._channels[self._channel[at]],
            address=self._text[end - self._length[at] : end].decode(),
            language=self._languages[self._language[at]],
            basis=self._bases[self._basis[at]],
            standing=_NAMES[self._standing[at]],
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def tally(self) -> Counter[tuple[str, str]]:
        """How many there are by channel and standing, without making anybody."""
        cells = np.asarray(self._channel).astype(np.int64) * len(_NAMES) + np.asarray(self._standing)
        counts = enumerate(np.bincount(cells).tolist())
        return Counter({(self._channels[cell // len(_NAMES)], _NAMES[cell % len(_NAMES)]): n for cell, n in counts if n})
