"""What callers of 311 wait, as measured: by those in the line here now, or by the last intervals of the city's own call centre.
It may slow an alert's texts (notify.sending.coupling), so what is not known is None and never a guess. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from notify.sending.coupling import Queue
from surge.contact import Contact, Way
from surge.numbers.number_tables import IntervalRow

LOOKED_BACK: Final = timedelta(hours=2)  # for intervals: the longest lasts an hour
FEWEST: Final = 5  # callers; the wait of one, in a language that one agent speaks, is no line


def of_line(waiting: Iterable[Contact], now: datetime) -> Queue:
    """Half of those who wait on the telephone now have waited at least so long; 0 while they are few."""
    waits = [(now - one.enqueued_at).total_seconds() for one in waiting if one.way is Way.VOICE and one.enqueued_at is not None]
    return Queue(wait_s=max(0.0, median(waits)) if len(waits) >= FEWEST else 0.0, at=now)


def of_intervals(rows: Sequence[IntervalRow]) -> Queue | None:
    """The mean wait of those answered in the interval that ended last, all queues together; None where nobody measured it."""
    if not rows:
        return None
    at = max(_end(row) for row in rows)
    waits = [(row.answered, row.mean_wait_s) for row in rows if _end(row) == at and row.mean_wait_s is not None]
    answered = sum(count for count, _ in waits)
    return Queue(wait_s=sum(count * wait for count, wait in waits) / answered, at=at) if answered else None


def _end(row: IntervalRow) -> datetime:
    return row.begins_at + timedelta(minutes=row.minutes)
