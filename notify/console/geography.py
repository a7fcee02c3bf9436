"""The areas that can be named in an alert, and the import of new ones: looked at first, then kept exactly as looked at."""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection, select

from notify import audit
from notify.alerts.life import Role
from notify.audit import Act
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from subscribers import areas, atlas
from subscribers.areas import NamedShape, Reading
from subscribers.store import AREA

IMPORTERS: Final = frozenset({Role.ADMIN})
KM_PER_DEGREE: Final = 111.195  # of latitude, on a sphere of 6,371 km: good to half a percent, which is enough to compare
NOTHING: Final = "Paste GeoJSON, or choose a file."
UNSEEN: Final = "This is not what was checked. Look at it again, then import it."
NO_SOURCE: Final = "Say where these areas are from: it stands beside them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One area as it is kept."""

    name: str
    kind: str
    citywide: bool
    source: str
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One area of a file. before_km2: of the area it would replace; shared: how much of both lies in both, in percent."""

    area: NamedShape
    km2: float
    before_km2: float | None
    shared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an import would do. seen: names the text that was checked."""

    seen: str
    incoming: Sequence[Incoming]
    problems: Sequence[str]


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
        reading = await asyncio.to_thread(areas.read_areas, typed, self._service.assembly.city.pack.box)
        checked = _checked(typed, reading, await self._db.read(atlas.areas))
        if form.text("act") != "import":
            return await self._page(request, typed=typed, source=source, checked=checked)
        problems = [] if source else [NO_SOURCE]
        if form.text("seen") != checked.seen:
            problems.append(UNSEEN)
        if problems or not checked.incoming:
            problems = problems or list(checked.problems)
            return await self._page(request, typed=typed, source=source, checked=checked, problems=problems, status=422)
        staff, now = request[VISIT].staff, self._guard.clock.now()
        await self._db.write(lambda conn: _keep(conn, reading, staff.person_id, source, now))
        return self._screens.moved(f"/areas?imported={len(reading.areas)}&refused={len(reading.problems)}")

    async def _page(self, request: web.Request, *, status: int = 200, **given: Any) -> web.Response:
        usual: dict[str, Any] = {"typed": "", "source": "", "checked": None, "problems": ()}
        by_kind: dict[str, list[Known]] = {}
        for area in await self._db.read(known):
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


def known(conn: Connection) -> list[Known]:
    """Every area by kind and name, with where it is from."""
    columns = (AREA.c.name, AREA.c.kind, AREA.c.citywide, AREA.c.source, AREA.c.imported_at)
    return [Known(**row._mapping) for row in conn.execute(select(*columns).order_by(AREA.c.kind, AREA.c.name))]


def _whole(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 8 else 0


def km2(shape: Any) -> float:
    """The size of a shape in degrees, in square kilometres, to about a percent for anything as small as a city."""
    if shape.is_empty:
        return 0.0
    return float(shape.area * KM_PER_DEGREE**2 * math.cos(math.radians(shape.centroid.y)))


def _checked(typed: str, reading: Reading, kept: Sequence[NamedShape]) -> Checked:
    before = {area.name: area for area in kept}
    incoming = []
    for area in reading.areas:
        old = before.get(area.name)
        shared = 100 * old.shape.intersection(area.shape).area / old.shape.union(area.shape).area if old else 0.0
        incoming.append(Incoming(area=area, km2=km2(area.shape), before_km2=km2(old.shape) if old else None, shared=shared))
    return Checked(seen=_seen(typed), incoming=incoming, problems=reading.problems)


def _seen(typed: str) -> str:
    """Names a text, whatever a browser makes of its line ends."""
    return hashlib.sha256("\n".join(typed.split()).encode()).hexdigest()


def _keep(conn: Connection, reading: Reading, person_id: str, source: str, now: datetime) -> None:
    atlas.keep(conn, reading.areas, source, now)
    detail = {"names": [area.name for area in reading.areas], "refused": len(reading.problems)}
    audit.append(conn, Act(actor=person_id, action="imported areas", subject=source, detail=detail), now)
