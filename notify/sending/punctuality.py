"""Looks up once a minute whether the delivery reports of a channel's routes come in time, for lateness.py to judge.

Every process asks the ledger for itself, and so all come to one answer, whoever drives a number or took its reports. The look
goes by ix_delivery_watched, in which about every sixteenth text stands once it is handed over, and reads at most MOST rows per
route and lot, however many millions leave. A channel with one route is not looked at: nobody else could carry more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, text

from notify.clock import Clock, micros
from notify.db import Database
from notify.sending.affinity import TEXTS
from notify.sending.lateness import EARLIER, IN_TIME, MOST, WINDOW, Lot
from notify.sending.route import Route
from notify.tables import WATCHED

EVER: Final = timedelta(days=365)  # who reported on nothing for a year is asked to show it anew

_LOT: Final = text(f"""
    SELECT COUNT(*), COUNT(final_at), COALESCE(SUM(CASE WHEN final_at - handed_at <= :in_time THEN 1 ELSE 0 END), 0)
    FROM (SELECT handed_at, final_at FROM delivery
          WHERE {WATCHED} AND route = :route AND handed_at BETWEEN :first AND :last
          ORDER BY handed_at DESC LIMIT {MOST}) newest""")


def lots(conn: Connection, routes: Iterable[str], now: datetime) -> dict[str, tuple[Lot, Lot]]:
    """Of each route the watched texts of the window, and those handed over more than an hour ago."""
    return {
        route: (_lot(conn, route, now - WINDOW, now - IN_TIME), _lot(conn, route, now - EVER, now - EARLIER))
        for route in routes
    }


def _lot(conn: Connection, route: str, first: datetime, last: datetime) -> Lot:
    bound = {"route": route, "first": micros(first), "last": micros(last), "in_time": IN_TIME // timedelta(microseconds=1)}
    texts, reported, in_time = conn.execute(_LOT, bound).one()
    return Lot(texts=texts, reported=reported, in_time=int(in_time))


@dataclass(frozen=True, slots=True)
class Punctuality:
    """routes: of all senders. Only those of texts are looked at: of a mail that arrives nobody sends a report."""

    db: Database
    clock: Clock
    routes: Sequence[Route]

    async def tick(self) -> None:
        for one in dict.fromkeys(route.routes for route in self.routes):
            if one.channel == TEXTS and len(one.members) > 1:
                look = partial(lots, routes=tuple(one.members), now=self.clock.now())
                one.learn(await self.db.read(look), self.clock.monotonic())
