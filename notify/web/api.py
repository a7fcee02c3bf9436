"""The API of staff, put together from its parts: the list of endpoints, and what watches it. Private listener only."""

from aiohttp import web

from notify import metrics
from notify.service import Service
from notify.web.alert_api import AlertApi
from notify.web.area_api import AreaApi
from notify.web.cap_api import CapApi
from notify.web.contact_api import ContactApi
from notify.web.drill_api import DrillApi
from notify.web.endpoints import ANYBODY, PREFIX, READERS, STAFF_ALL, Endpoint, web_routes
from notify.web.hold_api import HoldApi
from notify.web.openapi import document
from notify.web.paging_api import PagingApi
from notify.web.passkey_api import PasskeyApi
from notify.web.proving import Proving
from notify.web.received_api import ReceivedApi
from notify.web.records_api import RecordsApi
from notify.web.refusals import Refusals
from notify.web.replies import Replies
from notify.web.staff_api import StaffApi
from notify.web.translation_api import TranslationApi
from notify.web.webhook_api import WebhookApi
from notify.web.websub_api import WebSubApi
from subscribers.sealing import Keyring
from surge import api as surge_api
from surge import desk_api
from surge.numbers.city_rates import rates
from surge.numbers.number_api import NumberApi
from surge.numbers.open311_api import Open311Api
from surge.pages.office import Room, Side


def routes(service: Service, ring: Keyring | None = None, url: str = "", side: Side | None = None) -> list[web.RouteDef]:
    """ring: opens residents' addresses and the seeds of codes; without it nobody is looked up, no glass is broken, and there
    are no 311 desk and no drills. url: how staff reach the console, which passkeys are bound to. side: what the 311 desk works
    with."""
    return web_routes(Api(service, ring, url, side).endpoints(), Refusals(service.db, service.clock))


class Api:
    def __init__(self, service: Service, ring: Keyring | None = None, url: str = "", side: Side | None = None) -> None:
        self.service = service
        self._tallies = service.tallies
        replies, proving = Replies(service.db, service.clock), Proving(service, ring, url)
        alerts = AlertApi(service, ring, self._tallies, replies)
        site, city = service.assembly.site, service.assembly.city
        numbers = NumberApi(db=service.db, clock=service.clock, site=site, replies=replies, rates=rates(city.folder))
        own = (
            alerts,
            RecordsApi(service, ring),
            AreaApi(service, replies),
            StaffApi(service, replies),
            PasskeyApi(service, replies, proving),
            ContactApi(service, replies, proving),
            PagingApi(service, replies),
            TranslationApi(service, replies),
            CapApi(service),
            HoldApi(service, replies),
        )
        webhooks = WebhookApi(service, replies)
        self._parts = (*own, webhooks, WebSubApi(service), numbers, Open311Api(db=service.db, clock=service.clock))
        received = service.received
        self._received = ReceivedApi(service, received, replies).endpoints() if received is not None else []
        self._sealed: list[Endpoint] = []
        if ring is not None:
            room = Room(db=service.db, clock=service.clock, ring=ring, site=site, side=side or Side())
            self._sealed = [*desk_api.endpoints(room, replies), *DrillApi(service, replies, ring).endpoints()]
        self._surge = surge_api.endpoints(service.surge.control, replies) if service.surge is not None else []

    def endpoints(self) -> list[Endpoint]:
        """Everything the API answers: the one list that routes, document and tests are made from."""
        return [
            *self._own(),
            *(one for part in self._parts for one in part.endpoints()),
            *self._received,
            *self._surge,
            *self._sealed,
        ]

    def _own(self) -> list[Endpoint]:
        get, p = "GET", PREFIX
        unready = frozenset({503})
        return [
            Endpoint(method=get, path="/healthz", answer=self.health, roles=ANYBODY, says="The process runs", gives="Health"),
            Endpoint(
                method=get,
                path="/readyz",
                answer=self.ready,
                roles=ANYBODY,
                says="It can take an alert now: the ledger can be written, the audience is loaded, senders are in order",
                gives="Readiness",
                refusals=unready,
            ),
            Endpoint(
                method=get,
                path="/metrics",
                answer=self.metrics,
                roles=ANYBODY,
                says="What Prometheus reads; no label holds personal data",
                gives="Text",
                media="text/plain",
            ),
            Endpoint(
                method=get, path=f"{p}/openapi.json", answer=self.describe, roles=STAFF_ALL, says="This document", gives="Any"
            ),
            Endpoint(
                method=get, path=f"{p}/status", answer=self.status, roles=READERS, says="The lights of a desk", gives="Status"
            ),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """The process runs."""
        return web.json_response({"alive": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """It can take an alert: the ledger can be written and the audience is loaded."""
        problems = await self.service.not_ready()
        said = {"ready": not problems, "problems": problems, "warnings": self.service.warnings()}
        return web.json_response(said, status=503 if problems else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=await metrics.text_of(self.service, self._tallies), headers={"Content-Type": metrics.CONTENT_TYPE}
        )

    async def describe(self, _request: web.Request) -> web.Response:
        return web.json_response(document(self.endpoints()))

    async def status(self, _request: web.Request) -> web.Response:
        return web.json_response(await self.service.status())
