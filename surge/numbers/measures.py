"""What a call centre did, as counts with named denominators: a percentage is made of two of them and never kept alone.

Every figure is of the contacts offered within a stretch of time, whenever they ended.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from surge.contact import IN_QUEUE, TERMINAL, Contact, Standing

SHORT: Final = timedelta(seconds=5)  # who hangs up sooner had not begun to wait
HELPED: Final = frozenset({Standing.DONE, Standing.DEFLECTED, Standing.SELF_SERVED, Standing.OVERFLOWED})
BEFORE_QUEUE: Final = frozenset({Standing.SELF_SERVED, Standing.DEFLECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """offered_total = queued + blocked + before_queue + emergency_out + failed_over + on_the_way, each without whoever queued;
    queued = answered + abandoned + callbacks + overflowed + timed_out + left_otherwise + waiting_now."""

    offered_total: int
    queued: int
    answered: int
    abandoned: int
    callbacks: int
    overflowed: int
    timed_out: int
    left_otherwise: int  # deflected, emergency or failed over while they waited
    waiting_now: int
    blocked: int
    before_queue: int  # self-served, deflected or booked a callback without queueing
    emergency_out: int
    failed_over: int
    on_the_way: int  # offered or greeted now

    def problems(self) -> list[str]:
        """Sentences on contacts that are in two places or in none. A true log of events has none."""
        whole = self.queued + self.blocked + self.before_queue + self.emergency_out + self.failed_over + self.on_the_way
        inner = self.answered + self.abandoned + self.callbacks + self.overflowed + self.timed_out
        inner += self.left_otherwise + self.waiting_now
        found = []
        if whole != self.offered_total:
            found.append(f"{self.offered_total} contacts were offered, and {whole} are accounted for.")
        if inner != self.queued:
            found.append(f"{self.queued} contacts queued, and {inner} are accounted for.")
        return found


def counts(contacts: Collection[Contact]) -> Counts:
    queued = [one for one in contacts if one.enqueued_at is not None]
    others = Counter(one.standing for one in contacts if one.enqueued_at is None)
    inside = Counter(one.standing for one in queued if one.answered_at is None)
    left = (Standing.DEFLECTED, Standing.EMERGENCY_OUT, Standing.FAILED_OVER)
    return Counts(
        offered_total=len(contacts),
        queued=len(queued),
        answered=sum(one.answered_at is not None for one in queued),
        abandoned=inside[Standing.ABANDONED],
        callbacks=inside[Standing.CALLBACK],
        overflowed=inside[Standing.OVERFLOWED],
        timed_out=inside[Standing.TIMED_OUT],
        left_otherwise=sum(inside[standing] for standing in left),
        waiting_now=sum(inside[standing] for standing in IN_QUEUE),
        blocked=others[Standing.BLOCKED],
        before_queue=others[Standing.SELF_SERVED] + others[Standing.DEFLECTED] + others[Standing.CALLBACK],
        emergency_out=others[Standing.EMERGENCY_OUT],
        failed_over=others[Standing.FAILED_OVER],
        on_the_way=others[Standing.OFFERED] + others[Standing.GREETED],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """part of whole; `value` is None of nobody."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevels:
    """The same calls under the four definitions that are in use; only the first cannot be improved by losing callers."""

    offered: Share  # answered in time / queued
    without_short: Share  # answered in time / (queued - hung up within SHORT)
    answered: Share  # answered in time / answered
    with_abandoned: Share  # (answered in time + abandoned in time) / (answered + abandoned)


def service_levels(contacts: Collection[Contact], within: timedelta) -> ServiceLevels:
    queued = [one for one in contacts if one.enqueued_at is not None]
    answered = [one for one in queued if one.answered_at is not None]
    abandoned = [one for one in queued if one.answered_at is None and one.standing is Standing.ABANDONED]
    in_time = sum(_wait(one) <= within for one in answered)
    gone_in_time = sum(_wait(one) <= within for one in abandoned)
    short = sum(_wait(one) <= SHORT for one in abandoned)
    return ServiceLevels(
        offered=Share(part=in_time, whole=len(queued)),
        without_short=Share(part=in_time, whole=len(queued) - short),
        answered=Share(part=in_time, whole=len(answered)),
        with_abandoned=Share(part=in_time + gone_in_time, whole=len(answered) + len(abandoned)),
    )


