"""What 911 would have been offered without the incident: the same minutes of the week in clean weeks before it, and an interval
that says how far a clean week may be off."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = timedelta(minutes=1)
WEEK: Final = timedelta(days=7)
MONTH: Final = timedelta(days=31)  # in which clocks change once at most
FEWEST_WEEKS: Final = 6
MOST_WEEKS: Final = 12  # what lies further back is another season
LOOKED_BACK: Final = 52  # weeks among which the clean ones are sought
WHOLE_ENOUGH: Final = 0.9  # of the minutes asked for, a week has to have this share
# Student's t, 95 % two-sided, by degrees of freedom: weeks less one.
T: Final[Mapping[int, float]] = {5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 11: 2.201}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From start up to, and without, end. Aware times."""

    start: datetime
    end: datetime

    def meets(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end

    def minutes(self) -> Iterator[datetime]:
        """Every whole minute that begins within it, in UTC."""
        at = self.start.astimezone(UTC)
        first = at.replace(second=0, microsecond=0)
        at = first if first == at else first + MINUTE
        while at < self.end:
            yield at
            at += MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeasured:
    """why: a sentence."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Calls that a week like those before would have brought, and what was observed in the very same minutes.

    low, high: where the total of one more clean week lies, 95 times of 100. weeks: how many it rests on. minutes: how many of
    the `asked` ones could be compared. dispersion: variance over mean from week to week, 1 for pure chance.
    """

    expected: float
    low: int
    high: int
    observed: int
    weeks: int
    minutes: int
    asked: int
    dispersion: float


def forecast(
    offered: Mapping[datetime, int], span: Span, zone: ZoneInfo, unclean: Collection[Span] = ()
) -> Forecast | NotMeasured:
    """offered: calls by minute, in UTC; a minute that is not in it was not measured. unclean: spans of other incidents, tests
    and holidays, whose weeks tell nothing.

    Weeks are of the city's wall clock: 08:00 is compared with 08:00 on both sides of a change of the clocks.
    """
    asked = list(span.minutes())
    seen = [at for at in asked if at in offered]
    if not seen or len(seen) < WHOLE_ENOUGH * len(asked):
        return NotMeasured(why=f"911's minutes are there for {len(seen):,} of the {len(asked):,} minutes asked for.")
    weeks = _clean_weeks(offered, seen, zone, [span, *unclean])
    if len(weeks) < FEWEST_WEEKS:
        return NotMeasured(
            why=f"The forecast takes {FEWEST_WEEKS} clean weeks before; {len(weeks)} of the last {LOOKED_BACK} are there."
        )
    shared = [at for at in seen if all(at in week for week in weeks)]
    if len(shared) < WHOLE_ENOUGH * len(asked):
        return NotMeasured(why=f"The weeks before share {len(shared):,} of the {len(asked):,} minutes asked for.")
    totals = [sum(week[at] for at in shared) for week in weeks]
    expected, dispersion, reach = _spread(totals)
    return Forecast(
        expected=expected,
        low=max(0, math.floor(expected - reach)),
        high=math.ceil(expected + reach),
        observed=sum(offered[at] for at in shared),
        weeks=len(weeks),
        minutes=len(shared),
        asked=len(asked),
        dispersion=dispersion,
    )


def _spread(totals: Sequence[int]) -> tuple[float, float, float]:
    """Mean, dispersion, and how far one more total may lie from the mean.

    Source: quasi-Poisson (McCullagh and Nelder 1989, 9.2): the variance is dispersion times mean, and the dispersion is
    Pearson's X2/(weeks - 1) of the weeks' totals. Totals, not minutes: a busy week is busy in all its minutes, and intervals of
    single minutes added up would be far too narrow. A new total then varies by mean x dispersion x (1 + 1/weeks), and Student's
    t stands for the dispersion being estimated. It is never below 1, which is chance alone, and half a call is added to the
    sum, so that weeks without any call are not taken for certainty.
    """
    weeks = len(totals)
    mean = sum(totals) / weeks
    dispersion = sum((one - mean) ** 2 for one in totals) / mean / (weeks - 1) if mean else 1.0
    dispersion = max(1.0, dispersion)
    return mean, dispersion, T[weeks - 1] * math.sqrt((mean + 0.5 / weeks) * dispersion * (1 + 1 / weeks))


def _clean_weeks(
    offered: Mapping[datetime, int], minutes: Sequence[datetime], zone: ZoneInfo, unclean: Collection[Span]
) -> list[Mapping[datetime, int]]:
    """The latest weeks before that touch no unclean span and have nearly all minutes; each as calls by the minute they stand
    for."""
    found: list[Mapping[datetime, int]] = []
    for back in range(1, LOOKED_BACK + 1):
        then = _then(minutes, back, zone)
        if not then or any(_meet(then.values(), one) for one in unclean):
            continue
        week = {at: offered[earlier] for at, earlier in then.items() if earlier in offered}
        if len(week) >= WHOLE_ENOUGH * len(minutes):
            found.append(week)
        if len(found) == MOST_WEEKS:
            break
    return found


def _then(minutes: Sequence[datetime], back: int, zone: ZoneInfo) -> dict[datetime, datetime]:
    """Each minute with the one so many weeks before. Where no clock changed in either stretch, all lie equally far back, and
    two of them say how far: a month has 43,200 minutes, and a forecast looks at 52 such stretches."""
    first, last = minutes[0], minutes[-1]
    ends = weeks_before(first, back, zone), weeks_before(last, back, zone)
    steady = first.astimezone(zone).utcoffset() == last.astimezone(zone).utcoffset()
    if steady and ends[0] is not None and ends[1] is not None and first - ends[0] == last - ends[1] and last - first < MONTH:
        shift = first - ends[0]
        return {at: at - shift for at in minutes}
    return {at: earlier for at in minutes if (earlier := weeks_before(at, back, zone)) is not None}


def _meet(minutes: Collection[datetime], span: Span) -> bool:
    return span.meets(Span(start=min(minutes), end=max(minutes) + MINUTE)) and any(
        span.start < at + MINUTE and at < span.end for at in minutes
    )


def weeks_before(at: datetime, weeks: int, zone: ZoneInfo) -> datetime | None:
    """The same minute of the wall clock so many weeks earlier, in UTC; None where the clocks jumped over it."""
    wall = at.astimezone(zone).replace(tzinfo=None, fold=at.astimezone(zone).fold) - weeks * WEEK
    earlier = wall.replace(tzinfo=zone).astimezone(UTC)
    return earlier if earlier.astimezone(zone).replace(tzinfo=None, fold=0) == wall.replace(fold=0) else None
