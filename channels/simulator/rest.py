"""The gateway's HTTP face: Twilio's Messages and Calls resources and Lookup, with the faults that act on a connection."""

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from channels.simulator.exchange import SILENT, Exchange
from channels.simulator.listing import Listing
from channels.simulator.lookups import phone_number
from channels.simulator.messages import API_VERSION, Message, resource, rfc2822
from channels.simulator.provisioning import Provisioning
from channels.simulator.refusals import Refusal
from channels.simulator.telephone.exchange import Telephone
from channels.simulator.telephone.rest import CallsApi

_JSON: Final = json.JSONEncoder(ensure_ascii=False)
_JSON_TYPE: Final = {"Content-Type": "application/json; charset=utf-8"}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestApi:
    """Thin handlers around an Exchange, and calls beside texts. `ending` is set when the simulator stops, so that hanging
    requests end."""

    def __init__(self, exchange: Exchange, telephone: Telephone, ending: asyncio.Event) -> None:
        config = exchange.config
        self._exchange = exchange
        self._ending = ending
        self._calls = CallsApi(telephone, _json)
        self._owns = Provisioning(config.provisioned, [one.number for one in config.senders], config.inbound_url)
        self._base = f"/{API_VERSION}/Accounts/{config.account_sid}"
        self._login = "Basic " + b64encode(f"{config.account_sid}:{config.auth_token}".encode()).decode()
        self._started = rfc2822(0)

    def routes(self) -> list[web.RouteDef]:
        account = f"/{API_VERSION}/Accounts/{{account}}"
        return [
            web.post(f"{account}/Messages.json", self._guarded(self.create)),
            web.get(f"{account}/Messages.json", self._guarded(self.list)),
            web.get(f"{account}/Messages/{{sid}}.json", self._guarded(self.fetch)),
            web.post(f"{account}/Messages/{{sid}}.json", self._guarded(self.update)),
            *self._calls.routes(self._guarded),
            web.get(f"{account}.json", self._guarded(self.account)),
            *self._provisioning(account),
            web.get("/v2/PhoneNumbers/{number}", self._guarded(self.look_up)),
            web.route("*", "/{anything:.*}", self.nothing_here),
        ]

    def _provisioning(self, account: str) -> list[web.RouteDef]:
        """How the account stands: documents that are only read."""
        owns, service = self._owns, "/v1/Services/{service}"
        documents = {
            f"{account}/Balance.json": owns.balance,
            f"{account}/IncomingPhoneNumbers.json": owns.numbers,
            f"{account}/SMS/ShortCodes.json": owns.short_codes,
            "/v1/Services": owns.services,
            f"{service}/PhoneNumbers": owns.service_numbers,
            f"{service}/Compliance/Usa2p": owns.campaigns,
            "/v1/Tollfree/Verifications": owns.verifications,
        }
        return [web.get(path, self._guarded(_document(made))) for path, made in documents.items()]

    async def create(self, request: web.Request) -> web.StreamResponse:
        answer = await self._exchange.create(await _form(request))
        faults = self._exchange.live.sms
        if faults.slow_s:
            await self._pause(faults.slow_s)
        if answer.fault in SILENT:
            if answer.fault.startswith("hang"):
                await self._pause(faults.hang_s)
            return _cut(request)
        retry = {"Retry-After": str(faults.retry_after_s)} if answer.status == 429 else None
        return _json(answer.status, answer.document, retry)

    async def list(self, request: web.Request) -> web.StreamResponse:
        listing = self._exchange.carrier.archive.page(request.query)
        if isinstance(listing, Refusal):
            return _refusal(listing)
        return _json(200, self._list_document(listing))

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        message = self._exchange.carrier.archive.get(request.match_info["sid"])
        if message is None:
            return _refusal(Refusal(20404, request.path))
        return _json(200, resource(message, self._exchange.config.account_sid))

    async def update(self, request: web.Request) -> web.StreamResponse:
        message = self._exchange.carrier.archive.get(request.match_info["sid"])
        if message is None:
            return _refusal(Refusal(20404, request.path))
        if await _form(request) != {"Status": "canceled"}:
            return _refusal(Refusal(30400))
        refusal = await self._exchange.cancel(message)
        if refusal is not None:
            return _refusal(refusal)
        return _json(200, resource(message, self._exchange.config.account_sid))

    async def account(self, _request: web.Request) -> web.StreamResponse:
        document = {
            "auth_token": None,
            "date_created": self._started,
            "date_updated": self._started,
            "friendly_name": "Simulated account",
            "owner_account_sid": self._exchange.config.account_sid,
            "sid": self._exchange.config.account_sid,
            "status": self._owns.stands.status,
            "subresource_uris": {"calls": f"{self._base}/Calls.json", "messages": f"{self._base}/Messages.json"},
            "type": self._owns.stands.kind,
            "uri": f"{self._base}.json",
        }
        return _json(200, document)

    async def look_up(self, request: web.Request) -> web.StreamResponse:
        exchange = self._exchange
        exchange.tally["lookups"] += 1
        if exchange.live.sms.slow_s:
            await self._pause(exchange.live.sms.slow_s)
        fields, url = request.query.get("Fields", ""), str(request.url.with_query(None))
        return _json(200, phone_number(exchange.carrier.handsets, request.match_info["number"], fields, url))

    async def nothing_here(self, request: web.Request) -> web.StreamResponse:
        return _refusal(Refusal(20404, request.path))

    def _guarded(self, handler: _Handler) -> _Handler:
        account_sid = self._exchange.config.account_sid

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._login.encode()):
                return _refusal(Refusal(20003))
            if request.match_info.get("account", account_sid) != account_sid:  # Lookup's paths name none
                return _refusal(Refusal(20404, request.path))
            if self._exchange.live.sms.refuse_all and handler != self.create:  # a refused create goes into the log
                return _refusal(Refusal(20503))
            return await handler(request)

        return guarded

    def _list_document(self, listing: Listing[Message]) -> dict[str, object]:
        def uri(query: str | None) -> str | None:
            return None if query is None else f"{self._base}/Messages.json?{query}"

        start = listing.page * listing.page_size
        return {
            "end": start + max(len(listing.shown) - 1, 0),
            "first_page_uri": uri(listing.first),
            "messages": [resource(message, self._exchange.config.account_sid) for message in listing.shown],
            "next_page_uri": uri(listing.following),
            "page": listing.page,
            "page_size": listing.page_size,
            "previous_page_uri": uri(listing.previous),
            "start": start,
            "uri": uri(listing.here),
        }

    async def _pause(self, seconds: float) -> None:
        """Waits so long, but not longer than the simulator runs."""
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return


def _document(made: Callable[[web.Request], Mapping[str, object]]) -> _Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return _json(200, made(request))

    return answer


async def _form(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl((await request.read()).decode(errors="replace"), keep_blank_values=True))


def _json(status: int, document: Mapping[str, object], headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=_JSON.encode(document).encode(), headers=_JSON_TYPE | (headers or {}))


def _refusal(refusal: Refusal) -> web.Response:
    return _json(refusal.status, refusal.document())


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
