"""What is held after a restore, alert by alert: one person asks what should become of it, another one agrees or refuses."""

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import Role
from notify.console.routing import FORM, READERS, Guard, Route, several
from notify.console.screens import VISIT
from notify.sending import held
from notify.sending.held import NotSaid
from notify.service import Service

PATH = "/held"
RELEASERS = frozenset({Role.APPROVER, Role.ADMIN})


class HeldPages:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._db, self._screens = guard.db, guard.screens

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PATH, answer=self.show, roles=READERS),
            Route(method="POST", path=PATH, answer=self.ask, roles=RELEASERS),
            Route(method="POST", path=f"{PATH}/agree", answer=self.agree, roles=RELEASERS),
            Route(method="POST", path=f"{PATH}/refuse", answer=self.refuse, roles=RELEASERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Which alerts are to be dropped is ticked; what is not ticked goes on."""
        form, by, now = request[FORM], request[VISIT].staff.person_id, self._service.clock.now()
        drops = several(request, "drop")
        try:
            await self._db.write(lambda conn: held.ask(conn, by, form.text("reason"), drops, now))
        except NotSaid as error:
            return await self._page(request, error.problems)
        return self._screens.moved(PATH)

    async def agree(self, request: web.Request) -> web.StreamResponse:
        """Whoever agrees shows that it is them: thousands of messages leave."""
        if (unsure := await self._guard.unproved(request, PATH)) is not None:
            return unsure
        staff, digest = request[VISIT].staff, request[FORM].text("digest")

        def let_go(conn: Connection) -> Sequence[str]:
            return self._service.agree_release(conn, staff, digest)

        await self._service.released(await self._db.write(let_go))
        return self._screens.moved(PATH)

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        by, now = request[VISIT].staff.person_id, self._service.clock.now()
        await self._db.write(lambda conn: held.refuse(conn, by, now))
        return self._screens.moved(PATH)

    async def _page(self, request: web.Request, problems: Sequence[str] = ()) -> web.Response:
        now = self._service.clock.now()
        found = await self._db.read(lambda conn: held.look(conn, now))
        return self._screens.page(
            request,
            "held",
            status=422 if problems else 200,
            problems=problems,
            held=found,
            hazards=self._service.assembly.hazards,
            decides=bool(request[VISIT].staff.roles & RELEASERS),
        )
