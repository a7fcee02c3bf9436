"""Whether a mirror says what the origin says, judged from outside, by what both of them serve. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

INDEX: Final = "feeds/index.json"
FEEDS: Final = ("feeds/active.atom", "feeds/active.rss", "feeds/active.geojson")
MISSED: Final = 3  # heartbeats; whoever has missed so many is dead
AHEAD: Final = timedelta(minutes=2)  # clocks differ by less


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one place serves: the discovery file, and the English feeds of what is in force by their names."""

    index: bytes
    feeds: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A heartbeat: when the files were made, how often they are made anew, and how many alerts are in force."""

    generated: datetime
    every: timedelta
    active: int


def beat(index: bytes) -> Beat:
    """The heartbeat in a discovery file. Raises ValueError with a sentence."""
    try:
        said: Any = json.loads(index)
        generated = datetime.fromisoformat(said["generated"])
        every = timedelta(seconds=int(said["heartbeatSeconds"]))
        found = Beat(generated=generated, every=every, active=int(said["active"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{INDEX} is not what Tocsin publishes: {error}.") from None
    if generated.tzinfo is None:
        raise ValueError(f"{INDEX} says when it was made without an offset: {said['generated']}.")
    return found


def problems(mirror: Served, origin: Served | None, now: datetime) -> list[str]:
    """Everything wrong with a mirror, as sentences; without an origin only its age is judged."""
    try:
        mine = beat(mirror.index)
    except ValueError as error:
        return [f"The mirror's {error}"]
    found = _old("mirror", mine, now)
    if origin is None:
        return found
    try:
        theirs = beat(origin.index)
    except ValueError as error:
        return [*found, f"The origin's {error}"]
    found += _old("origin", theirs, now)
    if mine.generated != theirs.generated:
        behind = theirs.generated - mine.generated
        which = f"behind the origin by {behind}" if behind > timedelta(0) else f"ahead of the origin by {-behind}"
        found.append(f"The mirror is {which}.")
    elif mirror.index != origin.index:
        found.append(f"The mirror's {INDEX} differs from the origin's of the same moment.")
    if mine.active != theirs.active:
        found.append(f"The mirror says that {mine.active} alerts are in force, the origin {theirs.active}.")
    differing = [name for name in origin.feeds if mirror.feeds.get(name) != origin.feeds[name]]
    return [*found, *(f"The mirror's {name} differs from the origin's." for name in differing)]


def _old(which: str, beat: Beat, now: datetime) -> list[str]:
    age = now - beat.generated
    if age > beat.every * MISSED:
        return [f"The {which} was last written {_long(age)} ago: it is dead, and may show what is over."]
    if age < -AHEAD:
        return [f"The {which} says that it was written {_long(-age)} from now: its clock, or the one here, is wrong."]
    return []


def _long(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
