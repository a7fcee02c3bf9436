"""The public page as it would be, before anybody has approved it: the same templates and words, and a line that says so."""

from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts import affected, register
from notify.alerts.alert import from_json
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import Draft
from notify.alerts.life import EDITABLE, Status
from notify.console.routing import READERS, SIGNED_IN, Guard, Route
from notify.console.screens import HEADERS
from notify.publishing import shelf as published
from notify.publishing.bulletin import Bulletin, Thread, threads
from notify.publishing.pages import Pages
from notify.service import Service
from notify.tables import AlertRow
from subscribers import atlas

HEAD: Final = b"<header>"
BEFORE: Final = EDITABLE | {Status.PENDING, Status.APPROVED, Status.COUNTDOWN}


class Likeness:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._screens, self._db, self._clock = guard.screens, guard.db, guard.clock
        self._assembly, self._site = service.assembly, service.assembly.site
        self._pages, self._shelf = Pages.load(), published.Shelf()
        self._sheet = {self._site.path(name): content for name, content in self._pages.sheet(self._site).items()}

    def routes(self) -> list[Route]:
        page = Route(method="GET", path="/alerts/{alert_id}/page/{language}", answer=self.page, roles=READERS)
        sheets = [Route(method="GET", path=path, answer=self.sheet, roles=SIGNED_IN, passive=True) for path in self._sheet]
        return [page, *sheets]

    async def page(self, request: web.Request) -> web.StreamResponse:
        """What is kept of the alert, as its public page. What keeps it from being sent keeps it from being shown."""
        alert_id, language = request.match_info["alert_id"], request.match_info["language"]
        row = await self._db.read(lambda conn: register.alert(conn, alert_id))
        if Status(row.status) not in BEFORE:
            raise register.Conflict(f"{alert_id} is {row.status}; its page is public.")
        thread = await self._db.read(lambda conn: self._thread(conn, row))
        files = self._pages.of_thread(thread, self._site)
        html = files.get(f"{self._site.index(language)}a/{thread.incident_id}.html")
        if html is None:
            raise Unfit([f"There are no pages in '{language}'."])
        above = self._screens.text(request, "part/likeness", alert_id=alert_id).encode()
        return web.Response(
            body=html.replace(HEAD, HEAD + above, 1), content_type="text/html", charset="utf-8", headers=HEADERS
        )

    async def sheet(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._sheet[request.path], content_type="text/css", charset="utf-8", headers=HEADERS)

    def _thread(self, conn: Connection, row: AlertRow) -> Thread:
        """The incident as it would stand with this alert published now."""
        now, known = self._clock.now(), atlas.areas(conn)
        event = from_json(row.frozen) if row.frozen else None
        if event is None:
            draft = Draft.model_validate_json(row.content)
            if problems := self._assembly.problems(conn, draft, row, now):
                raise Unfit(problems)
            event = self._assembly.assemble(conn, draft, row, now)
        sealed, cap = self._assembly.seal(conn, event, now)
        mine = Bulletin(event=sealed, cap=cap, published_at=now, touched=affected.shown(sealed.areas, known))
        others = (one for one in self._shelf(conn) if one.event.incident_id == row.incident_id)
        return next(one for one in threads([*others, mine], now) if one.newest.event is sealed)