def abandonment(contacts: Collection[Contact]) -> Share:
    """(hung up - hung up within SHORT) / (queued - hung up within SHORT)."""
    queued = [one for one in contacts if one.enqueued_at is not None]
    abandoned = [one for one in queued if one.answered_at is None and one.standing is Standing.ABANDONED]
    short = sum(_wait(one) <= SHORT for one in abandoned)
    return Share(part=len(abandoned) - short, whole=len(queued) - short)


def _wait(contact: Contact) -> timedelta:
    waited = contact.waited
    assert waited is not None, "whoever was answered or hung up has left the queue"
    return waited


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Of those answered, and of everybody who has left the queue; None of nobody. Publish both: blocking callers shortens the
    first one and helps nobody."""

    answered_mean: timedelta | None
    everybody_mean: timedelta | None
    everybody_median: timedelta | None
    everybody_p90: timedelta | None
    longest: timedelta | None


def waits(contacts: Iterable[Contact]) -> Waits:
    gone = sorted((one.waited, one.answered_at is not None) for one in contacts if one.waited is not None)
    everybody = [waited.total_seconds() for waited, _ in gone]
    answered = [waited.total_seconds() for waited, was_answered in gone if was_answered]
    if not everybody:
        return Waits(answered_mean=None, everybody_mean=None, everybody_median=None, everybody_p90=None, longest=None)
    return Waits(
        answered_mean=timedelta(seconds=sum(answered) / len(answered)) if answered else None,
        everybody_mean=timedelta(seconds=sum(everybody) / len(everybody)),
        everybody_median=timedelta(seconds=median(everybody)),
        everybody_p90=timedelta(seconds=everybody[-(-len(everybody) * 9 // 10) - 1]),
        longest=timedelta(seconds=everybody[-1]),
    )


def access(contacts: Iterable[Contact]) -> Share:
    """Callers who got an answer by any means / callers. Redials are one caller; a caller without a number is one each time. The
    best single figure of a surge: it counts people, and cannot be improved by losing them."""
    helped: dict[str, bool] = {}
    for one in contacts:
        who = one.caller or f"contact {one.contact_id}"
        helped[who] = helped.get(who, False) or one.standing in HELPED or one.answered_at is not None
    return Share(part=sum(helped.values()), whole=len(helped))


def by(contacts: Iterable[Contact], key: Callable[[Contact], str]) -> Mapping[str, Sequence[Contact]]:
    """Contacts by language, area or hour, so that every figure can be read of each."""
    found: dict[str, list[Contact]] = {}
    for one in contacts:
        found.setdefault(key(one), []).append(one)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Little:
    """Little's law over a closed stretch: the mean number waiting against arrivals times the mean wait. They are equal when
    everybody came and left within it; more than 2 % apart, the log of events is broken (Little 1961)."""

    queue: float  # mean number waiting, by walking through the comings and goings
    flow: float  # arrivals per second times mean wait in seconds

    @property
    def holds(self) -> bool:
        return abs(self.queue - self.flow) <= 0.02 * max(self.queue, 1e-9)


def little(contacts: Collection[Contact], start: datetime, end: datetime) -> Little:
    """Only contacts that queued and left within the stretch count on both sides."""
    inside = [
        one
        for one in contacts
        if one.enqueued_at and one.left_queue_at and start <= one.enqueued_at <= one.left_queue_at <= end
    ]
    seconds = (end - start).total_seconds()
    steps = sorted(
        [(one.enqueued_at, 1) for one in inside if one.enqueued_at]
        + [(one.left_queue_at, -1) for one in inside if one.left_queue_at]
    )
    area, waiting = 0.0, 0
    for (at, change), (then, _) in pairwise([*steps, (end, 0)]):
        waiting += change
        area += waiting * (then - at).total_seconds()
    total = sum(_wait(one).total_seconds() for one in inside)
    return Little(queue=area / seconds, flow=len(inside) / seconds * (total / len(inside)) if inside else 0.0)


def unfinished(contacts: Iterable[Contact]) -> list[Contact]:
    """Whoever still stands somewhere that is not an end."""
    return [one for one in contacts if one.standing not in TERMINAL]
