"""What people call about, counted by one key press: eight reasons, a language and a ZIP, never a name."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """In the order of the keys 1 to 8."""

    AFFECTED = "am I affected"
    SAFE = "what is safe"
    SICK = "somebody is ill"
    WHERE = "where is help"
    BUSINESS = "a business"
    WHEN_OVER = "when is it over"
    RUMOUR = "a rumour"
    OTHER = "something else"


KEYS: Final[tuple[Reason, ...]] = tuple(Reason)
LATE: Final = timedelta(hours=12)  # a page that was without the service for longer has lost its presses' times
TOP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """mark: made by the page; the same one counts once."""

    mark: str
    at: datetime
    reason: Reason
    language: str
    area: str | None = None


def pressed_at(told: datetime | None, now: datetime) -> datetime:
    """When a press counts: when the page says it was, unless its clock runs ahead or it is too long ago to be believed."""
    return told if told is not None and now - LATE <= told <= now else now


def top(found: Iterable[str], most: int = TOP) -> Sequence[tuple[str, int]]:
    """The most frequent with their counts; of equals the one that comes first in its alphabet."""
    return sorted(Counter(found).items(), key=lambda one: (-one[1], one[0]))[:most]
