"""What is planned and no emergency (tests, drills, shut-offs), from a file that staff keep, as a calendar.

Apart from alerts: nothing here is ever sent, and no alert is ever here.
"""

import logging
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from channels.calendar_file import Planned, calendar
from notify.publishing.site import Site

logger = logging.getLogger(__name__)

FILE: Final = "planned.toml"
TEXTS: Final = ("id", "title", "says", "place", "url")
NEEDED: Final = ("id", "title", "begins", "ends")
MOST: Final = 500


class BadPlans(Exception):
    """The file cannot be used; `problems` names everything wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Plans:
    """The file in one folder, read again when it changes. A file with a mistake is said so, and the last good one stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stat: tuple[int, int] | None = None
        self._found: tuple[Planned, ...] = ()

    def __call__(self, site: Site) -> tuple[Planned, ...]:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
            if seen != self._stat:
                self._stat = seen
                changed_at = datetime.fromtimestamp(int(stat.st_mtime), UTC)
                self._found = read(self._path.read_text("utf-8"), site, changed_at)
        except FileNotFoundError:
            self._stat, self._found = None, ()
        except (BadPlans, OSError, UnicodeDecodeError) as error:
            logger.error("%s cannot be used, what it said before stands: %s (docs/planned.md)", self._path, error)
        return self._found


def files(events: Sequence[Planned], site: Site) -> Mapping[str, bytes]:
    """feeds/planned.ics: always there, so that whoever subscribes has an address."""
    return {f"{site.prefix}feeds/planned.ics": calendar(f"Planned by {site.publisher}", events)}


def read(text: str, site: Site, changed_at: datetime) -> tuple[Planned, ...]:
    """The events of a file, by their beginning. Raises BadPlans."""
    events = (_event(event, site, changed_at) for event in checked(text))
    return tuple(sorted(events, key=lambda one: (one.begins_at, one.uid)))


def checked(text: str) -> Sequence[Mapping[str, Any]]:
    """The events of a file as written there, nothing wrong with them. Raises BadPlans."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPlans([f"This is not TOML: {error}"]) from None
    events = given.get("planned", [])
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise BadPlans(["Each event stands under a line [[planned]]."])
    found = [f"'{name}' is not known; events stand under [[planned]]." for name in given if name != "planned"]
    found += [f"There are {len(events)} events; at most {MOST} are taken."] if len(events) > MOST else []
    for number, event in enumerate(events, 1):
        found += [f"Event {number} ({event.get('id', 'without id')}): {problem}" for problem in _problems(event)]
    names = [str(event.get("id")) for event in events]
    found += [f"The id {name} is given {names.count(name)} times." for name in sorted(set(names)) if names.count(name) > 1]
    if found:
        raise BadPlans(found)
    return list(events)


def _problems(event: Mapping[str, Any]) -> list[str]:
    found = [f"{name} is missing." for name in NEEDED if not event.get(name)]
    found += [f"{name} is not known." for name in event if name not in (*TEXTS, *NEEDED, "cancelled")]
    found += [f"{name} must be a text in quotes." for name in TEXTS if not isinstance(event.get(name, ""), str)]
    times = [event.get(name) for name in ("begins", "ends")]
    found += [
        f"{name} must be a date and a time without quotes: 2026-12-02T11:00:00."
        for name, at in zip(("begins", "ends"), times, strict=True)
        if at and not isinstance(at, datetime)
    ]
    if not isinstance(event.get("cancelled", False), bool):
        found.append("cancelled must be true or false.")
    begins, ends = times
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        if (begins.tzinfo is None) != (ends.tzinfo is None):
            found.append("begins and ends must both have an offset, or neither.")
        elif ends <= begins:
            found.append("it ends before it begins.")
    return found


def _event(event: Mapping[str, Any], site: Site, changed_at: datetime) -> Planned:
    return Planned(
        uid=site.tag(f"planned/{event['id']}"),
        title=event["title"],
        says=event.get("says", ""),
        place=event.get("place", ""),
        begins_at=_aware(event["begins"], site.time_zone),
        ends_at=_aware(event["ends"], site.time_zone),
        changed_at=changed_at,
        url=event.get("url", ""),
        cancelled=event.get("cancelled", False),
    )


def _aware(at: datetime, zone: ZoneInfo) -> datetime:
    """A time without an offset is the city's own."""
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
