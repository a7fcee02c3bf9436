"""A day of calls answered by so many agents, call by call: the same file gives the same answer, exactly.

Rules: one queue, first come, first served; whoever comes while an agent is free is answered at once; a busy agent beyond the
staff level leaves at the end of the call; who finds the queue full is blocked. Things of the same moment happen in the order of
Kind, so that service wins over patience.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

HOUR_S: Final = 3600


class Kind(IntEnum):
    """What happens, in the order in which it happens within one moment."""

    STAFF = 0  # the level changes
    ARRIVAL = 1  # in the order of the file
    END = 2  # of a call
    PATIENCE = 3  # somebody hangs up


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is played. Times are whole ticks of 1/ticks_per_s second, so that sums and ties are exact.

    arrival, service, patience: one entry a call, in the file's order; arrivals and service starts count from the day's start.
    staff: (from tick, agents), ascending; nobody is there before the first, and the last level stays.
    cap: the most who may wait; None for no limit.
    """

    arrival: Sequence[int]
    service: Sequence[int]
    patience: Sequence[int]
    staff: Sequence[tuple[int, int]]
    cap: int | None = None
    ticks_per_s: int = 1


@dataclass(slots=True)
class Counts:
    """Of all calls, or of those that came within an hour; waits in ticks."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    blocked: int = 0
    within_20_s: int = 0
    within_60_s: int = 0
    wait: int = 0


@dataclass(slots=True)
class Outcome:
    """What became of a day; whose calls came in which hour, counted by the hour of arrival."""

    ticks_per_s: int
    whole: Counts = field(default_factory=Counts)
    hours: dict[int, Counts] = field(default_factory=dict)
    max_queue: int = 0  # largest number waiting after anything that happened


def simulate(day: Day) -> Outcome:
    return _Floor(day).run()


class _Floor:
    """The call centre while the day runs."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.outcome = Outcome(ticks_per_s=day.ticks_per_s)
        self.agents = self.busy = self.waiting = 0
        self.line: deque[int] = deque()  # calls; one that has hung up stays until its turn
        self.left = bytearray(len(day.arrival))  # 1: answered, or hung up
        self.ends: list[int] = []  # when calls end
        self.limits: list[tuple[int, int]] = []  # when whose patience ends; the answered stay until their moment

    def run(self) -> Outcome:
        arrival, staff = self.day.arrival, deque(self.day.staff)
        coming = deque(sorted(range(len(arrival)), key=arrival.__getitem__))  # stable: the file's order within a moment
        while coming or self.waiting:
            due = [(staff[0][0], Kind.STAFF)] if staff else []
            if coming:
                due.append((arrival[coming[0]], Kind.ARRIVAL))
            if self.ends:
                due.append((self.ends[0], Kind.END))
            if self.limits:
                due.append((self.limits[0][0], Kind.PATIENCE))
            now, kind = min(due)
            if kind is Kind.STAFF:
                self.agents = staff.popleft()[1]
            elif kind is Kind.ARRIVAL:
                self._arrive(coming.popleft(), now)
            elif kind is Kind.END:
                heapq.heappop(self.ends)
                self.busy -= 1
            else:
                self._lose_patience(heapq.heappop(self.limits)[1])
            self._serve(now)
            self.outcome.max_queue = max(self.outcome.max_queue, self.waiting)
        return self.outcome

    def _counts(self, call: int) -> tuple[Counts, Counts]:
        hour = self.day.arrival[call] // (HOUR_S * self.day.ticks_per_s)
        if hour not in self.outcome.hours:
            self.outcome.hours[hour] = Counts()
        return self.outcome.whole, self.outcome.hours[hour]

    def _arrive(self, call: int, now: int) -> None:
        for counts in self._counts(call):
            counts.offered += 1
        if self.busy < self.agents:
            self._answer(call, now)
        elif self.day.cap is not None and self.waiting >= self.day.cap:
            for counts in self._counts(call):
                counts.blocked += 1
        else:
            self.waiting += 1
            self.line.append(call)
            heapq.heappush(self.limits, (now + self.day.patience[call], call))

    def _serve(self, now: int) -> None:
        """Gives free agents whoever waits longest."""
        while self.waiting and self.busy < self.agents:
            call = self.line.popleft()
            if not self.left[call]:
                self.waiting -= 1
                self._answer(call, now)

    def _answer(self, call: int, now: int) -> None:
        self.left[call] = 1
        self.busy += 1
        heapq.heappush(self.ends, now + self.day.service[call])
        wait = now - self.day.arrival[call]
        for counts in self._counts(call):
            counts.answered += 1
            counts.wait += wait
            counts.within_20_s += wait <= 20 * self.day.ticks_per_s
            counts.within_60_s += wait <= 60 * self.day.ticks_per_s

    def _lose_patience(self, call: int) -> None:
        if self.left[call]:
            return
        self.left[call] = 1
        self.waiting -= 1
        for counts in self._counts(call):
            counts.abandoned += 1


def figures(outcome: Outcome) -> dict[str, Any]:
    """What `tocsin surge simulate --json` prints. Waits in seconds; a share or mean of nobody is None."""
    whole, second = outcome.whole, outcome.ticks_per_s
    return {
        "offered": whole.offered,
        "answered": whole.answered,
        "abandoned": whole.abandoned,
        "blocked": whole.blocked,
        "answered_within_20_s": whole.within_20_s,
        "answered_within_60_s": whole.within_60_s,
        "wait_sum_s": _number(whole.wait, second),
        "max_queue": outcome.max_queue,
        "asa_s": _share(whole.wait, whole.answered * second),
        "sl20_offered": _share(whole.within_20_s, whole.offered),
        "sl20_answered": _share(whole.within_20_s, whole.answered),
        "per_hour": [
            {
                "hour": hour,
                "offered": one.offered,
                "answered": one.answered,
                "abandoned": one.abandoned,
                "blocked": one.blocked,
                "asa_s": _share(one.wait, one.answered * second),
            }
            for hour, one in sorted(outcome.hours.items())
        ],
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _number(ticks: int, per_s: int) -> float | int:
    return ticks // per_s if ticks % per_s == 0 else ticks / per_s
