"""The telephone provider's webhooks, on the public listener: signed, heard once, answered from memory.

An error here is answered 500 at once, and the provider goes to the number's fallback document: a slow answer would be worse.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiohttp import web

from channels.base import Forged, Inbound
from notify.web.bodies import form_of, whole_body
from surge.floor.telephone import Telephone
from surge.voice.conversation import Conversation, Form

logger = logging.getLogger(__name__)

TOKEN: Final = "I-Twilio-Idempotency-Token"  # the same on every try of one webhook
REMEMBERED: Final = 20_000  # answers
CALL_SID: Final = "CallSid"


class Reader(Protocol):
    """What checks a webhook's signature; a telephone does."""

    def read(self, request: Inbound) -> dict[str, str]: ...


class VoiceWebhooks:
    """public_url: the address that the provider signs; what a request says of its own address does not count."""

    def __init__(self, conversation: Conversation, telephone: Telephone, public_url: str) -> None:
        self._talk, self._telephone = conversation, telephone
        self._public_url = public_url.rstrip("/")
        self._answers: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/voice/wait", self._plain(self._talk.wait)),  # first: every caller in the queue asks twice a minute
            web.post("/voice/ring", self._plain(self._talk.ring)),
            web.post("/voice/said/{key}", self._keyed(self._talk.said)),
            web.post("/voice/left", self._plain(self._talk.left)),
            web.post("/voice/dialed/{key}", self._keyed(self._talk.dialed)),
            web.post("/voice/recorded", self._plain(self._talk.recorded)),
            web.post("/voice/agent/{key}", self._keyed(self._talk.agent)),
            web.post("/voice/agent/{key}/said", self._keyed(self._talk.agent_said)),
            web.post("/voice/agent/{key}/left", self._keyed(self._talk.agent_left)),
            web.post("/voice/centre/{key}", self._keyed(self._talk.centre)),
            web.post("/voice/callback/{key}", self._keyed(self._talk.callback)),
            web.post("/voice/callback/{key}/said", self._keyed(self._talk.callback_said)),
            web.post("/voice/status", self.status),
        ]

    async def status(self, request: web.Request) -> web.Response:
        """A call is over; the provider wants no document."""
        form = await self._read(request)
        self._once(request, form, lambda: self._talk.status(form, request.query))
        return web.Response(status=204)

    def _plain(self, heard: Callable[[Form], bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def take(request: web.Request) -> web.Response:
            form = await self._read(request)
            return xml(self._once(request, form, lambda: heard(form)))

        return take

    def _keyed(self, heard: Callable[[str, Form], bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def take(request: web.Request) -> web.Response:
            form = await self._read(request)
            return xml(self._once(request, form, lambda: heard(request.match_info["key"], form)))

        return take

    async def _read(self, request: web.Request) -> Form:
        return await signed_form(request, self._telephone, self._public_url)

    def _once(self, request: web.Request, form: Form, hear: Callable[[], bytes]) -> bytes:
        """The provider tries again when an answer is lost: it gets the same one, and nothing happens twice. Without its token
        the board's own rule holds: a step that cannot follow is left out."""
        token = request.headers.get(TOKEN, "")
        if not token:
            return hear()
        key = (form[CALL_SID], request.path_qs, token)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = hear()
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return answer


async def signed_form(request: web.Request, telephone: Reader, public_url: str) -> Form:
    """What the provider says of a call; 403 for what it did not sign, 400 for what is of no call."""
    body = await whole_body(request)
    inbound = Inbound(
        url=public_url.rstrip("/") + request.path_qs,
        path=request.path,
        headers=request.headers,
        form=form_of(request, body),
        body=body,
    )
    try:
        form = telephone.read(inbound)
    except Forged:
        logger.warning("a telephone webhook was forged or unsigned, and is ignored")
        raise web.HTTPForbidden from None
    if not form.get(CALL_SID):
        raise web.HTTPBadRequest
    return form


def xml(document: bytes) -> web.Response:
    return web.Response(body=document, content_type="text/xml", charset="utf-8")
