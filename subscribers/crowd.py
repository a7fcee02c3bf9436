"""Everybody in arrays, sorted for questions: who has a place in this shape, and how are they reached.

A Crowd is built once from rows and never changes. A million people with an address and a place each take about 75 MB.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from subscribers.grid import Grid, Positions, build, spans
from subscribers.nearness import Nearness
from subscribers.rows import AT_A_POINT, Codes, Flags, Floats, Ids, Rows, Standing

LOOK_CLOSER: Final = 0  # in Crowd.plain: several places, several addresses, or nothing may be sent
GONE: Final = 255  # in Crowd.plain: the person is not in this crowd any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Places that matched: the person's row in the Crowd, and the place's (points first, then blocks, then areas)."""

    person: Positions
    place: Positions

    def at(self, chosen: NDArray[Any]) -> "Found":
        """Those at these positions, or where this flag is set."""
        return Found(person=self.person[chosen], place=self.place[chosen])


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Person p has addresses first_address[p] to first_address[p + 1], oldest first. Neighbours stand beside each other, in
    the order of the grid, so that an answer is read from memory in one go; `by_id` lists them by subscriber_id.

    A place counts only when it can be matched: a point with coordinates, or an area the city has a shape for. `placed` people
    have at least one, those in `several` more than one. People without an address are left out: nobody can be told.
    Places are the points in their grid's order, then the blocks in theirs, then areas; `area_code` is of the last. `plain` says
    of a place that is all its person has saved, and whose person has one address, which may be sent to, 1 + the basis of that
    address: nearly everybody is told by this number alone. `place_address` is the first address of the place's person.
    """

    subscriber_id: Ids
    by_id: NDArray[np.int32]
    placed: Flags
    several: Flags
    first_address: NDArray[np.int32]
    owner: NDArray[np.int32]
    address_id: Ids
    language: Codes
    channel: Codes
    basis: Codes
    standing: Codes
    points: Grid
    blocks: Grid
    place_address: NDArray[np.int32]
    place_id: Ids
    area_code: NDArray[np.int32]
    plain: NDArray[np.uint8]

    def without(self, persons: Positions) -> "Crowd":
        """The same crowd, these people's places marked as gone. They are still in every other column."""
        leaves = np.zeros(len(self.owner), np.bool_)
        leaves[self.first_address[persons]] = True
        return replace(self, plain=np.where(leaves[self.place_address], np.uint8(GONE), self.plain))

    def persons(self, subscribers: Ids) -> Positions:
        """The rows of those of these subscribers who are here."""
        at, here = _look_up(self.subscriber_id[self.by_id], subscribers)
        return self.by_id[at[here]].astype(np.int64)

    def person_with(self, address_id: int) -> tuple[int, int] | None:
        """The row of the person with this address, and the address's position; None when it is not here."""
        at = np.flatnonzero(self.address_id == address_id)
        return (int(np.searchsorted(self.first_address, at[0], side="right")) - 1, int(at[0])) if len(at) else None

    def addresses_of(self, persons: Positions) -> tuple[Positions, Positions]:
        """Positions of these people's addresses, and for each the index into `persons` of whom it belongs to."""
        begin, end = self.first_address[persons], self.first_address[persons + 1]
        if (end == begin + 1).all():  # one address each, as nearly everybody has
            return begin, np.arange(len(persons))
        return spans(begin, end), np.repeat(np.arange(len(persons)), end - begin)

    @property
    def spots(self) -> int:
        """How many places are points or blocks; all after them are areas."""
        return len(self.points.lon) + len(self.blocks.lon)

    def find(self, shape: Any, overlapped: Flags) -> Positions:
        """Every point inside the shape, every block that may be, and every area place whose area (by code) is `overlapped`."""
        found, areas = [self.points.inside(shape)], np.flatnonzero(overlapped[self.area_code])
        if len(self.blocks.lon):
            found.append(self.blocks.near(shape) + len(self.points.lon))
        if len(areas):
            found.append(areas + self.spots)
        return np.concatenate(found) if len(found) > 1 else found[0]

    def people_at(self, place: Positions) -> Found:
        """Whose places these are; people may repeat."""
        return Found(person=self.owner[self.place_address[place]].astype(np.int64), place=place)

    def find_of(self, person: int, shape: Any, overlapped: Flags) -> Found:
        """The same for one person, place by place, without the grids."""
        mine = np.flatnonzero(self.place_address == self.first_address[person])
        points, blocks, areas = np.split(mine, np.searchsorted(mine, [len(self.points.lon), self.spots]))
        points = points[shapely.intersects_xy(shape, *self.whereabouts(points))]
        if len(blocks):
            blocks = blocks[Nearness.of(shape).of_blocks(*self.whereabouts(blocks))]
        place = np.concatenate([points, blocks, areas[overlapped[self.area_code[areas - self.spots]]]])
        return Found(person=np.full(len(place), person), place=place)

    def one_each(self, found: Found) -> Found:
        """One place a person: a point before an area, then the place saved first."""
        repeats = self.several[found.person]
        if not repeats.any():
            return found
        some = found.at(repeats)
        some = some.at(np.lexsort((self.place_id[some.place], self.is_area(some.place), some.person)))
        first = np.ones(len(some.person), np.bool_)
        np.not_equal(some.person[1:], some.person[:-1], out=first[1:])
        once = found.at(~repeats)
        person = np.concatenate([once.person, some.person[first]])
        return Found(person=person, place=np.concatenate([once.place, some.place[first]]))

    def is_area(self, place: Positions) -> Flags:
        """Which of these places are matched as a whole area, not as a point."""
        return place >= self.spots

    def whereabouts(self, place: Positions) -> tuple[Floats, Floats]:
        """Longitude and latitude of these places, nan for areas."""
        is_point = place < len(self.points.lon)
        if is_point.all():
            return self.points.lon[place], self.points.lat[place]
        lon, lat = np.full((2, len(place)), np.nan)
        is_block = ~is_point & ~self.is_area(place)
        for chosen, grid, before in ((is_point, self.points, 0), (is_block, self.blocks, len(self.points.lon))):
            at = place[chosen] - before
            lon[chosen], lat[chosen] = grid.lon[at], grid.lat[at]
        return lon, lat

    def tally(self, bases: int, persons: Positions | None = None) -> NDArray[np.int64]:
        """How many addresses there are by [standing, basis, whether their person is placed]; of some people, or all."""
        at: Any = slice(None)
        if persons is not None:
            at, _ = self.addresses_of(persons)
        cell = (self.standing[at].astype(np.int64) * bases + self.basis[at]) * 2 + self.placed[self.owner[at]]
        return np.bincount(cell, minlength=len(Standing) * bases * 2).reshape(len(Standing), bases, 2)


