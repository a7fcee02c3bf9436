"""Sends the pages that call staff in: surge mode has opened and nobody is at the desks. Who is called stands in the table since
the opening; a restart sends what was not sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Content
from notify.staff import paging, paging_rows
from notify.staff.paging import Kind, News
from notify.staff.paging_delivery import OVER, Delivery
from notify.staff.paging_tables import StaffPage
from surge.switch import store

LATE: Final = timedelta(minutes=30)  # nobody is woken for what was half an hour ago


@dataclass(frozen=True, slots=True)
class CallIn:
    delivery: Delivery

    async def __call__(self) -> None:
        pages = await self.delivery.db.read(partial(self._waiting, since=self.delivery.clock.now() - LATE))
        for about in dict.fromkeys(page.about for page in pages):
            row = await self.delivery.db.read(partial(store.activation, activation_id=about))
            if row is not None:
                theirs = [page for page in pages if page.about == about]
                await self.delivery.deliver(theirs, partial(self._words, title=row.title))

    def _waiting(self, conn: Connection, since: datetime) -> Sequence[StaffPage]:
        return [page for page in paging_rows.unsent(conn, Kind.CALL_IN) if page.asked_at > since and page.state not in OVER]

    def _words(self, page: StaffPage, title: str) -> Content:
        news = News(mode=self.delivery.lane.mode, alert_id=page.about, headline=title, who=page.asked_by)
        return paging.call_in(page.channel, news, self.delivery.link(page))
