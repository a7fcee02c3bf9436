"""The 311 desk in a running house: the console's pages on a port of their own, with a line in memory and a carrier that only
remembers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection, delete, update
from sqlmodel import col
from yarl import URL

from channels.base import Handed
from notify import data, keys
from notify.alerts.life import Role, Staff
from notify.console.pages import Console
from notify.staff import people
from notify.web import api
from notify.web.answers import middleware
from subscribers.dialog import lexicon
from subscribers.dialog.turn import Sight
from subscribers.place import Point, ZipArea
from surge.desk import referrals
from surge.desk.desk_tables import DeskReplyRow
from surge.desk.written import Written
from surge.pages.office import Side
from surge.switch.store import add, add_fact, facts
from surge.tables import ActivationRow, FactRow
from tests.console.staff_factory import Browser, House
from tests.surge.carrier_fake import Carrier
from tests.surge.line_fake import FakeLine

SOURCE = (data.folder("runbooks") / "boil-water.md").read_text("utf-8")
HALL = Sight(
    spot=Point(45.5152, -122.6784, "1100 block SW 5th Ave"), words="x", exact="1120 SW 5th Ave (97204)", score=1.0, zip="97204"
)
NUMBERS = {"boil_minutes": "1", "flush_minutes": "2", "ice_batches": "3"}  # the same in all languages
VALUES = {
    "area_words": "all of Portland",
    "cause_words": "E. coli was found.",
    "next_update": "8:00 PM",
    "water_sites": "City Hall, until 9 PM",
    "pets_words": "Give pets boiled water.",
    "hands_words": "Soap and tap water are all right.",
    "risk_words": "The risk is low.",
    "since": "8 AM",
}
LEAD = Staff(person_id="lead311", roles=frozenset({Role.LEAD311}))


async def find_place(typed: str) -> list[Sight]:
    if typed == "1120 SW 5th Ave":
        return [HALL]
    return [Sight(spot=ZipArea(typed), words=typed, exact=typed, score=1.0, zip=typed)] if typed.isdigit() else []


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same house at another address: as much of Served as a browser asks for."""

    url: str


@dataclass(slots=True)
class Desk:
    """house: where the database and the people are. line, carrier: what the desk works with here."""

    house: House
    line: FakeLine
    carrier: Carrier
    written: Written
    side: Side
    url: str

    async def signed_in(self, person_id: str) -> Browser:
        there = await self.house.signed_in(person_id)
        cookies = {one.key: one.value for one in there.session.cookie_jar}
        there.session.cookie_jar.update_cookies(cookies, URL(self.url))
        browser = Browser(Elsewhere(self.url), there.session)  # type: ignore[arg-type]
        await browser.get("/desk311")
        return browser

    def write(self, work: Any) -> Any:
        return self.house.served.running.service.db.write_now(work)

    def read(self, work: Any) -> Any:
        return self.house.served.running.service.db.read_now(work)

    def switch_on(self, status: str = "open", incident_id: str | None = None) -> str:
        """An activation with the boil-water script, every fact known."""
        now = self.house.clock.now()
        row = ActivationRow(
            activation_id=f"S-{now:%H%M%S}",
            incident_id=incident_id,
            runbook="boil-water",
            title="Boil tap water",
            status=status,
            level=1,
            made_by="lead311",
            made_at=now,
            opened_at=now,
        )
        self.write(lambda conn: add(conn, row))
        self.publish(row.activation_id, **NUMBERS, **VALUES)
        return row.activation_id

    def publish(self, activation_id: str, **values: str) -> int:
        """Issues these facts and publishes the script; its version."""
        now = self.house.clock.now()
        surge = self.house.served.running.service.surge
        assert surge is not None
        publishing = surge.control.publishing

        def published(conn: Connection) -> int:
            for name, value in values.items():
                row = FactRow(
                    activation_id=activation_id,
                    name=name,
                    language="" if name in NUMBERS else "en",
                    rev=1,
                    value=value,
                    issued_by="health officer",
                    valid_from=now,
                    entered_by="lead311",
                    entered_at=now,
                )
                add_fact(conn, row)
            return publishing.publish_script(conn, LEAD, activation_id).version

        return int(self.write(published))

    def fact_ids(self, activation_id: str, name: str) -> list[int]:
        return [row.fact_id or 0 for row in self.read(lambda conn: facts(conn, activation_id)) if row.name == name]

    def clear(self) -> None:
        """Nothing is on, nobody waits, nothing was sent; nor was anything to contacts whose ids the line gives out again."""
        line = self.line
        for held in (line.found, line.letters, line.known, line.states, line.holds, line.ended, line.centre):
            held.clear()
        self.carrier.sent.clear()
        self.carrier.outcome = Handed("SM1")
        done = update(ActivationRow).where(col(ActivationRow.status) != "closed").values(status="closed")
        self.write(lambda conn: [conn.execute(one) for one in (done, delete(DeskReplyRow))])


@asynccontextmanager
async def desked(house: House, *, with_line: bool = True) -> AsyncIterator[Desk]:
    service = house.served.running.service
    ring = keys.load(house.served.home / "keys.toml")
    line, carrier = FakeLine(house.clock), Carrier()
    there = line if with_line else None
    written = Written(
        db=service.db,
        clock=house.clock,
        ring=ring,
        site=service.assembly.site,
        line=there,
        lexicon=lexicon.load(data.folder("templates") / "dialog" / "vocabulary"),
        send=carrier.send,
    )
    side = Side(
        line=there,
        written=written,
        find_place=find_place,
        referrals=referrals.load(service.assembly.city.folder),
    )
    app = web.Application(middlewares=[middleware(service.db)])
    app.add_routes(Console(service, ring, house.served.url, side).web_routes())
    app.add_routes(api.routes(service, ring, side=side))
    async with TestServer(app) as server:
        yield Desk(house, line, carrier, written, side, str(server.make_url("")).rstrip("/"))


def lend(house: House, person_id: str) -> None:
    """Somebody with the role agent311 who was not here before."""
    now = house.clock.now()
    house.served.running.service.db.write_now(lambda conn: people.add(conn, person_id, ["agent311"], {}, now))
