"""Planned things as one iCalendar file (RFC 5545): the same events, the same bytes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MOST_OCTETS: Final = 75  # of a line, without its end (RFC 5545, 3.1)
_SPECIAL: Final = re.compile(r"[\\;,]")
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")  # RFC 5545 allows no control character but HTAB


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One thing that will happen at a known time. uid: for ever its name; changed_at: when its words were last changed."""

    uid: str
    title: str
    says: str
    place: str
    begins_at: datetime
    ends_at: datetime
    changed_at: datetime
    url: str = ""
    cancelled: bool = False


def calendar(name: str, events: Sequence[Planned]) -> bytes:
    """A calendar that others may subscribe to. Times are in UTC, so that no reader has to know a city's zone."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tocsin//Planned//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{text(name)}",
    ]
    for event in events:
        lines += _event(event)
    return "".join(f"{folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"]).encode()


def _event(event: Planned) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{text(event.uid)}"
    yield f"DTSTAMP:{_utc(event.changed_at)}"
    yield f"LAST-MODIFIED:{_utc(event.changed_at)}"
    yield f"DTSTART:{_utc(event.begins_at)}"
    yield f"DTEND:{_utc(event.ends_at)}"
    yield f"SUMMARY:{text(event.title)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"  # it takes nobody's time
    for name, said in (("DESCRIPTION", event.says), ("LOCATION", event.place)):
        if said:
            yield f"{name}:{text(said)}"
    if event.url:
        yield f"URL:{_UNSEEN.sub('', event.url)}"
    yield "END:VEVENT"


def text(said: str) -> str:
    """A text as a property's value (3.3.11)."""
    one_kind = said.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", _SPECIAL.sub(lambda found: f"\\{found[0]}", one_kind).replace("\n", "\\n"))


def folded(line: str) -> str:
    """A line cut into pieces of at most 75 octets, never inside a letter."""
    pieces, taken = [""], 0
    for letter in line:
        octets = len(letter.encode())
        if taken + octets > MOST_OCTETS:
            pieces.append("")
            taken = 1  # the space that a continued line begins with
        pieces[-1] += letter
        taken += octets
    return "\r\n ".join(pieces)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
