"""Needs: noted, handed on, brought to an end; and where they are, without anybody's door."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import shapely
from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import Role
from notify.console.routing import FORM, Route
from notify.console.screens import HEADERS
from notify.web.answers import Problem
from subscribers import atlas
from surge.desk import need_rows, needs
from surge.desk.desk_tables import NeedRow
from surge.desk.needs import ACCOMMODATIONS, ALLOWED, NeedStatus, Published
from surge.pages.need_acts import NeedActs, Onward, Wanted
from surge.pages.office import AGENTS, Office, whose

PAGE: Final = "/needs"
MAPPED: Final = AGENTS | {Role.VIEWER, Role.AUTHOR, Role.APPROVER}  # the map names nobody
NOTE: Final = "Fewer than five people are never shown with a place; figures go down to fives. Needs not yet met."
ABOUT_50_M: Final = 0.0005  # degrees
BACK: Final = frozenset({PAGE, "/desk311"})


class NeedPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens, self._acts = office.guard.db, office.guard.screens, NeedActs(office)

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=AGENTS),
            Route(method="POST", path=PAGE, answer=self.log, roles=AGENTS),
            Route(method="GET", path=f"{PAGE}/map", answer=self.map, roles=MAPPED),
            Route(method="GET", path=f"{PAGE}.csv", answer=self.table, roles=MAPPED),
            Route(method="GET", path=f"{PAGE}.geojson", answer=self.geojson, roles=MAPPED),
            Route(method="GET", path=f"{PAGE}/{{need_id:N-[0-9A-F]{{10}}}}", answer=self.one, roles=AGENTS),
            Route(method="POST", path=f"{PAGE}/{{need_id:N-[0-9A-F]{{10}}}}", answer=self.change, roles=AGENTS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        ended = request.query.get("ended") == "yes"
        on = await self._office.on(whose(request))
        rows = await self._db.read(lambda conn: need_rows.listed(conn, ended=ended))
        named = [code for step in on.script.book.steps for code in step.needs] if on and on.script else []
        codes: Sequence[str] = [*dict.fromkeys([*named, *ACCOMMODATIONS])]
        values: dict[str, Any] = {
            "rows": rows,
            "ended": ended,
            "codes": codes,
            "tongues": self._screens.site.languages,
            "Status": NeedStatus,
        }
        return self._screens.page(request, "needs", on=on, takers=self._takers(), **values)

    async def log(self, request: web.Request) -> web.StreamResponse:
        """Notes a need. The address is looked up for its cell on the map and kept sealed, for whoever brings it."""
        form = request[FORM]
        given = Wanted(
            code=form.text("code"),
            people=form.text("people") or "1",
            language=form.text("language"),
            address=form.text("address"),
            reply_to=form.text("contact"),
            words=form.text("words"),
            consent=form.text("consent") == "yes",
            due_at=_moment(form.text("due"), self._screens.site.time_zone),
            contact_id=form.text("contact_id") or None,
        )
        await self._db.write(await self._acts.log(whose(request), given))
        back = form.text("next")
        return self._screens.moved(back if back in BACK else PAGE)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One need with what is sealed in it."""
        need_id, ring = request.match_info["need_id"], self._guard.ring
        opened = need_rows.opened(ring, await self._row(need_id))
        events = await self._db.read(lambda conn: need_rows.events(conn, need_id))
        notes = {one.seq: ring.open(need_rows.PURPOSE, one.key_id, one.note) for one in events if one.note}
        onward = sorted(ALLOWED[NeedStatus(opened.row.status)])
        values: dict[str, Any] = {"need": opened, "events": events, "notes": notes, "onward": onward, "takers": self._takers()}
        return self._screens.page(request, "needs_one", **values)

    async def change(self, request: web.Request) -> web.StreamResponse:
        form, need_id = request[FORM], request.match_info["need_id"]
        rev = form.text("rev")
        given = Onward(
            to=form.text("to"),
            routed_to=form.text("routed_to"),
            note=form.text("note"),
            rev=int(rev) if rev.isascii() and rev.isdigit() and len(rev) < 9 else None,
        )
        await self._db.write(self._acts.change(whose(request), need_id, given))
        return self._screens.moved(f"{PAGE}/{need_id}")

    async def map(self, request: web.Request) -> web.StreamResponse:
        shown, outline = await self.published(), await self._db.read(_outline)
        return self._screens.page(
            request, "needs_map", shown=shown, data=json.dumps(needs.geojson(shown, NOTE)), outline=outline
        )

    async def table(self, _: web.Request) -> web.StreamResponse:
        return _file(needs.table(await self.published()), "text/csv", "needs.csv")

    async def geojson(self, _: web.Request) -> web.StreamResponse:
        written = json.dumps(needs.geojson(await self.published(), NOTE), ensure_ascii=False)
        return _file(written, "application/geo+json", "needs.geojson")

    async def published(self) -> Published:
        """What may be shown to anybody, of what is still to be met."""
        return needs.published(await self._db.read(need_rows.wanted))

    async def _row(self, need_id: str) -> NeedRow:
        try:
            return await self._db.read(lambda conn: need_rows.one(conn, need_id))
        except LookupError as error:
            raise Problem(404, "There is no such need.", [str(error)]) from None

    def _takers(self) -> list[str]:
        return [one.name for one in self._office.side.referrals.entries]


def _moment(typed: str, zone: ZoneInfo) -> datetime | None:
    """A time as a browser's own picker writes it, by the city's clock."""
    try:
        at = datetime.fromisoformat(typed)
        return at if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _outline(conn: Connection) -> str:
    """The city's edge as GeoJSON, coarse enough for a picture; the squares lie on nothing else."""
    shapes = [area.shape.simplify(ABOUT_50_M) for area in atlas.areas(conn) if area.citywide]
    return shapely.to_geojson(shapely.GeometryCollection(shapes)) if shapes else ""


def _file(text: str, kind: str, name: str) -> web.Response:
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)
