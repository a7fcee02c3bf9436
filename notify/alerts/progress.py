"""How a send goes: counts, rate and time left, by channel and language. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notify.sending.deliveries import State, Tally, total

ByKind = Mapping[tuple[str, str, str], Tally]  # (channel, language, wording) -> counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts of one channel (or one language on it). `done` counts all that left the queue, whatever became of it."""

    name: str
    tally: Tally

    @property
    def total(self) -> int:
        return self.tally.total

    @property
    def done(self) -> int:
        return self.total - self.tally.waiting

    @property
    def percent(self) -> float:
        return 100.0 * self.done / self.total if self.total else 100.0


def by_channel(kinds: ByKind) -> list[Progress]:
    return [Progress(name=name, tally=_sum(kinds, name)) for name in sorted({channel for channel, _, _ in kinds})]


def by_language(kinds: ByKind, channel: str) -> list[Progress]:
    names = sorted({language for one, language, _ in kinds if one == channel})
    return [Progress(name=name, tally=_sum(kinds, channel, name)) for name in names]


def whole(kinds: ByKind) -> Progress:
    return Progress(name="all", tally=total(kinds.values()))


def as_json(kinds: ByKind) -> dict[str, object]:
    """For the API: total and every state's count, for all, by channel and by language."""
    return {
        "total": _counts(whole(kinds).tally),
        "channels": {
            one.name: {
                **_counts(one.tally),
                "languages": {language.name: _counts(language.tally) for language in by_language(kinds, one.name)},
            }
            for one in by_channel(kinds)
        },
    }


def time_left(waiting: int, rates: Sequence[float]) -> timedelta | None:
    """How long `waiting` units take at these senders' rates together (units per second); None without a limit or sender."""
    rate = sum(rates)
    if not rates or math.isinf(rate):
        return None
    return timedelta(seconds=waiting / rate)


def finishes_at(now: datetime, units: int, rates: Sequence[float]) -> datetime | None:
    left = time_left(units, rates)
    return None if left is None else now + left


def senders_needed(units: int, within: timedelta, rate: float) -> int:
    """How many senders of this rate (units per second) hand over `units` within that time."""
    return max(1, math.ceil(units / (rate * within.total_seconds()))) if units else 0


def _counts(tally: Tally) -> dict[str, int]:
    return {"total": tally.total, "failed": tally.failed} | {state.value: tally[state] for state in State}


def _sum(kinds: ByKind, *prefix: str) -> Tally:
    return total(tally for key, tally in kinds.items() if key[: len(prefix)] == prefix)
