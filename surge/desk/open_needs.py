"""Where services are needed, as open data for anybody: cells and areas with at least five people, nothing else. On the public
listener; one reading of the database serves everybody for a minute."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from notify.clock import Clock
from notify.db import Database
from notify.publishing.site import Site
from notify.web.published import HEADERS
from surge.desk import need_rows, needs
from surge.desk.needs import Published

FRESH: Final = timedelta(seconds=60)
NOTE: Final = "Open needs for services. Fewer than five people are never shown with a place; figures are rounded down to fives."


@dataclass(slots=True, kw_only=True)
class OpenNeeds:
    db: Database
    clock: Clock
    site: Site
    _kept: Published = field(default_factory=lambda: Published(lines=(), withheld=False))
    _read_at: datetime | None = None

    def routes(self) -> list[web.RouteDef]:
        home = f"/{self.site.prefix}feeds/needs"
        return [web.get(f"{home}.geojson", self.geojson), web.get(f"{home}.csv", self.table)]

    async def geojson(self, _: web.Request) -> web.Response:
        written = json.dumps(needs.geojson(await self._current(), NOTE), ensure_ascii=False)
        return _open(written, "application/geo+json")

    async def table(self, _: web.Request) -> web.Response:
        return _open(needs.table(await self._current()), "text/csv")

    async def _current(self) -> Published:
        """As of a minute ago at most; as last read while the database is away."""
        now = self.clock.now()
        if self._read_at is None or now - self._read_at > FRESH:
            try:
                self._kept = needs.published(await self.db.read(need_rows.wanted))
            except SQLAlchemyError:
                if self._read_at is None:
                    raise web.HTTPServiceUnavailable from None
            self._read_at = now
        return self._kept


def _open(text: str, kind: str) -> web.Response:
    headers = HEADERS | {"Cache-Control": f"public, max-age={int(FRESH.total_seconds())}", "Access-Control-Allow-Origin": "*"}
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)
