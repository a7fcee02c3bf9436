"""What happened in an incident, from its own records: the time line, how long each language waited, who was not reached and
why, and who decided what. Beside it stands Portland's boil-water notice of 23 May 2014."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from notify import audit
from notify.alerts import register
from notify.clock import Clock, from_micros
from notify.db import is_sqlite
from notify.sending.statements import rows_of
from notify.tables import AuditLine, EventRow

WATCHED_S: Final = 60.0  # how old a report may be shown rather than let somebody wait for the next
SHARES: Final = (50, 90, 99)  # percent of a language's messages that had left
# 2014, from the city's own account: what the same steps took then, counted from the approval of the state at 09:51.
THEN: Final = {
    "page": timedelta(minutes=49),
    "first": timedelta(minutes=85),
    "last": timedelta(hours=5, minutes=54),
}
IN_WORDS: Final = {"planned": "still waiting", "claimed": "leaving now", "unknown": "nobody can say", "withdrawn": "not sent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long after approval 50, 90 and 99 % of one language's messages on one channel had left. people: that left at all."""

    channel: str
    language: str
    people: int
    after: Sequence[timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """People one alert did not reach on a channel: the state of their message or why they were left out, the carrier's code."""

    channel: str
    why: str
    code: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One alert of the incident. first, last: when the first and the last message was handed over."""

    event: EventRow
    first: datetime | None
    last: datetime | None
    people: int
    waits: Sequence[Wait]
    missed: Sequence[Missed]
    curves: Mapping[str, Sequence[float]]  # channel -> seconds after approval at which 0, 1, ... 100 % had left

    def after(self, at: datetime | None) -> timedelta | None:
        """How long after its approval something happened."""
        return at - self.event.approved_at if at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """As of `at`: an incident that goes on is read anew once in a while, not for everybody who looks."""

    at: datetime
    incident_id: str
    hazard: str
    said: Sequence[Said]
    lines: Sequence[AuditLine]


def report(conn: Connection, incident_id: str, clock: Clock) -> Report:
    """Raises NoSuchAlert for an incident that there is not."""
    at = clock.now()
    alerts = register.all_alerts(conn, incident_id)
    if not alerts:
        raise register.NoSuchAlert(f"There is no incident {incident_id}.")
    approved = [row.alert_id for row in alerts if row.approved_by]
    events = [event for alert_id in approved for event in register.standing(conn, event_id=alert_id)]
    return Report(
        at=at,
        incident_id=incident_id,
        hazard=alerts[0].hazard,
        said=[_said(conn, event) for event in sorted(events, key=lambda event: event.approved_at)],
        lines=audit.lines(conn, incident_id),
    )


def rows(found: Report) -> Iterable[Sequence[object]]:
    """The report as a table: alert, what, about, value. Durations in seconds."""
    yield "alert", "what", "about", "value"
    yield "", "time", "as of", found.at.isoformat()
    for one in found.said:
        event = one.event
        for name in ("approved_at", "started_at", "published_at", "done_at", "stopped_at", "ended_at"):
            at = getattr(event, name)
            yield event.event_id, "time", name.removesuffix("_at"), at.isoformat() if at else ""
        for wait in one.waits:
            for share, after in zip(SHARES, wait.after, strict=True):
                about = f"{wait.channel} {wait.language} {share} %"
                yield event.event_id, "seconds after approval", about, f"{after.total_seconds():.1f}"
        for miss in one.missed:
            yield event.event_id, "not reached", f"{miss.channel} {miss.why} {miss.code}".strip(), miss.people
    for line in found.lines:
        yield line.subject, "act", f"{line.at} {line.actor}", line.action


def _said(conn: Connection, event: EventRow) -> Said:
    its_rows = rows_of(conn, event.event_id)
    # One text for each language: a million times one by one would hold up whoever sends.
    joined = "group_concat(handed_at)" if is_sqlite(conn) else "string_agg(handed_at::text, ',')"
    handed = text(f"""
        SELECT channel, language, {joined} FROM delivery
        WHERE {its_rows} AND handed_at IS NOT NULL GROUP BY channel, language""")
    found = conn.execute(handed, {"event_id": event.event_id})
    times = {(channel, language): np.sort(np.fromstring(at, np.int64, sep=",")) for channel, language, at in found}
    waits = [_wait(key, found, event.approved_at) for key, found in times.items()]
    everybody = np.concatenate([*times.values()]) if times else np.empty(0, np.int64)
    return Said(
        event=event,
        first=from_micros(int(everybody.min())) if len(everybody) else None,
        last=from_micros(int(everybody.max())) if len(everybody) else None,
        people=len(everybody),
        waits=sorted(waits, key=lambda wait: (wait.channel, -wait.people)),
        missed=list(_missed(conn, event.event_id, its_rows)),
        curves=curves(times, event.approved_at),
    )


def curves(times: Mapping[tuple[str, str], NDArray[np.int64]], approved_at: datetime) -> Mapping[str, Sequence[float]]:
    """By channel, the seconds after approval at which 0, 1, ... 100 % of its messages had left. times: microseconds."""
    found = {}
    for channel in sorted({channel for channel, _ in times}):
        everybody = np.sort(np.concatenate([some for (one, _), some in times.items() if one == channel]))
        places = [max(0, -(-len(everybody) * percent // 100) - 1) for percent in range(101)]
        moments = (from_micros(int(everybody[place])) - approved_at for place in places)
        found[channel] = [round(after.total_seconds(), 1) for after in moments]
    return found


def _wait(key: tuple[str, str], times: NDArray[np.int64], approved_at: datetime) -> Wait:
    """times ascending: the share's message is the last one of that share, rounded up."""
    places = [max(0, -(-len(times) * share // 100) - 1) for share in SHARES]
    after = [from_micros(int(times[place])) - approved_at for place in places]
    return Wait(channel=key[0], language=key[1], people=len(times), after=after)


def _missed(conn: Connection, event_id: str, its_rows: str) -> Iterable[Missed]:
    """its_rows: SQL for the event's own, which takes a quarter of a second to find out where there are a million."""
    failed = text(f"""
        SELECT channel, state, COALESCE(code, ''), COUNT(*) FROM delivery
        WHERE {its_rows} AND state NOT IN ('handed', 'delivered')
        GROUP BY channel, state, code ORDER BY COUNT(*) DESC""")
    for channel, state, code, people in conn.execute(failed, {"event_id": event_id}):
        yield Missed(channel=channel, why=IN_WORDS.get(state, state), code=code, people=people)
    skipped = text("SELECT channel, reason, people FROM skip WHERE event_id = :id ORDER BY people DESC")
    for channel, reason, people in conn.execute(skipped, {"id": event_id}):
        yield Missed(channel=channel, why=f"left out: {reason}", code="", people=people)
