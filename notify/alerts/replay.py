"""The day of 23 May 2014 beside its replay: moved times, what each send took, and the two time lines."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

PORTLAND: Final = ZoneInfo("America/Los_Angeles")
STORY_NOW: Final = datetime(2014, 5, 23, 9, 51, tzinfo=PORTLAND)  # the state approved the plan
WRITTEN_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[-+]\d\d:\d\d")
SHORT_CODE_RATE: Final = 100  # segments per second a short code carries

# What happened in 2014, from the city's own account.
THEN: Final = (
    ("08:15", "the laboratory's result is known"),
    ("09:51", "the state approves the plan"),
    ("10:40", "the web page appears"),
    ("11:16", "the first call goes out"),
    ("15:45", "the call-out is done: 461,674 calls, about 4,000 texts, 7,000 e-mails, for 670,000 people"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One alert of the replay, as the API told it at its end."""

    alert_id: str
    incident_id: str
    stage: str
    messages: int
    approved_at: datetime
    started_at: datetime
    published_at: datetime | None
    done_at: datetime | None


def moved(given: Any, now: datetime) -> Any:
    """The same draft with every time of 2014 moved to the day of the replay."""
    if isinstance(given, Mapping):
        return {name: moved(value, now) for name, value in given.items()}
    if isinstance(given, list):
        return [moved(value, now) for value in given]
    if isinstance(given, str) and WRITTEN_TIME.fullmatch(given):
        return (now + (datetime.fromisoformat(given) - STORY_NOW)).isoformat()
    return given


def sent(reply: Mapping[str, Any]) -> Sent:
    event = reply["event"]
    return Sent(
        alert_id=reply["alert_id"],
        incident_id=reply["incident_id"],
        stage=reply["stage"],
        messages=reply["progress"]["total"]["total"],
        approved_at=datetime.fromisoformat(event["approved_at"]),
        started_at=datetime.fromisoformat(event["started_at"]),
        published_at=_moment(event["published_at"]),
        done_at=_moment(event["done_at"]),
    )


def segments(log: Path) -> int:
    """SMS segments the carrier accepted, by its own log."""
    with log.open(encoding="utf-8") as file:
        lines = (json.loads(line) for line in file if line.endswith("\n"))
        return sum(int(line["num_segments"]) for line in lines if line["event"] == "accepted")


def time_line(sends: Sequence[Sent], segments_sent: int) -> list[str]:
    """2014 and now, as lines."""
    lines = ["", "23 May 2014"]
    lines += [f"  {clock}  {what}" for clock, what in THEN]
    lines += ["Now (compressed; the times between the three alerts are left out)"]
    for one in sends:
        lines.append(f"  {one.stage}: {one.messages:,} messages")
        for what, at in (("page and feeds are out", one.published_at), ("the last message is handed over", one.done_at)):
            if at is not None:
                lines.append(f"    {_after(at - one.approved_at):>9}  after approval: {what}")
    total = timedelta(seconds=segments_sent / SHORT_CODE_RATE)
    lines.append(f"At {SHORT_CODE_RATE} segments/s (one short code) these {segments_sent:,} segments take {_long(total)}.")
    return lines


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _after(duration: timedelta) -> str:
    return f"{duration.total_seconds():,.1f} s"


def _long(duration: timedelta) -> str:
    minutes = round(duration.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
