"""Address and place rows as columns of numbers: what the database hands to the audience index. No Python object per person."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Codes = NDArray[np.int16]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

AT_A_POINT = -1  # in place of an area's code


class Standing(IntEnum):
    """Whether anything may be sent to an address at all."""

    OPEN = 0
    STOPPED = 1  # opted out; wins over all else
    UNREACHABLE = 2  # the provider says so


@dataclass(frozen=True, slots=True)
class Words:
    """Small numbers for words that repeat a million times. Words are only ever added, so a number keeps its meaning."""

    known: dict[str, int] = field(default_factory=dict)

    def code(self, word: str) -> int:
        return self.known.setdefault(word, len(self.known))

    def codes(self, words: Iterable[str]) -> list[int]:
        """The numbers of those words that occur at all: what never occurred matches nothing."""
        return [self.known[word] for word in words if word in self.known]

    def all(self) -> tuple[str, ...]:
        """The words in the order of their numbers."""
        return tuple(self.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The numbers one index uses for languages, channels, bases and named areas."""

    languages: Words = field(default_factory=Words)
    channels: Words = field(default_factory=Words)
    bases: Words = field(default_factory=Words)
    areas: Words = field(default_factory=Words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in any order. `place_area` is an area's code, or AT_A_POINT where lon and lat count (else they are nan). `rough`:
    such a point is the middle of a block, and the home somewhere along it."""

    address_id: Ids
    address_subscriber: Ids
    language: Codes
    channel: Codes
    basis: Codes
    standing: Codes
    place_id: Ids
    place_subscriber: Ids
    place_area: NDArray[np.int32]
    lon: Floats
    lat: Floats
    rough: Flags

    def without(self, subscribers: Ids) -> "Rows":
        """The rows of everybody but these."""
        address = ~np.isin(self.address_subscriber, subscribers)
        place = ~np.isin(self.place_subscriber, subscribers)
        kept = {name: getattr(self, name)[place if name in _OF_PLACES else address] for name in Rows.__slots__}
        return Rows(**kept)

    def plus(self, other: "Rows") -> "Rows":
        """The rows of both."""
        return Rows(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in Rows.__slots__})


_OF_PLACES = frozenset({"place_id", "place_subscriber", "place_area", "lon", "lat", "rough"})

NO_ROWS = Rows(
    address_id=np.empty(0, np.int64),
    address_subscriber=np.empty(0, np.int64),
    language=np.empty(0, np.int16),
    channel=np.empty(0, np.int16),
    basis=np.empty(0, np.int16),
    standing=np.empty(0, np.int16),
    place_id=np.empty(0, np.int64),
    place_subscriber=np.empty(0, np.int64),
    place_area=np.empty(0, np.int32),
    lon=np.empty(0, np.float64),
    lat=np.empty(0, np.float64),
    rough=np.empty(0, np.bool_),
)
