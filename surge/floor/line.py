"""The waiting line, kept in the order of places: who is next and who stands before whom, without looking at everybody."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from surge.floor.queue import Place


class Line:
    """Each contact stands in it at most once."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._order: list[tuple[float, int, str]] = []

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, contact_id: object) -> bool:
        return contact_id in self._places

    def __iter__(self) -> Iterator[str]:
        """Contact ids, smallest place first."""
        return (contact_id for _, _, contact_id in list(self._order))

    def stand(self, contact_id: str, place: Place) -> None:
        self.leave(contact_id)
        self._places[contact_id] = place
        insort(self._order, _key(contact_id, place))

    def leave(self, contact_id: str) -> None:
        place = self._places.pop(contact_id, None)
        if place is not None:
            del self._order[bisect_left(self._order, _key(contact_id, place))]

    def before(self, place: Place) -> int:
        """How many stand before this place."""
        return bisect_left(self._order, (place.virtual.timestamp(), place.seq, ""))


def _key(contact_id: str, place: Place) -> tuple[float, int, str]:
    return place.virtual.timestamp(), place.seq, contact_id
