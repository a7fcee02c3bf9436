"""Needs: noted, handed on, brought to an end; and where they are, without anybody's door."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import shapely
from aiohttp import web
from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Role
from notify.audit import Act
from notify.console.routing import FORM, Route
from notify.console.screens import HEADERS
from notify.web.answers import Problem
from subscribers import atlas
from surge.desk import need_rows, needs
from surge.desk.desk_tables import NeedRow
from surge.desk.need_rows import Asked, Change, ChangedSince
from surge.desk.needs import ACCOMMODATIONS, ALLOWED, TERMINAL, Published, Status
from surge.pages.office import AGENTS, ENGLISH, Office, whose

PAGE: Final = "/needs"
MAPPED: Final = AGENTS | {Role.VIEWER, Role.AUTHOR, Role.APPROVER}  # the map names nobody
MOST_PEOPLE: Final = 500
NOTE: Final = "Fewer than five people are never shown with a place; figures go down to fives. Needs not yet met."
ABOUT_50_M: Final = 0.0005  # degrees
BACK: Final = frozenset({PAGE, "/desk311"})


class NeedPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens = office.guard.db, office.guard.screens

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
            "Status": Status,
        }
        return self._screens.page(request, "needs", on=on, takers=self._takers(), **values)

    async def log(self, request: web.Request) -> web.StreamResponse:
        """Notes a need. The address is looked up for its cell on the map and kept sealed, for whoever brings it."""
        form, person_id, now, ring = request[FORM], whose(request), self._office.now, self._guard.ring
        on, code, people = await self._office.on(person_id), form.text("code")[:40].upper(), form.text("people") or "1"
        problems = [] if code.replace("_", "").isalnum() else ["Say what is needed."]
        if not (people.isascii() and people.isdigit() and 0 < int(people) <= MOST_PEOPLE):
            problems.append(f"Say for how many people: 1 to {MOST_PEOPLE}.")
        if problems:
            raise Unfit(problems)
        address, language = form.text("address")[:200], form.text("language")
        placed = await self._office.placed(on, address) if address else None
        asked = Asked(
            code=code,
            people=int(people),
            language=language if language in self._screens.site.languages else ENGLISH,
            area=(placed.zip or None) if placed else None,
            lat=placed.lat if placed else None,
            lon=placed.lon if placed else None,
            address=address,
            reply_to=form.text("contact")[:120],
            words=form.text("words")[:500],
            consent_to_share=form.text("consent") == "yes",
            due_at=_moment(form.text("due"), self._screens.site.time_zone),
            routed_to=self._office.side.referrals.taker(code),
            contact_id=form.text("contact_id") or None,
            activation_id=on.row.activation_id if on else None,
        )
        await self._db.write(lambda conn: need_rows.log(conn, asked, person_id, ring, now))
        back = form.text("next")
        return self._screens.moved(back if back in BACK else PAGE)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One need with what is sealed in it."""
        need_id, ring = request.match_info["need_id"], self._guard.ring
        opened = need_rows.opened(ring, await self._row(need_id))
        events = await self._db.read(lambda conn: need_rows.events(conn, need_id))
        notes = {one.seq: ring.open(need_rows.PURPOSE, one.key_id, one.note) for one in events if one.note}
        onward = sorted(ALLOWED[Status(opened.row.status)])
        values: dict[str, Any] = {"need": opened, "events": events, "notes": notes, "onward": onward, "takers": self._takers()}
        return self._screens.page(request, "needs_one", **values)

    async def change(self, request: web.Request) -> web.StreamResponse:
        form, need_id, now = request[FORM], request.match_info["need_id"], self._office.now
        to, rev = form.text("to"), form.text("rev")
        if to not in {one.value for one in Status}:
            raise Unfit(["Say what came of it."])
        if Status(to) is Status.ROUTED and not form.text("routed_to"):
            raise Unfit(["Say who has it now."])
        wanted = Change(
            to=Status(to),
            routed_to=form.text("routed_to")[:120],
            note=form.text("note")[:500],
            rev=int(rev) if rev.isascii() and rev.isdigit() and len(rev) < 9 else None,
        )
        by = (whose(request), self._guard.ring)

        def changed(conn: Connection) -> None:
            row = need_rows.change(conn, need_id, wanted, by, now)
            if Status(row.status) in TERMINAL:
                detail = {"code": row.code, "status": row.status}
                audit.append(conn, Act(actor=by[0], action="ended a need", subject=need_id, detail=detail), now)

        try:
            await self._db.write(changed)
        except LookupError as error:
            raise Problem(404, "There is no such need.", [str(error)]) from None
        except (needs.NotThere, ChangedSince) as error:
            raise Problem(409, "This is not possible now.", [str(error)]) from None
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
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)


def _outline(conn: Connection) -> str:
    """The city's edge as GeoJSON, coarse enough for a picture; the squares lie on nothing else."""
    shapes = [area.shape.simplify(ABOUT_50_M) for area in atlas.areas(conn) if area.citywide]
    return shapely.to_geojson(shapely.GeometryCollection(shapes)) if shapes else ""


def _file(text: str, kind: str, name: str) -> web.Response:
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)
