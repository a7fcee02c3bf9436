"""Which of our numbers a phone is texted by: the one it knows, so that a conversation stays in one thread and a STOP goes to a
number that is ours. The one a phone wrote to last, or was texted by last, is kept with its address.

A text waits for that number while the number carries at its full rate. Nobody waits for it that is out of order, slowed or
paused; and a number that has nothing to do takes what has waited for another one for PATIENCE: a text in a strange thread is
better than a late one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from notify.clock import micros
from notify.db import is_sqlite
from notify.sending.statements import among, listed, one_of

TEXTS: Final = "sms"  # a conversation is one of texts
PATIENCE: Final = timedelta(seconds=5)
REACH: Final = 1_500  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The other numbers that carry now. help_since: rows planned before this are taken whomever they wait for."""

    numbers: tuple[str, ...] = ()
    help_since: datetime | None = None

    def narrowed(self, conn: Connection, where: str) -> str:
        """The SQL condition, for rows of `delivery` that wait for none of these numbers. Only the first REACH of all rows are
        looked at: where nothing among them is ours, others have more to do than we, and are helped."""
        if not self.numbers:
            return where
        names = ", ".join(f":other{number}" for number in range(len(self.numbers)))
        # One value for each row that is looked at. Of an EXISTS PostgreSQL may make a join, and read every address for it.
        known = "COALESCE((SELECT a.ours FROM address a WHERE a.address_id = reached.address_id), '')"
        free = f"{known} NOT IN ({names})"
        free = f"reached.planned_at < :help_since OR {free}" if self.help_since else free
        looked_at = "SELECT delivery_id, address_id, planned_at FROM delivery"
        reached = f"{looked_at} WHERE {where} ORDER BY priority, delivery_id LIMIT {REACH}"
        return f"{where} AND delivery_id {one_of(conn, f'SELECT reached.delivery_id FROM ({reached}) reached WHERE {free}')}"

    @property
    def bound(self) -> dict[str, Any]:
        found: dict[str, Any] = {f"other{number}": name for number, name in enumerate(self.numbers)}
        return found | ({"help_since": micros(self.help_since)} if self.numbers and self.help_since else {})


NOBODY: Final = Others()


def texted(conn: Connection, number: str, address_ids: Iterable[int]) -> None:
    """These were texted by this number. Addresses that somebody else is changing at this moment are left to the next text."""
    bound = {"number": number, "ids": listed(conn, sorted(address_ids))}
    new = f"address_id {among(conn)} AND (ours IS NULL OR ours <> :number)"
    if not is_sqlite(conn):
        new = f"address_id = ANY(ARRAY(SELECT address_id FROM address WHERE {new} FOR UPDATE SKIP LOCKED))"
    conn.execute(text(f"UPDATE address SET ours = :number WHERE {new}"), bound)


def wrote_to(conn: Connection, number: str, blind: bytes) -> None:
    """A phone has texted this number of ours."""
    query = "UPDATE address SET ours = :number WHERE channel = :texts AND blind = :blind AND (ours IS NULL OR ours <> :number)"
    conn.execute(text(query), {"number": number, "texts": TEXTS, "blind": blind})
