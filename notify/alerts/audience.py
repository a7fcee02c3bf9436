"""Who gets which wording of an event, and in what order. Pure; millions of addresses as arrays of ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from notify.alerts.alert import Stage, Wording
from subscribers.id_sets import common, minus, union

Ids = NDArray[np.int64]

SPOKEN_TO_THE_TOLD: Final = {
    Stage.CORRECTION: Wording.CORRECTION,
    Stage.ALL_CLEAR: Wording.ALL_CLEAR,
    Stage.FALSE_ALARM: Wording.FALSE_ALARM,
}


def _none() -> Ids:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where everybody stands who has, or may have, a text of the incident. Disjoint arrays of address ids.

    inside    last told that it concerns them
    outside   last told that it does not (any more)
    open      a call about an earlier text is under way: nobody can say yet whether they will have been told
    """

    inside: Ids = field(default_factory=_none)
    outside: Ids = field(default_factory=_none)
    open: Ids = field(default_factory=_none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Whom an event concerns beyond those it is sent to for the first time. Both by where people are, on whatever basis.

    still    may be sent to, on a channel that is used: whoever of them was told before hears what is new
    within   all of them, reachable or not, on any channel: nobody of them is told that it does not concern them any more
    """

    still: Ids = field(default_factory=_none)
    within: Ids = field(default_factory=_none)


NOBODY: Final = Concerned()


def wordings(
    stage: Stage, matched: Ids, told: Told, concerned: Concerned = NOBODY, *, short: bool = False
) -> Mapping[Wording, Ids]:
    """Splits the audience by wording. Whoever is in `told.open` is left out: plan again when that is known.

    First alert and renewal: everybody matched who was not told before. Update: still inside, newly inside (the whole alert) and
    no longer inside. Correction, all clear and false alarm: exactly the told, wherever they have moved since.
    """
    whole = Wording.SHORT if short else Wording.FIRST
    if stage in SPOKEN_TO_THE_TOLD:
        return {SPOKEN_TO_THE_TOLD[stage]: union(told.inside, told.outside)}
    matched = minus(union(matched), told.open)
    if stage is Stage.TEST:
        return {Wording.TEST: matched}
    newly = minus(matched, told.inside)
    if stage in (Stage.FIRST, Stage.RENEWAL):
        return {whole: minus(newly, told.outside)}
    still = union(matched, concerned.still)
    return {
        Wording.UPDATE: common(still, told.inside),
        whole: newly,
        Wording.OUTSIDE: minus(told.inside, union(still, concerned.within)),
    }


def interleaved(groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """An order of people in which every group (a language on a channel) advances at the same rate: the k-th of n in a group
    stands at (k + 1/2) / n of the way. So every language is half done when all are half done, however small it is.

    It interleaves people, not segments: a language that needs longer texts is not sent later for it. Each array of a million is
    8 MB, so there are few of them at a time.
    """
    by_group = np.argsort(groups, kind="stable")
    starts = _starts(groups[by_group])
    sizes = np.diff(np.r_[starts, len(by_group)])
    way = np.arange(len(by_group), dtype=np.float64)
    way -= np.repeat(starts, sizes)
    way += 0.5
    way /= np.repeat(sizes, sizes)
    position = np.empty_like(way)
    position[by_group] = way
    del by_group, way
    return np.argsort(position, kind="stable")


def _starts(ordered: NDArray[np.integer]) -> NDArray[np.intp]:
    """Where each group begins."""
    return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.empty(0, np.intp)
