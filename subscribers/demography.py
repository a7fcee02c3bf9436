"""What made-up people are like: the languages they speak, how they are reached, what they told us of where they are.

Shares are dealt out exactly in every 10,000 people. They are round guesses for a city of the Pacific Northwest, made so that
each case an alert has to deal with occurs among a few thousand people; they are no census.
"""

from dataclasses import dataclass
from enum import StrEnum

from subscribers.address import EMAIL, SMS
from subscribers.place import HOME
from subscribers.tables import Basis


class Spot(StrEnum):
    """How one place is given."""

    POINT = "point"  # latitude and longitude in a neighbourhood
    OUTSIDE = "outside"  # latitude and longitude beyond the city
    ZIP = "zip"  # a ZIP and no more
    AREA = "area"  # a neighbourhood and no more
    NOWHERE = "nowhere"  # not at all


SEVERAL = "several"  # the kind of somebody with more than one place; anybody else's is their only spot's


@dataclass(frozen=True, slots=True)
class Household:
    """One way to fill in the form: a row for each place, under its label."""

    places: tuple[tuple[str, Spot], ...]

    @property
    def kind(self) -> str:
        return self.places[0][1].value if len(self.places) == 1 else SEVERAL


LANGUAGES = {"en": 0.8, "es": 0.07, "vi": 0.03, "zh-Hant": 0.02, "ru": 0.02, "uk": 0.012, "so": 0.01, "ar": 0.01}
LANGUAGES |= {"ro": 0.008, "ja": 0.008, "ko": 0.007, "lo": 0.005}
REACHED = {(SMS,): 0.82, (SMS, EMAIL): 0.12, (EMAIL,): 0.06}
BASES = {Basis.OPT_IN: 0.8, Basis.UTILITY_ACCOUNT: 0.18, Basis.EMERGENCY: 0.02}
SOURCES = {Basis.OPT_IN: "sign-up form", Basis.UTILITY_ACCOUNT: "water account", Basis.EMERGENCY: "life-safety list"}
HOUSEHOLDS = {
    Household((("", Spot.POINT),)): 0.79,
    Household((("", Spot.OUTSIDE),)): 0.01,
    Household((("", Spot.ZIP),)): 0.07,
    Household((("", Spot.AREA),)): 0.04,
    Household((("", Spot.NOWHERE),)): 0.04,
    Household(((HOME, Spot.POINT), ("WORK", Spot.POINT))): 0.025,
    Household(((HOME, Spot.POINT), ("MOM", Spot.ZIP))): 0.01,
    Household(((HOME, Spot.POINT), ("WORK", Spot.POINT), ("SCHOOL", Spot.AREA))): 0.01,
    Household(((HOME, Spot.POINT), ("WORK", Spot.POINT), ("MOM", Spot.AREA), ("CABIN", Spot.OUTSIDE))): 0.005,
}
