"""Who is told: every saved place matched against an alert's shape, one row for each address however many places match.

An Index is a value. `stepped` gives a new one with some people's changes; the big arrays are shared, so a plan or a preview
can hold the very index it was made from while sign-ups go on. It fails closed: a shape that is missing, empty or broken raises
ValueError and matches neither nobody nor everybody.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from subscribers.crowd import Crowd, gather
from subscribers.id_sets import union
from subscribers.matched import Counts, How, Left, Matched, told_anyway, told_at
from subscribers.rows import NO_ROWS, Flags, Ids, Rows, Standing, Vocabulary

KEPT: Final = 32  # so many questions an index remembers the counts of; then it forgets them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The answer to "why me?" and "why not me?" for one address: how it is told, or why it is left out.

    place_ids are all of the person's places that match, told or not.
    """

    address_id: int
    subscriber_id: int
    channel: str
    how: How | None
    left: Left | None
    place_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Everybody at one moment. `base` as loaded; `masked` people of it have changed since and stand in `recent` instead.

    `shapes` holds each named area's polygon by its code in the vocabulary (None: the city has none). `counted` is what was
    counted in this very index: the next one, with anybody's change, begins with nothing.
    """

    base: Crowd
    masked: Flags
    recent: Crowd
    recent_rows: Rows
    changed: Ids
    shapes: NDArray[Any]
    totals: NDArray[np.int64]
    vocabulary: Vocabulary
    counted: dict[Any, Counts] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __len__(self) -> int:
        """How many addresses there are, reachable or not."""
        return int(self.totals.sum())

    def stepped(self, subscribers: Ids, rows: Rows) -> "Index":
        """The index with these subscribers as `rows` now has them; without rows they are gone. Costs what `changed` costs."""
        changed = union(self.changed, subscribers)
        recent_rows = self.recent_rows.without(subscribers).plus(rows)
        persons = self.base.persons(changed)
        masked = np.zeros(len(self.base.placed), np.bool_)
        masked[persons] = True
        recent = gather(recent_rows, _drawn(self.shapes, self.vocabulary))
        bases = len(self.vocabulary.bases.known)
        return replace(
            self,
            base=self.base.without(persons),
            masked=masked,
            recent=recent,
            recent_rows=recent_rows,
            changed=changed,
            totals=self.base.tally(bases) - self.base.tally(bases, persons) + recent.tally(bases),
        )

    def match(self, shape: Any, *, citywide: bool, bases: Collection[str]) -> Matched:
        """Everybody to tell about something in `shape` (lon, lat; boundary inside); `citywide` adds people without a place.

        Where only the block of a home is known, whoever may live inside is told (subscribers.nearness).

        Only addresses held on one of `bases` are told. Raises ValueError when the shape is no usable area or no basis is given.
        """
        shape = usable(shape)
        if not bases:
            raise ValueError("No basis is given on which anybody may be told, so nobody is chosen.")
        overlapped = self._overlapped(shape)
        allowed = np.zeros(len(self.vocabulary.bases.known) + 1, np.bool_)
        allowed[self.vocabulary.bases.codes(bases)] = True
        told = [told_at(self.base, self.base.find(shape, overlapped), allowed)]
        if citywide:
            told.append(told_anyway(self.base, np.flatnonzero(~(self.base.placed | self.masked)), allowed))
        if len(self.changed):  # nobody has changed since most loads; an empty crowd is not worth asking
            told.append(told_at(self.recent, self.recent.find(shape, overlapped), allowed))
            if citywide:
                told.append(told_anyway(self.recent, np.flatnonzero(~self.recent.placed), allowed))
        at_a_place = sum(len(part) for part in told if part.place is not None)
        return Matched(told=tuple(told), left=self._left(at_a_place, allowed, citywide), vocabulary=self.vocabulary)

    def counts(self, shape: Any, *, citywide: bool, bases: Collection[str]) -> Counts:
        """How many `match` finds, counted once: an index never changes, so the answer to a question stays what it was. Only the
        very same shape, corner by corner, is the same question. Raises ValueError as `match`."""
        asked = (shapely.to_wkb(usable(shape)), citywide, frozenset(bases))
        if (known := self.counted.get(asked)) is not None:
            return known
        found = self.match(shape, citywide=citywide, bases=bases).counts()
        if len(self.counted) >= KEPT:
            self.counted.clear()
        self.counted[asked] = found
        return found

    def within(self, shape: Any, *, citywide: bool) -> Ids:
        """Every address of all whom something in `shape` concerns, on whatever basis and reachable or not; `citywide` adds
        people without a place. None of them may be told that it does not concern them. Raises ValueError as `match`."""
        shape = usable(shape)
        overlapped = self._overlapped(shape)
        found = [crowd.people_at(crowd.find(shape, overlapped)).person for crowd in (self.base, self.recent)]
        people = [(self.base, found[0][~self.masked[found[0]]]), (self.recent, found[1])]
        if citywide:
            people.append((self.base, np.flatnonzero(~(self.base.placed | self.masked))))
            people.append((self.recent, np.flatnonzero(~self.recent.placed)))
        held = [crowd.address_id[crowd.addresses_of(union(np.asarray(person, np.int64)))[0]] for crowd, person in people]
        return union(*held)

    def why(self, address_id: int, shape: Any, *, citywide: bool, bases: Collection[str]) -> Why:
        """What `match` decides for one address, found without its grid. Raises LookupError when nobody has that address."""
        shape = usable(shape)
        crowd, person, address = self._whereabouts(address_id)
        found = crowd.find_of(person, shape, self._overlapped(shape))
        how = None
        if len(found.person):
            how = How.OVERLAP if crowd.is_area(found.place).all() else How.POINT
        elif citywide and not crowd.placed[person]:
            how = How.NO_PLACE
        left = None if how is not None else (Left.OUTSIDE if crowd.placed[person] else Left.NO_PLACE)
        if self.vocabulary.bases.all()[crowd.basis[address]] not in bases:
            left = Left.BASIS
        if crowd.standing[address] != Standing.OPEN:
            left = _CLOSED[Standing(crowd.standing[address])]
        return Why(
            address_id=address_id,
            subscriber_id=int(crowd.subscriber_id[person]),
            channel=self.vocabulary.channels.all()[crowd.channel[address]],
            how=how if left is None else None,
            left=left,
            place_ids=tuple(sorted(int(place) for place in crowd.place_id[found.place])),
        )

    def _whereabouts(self, address_id: int) -> tuple[Crowd, int, int]:
        recent, old = self.recent.person_with(address_id), self.base.person_with(address_id)
        if recent:
            return self.recent, *recent
        if old and not self.masked[old[0]]:
            return self.base, *old
        raise LookupError(f"There is no address {address_id}.")

    def _overlapped(self, shape: Any) -> Flags:
        """For each area code, whether the area and the shape share more than a boundary."""
        shapely.prepare(shape)
        meets = shapely.intersects(shape, self.shapes)
        meets[meets] = ~shapely.touches(shape, self.shapes[meets])
        return np.append(meets, np.zeros(len(self.vocabulary.areas.known) + 1 - len(meets), np.bool_))

    def _left(self, at_a_place: int, allowed: Flags, citywide: bool) -> dict[Left, int]:
        """Everybody not told, by reason, from totals: nothing is counted one by one."""
        unplaced, placed = (allowed[: self.totals.shape[1]] @ self.totals[Standing.OPEN]).tolist()
        all_of = self.totals.sum(axis=(1, 2)).tolist()
        return {
            Left.STOPPED: all_of[Standing.STOPPED],
            Left.UNREACHABLE: all_of[Standing.UNREACHABLE],
            Left.BASIS: all_of[Standing.OPEN] - unplaced - placed,
            Left.NO_PLACE: 0 if citywide else unplaced,
            Left.OUTSIDE: placed - at_a_place,
        }


_CLOSED = {Standing.STOPPED: Left.STOPPED, Standing.UNREACHABLE: Left.UNREACHABLE}


def index(rows: Rows, areas: Mapping[str, Any], vocabulary: Vocabulary) -> Index:
    """The index of these rows, with a polygon for each named area."""
    for name in areas:
        vocabulary.areas.code(name)  # all of them now: somebody may yet be the first to name one
    shapes = np.array([areas.get(name) for name in vocabulary.areas.all()], dtype=object)
    base, recent = (gather(some, _drawn(shapes, vocabulary)) for some in (rows, NO_ROWS))
    return Index(
        base=base,
        masked=np.zeros(len(base.placed), np.bool_),
        recent=recent,
        recent_rows=NO_ROWS,
        changed=np.empty(0, np.int64),
        shapes=shapes,
        totals=base.tally(len(vocabulary.bases.known)),
        vocabulary=vocabulary,
    )


def usable(shape: Any) -> Any:
    """The shape, as a copy of our own. Raises ValueError, with a sentence, unless it is a valid, non-empty Polygon or
    MultiPolygon in degrees."""
    if not isinstance(shape, shapely.Polygon | shapely.MultiPolygon):
        raise ValueError("The alert has no area: a polygon is needed, and nobody is chosen without one.")
    if shape.is_empty:
        raise ValueError("The alert's area is empty, so nobody is chosen.")
    if not (shape.is_valid and shape.area > 0):
        raise ValueError(f"The alert's area is not a valid polygon: {shapely.is_valid_reason(shape)}.")
    west, south, east, north = shape.bounds
    if not (-180 <= west and east <= 180 and -90 <= south and north <= 90):
        raise ValueError("The alert's area is not in degrees of longitude and latitude.")
    return shapely.force_2d(shape)  # a copy: what shapely prepares inside a shape is not to be shared between threads


def _drawn(shapes: NDArray[Any], vocabulary: Vocabulary) -> Flags:
    drawn = np.zeros(len(vocabulary.areas.known), np.bool_)
    drawn[: len(shapes)] = [shape is not None for shape in shapes]
    return drawn
