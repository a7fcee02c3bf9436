"""When somebody is there to answer: the hours of a week by the city's clock, without its holidays."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AHEAD_DAYS: Final = 31  # how far the next opening is looked for
_OPEN: Final = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})", re.ASCII)
_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When somebody is there. week: for each weekday from Monday, (minute it opens, minute it closes), or None; holidays: dates
    on which it is closed all day. All by the clock of the zone."""

    zone: ZoneInfo
    week: tuple[tuple[int, int] | None, ...]
    holidays: frozenset[date] = frozenset()

    def is_open(self, at: datetime) -> bool:
        found = self.shift(at)
        return found is not None and found[0] <= at

    def shift(self, at: datetime) -> tuple[datetime, datetime] | None:
        """Begin and end, UTC, of the hours that `at` falls in, else of the next ones; None where none come within a month."""
        first = at.astimezone(self.zone).date()
        for offset in range(AHEAD_DAYS):
            day = first + timedelta(days=offset)
            span = self.week[day.weekday()]
            if span is None or day in self.holidays:
                continue
            begins, ends = (self._moment(day, minute) for minute in span)
            if at < ends:
                return begins, ends
        return None

    def opens(self, at: datetime) -> datetime | None:
        """`at` itself while open, else when it opens next; None where that is not within a month."""
        found = self.shift(at)
        return None if found is None else max(at, found[0])

    def _moment(self, day: date, minute: int) -> datetime:
        """24:00 is midnight after the day; a clock that is set forward or back moves nothing but that hour."""
        whole, rest = divmod(minute, _MINUTES)
        here = datetime.combine(day + timedelta(days=whole), time(rest // 60, rest % 60), self.zone)
        return here.astimezone(UTC)


def _named_day(value: Any) -> Any:
    """TOML has dates of its own; they come as they are."""
    return date.fromisoformat(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Hours as a file has them: monday = "08:00-18:00"; a day that is not named is closed."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    monday: str = ""
    tuesday: str = ""
    wednesday: str = ""
    thursday: str = ""
    friday: str = ""
    saturday: str = ""
    sunday: str = ""
    holidays: tuple[Annotated[date, BeforeValidator(_named_day)], ...] = ()


def opening(read: Written, zone: ZoneInfo, what: str, found: list[str]) -> Hours:
    """The hours as a value. What cannot be read is closed, and a sentence about it is added to `found`."""
    week: list[tuple[int, int] | None] = []
    for day in DAYS:
        written = getattr(read, day)
        match = _OPEN.fullmatch(written)
        begins, ends = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else (0, 0)
        if written and not (match and int(match[2]) < 60 and int(match[4]) < 60 and begins < ends <= _MINUTES):
            found.append(f"{what}: {day} is {written!r}, not like 08:00-18:00 (24:00 is the end of a day).")
        week.append((begins, ends) if begins < ends else None)
    return Hours(zone=zone, week=tuple(week), holidays=frozenset(read.holidays))
