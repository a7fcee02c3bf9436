"""Pages our own staff: that an alert waits for them, that somebody sends one alone, and what an alert would read like.

What is to be paged is a row before it leaves, and each step of an escalation is a due row: a restart loses neither, and of
several workers one sends each page.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Content
from notify import audit
from notify.alerts import register
from notify.alerts.alert import Event, from_json
from notify.alerts.broadcast import Newsroom
from notify.alerts.hazards import Hazard
from notify.alerts.life import Role, Status
from notify.audit import Act
from notify.staff import paging, paging_rows, people, staff_contacts
from notify.staff.paging import ASK, Kind, Member, News, Pace, PageState, Ref
from notify.staff.paging_delivery import Delivery, Words, said
from notify.staff.paging_rows import blank
from notify.staff.paging_tables import StaffPage
from notify.staff.staff_contacts import Sending
from notify.tables import AlertRow

logger = logging.getLogger(__name__)

BROKE_THE_GLASS: Final = "BROKE THE GLASS"
DEPUTIES: Final = frozenset({Role.APPROVER, Role.ADMIN})  # who is told that somebody sends alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """newsroom: says who may decide. call: the duty officer's own pager, for when staff cannot be reached."""

    delivery: Delivery
    newsroom: Newsroom
    hazards: Mapping[str, Hazard]
    call: Callable[[str], None]
    pace: Pace
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set, init=False, compare=False, repr=False)

    async def ask(self, ref: str) -> None:
        """One step of asking for a decision on an alert, if it still waits for one; notes the next step."""
        named = Ref.read(ref)
        row = await self._row(named.alert_id)
        if not waits(row, named.asked_at):
            return
        able = await self.delivery.db.read(partial(self.able, row=row))
        pages = await self.delivery.db.write(partial(self._step, named=named, able=able))
        if not able and named.step == 0:
            self.call(f"{named.alert_id} ({row.hazard}) waits for approval, and nobody who may approve it can be paged.")
        await self._deliver(pages, self._words(row))

    async def ask_again(self, alert_id: str, by: str) -> list[StaffPage]:
        """Pages everybody who may decide, once more. Raises register.Conflict when it is not the moment."""
        pages = await self.delivery.db.write(partial(self.again, alert_id=alert_id, by=by))
        return await self.deliver(alert_id, pages)

    async def deliver(self, alert_id: str, pages: Sequence[StaffPage]) -> list[StaffPage]:
        """Sends pages about an alert that stand in the table; returns how they stand then."""
        return await self._deliver(pages, self._words(await self._row(alert_id)))

    def tell_at_once(self, alert_id: str) -> None:
        """Begins to tell the deputies, without waiting for the next look at what is due, which does it if this does not end."""
        task = asyncio.create_task(self.tell_of_glass(alert_id), name=f"deputies of {alert_id}")
        self._under_way.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s could not be told at once; the next look does it", task.get_name(), exc_info=error)

    async def tell_of_glass(self, alert_id: str) -> None:
        """Every deputy, in the same second: somebody sends alone."""
        row = await self._row(alert_id)
        pages, reason = await self.delivery.db.write(partial(self._deputies, alert_id=alert_id))
        await self._deliver(pages, self._words(row, reason))

    async def send(self, pages: Sequence[StaffPage], contents: Mapping[str, Content]) -> list[StaffPage]:
        """Sends what contents hold by channel, to whom the pages name; returns how they stand then."""
        return await self.delivery.deliver(pages, lambda page: contents[page.channel])

    async def give(self, who: tuple[str, str], typed: str) -> bool:
        """Keeps an address, which counts once its code has come back, and sends the code there. who: the person, and who says
        so. False when the code could not be sent. Raises staff_contacts.BadContact and people.BadPerson."""
        of, (_, by) = self.delivery, who
        given, now = staff_contacts.normal(typed, of.lane.mode), of.clock.now()

        def keep(conn: Connection) -> tuple[Sending, int]:
            sending = staff_contacts.claim(conn, who, given, of.keys, now)
            return sending, staff_contacts.note_code(conn, who[0], sending.channel, by, now)

        sending, number = await of.db.write(keep)
        page = await self.prove(number, sending)
        return page is not None and page.state == PageState.ACCEPTED

    async def prove(self, page_id: int, sending: Sending) -> StaffPage | None:
        """Sends the code that confirms an address, which is nobody's contact yet; returns what came of it."""
        of = self.delivery
        if await of.db.write(lambda conn: paging_rows.claim(conn, page_id, of.clock.now())):
            content = paging.code(sending.channel, of.lane.mode, sending.code)
            state, code = said(await of.lane.send(sending.channel, sending.address, content))
            await of.db.write(lambda conn: paging_rows.finish(conn, page_id, state, code, of.clock.now()))
        return await of.db.read(partial(paging_rows.page, page_id=page_id))

    def able(self, conn: Connection, row: AlertRow) -> list[Member]:
        """Who may decide on a submitted alert, did not write it, and can be reached; in the order they are paged."""
        if row.frozen is None:
            return []
        own = {row.author, row.last_editor, row.submitted_by}
        others = [staff for staff, active in people.everybody(conn) if active and staff.person_id not in own]
        hindered = self.newsroom.hindrances_of(conn, others, row)
        deciders = [person_id for person_id, problems in hindered.items() if not problems]
        return paging.in_order(paging_rows.members(conn, deciders, self.delivery.clock.now()))

    async def _row(self, alert_id: str) -> AlertRow:
        return await self.delivery.db.read(partial(register.alert, alert_id=alert_id))

    def _step(self, conn: Connection, named: Ref, able: Sequence[Member]) -> list[StaffPage]:
        """Writes down whom this step pages and when the next one comes. Done twice, it is done once."""
        row = register.alert(conn, named.alert_id, lock=True)
        if not waits(row, named.asked_at):
            return []
        page = blank(Kind.APPROVAL, named.alert_id, named.asked_at, row.submitted_by or row.author, named.step)
        before = paging_rows.of_step(conn, page)
        if before:
            return before
        paged = paging_rows.paged(conn, named.alert_id, named.asked_at)
        called = paging.next_called(able, paged)
        paging_rows.note(conn, page, called)
        if not paging.is_last(named.step, able):
            wait = paging.wait_after(able, {*paged, *called}, self.pace)
            after = replace(named, step=named.step + 1)
            register.due(conn, ASK, str(after), self.delivery.clock.now() + wait)
        return paging_rows.of_step(conn, page)

    def again(self, conn: Connection, alert_id: str, by: str) -> list[StaffPage]:
        """Writes down everybody who may decide, to be paged once more. Raises register.Conflict."""
        row, now = register.alert(conn, alert_id, lock=True), self.delivery.clock.now()
        if row.status != Status.PENDING:
            raise register.Conflict(f"{alert_id} is {row.status}; nobody is waited for.")
        last = max((one.asked_at for one in paging_rows.history(conn, alert_id) if one.kind == Kind.AGAIN), default=None)
        if last is not None and now < last + paging.AGAIN_AFTER:
            raise register.Conflict("They were paged less than a minute ago.")
        able, page = self.able(conn, row), blank(Kind.AGAIN, alert_id, now, by)
        paging_rows.note(conn, page, [one.person_id for one in able])
        audit.append(conn, Act(actor=by, action="had them paged again", subject=alert_id, detail={"people": len(able)}), now)
        return paging_rows.of_step(conn, page)

    def _deputies(self, conn: Connection, alert_id: str) -> tuple[list[StaffPage], str]:
        """Writes down every deputy but the one who sends alone; and the reason that one gave."""
        who, reason, at = _broken(conn, alert_id)
        page = blank(Kind.ALONE, alert_id, at, who)
        known = [staff for staff, active in people.everybody(conn) if active and staff.person_id != who]
        paging_rows.note(conn, page, [staff.person_id for staff in known if staff.roles & DEPUTIES])
        return paging_rows.of_step(conn, page), reason

    async def _deliver(self, pages: Sequence[StaffPage], words: Words) -> list[StaffPage]:
        """Delivers, and calls the duty officer when not one page could be sent."""
        found = await self.delivery.deliver(pages, words)
        if any(one.state == PageState.FAILED for one in found) and not any(one.state == PageState.ACCEPTED for one in found):
            self.call(f"No page about {found[0].about} could be sent. Whoever can decide must be called by other means.")
        return found

    def _words(self, row: AlertRow, reason: str = "") -> Words:
        news = News(
            mode=self.delivery.lane.mode,
            alert_id=row.alert_id,
            headline=headline(self.hazards[row.hazard], from_json(row.frozen) if row.frozen else None),
            who=row.submitted_by or row.author,
            reason=reason,
        )

        def words(page: StaffPage) -> Content:
            told = replace(news, who=page.asked_by)
            say = paging.alone if page.kind == Kind.ALONE else paging.approval
            return say(page.channel, told, self.delivery.link(page))

        return words


def headline(hazard: Hazard, event: Event | None) -> str:
    """Danger and place, as a page names them: the first area, and how many more."""
    names = [area.name for area in event.areas] if event else []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{hazard.title}, {names[0]}{more}" if names else hazard.title


def waits(row: AlertRow, asked_at: datetime) -> bool:
    """Whether an alert still waits for the decision that was asked for then."""
    return row.status == Status.PENDING and row.submitted_at == asked_at


def _broken(conn: Connection, alert_id: str) -> tuple[str, str, datetime]:
    """Who broke the glass for an alert, why, and when. Raises LookupError."""
    for line in audit.lines(conn, alert_id):
        if line.action == BROKE_THE_GLASS and line.subject == alert_id:
            return line.actor, json.loads(line.detail)["reason"], datetime.fromisoformat(line.at)
    raise LookupError(f"Nobody has broken the glass for {alert_id}.")
