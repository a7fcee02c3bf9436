"""Where a provider delivers residents' texts. Served on the public listener; answered in the provider's own reply document, or,
where it takes none there, by texts of our own."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from xml.etree import ElementTree

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from channels.base import Forged, Heard, Hears, Inbound, Unreadable
from channels.several import Reads
from notify.residents.inbox import Inbox
from notify.web.bodies import form_of, whole_body
from notify.web.come_again import come_again
from subscribers.address import BadAddress, Samples, normal_phone

logger = logging.getLogger(__name__)

NOTHING: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


def twiml(answers: Sequence[str]) -> bytes:
    """https://www.twilio.com/docs/messaging/twiml: one <Message> for each text. What residents named comes out literal."""
    response = ElementTree.Element("Response")
    for answer in answers:
        ElementTree.SubElement(response, "Message").text = answer
    return bytes(ElementTree.tostring(response, encoding="UTF-8", xml_declaration=True))


class InboundTexts:
    """channels: one channel of each name, to verify and read its provider's requests. samples: whose numbers count. send: an
    answer from the number of ours that was written to, to whom, what; False when it may be tried again."""

    def __init__(
        self,
        channels: Mapping[str, Reads],
        inbox: Inbox,
        public_url: str,
        samples: Samples,
        send: Callable[[str, str, str], Awaitable[bool]],
    ) -> None:
        self._channels, self._inbox, self._samples, self._send = channels, inbox, samples, send
        self._public_url = public_url.rstrip("/")

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/inbound/{channel}", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """A resident's text. 503 when it cannot be written, or its answer not be sent: the provider then tries again, or its
        fallback, and a text that comes again counts once."""
        channel = self._channels.get(request.match_info["channel"])
        if not isinstance(channel, Hears):
            raise web.HTTPNotFound
        body = await whole_body(request)
        inbound = Inbound(
            url=self._public_url + request.path_qs,
            path=request.path,
            headers=dict(request.headers),
            form=form_of(request, body),
            body=body,
        )
        try:
            text = channel.read_text(inbound)
        except Forged:
            logger.warning("a text was forged or unsigned, and is ignored")
            raise web.HTTPForbidden from None
        except Unreadable as fault:
            logger.warning("a text cannot be read, and is refused: %s", fault)
            raise web.HTTPBadRequest(text=str(fault)) from None
        try:
            text = replace(text, address=normal_phone(text.address, self._samples))
        except BadAddress as fault:  # a short code, an alphanumeric sender, a number this instance must not reach
            logger.info("a text is not answered: %s", fault)
            return _xml(NOTHING) if text.in_reply else web.Response(status=204)
        try:
            answers = await self._inbox.hear(text)
        except SQLAlchemyError as error:
            raise come_again(error, "a text") from None
        return _xml(twiml(answers)) if text.in_reply else await self._answered(text, answers)

    async def _answered(self, text: Heard, answers: Sequence[str]) -> web.Response:
        for answer in answers:
            if not await self._send(text.ours, text.address, answer):
                raise web.HTTPServiceUnavailable
        return web.Response(status=204)


def _xml(document: bytes) -> web.Response:
    return web.Response(body=document, content_type="text/xml", charset="utf-8")