def gather(rows: Rows, drawn: Flags) -> Crowd:
    """The crowd of these rows; `drawn` says for each area code whether the city has a shape for it."""
    subscribers, address_owner = np.unique(rows.address_subscriber, return_inverse=True)
    place_owner, reached = _look_up(subscribers, rows.place_subscriber)
    at_a_point = rows.place_area == AT_A_POINT
    spots = reached & at_a_point & np.isfinite(rows.lon) & np.isfinite(rows.lat)
    points, blocks = np.flatnonzero(spots & ~rows.rough), np.flatnonzero(spots & rows.rough)
    areas = np.flatnonzero(reached & ~at_a_point & np.append(drawn, False)[rows.place_area])
    (of_points, by_cell), (of_blocks, blocks_by_cell) = (build(rows.lon[some], rows.lat[some]) for some in (points, blocks))
    places = np.concatenate([points[by_cell], blocks[blocks_by_cell], areas])

    neighbours, seat = _neighbours(place_owner[places], len(subscribers))
    person = seat[address_owner]
    order = np.lexsort((rows.address_id, person))
    held = np.bincount(person, minlength=len(subscribers))
    first_address = np.zeros(len(subscribers) + 1, np.int32)
    np.cumsum(held, out=first_address[1:])
    there = seat[place_owner[places]]
    count = np.bincount(there, minlength=len(subscribers))
    basis, standing, place_address = rows.basis[order], rows.standing[order], first_address[there]
    sole = ((count == 1) & (held == 1))[there] & (standing == Standing.OPEN)[place_address] & (basis < GONE - 1)[place_address]
    return Crowd(
        subscriber_id=subscribers[neighbours],
        by_id=seat,
        placed=count > 0,
        several=count > 1,
        first_address=first_address,
        owner=person[order],
        address_id=rows.address_id[order],
        language=rows.language[order],
        channel=rows.channel[order],
        basis=basis,
        standing=standing,
        points=of_points,
        blocks=of_blocks,
        place_address=place_address,
        place_id=rows.place_id[places],
        area_code=rows.place_area[areas],
        plain=np.where(sole, basis[place_address] + 1, LOOK_CLOSER).astype(np.uint8),
    )


def _neighbours(owner: Positions, count: int) -> tuple[Positions, NDArray[np.int32]]:
    """People in the order of their first place, those without one last; and for each the seat they have got."""
    first = np.full(count, len(owner))
    first[owner[::-1]] = np.arange(len(owner))[::-1]  # the last written stays: the first place
    neighbours = np.argsort(first, kind="stable")
    seat = np.empty(count, np.int32)
    seat[neighbours] = np.arange(count)
    return neighbours, seat


def _look_up(sorted_ids: Ids, wanted: Ids) -> tuple[Positions, Flags]:
    """Where each wanted id stands among the sorted ones, and whether it is there at all."""
    at = np.searchsorted(sorted_ids, wanted)
    there = at < len(sorted_ids)
    there[there] = sorted_ids[at[there]] == wanted[there]
    return at, there
