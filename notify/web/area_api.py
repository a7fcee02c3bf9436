"""Named areas by the API: what there is, and an import that is looked at before it is done."""

import json
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify.alerts import area_import
from notify.alerts.area_import import IMPORTERS, Checked
from notify.service import Service
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, Endpoint, Given, acting, looking
from notify.web.replies import Replies
from subscribers import atlas

LONGEST_SOURCE: Final = 200


class AreasToLookAt(Given):
    """geojson: a FeatureCollection in WGS 84; each feature has a name and a kind, and citywide where it is the whole city."""

    geojson: dict[str, Any]


class AreasToTake(AreasToLookAt):
    """source: where the areas are from, which stands beside them. seen: what /areas/preview called exactly this collection."""

    source: str = Field("", max_length=LONGEST_SOURCE)
    seen: str = ""


class AreaApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self._service, self._db, self._replies = service, service.db, replies

    def endpoints(self) -> list[Endpoint]:
        shapes = "Named areas with their shapes (RFC 7946)"
        preview = "What an import would take, replace and refuse; nothing is kept"
        take = "Takes what was looked at, replacing areas of the same name; a faulty feature is refused, the others are taken"
        asked = partial(looking, roles=IMPORTERS, method="POST")
        return [
            looking("/areas", self.areas, "Named areas, by kind and name", "Areas"),
            looking("/areas.geojson", self.shapes, shapes, "AreaShapes", media="application/geo+json"),
            asked("/areas/preview", self.preview, preview, "AreasChecked", body=AreasToLookAt),
            acting("/areas", self.take, take, "AreasTaken", AreasToTake, roles=IMPORTERS, status=201),
        ]

    async def areas(self, _: web.Request) -> web.Response:
        found = await self._db.read(area_import.known)
        shown = [
            {"name": one.name, "kind": one.kind, "citywide": one.citywide, "source": one.source}
            | {"imported_at": one.imported_at.isoformat()}
            for one in found
        ]
        return web.json_response({"areas": shown})

    async def shapes(self, _: web.Request) -> web.Response:
        collection = atlas.features(await self._db.read(atlas.areas))
        return web.json_response(collection, content_type="application/geo+json")

    async def preview(self, request: web.Request) -> web.Response:
        given = request[GIVEN]
        assert isinstance(given, AreasToLookAt)
        return web.json_response(checked_json(await self._checked(given)))

    async def take(self, request: web.Request) -> web.Response:
        given, staff, now = request[GIVEN], request[STAFF], self._service.clock.now()
        assert isinstance(given, AreasToTake)
        source = given.source.strip()
        looked_at: list[Checked] = []

        async def look() -> None:
            found = await self._checked(given)
            hindrances = area_import.hindrances(found, source, given.seen)
            if hindrances or not found.incoming:
                raise Problem(422, "Nothing was imported.", [*hindrances, *found.problems])
            looked_at.append(found)

        def take(conn: Connection) -> dict[str, Any]:
            (found,) = looked_at
            area_import.keep(conn, found, staff.person_id, source, now)
            return {"imported": [one.area.name for one in found.incoming], "problems": list(found.problems)}

        return await self._replies.once(request, take, 201, look)

    async def _checked(self, given: AreasToLookAt) -> Checked:
        """The same collection has the same name, however a program orders and spaces it."""
        text = json.dumps(given.geojson, sort_keys=True)
        return await area_import.check(self._db, text, self._service.assembly.city.pack.box)


def checked_json(found: Checked) -> dict[str, Any]:
    """before_km2: null for what is new. shared: how much of both lies in both, in percent."""
    areas = [
        {
            "name": one.area.name,
            "kind": one.area.kind,
            "citywide": one.area.citywide,
            "km2": one.km2,
            "before_km2": one.before_km2,
            "shared": one.shared,
        }
        for one in found.incoming
    ]
    return {"seen": found.seen, "areas": areas, "problems": list(found.problems)}
