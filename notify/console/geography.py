"""The areas that can be named in an alert, and the import of new ones: looked at first, then kept exactly as looked at."""

from typing import Any, Final

from aiohttp import web

from notify.alerts import area_import
from notify.alerts.area_import import IMPORTERS, Known
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from subscribers import areas

NOTHING: Final = "Paste GeoJSON, or choose a file."


class AreaPages:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._db, self._screens = guard.db, guard.screens

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/areas", answer=self.show, roles=READERS),
            Route(method="POST", path="/areas", answer=self.take, roles=IMPORTERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Looks at a file and says what it would do; with the second press, does it. A faulty feature is refused, the others
        are taken, as `tocsin areas import` does."""
        form = request[FORM]
        typed, source = form.fields.get("geojson", ""), form.text("source")
        if not typed.strip():
            return await self._page(request, source=source, problems=[NOTHING], status=422)
        checked = await area_import.check(self._db, typed, self._service.assembly.city.pack.box)
        if form.text("act") != "import":
            return await self._page(request, typed=typed, source=source, checked=checked)
        problems = area_import.hindrances(checked, source, form.text("seen"))
        if problems or not checked.incoming:
            problems = problems or list(checked.problems)
            return await self._page(request, typed=typed, source=source, checked=checked, problems=problems, status=422)
        staff, now = request[VISIT].staff, self._guard.clock.now()
        await self._db.write(lambda conn: area_import.keep(conn, checked, staff.person_id, source, now))
        return self._screens.moved(f"/areas?imported={len(checked.incoming)}&refused={len(checked.problems)}")

    async def _page(self, request: web.Request, *, status: int = 200, **given: Any) -> web.Response:
        usual: dict[str, Any] = {"typed": "", "source": "", "checked": None, "problems": ()}
        by_kind: dict[str, list[Known]] = {}
        for area in await self._db.read(area_import.known):
            by_kind.setdefault(area.kind, []).append(area)
        staff = request[VISIT].staff
        return self._screens.page(
            request,
            "areas",
            status=status,
            by_kind=by_kind,
            kinds=areas.KINDS,
            may_import=bool(staff.roles & IMPORTERS),
            imported=_whole(request.query.get("imported", "")),
            refused=_whole(request.query.get("refused", "")),
            **(usual | given),
        )


def _whole(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 8 else 0
