"""Sends pages that stand in the table, each once however many workers look, and writes down what came of it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Content, Handed, Outcome, Refused, Retry
from notify import audit
from notify.alerts import register
from notify.alerts.life import Status
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.staff import paging_rows, staff_contacts
from notify.staff.paging import REHEARSALS, Links, PageState
from notify.staff.paging_lane import Lane
from notify.staff.paging_tables import StaffPage
from subscribers.sealing import Keyring, Unopenable

logger = logging.getLogger(__name__)

SYSTEM: Final = "tocsin"
TRIES: Final = 3
LONGEST_PAUSE_S: Final = 5.0  # between two tries
OVER: Final = frozenset({PageState.ACCEPTED, PageState.FAILED, PageState.NOT_NEEDED})

Words = Callable[[StaffPage], Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A page that may or may not have left is sent again: twice is better than not at all."""

    db: Database
    clock: Clock
    keys: Keyring
    lane: Lane
    links: Links

    async def deliver(self, pages: Sequence[StaffPage], words: Words) -> list[StaffPage]:
        """Sends every page at the same time, so that nobody waits for the slow carrier of another; returns how they stand."""
        await asyncio.gather(*(self._send(page, words) for page in pages if page.state not in OVER))
        numbers = [page.page_id or 0 for page in pages]
        return await self.db.read(lambda conn: [page for one in numbers if (page := paging_rows.page(conn, one))])

    def link(self, page: StaffPage) -> str:
        return self.links.link(page.page_id or 0, sealing(page))

    async def _send(self, page: StaffPage, words: Words) -> None:
        tries = 0
        while (taken := await self.db.write(partial(self._take, page=page))) is not None:
            tries += 1
            outcome = await self._hand_over(taken, words)
            if isinstance(outcome, Handed | Refused) or tries == TRIES:
                await self.db.write(partial(self._finish, page=taken, outcome=outcome))
                return
            await self.db.write(partial(paging_rows.put_back, page_id=taken.page_id or 0))
            await asyncio.sleep(_pause_s(outcome))

    def _take(self, conn: Connection, page: StaffPage) -> StaffPage | None:
        """Claims a page, unless the alert was decided on meanwhile."""
        taken = paging_rows.claim(conn, page.page_id or 0, self.clock.now())
        if taken is None or taken.kind not in paging_rows.PENDING:
            return taken
        if register.alert(conn, taken.about).status == Status.PENDING:
            return taken
        paging_rows.finish(conn, taken.page_id or 0, PageState.NOT_NEEDED, "", self.clock.now())
        return None

    async def _hand_over(self, page: StaffPage, words: Words) -> Outcome:
        reach = partial(staff_contacts.reach, person_id=page.person_id, channel=page.channel, ring=self.keys)
        try:
            address = await self.db.read(reach)
        except Unopenable as error:
            return Refused("sealed", str(error))
        if address is None:
            return Refused("no contact", "The person has no such contact any more.")
        return await self.lane.send(page.channel, address, words(page))

    def _finish(self, conn: Connection, page: StaffPage, outcome: Outcome) -> None:
        now, (state, code) = self.clock.now(), said(outcome)
        paging_rows.finish(conn, page.page_id or 0, state, code, now)
        if state is PageState.FAILED:
            logger.warning("page %d about %s failed: %s", page.page_id or 0, page.about, code)
        if page.kind not in REHEARSALS:
            detail = {"person": page.person_id, "channel": page.channel, "step": page.step, "outcome": state, "code": code}
            audit.append(conn, Act(actor=SYSTEM, action="paged", subject=page.about, detail=detail), now)


def sealing(page: StaffPage) -> str:
    """What a page's link is bound to."""
    return f"{page.kind} {page.about} {page.person_id} {page.asked_at.isoformat()}"


def said(outcome: Outcome) -> tuple[PageState, str]:
    """What an outcome is to a page, with the code of one that failed."""
    match outcome:
        case Handed():
            return PageState.ACCEPTED, ""
        case Refused(code=code):
            return PageState.FAILED, code
        case Retry(cause=cause):
            return PageState.FAILED, cause[:80]
        case _:
            return PageState.FAILED, "nobody can say"


def _pause_s(outcome: Outcome) -> float:
    wanted = outcome.after.total_seconds() if isinstance(outcome, Retry) else LONGEST_PAUSE_S
    return min(LONGEST_PAUSE_S, wanted)
