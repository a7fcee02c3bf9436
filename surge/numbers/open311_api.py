"""Needs for the systems of bureaus and partners, read by a token: Open311 GeoReport v2 in XML and JSON, read only."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection
from sqlmodel import col, or_, select

from notify.alerts.life import Role
from notify.clock import Clock
from notify.db import Database
from notify.web.endpoints import Endpoint, Query, looking
from surge.desk.desk_tables import NeedRow
from surge.desk.needs import ACCOMMODATIONS, NeedStatus
from surge.numbers import open311
from surge.numbers.open311 import FORMATS, BadQuery, Request, Service

READERS: Final = frozenset({Role.AGENT311, Role.LEAD311, Role.ADMIN})  # one need and its cell are no open data
In = Callable[[str, web.Request], Awaitable[web.StreamResponse]]  # the form first
ASKED: Final = (
    Query(name="service_request_id", says="ids, with commas between; they override everything else"),
    Query(name="service_code", says="kinds of need, with commas between"),
    Query(name="status", says="open, closed, or both with a comma between"),
    Query(name="start_date", says="the earliest, with its zone; 90 days from there to end_date at most"),
    Query(name="end_date", says="the latest, with its zone"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open311Api:
    db: Database
    clock: Clock

    def endpoints(self) -> list[Endpoint]:
        return [one for form in FORMATS for one in self._in(form)]

    def _in(self, form: str) -> Sequence[Endpoint]:
        def see(path: str, answer: In, says: str, query: Sequence[Query] = ()) -> Endpoint:
            gives = "Open311" if form == "json" else "Text"
            refusals = frozenset({400}) if query else frozenset[int]()
            more = {"roles": READERS, "query": query, "media": FORMATS[form], "refusals": refusals}
            return looking(f"/open311/v2/{path}.{form}", partial(answer, form), says, gives, **more)

        return (
            see("services", self.services, "Kinds of need, as GeoReport v2 services"),
            see("requests", self.requests, "Needs, as GeoReport v2 requests; the newest first", ASKED),
        )

    async def services(self, form: str, _: web.Request) -> web.Response:
        known = await self.db.read(codes)
        services = [Service(code=code, name=name) for code, name in known.items()]
        return _answer(open311.services_document(services, form), form)

    async def requests(self, form: str, request: web.Request) -> web.Response:
        try:
            asked = open311.query(request.query, self.clock.now())
        except BadQuery as error:
            return _answer(open311.errors_document(400, error.problems, form), form, 400)
        found = open311.found(await self.db.read(partial(needs, asked=asked)), asked)
        known = await self.db.read(codes)
        return _answer(open311.requests_document(found, known, form), form)


def codes(conn: Connection) -> dict[str, str]:
    """Every kind of need that was ever noted, and accommodations, with words for people."""
    noted = conn.execute(select(NeedRow.code).distinct()).scalars().all()
    return {code: code.replace("_", " ").capitalize() for code in sorted({*noted, *ACCOMMODATIONS})}


def needs(conn: Connection, asked: open311.Query) -> list[Request]:
    within = (col(NeedRow.logged_at) >= asked.start) & (col(NeedRow.logged_at) <= asked.end)
    named = or_(col(NeedRow.need_id).in_(asked.ids), col(NeedRow.open311_id).in_(asked.ids))
    rows = conn.execute(select(NeedRow).where(named if asked.ids else within))
    return [
        Request(
            request_id=row.open311_id or row.need_id,
            code=row.code,
            people=row.people,
            status=NeedStatus(row.status),
            requested_at=row.logged_at,
            updated_at=row.changed_at,
            expected_at=row.due_at,
            cell=row.cell or "",
            zipcode=row.area if row.area and row.area.isascii() and row.area.isdigit() and len(row.area) == 5 else "",
            agency=row.routed_to,
        )
        for row in rows
    ]


def _answer(body: bytes, form: str, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type=FORMATS[form], charset="utf-8")
