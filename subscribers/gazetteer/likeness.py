"""How alike two names are, by the trigrams they share and the letters that differ; and an index of names. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SHARED: Final = 0.35  # of trigrams, below which names are not compared letter by letter: two typing errors in six letters
LONGEST: Final = 64  # letters; nothing in a city is called longer than that
COMPARED: Final = 12  # names that are compared letter by letter: more are never close to one text


def trigrams(name: str) -> frozenset[str]:
    """The three-letter pieces of a name, its beginning counted twice: people mistype ends more than beginnings."""
    padded = f"  {name} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def shared(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient of two sets of trigrams, 0 to 1: https://en.wikipedia.org/wiki/Dice-Sorensen_coefficient"""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def apart(one: str, other: str) -> int:
    """Letters added, left out, changed, or swapped with their neighbour, to make one name of the other.

    Optimal string alignment: https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, last, row = row, before, [at]
        for to, wanted in enumerate(other, 1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, last[to - 2] + 1)
            row.append(cost)
    return row[-1]


def likeness(one: str, other: str) -> float:
    """0 to 1, and 1 only for equal names. Half by trigrams, which mind a wrong beginning, half by letters, which forgive one
    slip in a short name."""
    if one == other:
        return 1.0
    letters = 1 - apart(one, other) / max(len(one), len(other))
    return min(0.999, (shared(trigrams(one), trigrams(other)) + letters) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    """Different names by their trigrams, to find the alike ones among thousands."""

    names: Sequence[str]
    sizes: Sequence[int]
    holders: Mapping[str, Sequence[int]]

    def alike(self, name: str, least: float) -> list[tuple[float, str]]:
        """(likeness, name) of the names that are alike, best first, then by name."""
        if len(name) > LONGEST:
            return []
        wanted = trigrams(name)
        counts: Counter[int] = Counter()
        for piece in wanted:
            counts.update(self.holders.get(piece, ()))
        dice = ((2 * count / (len(wanted) + self.sizes[position]), position) for position, count in counts.items())
        near = sorted((-share, position) for share, position in dice if share >= SHARED)[:COMPARED]
        found = [(likeness(name, self.names[position]), self.names[position]) for _, position in near]
        return sorted(((score, known) for score, known in found if score >= least), key=lambda one: (-one[0], one[1]))


def name_index(names: Iterable[str]) -> NameIndex:
    listed = tuple(dict.fromkeys(names))
    holders: dict[str, list[int]] = {}
    sizes = []
    for position, name in enumerate(listed):
        pieces = trigrams(name)
        sizes.append(len(pieces))
        for piece in pieces:
            holders.setdefault(piece, []).append(position)
    return NameIndex(names=listed, sizes=sizes, holders=holders)
