"""Alerts of other agencies in the console: in force, only a test, or over; and a draft of ours from one."""

from functools import partial

from aiohttp import web

from notify.alerts.life import WRITERS
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import HEADERS, VISIT
from notify.received import store
from notify.received.office import DRAFTERS, Received
from notify.service import Service


class ReceivedPages:
    def __init__(self, guard: Guard, service: Service, received: Received) -> None:
        self._guard, self._screens, self._db = guard, guard.screens, guard.db
        self._received, self._hazards = received, service.assembly.hazards

    def routes(self) -> list[Route]:
        one = "/received/{received_id}"
        return [
            Route(method="GET", path="/received", answer=self.list, roles=READERS),
            Route(method="GET", path=one, answer=self.show, roles=READERS),
            Route(method="GET", path=f"{one}/document", answer=self.document, roles=READERS),
            Route(method="POST", path=f"{one}/draft", answer=self.begin, roles=DRAFTERS),
        ]

    async def list(self, request: web.Request) -> web.StreamResponse:
        return self._screens.page(request, "received", found=await self._received.overview(), titles=self._titles)

    async def show(self, request: web.Request) -> web.StreamResponse:
        look = await self._received.one(request.match_info["received_id"])
        drafts = bool(request[VISIT].staff.roles & DRAFTERS)
        return self._screens.page(
            request, "received_one", look=look, titles=self._titles, hazards=self._hazards.values(), drafts=drafts
        )

    async def document(self, request: web.Request) -> web.StreamResponse:
        """Every byte as it came, to be kept and never to be shown by a browser."""
        row = await self._db.read(partial(store.one, received_id=request.match_info["received_id"]))
        ending = "xml" if "xml" in row.media else "json"
        named = {"Content-Disposition": f'attachment; filename="{row.received_id}.{ending}"'}
        return web.Response(body=row.document, content_type="application/octet-stream", headers={**HEADERS, **named})

    async def begin(self, request: web.Request) -> web.StreamResponse:
        staff, received_id = request[VISIT].staff, request.match_info["received_id"]
        make = partial(self._received.draft, staff=staff, received_id=received_id, hazard=request[FORM].text("hazard"))
        row = await self._db.write(make)
        return self._screens.moved(f"/alerts/{row.alert_id}{'/edit' if staff.roles & WRITERS else ''}")

    @property
    def _titles(self) -> dict[str, str]:
        return {one.name: one.title for one in self._received.sources}
