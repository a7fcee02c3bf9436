"""How alike two names are, by the trigrams they share; and an index that finds the alike ones among thousands. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LEAST: Final = 0.45  # likeness below which two names are strangers


def trigrams(name: str) -> frozenset[str]:
    """The three-letter pieces of a name, its beginning counted twice: people mistype ends more than beginnings."""
    padded = f"  {name} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient of two sets of trigrams, 0 to 1: https://en.wikipedia.org/wiki/Dice-Sorensen_coefficient"""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    """Names by their trigrams. `alike` gives the nearest; an equal name is always 1."""

    names: Sequence[str]
    pieces: Sequence[frozenset[str]]
    holders: Mapping[str, Sequence[int]]

    def alike(self, name: str, least: float = LEAST) -> list[tuple[float, int]]:
        """(likeness, position) of the names that are alike, best first, then in their order."""
        wanted = trigrams(name)
        shared: Counter[int] = Counter()
        for piece in wanted:
            shared.update(self.holders.get(piece, ()))
        found = []
        for position, count in shared.items():
            score = 1.0 if self.names[position] == name else 2 * count / (len(wanted) + len(self.pieces[position]))
            if score >= least:
                found.append((score, position))
        return sorted(found, key=lambda one: (-one[0], one[1]))


def name_index(names: Iterable[str]) -> NameIndex:
    listed = tuple(names)
    pieces = tuple(map(trigrams, listed))
    holders: dict[str, list[int]] = {}
    for position, some in enumerate(pieces):
        for piece in some:
            holders.setdefault(piece, []).append(position)
    return NameIndex(names=listed, pieces=pieces, holders=holders)
