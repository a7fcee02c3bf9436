"""The answer of the audience index: everybody to tell, and how many are left out and why.

Nothing is copied until it is asked for. An answer keeps positions in the crowd it was found in; each column is gathered when it
is read. A preview counts languages and never looks at a coordinate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subscribers.crowd import LOOK_CLOSER, Crowd
from subscribers.grid import Positions
from subscribers.rows import Codes, Flags, Floats, Ids, Standing, Vocabulary


class How(IntEnum):
    """Why somebody is told."""

    POINT = 0  # a place of theirs lies inside or on the boundary, or its block so near that it may
    OVERLAP = 1  # the ZIP or area they named overlaps; they themselves may be outside
    NO_PLACE = 2  # a citywide alert, and we do not know where they are


class Left(IntEnum):
    """Why somebody is not told. The first that holds counts."""

    STOPPED = 0  # they opted out
    UNREACHABLE = 1  # the provider says the address cannot be reached
    BASIS = 2  # the basis we have their address on does not cover this hazard
    NO_PLACE = 3  # we do not know where they are, and the alert is not citywide
    OUTSIDE = 4  # every place they saved lies outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many addresses are told: all of them, by (channel, language), and by basis. Many look at the same ones, so nobody can
    change them."""

    people: int
    by_kind: Mapping[tuple[str, str], int]
    by_basis: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Some addresses of one crowd: where each stands, and the place that matched (None: told without one)."""

    crowd: Crowd
    address: Positions
    place: Positions | None

    def __len__(self) -> int:
        return len(self.address)

    def how(self) -> NDArray[np.int8]:
        if self.place is None:
            return np.full(len(self), How.NO_PLACE, np.int8)
        return np.where(self.crowd.is_area(self.place), How.OVERLAP, How.POINT).astype(np.int8)

    def place_id(self) -> Ids:
        return np.zeros(len(self), np.int64) if self.place is None else self.crowd.place_id[self.place]

    def whereabouts(self) -> tuple[Floats, Floats]:
        if self.place is None:
            nowhere = np.full(len(self), np.nan)
            return nowhere, nowhere
        return self.crowd.whereabouts(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Everybody to tell, one row an address, in no order; and how many are left out, by reason.

    Columns are arrays of one length in one order, gathered anew at each reading. language, channel and basis are codes of
    `vocabulary`. place_id is the matched place, a point before an area and the oldest first (0 without a place); lon and lat
    are where it lies (nan for an area or no place). All rows and `left` together are all addresses there are.
    """

    told: tuple[Told, ...]
    left: Mapping[Left, int]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return sum(map(len, self.told))

    @property
    def address_id(self) -> Ids:
        return _joined([part.crowd.address_id[part.address] for part in self.told])

    @property
    def subscriber_id(self) -> Ids:
        return _joined([part.crowd.subscriber_id[part.crowd.owner[part.address]] for part in self.told])

    @property
    def language(self) -> Codes:
        return _joined([part.crowd.language[part.address] for part in self.told])

    @property
    def channel(self) -> Codes:
        return _joined([part.crowd.channel[part.address] for part in self.told])

    @property
    def basis(self) -> Codes:
        return _joined([part.crowd.basis[part.address] for part in self.told])

    @property
    def how(self) -> NDArray[np.int8]:
        return _joined([part.how() for part in self.told])

    @property
    def place_id(self) -> Ids:
        return _joined([part.place_id() for part in self.told])

    @property
    def lon(self) -> Floats:
        return _joined([part.whereabouts()[0] for part in self.told])

    @property
    def lat(self) -> Floats:
        return _joined([part.whereabouts()[1] for part in self.told])

    def count(self, how: How) -> int:
        """How many are told for this reason."""
        return int(np.count_nonzero(self.how == how))

    def counts(self) -> Counts:
        """Everything a preview says of these people, none of whom is named in it."""
        languages, channels = self.vocabulary.languages.all(), self.vocabulary.channels.all()
        kinds = np.bincount(self.channel.astype(np.int32) * len(languages) + self.language)
        by_kind = {
            (channels[kind // len(languages)], languages[kind % len(languages)]): int(kinds[kind])
            for kind in np.flatnonzero(kinds).tolist()
        }
        return Counts(people=len(self), by_kind=MappingProxyType(by_kind), by_basis=MappingProxyType(self.by_basis()))

    def by_language(self) -> dict[str, int]:
        return _counted(self.language, self.vocabulary.languages.all())

    def by_channel(self) -> dict[str, int]:
        return _counted(self.channel, self.vocabulary.channels.all())

    def by_basis(self) -> dict[str, int]:
        return _counted(self.basis, self.vocabulary.bases.all())


def told_at(crowd: Crowd, place: Positions, allowed: Flags) -> Told:
    """Those addresses of the people at these places that are held on an `allowed` basis and may be sent to."""
    plain = crowd.plain[place]
    told = np.zeros(len(place), np.bool_)
    for basis in np.flatnonzero(allowed):  # a handful; comparing bytes is many times faster than looking them up
        told |= plain == basis + 1
    if told.all():
        return Told(crowd=crowd, address=crowd.place_address[place], place=place)
    found = crowd.one_each(crowd.people_at(place[plain == LOOK_CLOSER]))
    address, owner = _reachable(crowd, found.person, allowed)
    place = place[told]
    return Told(
        crowd=crowd,
        address=np.concatenate([crowd.place_address[place], address]),
        place=np.concatenate([place, found.place[owner]]),
    )


def told_anyway(crowd: Crowd, person: Positions, allowed: Flags) -> Told:
    """The same for people without a place."""
    return Told(crowd=crowd, address=_reachable(crowd, person, allowed)[0], place=None)


def _reachable(crowd: Crowd, person: Positions, allowed: Flags) -> tuple[Positions, Positions]:
    """Positions of these people's addresses that may be sent to, and the index into `person` of whose each is."""
    address, owner = crowd.addresses_of(person)
    told = (crowd.standing[address] == Standing.OPEN) & allowed[crowd.basis[address]]
    return (address, owner) if told.all() else (address[told], owner[told])


def _joined(columns: list[NDArray[Any]]) -> NDArray[Any]:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def _counted(codes: Codes, words: tuple[str, ...]) -> dict[str, int]:
    return {words[code]: int(count) for code, count in enumerate(np.bincount(codes)) if count}
