"""Partners of the city in the walk: agencies that are posted to, subscribers of its feeds, agencies with alerts of their own.

Everything goes over real sockets to a listener of our own; for the pictures the rows name hosts as a city would read them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection, update
from sqlmodel import col

from notify.alerts.alert import Severity
from notify.alerts.life import Role, Staff
from notify.partners.webhook import Shape, Wanted
from notify.partners.webhook_tables import Posting, Webhook
from notify.received import message, store
from notify.received.sources import Kind, Source
from notify.received.store import Came
from notify.sending import hold, seeds
from notify.service import Service
from notify.websub import subscriptions
from notify.websub.asking import Asked
from notify.websub.websub_tables import WebSubSubscription
from subscribers.sealing import Keyring
from tests.notify.received.agency import a_document, urn
from tests.ports import free_port

ADMIN, SECOND = (Staff(person_id=name, roles=frozenset({Role.ADMIN})) for name in ("admin", "deputy-admin"))
SOURCES: Final = (
    Source(name="nws", title="National Weather Service", kind=Kind.POST, silent_after_s=0),
    Source(name="county", title="Multnomah County", kind=Kind.POST, silent_after_s=1),
)
SHOWN_AS: Final = {
    "county-health": "https://hooks.health.example.gov",
    "hospital-network": "https://alerts.hospitals.example.org:8443",
    "newsroom": "https://hooks.chat.example.com",
    "school-district": "https://tocsin.schools.example.gov",
}
FEEDS: Final = {
    "press.example.com": "feeds/active.atom",
    "aggregator.example.org": "feeds/active.geojson",
    "radio.example.net": "feeds/active.rss",
}


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a partner listens that answers, and a port where nobody does."""

    url: str
    nobody: str


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A partner that takes what it gets, proves that it wants it, and is what a slow newsroom is not: there."""

    async def take(request: web.Request) -> web.StreamResponse:
        given = json.loads(await request.read())
        return web.json_response({"challenge": given.get("challenge", "")})

    async def wants(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(text=request.query.get("hub.challenge", ""))

    app = web.Application()
    app.router.add_post("/hook", take)
    app.router.add_route("*", "/feed/{name}", wants)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Listener(f"http://127.0.0.1:{runner.addresses[0][1]}", f"http://127.0.0.1:{free_port()}")
    finally:
        await runner.cleanup()


async def filled(service: Service, ring: Keyring, at: Listener, wait: Callable[[Callable[[], bool]], Any]) -> dict[str, str]:
    """One webhook in each state, three subscribers, alerts of other agencies; ids by what they are."""
    db, now = service.db, service.clock.now()
    hooks = [
        Wanted(webhook_id="county-health", url=f"{at.url}/hook", shape=Shape.JSON),
        Wanted(webhook_id="hospital-network", url=f"{at.nobody}/hook", shape=Shape.JSON, least=Severity.SEVERE),
        Wanted(webhook_id="newsroom", url=f"{at.url}/hook", shape=Shape.SLACK),
        Wanted(webhook_id="school-district", url=f"{at.url}/hook", shape=Shape.JSON, hazards=("boil_water", "smoke")),
    ]
    for wanted in hooks:
        db.write_now(partial(service.webhooks.ask, admin=SECOND, wanted=wanted))
        if wanted.webhook_id != "school-district":
            db.write_now(partial(service.webhooks.agree, admin=ADMIN, webhook_id=wanted.webhook_id))
    await wait(lambda: state(service, "county-health").state == "active")
    await wait(lambda: state(service, "hospital-network").failures > 0)
    db.write_now(lambda conn: service.webhooks.test(conn, ADMIN, "county-health"))
    await wait(lambda: not db.read_now(lambda conn: _waits(conn, "county-health")))
    db.write_now(lambda conn: _named(conn))
    db.write_now(lambda conn: _subscribed(conn, service, ring, at, now))
    return db.write_now(lambda conn: _told(conn, now))


def state(service: Service, webhook_id: str) -> Webhook:
    from_rows = service.db.read_now(lambda conn: conn.execute(Webhook.__table__.select()).all())  # type: ignore[attr-defined]
    return next(Webhook(**row._mapping) for row in from_rows if row.webhook_id == webhook_id)


def _waits(conn: Connection, webhook_id: str) -> bool:
    rows = conn.execute(Posting.__table__.select()).all()  # type: ignore[attr-defined]
    return any(row.standing == "waiting" for row in rows if row.webhook_id == webhook_id)


def _named(conn: Connection) -> None:
    for webhook_id, origin in SHOWN_AS.items():
        conn.execute(update(Webhook).where(col(Webhook.webhook_id) == webhook_id).values(origin=origin))


def _subscribed(conn: Connection, service: Service, ring: Keyring, at: Listener, now: datetime) -> None:
    for number, (host, feed) in enumerate(FEEDS.items()):
        callback = f"{at.nobody if number == 2 else at.url}/feed/{number}"
        secret = "" if number == 1 else "a secret of theirs"
        asked = Asked(subscribes=True, topic=service.assembly.site.url(feed), callback=callback, secret=secret)
        subscriptions.verified(conn, asked, ring, now)
        mine = col(WebSubSubscription.mark) == asked.mark
        conn.execute(update(WebSubSubscription).where(mine).values(host=host))


def _told(conn: Connection, now: datetime) -> dict[str, str]:
    """What other agencies say: in force, a test, and one that was updated."""

    def ago(minutes: int) -> datetime:
        return (now - timedelta(minutes=minutes)).astimezone(UTC).replace(microsecond=0)

    creek = {"headline": "Flash Flood Warning until 6 PM", "area_desc": "Johnson Creek from Gresham to Milwaukie"}
    road = {"same": "FLW", "headline": "Johnson Creek is over SE Foster Road", "area_desc": "SE Foster Road at SE 111th Ave"}
    documents = [
        ("nws", a_document(1, sent=ago(50), **creek)),
        ("nws", a_document(2, sent=ago(20), msg_type="Update", refers=[(1, ago(50))], **creek)),
        ("nws", a_document(3, sent=ago(15), status="Test", severity="Minor", headline="Monthly test of the weather radio")),
        ("county", a_document(4, sent=ago(9), sender="county@example.gov", event="Flood Warning", **road)),
    ]
    found = {}
    for number, (source, document) in enumerate(documents, 1):
        came = Came(source=source, message=message.of_cap(document), document=document, media="application/cap+xml")
        store.keep(conn, came, now)
        store.note_source(conn, source, now, heard_at=now)
        found[urn(number)] = came.received_id
    return {"received": found[urn(4)], "received_test": found[urn(3)]}


def planted(conn: Connection, ring: Keyring, now: datetime) -> None:
    """Phones and mailboxes of the city's own."""
    for name, new in (
        ("radio room", ("sms", "+15035550190", "en")),
        ("front desk at City Hall", ("sms", "+15035550191", "es")),
        ("watch mailbox", ("email", "watch@example.gov", "en")),
    ):
        seeds.enroll(conn, name, new, ring, now)


def held(conn: Connection, now: datetime) -> None:
    hold.begin(conn, "a restore of the backup of 02:10 put the ledger back.", "admin", now)
