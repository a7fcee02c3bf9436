"""What becomes of a text at the far end: who has no handset, who is out of reach, and how long delivery takes.

Everything follows from a keyed hash of the number, so that the same seed gives the same city in every run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from statistics import NormalDist
from types import MappingProxyType
from typing import Final

# The error codes a text ends with: https://www.twilio.com/docs/api/errors
ENDINGS: Final = MappingProxyType(
    {
        "unreachable": 30003,  # switched off or out of coverage
        "unknown": 30005,  # no such handset any more
        "landline": 30006,  # a landline, or a network that takes no texts
        "filtered": 30007,  # taken for spam on the way
    }
)

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handsets:
    """The far end. Shares are of all numbers, 0 to 1, and add up to at most 1; `listed` names an ending (a key of
    ENDINGS, or "delivered") for single numbers and wins over the shares. Delivery takes `delivered_after_s` in the
    median, spread as a lognormal with the standard deviation `spread`; 0 seconds means at once. `slow` numbers take so many
    seconds instead."""

    seed: str = "tocsin"
    unreachable: float = 0.0
    unknown: float = 0.0
    landline: float = 0.0
    filtered: float = 0.0
    listed: Mapping[str, str] = field(default_factory=dict)
    delivered_after_s: float = 1.5
    spread: float = 0.6
    slow: Mapping[str, float] = field(default_factory=dict)


def ending(handsets: Handsets, number: str) -> int | None:
    """The error code a text to this number ends with; None when it is delivered."""
    named = handsets.listed.get(number)
    if named is not None:
        return ENDINGS.get(named)
    if not (handsets.unreachable or handsets.unknown or handsets.landline or handsets.filtered):
        return None
    rest = uniform(handsets.seed, "ending", number)
    for name, code in ENDINGS.items():
        rest -= getattr(handsets, name)
        if rest < 0:
            return code
    return None


def delay_s(handsets: Handsets, number: str) -> float:
    """Seconds between a text leaving the gateway and the network's word on it."""
    if number in handsets.slow:
        return handsets.slow[number]
    if handsets.delivered_after_s == 0:
        return 0.0
    place = uniform(handsets.seed, "delay", number) or 0.5
    return handsets.delivered_after_s * math.exp(handsets.spread * _NORMAL.inv_cdf(place))


def uniform(seed: str, purpose: str, subject: str) -> float:
    """A number in [0, 1) that depends on the three words alone."""
    digest = blake2b(subject.encode(), digest_size=6, key=seed.encode()[:64], person=purpose.encode()[:16])
    return int.from_bytes(digest.digest(), "big") / (1 << 48)
