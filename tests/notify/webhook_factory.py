"""Partner agencies at listeners of their own on 127.0.0.1, and a poster on a real database that posts to them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from sqlalchemy import text

from notify.alerts import register
from notify.alerts.alert import Mode, Severity, from_json
from notify.alerts.conductor import begin
from notify.alerts.life import Role, Staff, Status
from notify.clock import Clock, ManualClock
from notify.db import Database
from notify.partners import signature, webhook_rows
from notify.partners.egress import Egress
from notify.partners.poster import Poster
from notify.partners.webhook import Reality, Shape, Wanted
from notify.partners.webhook_tables import Posting, PostingTry, Webhook
from notify.partners.webhook_verbs import Webhooks
from notify.publishing.site import Site
from subscribers.sealing import Keyring
from tests.notify.newsroom_factory import an_assembly
from tests.notify.receivers import LET_IN

RING = Keyring(current="k1", keys={"k1": b"k" * 32}, blind_key=b"b" * 32)
ONE, TWO = (Staff(person_id=f"admin-{name}", roles=frozenset({Role.ADMIN})) for name in ("one", "two"))
SITE: Site = an_assembly(mode=Mode.DEMO).site
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Agency:
    """A receiver that keeps what it took. `answers`: what the next requests get instead of a yes."""

    clock: Clock
    secret: str = ""
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    always: Answer | None = None

    @property
    def numbers(self) -> list[int]:
        return [body["sequence"] for body in self.bodies]

    @property
    def kinds(self) -> list[str]:
        return [body["type"] for body in self.bodies]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.always is not None or self.answers:
            return await (self.always or self.answers.pop(0))(request)
        return await self.take(request)

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.secret:
            assert signature.is_genuine(self.secret, headers, body, self.clock.now())
        self.raw.append((headers, body))
        given = json.loads(body)
        self.bodies.append(given)
        return web.json_response({"challenge": given["challenge"]} if "challenge" in given else {})


def status(code: int, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


@asynccontextmanager
async def an_agency(clock: Clock) -> AsyncIterator[Agency]:
    agency = Agency(clock)
    app = web.Application()
    app.router.add_post("/hook", agency.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    agency.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield agency
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Bureau:
    """The city's side: verbs and a poster. `pages`: what the duty officer was told."""

    db: Database
    clock: ManualClock
    verbs: Webhooks
    poster: Poster
    pages: list[str]

    def want(self, webhook_id: str, url: str, **given: Any) -> None:
        wanted = Wanted(webhook_id=webhook_id, url=url, shape=given.pop("shape", Shape.JSON), **given)
        self.db.write_now(lambda conn: self.verbs.ask(conn, ONE, wanted))

    def agree(self, webhook_id: str) -> str:
        return self.db.write_now(lambda conn: self.verbs.agree(conn, TWO, webhook_id))

    def do(self, verb: str, webhook_id: str, *given: Any) -> Any:
        return self.db.write_now(lambda conn: getattr(self.verbs, verb)(conn, ONE, webhook_id, *given))

    async def active(self, webhook_id: str, agency: Agency, **given: Any) -> None:
        """A webhook that has confirmed itself."""
        self.want(webhook_id, agency.url, **given)
        agency.secret = self.agree(webhook_id)
        await self.turn()
        assert self.row(webhook_id).state == "active"

    def trust(self, webhook_id: str) -> None:
        """As if it had answered its challenge."""

        def work(conn: Any) -> None:
            conn.execute(text("UPDATE webhook SET state = 'active' WHERE webhook_id = :name"), {"name": webhook_id})
            conn.execute(text("UPDATE webhook_posting SET standing = 'taken' WHERE webhook_id = :name"), {"name": webhook_id})

        self.db.write_now(work)

    async def turn(self) -> None:
        """Everything that is due now, to its end."""
        await self.poster.tick()
        await self.poster.settle()

    def row(self, webhook_id: str) -> Webhook:
        found = self.db.read_now(lambda conn: webhook_rows.webhook(conn, webhook_id))
        assert found is not None
        return found

    def postings(self, webhook_id: str) -> Sequence[Posting]:
        return self.db.read_now(lambda conn: webhook_rows.postings(conn, webhook_id, 0, 100))

    def tries(self, webhook_id: str) -> Sequence[PostingTry]:
        return self.db.read_now(lambda conn: webhook_rows.tries(conn, webhook_id, 100))

    def starts(self, alert_id: str, *, published: bool = True) -> None:
        """An alert's countdown ends, and its page is out."""

        def work(conn: Any) -> None:
            assert begin(conn, alert_id, self.clock.now(), webhook_rows.plan) is not None
            if published:
                register.set_status(conn, alert_id, Status.SENDING, self.clock.now())

        self.db.write_now(work)


@asynccontextmanager
async def a_bureau(db: Database, clock: ManualClock, timeout_s: float = 5) -> AsyncIterator[Bureau]:
    pages: list[str] = []
    async with Egress(LET_IN) as egress:
        poster = Poster(
            db=db,
            clock=clock,
            ring=RING,
            site=SITE,
            egress=egress,
            events=lambda event_id: from_json(db.read_now(lambda conn: register.event(conn, event_id)).content),
            owner="here",
            page=pages.append,
            timeout_s=timeout_s,
        )
        verbs = Webhooks(clock=clock, ring=RING, rules=LET_IN, hazards=("boil_water", "flood", "test"))
        yield Bureau(db, clock, verbs, poster, pages)
        await poster.close()


REAL = frozenset({Reality.ACTUAL})
GRAVE = {"least": Severity.EXTREME}
