"""Where a member of staff is paged and when they are on call: their own page, the administrators' list, and a page's link."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import ADMINS, Role
from notify.console.routing import ANYBODY, FORM, SIGNED_IN, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from notify.staff import paging, paging_rows, staff_contacts
from notify.staff.paging import Kind, PageState
from notify.staff.paging_delivery import sealing
from notify.staff.paging_tables import StaffPage
from notify.staff.staff_contacts import NOT_SENT, WRONG, BadContact

OWN: Final = "/contacts"
HOURS: Final = (4, 8, 12, 24, 72, 168)  # that somebody may go on call for at once
CALLED: Final = frozenset({Role.APPROVER, Role.AUTHOR})  # whoever may come to decide
CHANNEL_WORDS: Final = {"sms": "Phone", "email": "Mailbox"}
# What became of a page, as people read it.
STATES: Final[Mapping[PageState, str]] = {
    PageState.WAITING: "waiting",
    PageState.LEAVING: "leaving now",
    PageState.ACCEPTED: "handed to the carrier",
    PageState.FAILED: "could not be sent",
    PageState.NOT_NEEDED: "no longer needed",
}
SENT: Final = "A code is on its way. Type it below: until then the address does not count."


class Contacts:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service, self._paging = guard, service, service.paging
        self._db, self._screens, self._clock = guard.db, guard.screens, guard.clock

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=OWN, answer=self.own, roles=SIGNED_IN),
            Route(method="POST", path=f"{OWN}/{{deed:give|confirm|remove|call}}", answer=self.change, roles=SIGNED_IN),
            Route(method="GET", path="/on-call", answer=self.list, roles=ADMINS),
            Route(method="POST", path="/on-call/{person_id}/{deed:give|remove|call|turn}", answer=self.arrange, roles=ADMINS),
            Route(method="GET", path="/p/{token}", answer=self.follow, roles=ANYBODY),
        ]

    async def own(self, request: web.Request) -> web.StreamResponse:
        return await self._own_page(request)

    async def change(self, request: web.Request) -> web.StreamResponse:
        """give: an address; its code goes there. confirm: the code. remove: an address. call: hours on call."""
        person_id, form, deed = request[VISIT].staff.person_id, request[FORM], request.match_info["deed"]
        if deed != "confirm" and (asked := await self._guard.unproved(request, OWN)) is not None:
            return asked
        if deed == "give":
            sent = await self._paging.give((person_id, person_id), form.text("address"))
            return await self._own_page(request, said=SENT) if sent else await self._own_page(request, problem=NOT_SENT)
        if deed == "confirm":
            now, ring, channel, code = self._clock.now(), self._guard.ring, form.text("channel"), form.text("code")
            if not await self._db.write(lambda conn: staff_contacts.confirm(conn, person_id, channel, code, ring, now)):
                return await self._own_page(request, problem=WRONG)
            return self._screens.moved(OWN)
        await self._db.write(partial(self._arranged, request=request, person_id=person_id))
        return self._screens.moved(OWN)

    async def list(self, request: web.Request) -> web.StreamResponse:
        return await self._list_page(request)

    async def arrange(self, request: web.Request) -> web.StreamResponse:
        """What an administrator may do for somebody: give an address (its owner still types the code), take one away, put
        them on call, give them a turn."""
        if (asked := await self._guard.unproved(request, "/on-call")) is not None:
            return asked
        person_id, admin = request.match_info["person_id"], request[VISIT].staff.person_id
        if request.match_info["deed"] == "give":
            sent = await self._paging.give((person_id, admin), request[FORM].text("address"))
            return await self._list_page(request, said=SENT) if sent else await self._list_page(request, problem=NOT_SENT)
        await self._db.write(partial(self._arranged, request=request, person_id=person_id))
        return self._screens.moved("/on-call")

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """A page's link: to the alert or the surge it is about, once, for the person it names, who signs in first. It gives no
        power; one that is used, old or somebody else's leads to the door."""
        token, now = request.match_info["token"], self._clock.now()
        page = await self._db.read(lambda conn: self._page_of(conn, token))
        if page is None or not paging.is_open(page.claimed_at, page.opened_at, now):
            return self._screens.moved("/sign-in")
        if VISIT not in request:
            return self._screens.moved(f"/sign-in?next=/p/{token}&person={page.person_id}")
        number = page.page_id or 0
        theirs = request[VISIT].staff.person_id == page.person_id
        if not theirs or not await self._db.write(lambda conn: paging_rows.opened(conn, number, now)):
            return self._screens.moved("/sign-in")
        return self._screens.moved(_way(page))

    def _page_of(self, conn: Connection, token: str) -> StaffPage | None:
        """The page whose link this is; None for what was never signed by us."""
        number = paging.page_of(token)
        page = paging_rows.page(conn, number) if number is not None else None
        return page if page is not None and self._paging.delivery.links.holds(token, sealing(page)) else None

    def _arranged(self, conn: Connection, request: web.Request, person_id: str) -> None:
        form, by, now = request[FORM], request[VISIT].staff.person_id, self._clock.now()
        match request.match_info["deed"]:
            case "remove":
                staff_contacts.remove(conn, person_id, form.text("channel"), by, now)
            case "call":
                staff_contacts.put_on_call(conn, person_id, _whole(form.text("hours")), by, now)
            case "turn":
                staff_contacts.give_turn(conn, person_id, _whole(form.text("turn")), by, now)

    async def _own_page(self, request: web.Request, *, said: str = "", problem: str = "") -> web.Response:
        person_id, now, ring = request[VISIT].staff.person_id, self._clock.now(), self._guard.ring
        (own,) = await self._db.read(lambda conn: staff_contacts.reachable(conn, ring, now, person_id))
        return self._screens.page(
            request,
            "contacts",
            status=422 if problem else 200,
            problems=[problem] if problem else [],
            said=said,
            contacts=own.contacts,
            words_of=CHANNEL_WORDS,
            may_be_called=bool(request[VISIT].staff.roles & CALLED),
            until=own.call.until if own.on_call else None,
            hours=HOURS,
        )

    async def _list_page(self, request: web.Request, *, said: str = "", problem: str = "") -> web.Response:
        now, ring = self._clock.now(), self._guard.ring
        shown = await self._db.read(lambda conn: staff_contacts.reachable(conn, ring, now))
        problems = [problem] if problem else []
        return self._screens.page(
            request,
            "on_call",
            status=422 if problem else 200,
            problems=problems,
            said=said,
            everybody=shown,
            words_of=CHANNEL_WORDS,
            hours=HOURS,
        )


def _whole(typed: str) -> int:
    """Raises BadContact."""
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise BadContact(["Type a whole number."])
    return int(typed)


def _way(page: StaffPage) -> str:
    """Where a page's link leads."""
    match page.kind:
        case Kind.CALL_IN:
            return "/surge"
        case Kind.ALONE:
            return f"/alerts/{page.about}"
        case _:
            return f"/alerts/{page.about}/approval"
