"""What follows from one try at a posting: how long until the next, when somebody is told, when it is over. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

PAUSES: Final = tuple(timedelta(seconds=one) for one in (1, 5, 15, 30, 60, 120, 300, 600, 900))
LONGEST_PAUSE: Final = PAUSES[-1]
SPREAD: Final = 0.2  # of a pause, by chance: partners that fell together do not come back together
TOLD_AFTER: Final = timedelta(minutes=5)  # of failing, the duty officer is paged
SUSPENDED_AFTER: Final = timedelta(hours=24)
REFUSALS: Final = 6  # of one posting by a receiver that answers; then the next has its turn
LATER: Final = frozenset({408, 425, 429})  # the receiver says "not now", which is no refusal
GONE: Final = 410


class Next(StrEnum):
    TAKEN = "taken"
    AGAIN = "again"  # after a pause
    DROP = "drop"  # this posting is refused for good; later ones go on
    SUSPEND = "suspend"  # the webhook has failed for a day
    END = "end"  # the address says that it is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How a try ended. status: of HTTP, None without an answer; said: why it failed, in a few words, "" when it did not;
    retry_after_s: what the receiver asked for; unmade: there was nothing to post, because it cannot be made."""

    status: int | None = None
    said: str = ""
    retry_after_s: float = 0
    unmade: bool = False

    @property
    def well(self) -> bool:
        return not self.said


def follows(tried: Tried, attempts: int, failing_since: datetime | None, now: datetime) -> Next:
    """attempts: of this posting, this one included. failing_since: the webhook's first failure since its last success."""
    if tried.well:
        return Next.TAKEN
    if tried.status == GONE:
        return Next.END
    if tried.unmade:
        return Next.DROP
    if failing_since is not None and now - failing_since >= SUSPENDED_AFTER:
        return Next.SUSPEND
    if tried.status is not None and 400 <= tried.status < 500 and tried.status not in LATER and attempts >= REFUSALS:
        return Next.DROP
    return Next.AGAIN


def pause(failures: int, retry_after_s: float, chance: float) -> timedelta:
    """How long until the next try, after so many failures in a row (1 or more). chance: between 0 and 1."""
    usual = PAUSES[min(failures, len(PAUSES)) - 1] * (1 + SPREAD * chance)
    return max(usual, min(timedelta(seconds=retry_after_s), LONGEST_PAUSE))
