"""Twilio's Calls resource over HTTP, and the recordings that calls have left.

https://www.twilio.com/docs/voice/api/call-resource
"""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from channels.simulator.listing import Listing
from channels.simulator.messages import API_VERSION
from channels.simulator.numbers import may_call
from channels.simulator.refusals import Refusal
from channels.simulator.telephone import notifications
from channels.simulator.telephone.calls import INBOUND, Call, resource
from channels.simulator.telephone.exchange import Telephone
from channels.simulator.telephone.orders import read_order, read_update

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answered = Callable[[int, Mapping[str, object]], web.StreamResponse]


class CallsApi:
    """Thin handlers around a Telephone; `guarded` checks who asks, `answer` writes JSON."""

    def __init__(self, telephone: Telephone, answer: Answered) -> None:
        self._telephone, self._answer = telephone, answer
        self._account = telephone.board.outside.account_sid

    def routes(self, guarded: Callable[[Handler], Handler]) -> list[web.RouteDef]:
        account = f"/{API_VERSION}/Accounts/{{account}}"
        return [
            web.post(f"{account}/Calls.json", guarded(self.create)),
            web.get(f"{account}/Calls.json", guarded(self.all)),
            web.get(f"{account}/Calls/{{sid}}.json", guarded(self.fetch)),
            web.get(f"{account}/Notifications.json", guarded(self.faults)),
            web.post(f"{account}/Calls/{{sid}}.json", guarded(self.update)),
            web.get(f"{account}/Recordings/{{sid:RE[0-9a-f]{{32}}}}", guarded(self.recording)),
            web.get(f"{account}/Recordings/{{sid:RE[0-9a-f]{{32}}}}.wav", guarded(self.recording)),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        board, form = self._telephone.board, await self._form(request)
        order = read_order(form, self._telephone.owned, self._may_call)
        said = dict(form)
        if isinstance(order, Refusal):
            outcome: Call | Refusal = board.refused(said.get("To", ""), said.get("From", ""), order)
        else:
            outcome = board.create(order)
        if isinstance(outcome, Refusal):
            status, document = outcome.status, outcome.document()
        else:
            status, document = 201, self._document(outcome)
        await self._telephone.synced()
        return self._answer(status, document)

    async def all(self, request: web.Request) -> web.StreamResponse:
        self._telephone.touch()
        listing = self._telephone.board.register.page(request.query)
        if isinstance(listing, Refusal):
            return self._refusal(listing)
        return self._answer(200, self._pages(listing, "calls", [self._document(call) for call in listing.shown]))

    async def faults(self, request: web.Request) -> web.StreamResponse:
        """What went wrong on calls."""
        self._telephone.touch()
        listing = self._telephone.board.mail.notifications.page(request.query)
        if isinstance(listing, Refusal):
            return self._refusal(listing)
        shown = [notifications.resource(one, self._account) for one in listing.shown]
        return self._answer(200, self._pages(listing, "notifications", shown))

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self._telephone.touch()
        call = self._telephone.board.register.get(request.match_info["sid"])
        if call is None:
            return self._refusal(Refusal(20404, request.path))
        return self._answer(200, self._document(call))

    async def update(self, request: web.Request) -> web.StreamResponse:
        form = await self._form(request)
        call = self._telephone.board.register.get(request.match_info["sid"])
        if call is None:
            return self._refusal(Refusal(20404, request.path))
        update = read_update(form, self._may_call)
        refusal = update if isinstance(update, Refusal) else self._telephone.board.update(call, update)
        if refusal is not None:
            return self._refusal(refusal)
        self._telephone.touch()  # an interrupt is carried out before its answer is written
        document = self._document(call)
        await self._telephone.synced()
        return self._answer(200, document)

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """A recording as a WAV file: what somebody was given to say, or silence of its length."""
        body = self._telephone.board.recordings.get(request.match_info["sid"])
        if body is None:
            return self._refusal(Refusal(20404, request.path))
        return web.Response(body=body, content_type="audio/wav")

    async def _form(self, request: web.Request) -> list[tuple[str, str]]:
        body = await request.read()
        self._telephone.touch()
        return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)

    def _may_call(self, url: str) -> bool:
        return may_call(url, self._telephone.hosts)

    def _document(self, call: Call) -> dict[str, object]:
        ours = call.to if call.direction == INBOUND else call.caller
        number_sid = f"PN{blake2b(ours.encode(), digest_size=16).hexdigest()}" if ours in self._telephone.owned else None
        return resource(call, self._account, number_sid)

    def _pages(self, listing: Listing[Any], what: str, shown: list[dict[str, object]]) -> dict[str, object]:
        base = f"/{API_VERSION}/Accounts/{self._account}/{what.capitalize()}.json"
        start = listing.page * listing.page_size
        return {
            what: shown,
            "end": start + max(len(listing.shown) - 1, 0),
            "first_page_uri": f"{base}?{listing.first}",
            "next_page_uri": None if listing.following is None else f"{base}?{listing.following}",
            "page": listing.page,
            "page_size": listing.page_size,
            "previous_page_uri": None if listing.previous is None else f"{base}?{listing.previous}",
            "start": start,
            "uri": f"{base}?{listing.here}",
        }

    def _refusal(self, refusal: Refusal) -> web.StreamResponse:
        return self._answer(refusal.status, refusal.document())
