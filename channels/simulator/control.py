"""The controls: faults changed while the simulator runs, counts, texts from residents. For this machine only."""

import asyncio
import json
import re
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any, Final

from aiohttp import web

from channels.simulator.drafts import MOST_CHARACTERS
from channels.simulator.exchange import Exchange
from channels.simulator.faults import Unfit, changed
from channels.simulator.mail import MailSink
from channels.simulator.numbers import FICTIONAL

LONGEST_WAIT_S: Final = 600.0
MOST_MEDIA: Final = 10  # https://www.twilio.com/docs/messaging/guides/webhook-request
MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]+")


class Control:
    """GET /control gives counts and faults. POST /control {"sms": {...}, "mail": {...}} changes faults, null resets them.
    POST /control/inbound {"from", "to", "body"} is a text from a resident, with "media": ["image/jpeg", ...] a picture message,
    whose body may be empty. GET /control/settled?timeout_s=30 answers when
    nothing is under way any more, with 504 when that takes too long."""

    def __init__(self, exchange: Exchange, mail: MailSink) -> None:
        self._exchange = exchange
        self._mail = mail

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control", self.show),
            web.post("/control", self.change),
            web.post("/control/inbound", self.inbound),
            web.get("/control/settled", self.settled),
        ]

    async def show(self, request: web.Request) -> web.Response:
        only_from_here(request)
        return web.json_response(self._state())

    async def change(self, request: web.Request) -> web.Response:
        """Changes nothing at all when any part of the wish is unfit."""
        wish = await document_of(request)
        live = self._exchange.live
        sms, mail, wrong = live.sms, live.mail, [f"There is no part {part!r}." for part in wish.keys() - {"sms", "mail"}]
        try:
            sms = changed(live.sms, wish["sms"]) if "sms" in wish else live.sms
        except Unfit as error:
            wrong += error.problems
        try:
            mail = changed(live.mail, wish["mail"]) if "mail" in wish else live.mail
        except Unfit as error:
            wrong += error.problems
        if wrong:
            return _bad(wrong)
        live.sms, live.mail = sms, mail
        return web.json_response(self._state())

    async def inbound(self, request: web.Request) -> web.Response:
        wish = await document_of(request)
        phone, sender, body = (wish.get(key) for key in ("from", "to", "body"))
        wrong = []
        if not isinstance(phone, str) or not FICTIONAL.fullmatch(phone):
            wrong.append("from must be a number in exchange 555, like +15035550123.")
        if sender not in self._exchange.carrier.senders:
            wrong.append("to must be one of this gateway's senders.")
        if not isinstance(body, str) or len(body) > MOST_CHARACTERS:
            wrong.append(f"body must be a text of at most {MOST_CHARACTERS} characters.")
        media = wish.get("media", [])
        if not isinstance(media, list) or len(media) > MOST_MEDIA or not all(_is_media_type(each) for each in media):
            wrong.append(f"media must be a list of at most {MOST_MEDIA} types like image/jpeg.")
        if wrong:
            return _bad(wrong)
        sid, replies = await self._exchange.receive(str(phone), str(sender), str(body), tuple(media))
        return web.json_response({"sid": sid, "replies": replies})

    async def settled(self, request: web.Request) -> web.Response:
        only_from_here(request)
        try:
            limit_s = min(max(float(request.query.get("timeout_s", "30")), 0), LONGEST_WAIT_S)
        except ValueError:
            return _bad(["timeout_s must be a number of seconds."])
        try:
            async with asyncio.timeout(limit_s):
                await self._exchange.until_settled()
        except TimeoutError:
            return web.json_response(self._state(), status=504)
        return web.json_response(self._state())

    def _state(self) -> dict[str, Any]:
        exchange = self._exchange
        return {
            "settled": exchange.settled,
            "sms": dict(exchange.tally),
            "statuses": dict(exchange.reports.tally),
            "callbacks": dict(exchange.poster.tally),
            "callbacks_pending": exchange.poster.pending + exchange.reports.pending,
            "waiting_segments": exchange.carrier.waiting,
            "opted_out": len(exchange.carrier.opted_out),
            "mail": dict(self._mail.tally),
            "faults": {"sms": asdict(exchange.live.sms), "mail": asdict(exchange.live.mail)},
        }


def only_from_here(request: web.Request) -> None:
    """Raises HTTPForbidden for anybody who is not on this machine."""
    try:
        near = ip_address(request.remote or "").is_loopback
    except ValueError:
        near = False
    if not near:
        raise web.HTTPForbidden(text="The controls answer to this machine only.\n")


async def document_of(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request from here. A browser cannot send this content type to us from somebody else's page."""
    only_from_here(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON, as application/json.\n")
    try:
        document = json.loads(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"This is no JSON: {error}.\n") from error
    if not isinstance(document, dict):
        raise web.HTTPBadRequest(text="Send a JSON object.\n")
    return document


def _is_media_type(given: object) -> bool:
    return isinstance(given, str) and MEDIA_TYPE.fullmatch(given) is not None


def _bad(wrong: list[str]) -> web.Response:
    return web.json_response({"problems": wrong}, status=400)
