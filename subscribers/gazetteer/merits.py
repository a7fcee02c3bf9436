"""What a find is worth: one certain match less what each part leaves open. Pure.

A find of SURE (see subscribers.dialog.saving) is taken and announced, one below is asked about, and so are several within APART
of the best. The figures are set so that leaving a part out stays above SURE, and contradicting one falls below it or behind
whatever agrees.
"""

from typing import Final

from subscribers.gazetteer.address import Way
from subscribers.gazetteer.blocks import Fit

NAME: Final = 0.5  # times the unlikeness: one slip in five letters stays sure, two do not
DIRECTION_UNSAID: Final = 0.05
DIRECTION_NEAR: Final = 0.21  # S for SW, N for NE: renamed not long ago, or said short; asked about, before the others
DIRECTION_WRONG: Final = 0.26
KIND_UNSAID: Final = 0.02
KIND_WRONG: Final = 0.15
ZIP_WRONG: Final = 0.21
LEFT_OVER: Final = 0.05  # words behind the street that we do not know
FITS: Final = {Fit.LISTED: 0.0, Fit.BLOCK: 0.01, Fit.BETWEEN: 0.03, Fit.BEYOND: 0.1}
BARE: Final = 0.79  # the most for a number of one or two digits and a name alone: "5 oak" may be about trees

LEAST_NAME: Final = 0.6  # likeness of a street's name when a direction or kind shows that a street is meant
LEAST_BARE_NAME: Final = 0.7  # and when nothing but a number does


def off_direction(said: str, is_so: str) -> float:
    if said == is_so:
        return 0.0
    if not said or not is_so:
        return DIRECTION_UNSAID
    return DIRECTION_NEAR if said in is_so or is_so in said else DIRECTION_WRONG


def off_kind(said: str, is_so: str) -> float:
    if said == is_so:
        return 0.0
    return KIND_WRONG if said and is_so else KIND_UNSAID


def off_way(way: Way, direction: str, kind: str, likeness: float) -> float:
    """What reading these words as that street costs."""
    return NAME * (1 - likeness) + off_direction(way.direction, direction) + off_kind(way.kind, kind)


def is_bare(way: Way) -> bool:
    """Whether nothing but the name says that a street is meant."""
    return not way.direction and not way.kind
