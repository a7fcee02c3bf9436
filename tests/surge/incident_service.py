"""A running service with surge mode beside it: its pages and its API on a port of their own, with a floor that only listens."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web
from sqlalchemy import Connection

from notify import data, keys
from notify.console.pages import Console
from notify.web.answers import middleware
from notify.web.api import Api
from notify.web.endpoints import Endpoint, web_routes
from notify.web.refusals import Refusals
from notify.wiring import reviews
from surge import pack
from surge.switch import incident, store
from surge.switch.activation import Activation
from surge.switch.control import Control, Outside
from surge.switch.incident import City
from surge.switch.offer import Offers
from surge.tables import AgentRow
from tests.console.staff_factory import House
from tests.notify.newsroom_factory import PACK


@dataclass(slots=True)
class Listener:
    """What the world outside was told."""

    told: list[Activation | None] = field(default_factory=list)
    called_back: list[tuple[list[str], str]] = field(default_factory=list)
    called_in: int = 0
    at_desks: int = 1

    async def switched(self, one: Activation | None) -> None:
        self.told.append(one)

    async def call_back(self, contacts: Sequence[str], why: str) -> None:
        self.called_back.append((list(contacts), why))

    async def call_in(self) -> None:
        self.called_in += 1

    def outside(self) -> Outside:
        return Outside(switched=self.switched, staffed=lambda: self.at_desks, call_in=self.call_in, call_back=self.call_back)


@dataclass(slots=True)
class Surging:
    """house: signs people in at the port where surge mode is. endpoints: of the API there."""

    house: House
    control: Control
    listener: Listener
    endpoints: list[Endpoint]

    def train(self, *people: str) -> None:
        """People who have ended the practice call; and every line was called."""
        now, switch = self.house.clock.now(), self.control.switch

        def work(conn: Connection) -> None:
            for person_id in people:
                store.add(conn, AgentRow(person_id=person_id, languages="en", trained_at=now))

        self.control.db.write_now(work)
        assert switch.means.needed <= len(people)


@asynccontextmanager
async def beside(house: House, runbooks: Path | None = None) -> AsyncIterator[Surging]:
    served, listener = house.served, Listener()
    service, ring = served.running.service, keys.load(served.home / "keys.toml")
    city = City(
        pack=pack.load(PACK),
        words=service.assembly.words,
        runbooks=runbooks or data.folder("runbooks"),
        languages=service.assembly.city.pack.tags,
        mode=service.assembly.mode,
        reviews=reviews,
        allow_drafts=service.assembly.allow_drafts,
    )
    control = incident.build(city, service.db, service.clock, listener.outside())
    before, service.surge = service.surge, Offers(control)
    console = Console(service, ring, "http://127.0.0.1")
    endpoints = Api(service, ring).endpoints()
    app = web.Application(middlewares=[middleware(service.db)])
    app.add_routes(console.web_routes())
    app.add_routes(web_routes(endpoints, Refusals(service.db, service.clock)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running = replace(served.running, private_port=runner.addresses[0][1])
        yield Surging(
            House(replace(served, running=running), house.clock, house.seeds, house.browsers), control, listener, endpoints
        )
    finally:
        service.surge = before
        await runner.cleanup()
