"""Where a provider delivers residents' texts. Served on the public listener; answered in the provider's own reply document."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from xml.etree import ElementTree

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from channels.base import Forged, Hears, Inbound
from channels.several import Reads
from notify.residents.inbox import Inbox
from notify.web.bodies import form_of, whole_body
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
    """channels: one channel of each name, to verify and read its provider's requests. samples: whose numbers count."""

    def __init__(self, channels: Mapping[str, Reads], inbox: Inbox, public_url: str, samples: Samples) -> None:
        self._channels, self._inbox, self._samples = channels, inbox, samples
        self._public_url = public_url.rstrip("/")

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/inbound/{channel}", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """A resident's text. 503 when it cannot be written: the provider then tries again, or its fallback."""
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
        try:
            text = replace(text, address=normal_phone(text.address, self._samples))
        except BadAddress as fault:  # a short code, an alphanumeric sender, a number this instance must not reach
            logger.info("a text is not answered: %s", fault)
            return _xml(NOTHING)
        try:
            answers = await self._inbox.hear(text)
        except SQLAlchemyError:
            logger.exception("a text could not be written; the provider is asked to send it again")
            raise web.HTTPServiceUnavailable from None
        return _xml(twiml(answers))


def _xml(document: bytes) -> web.Response:
    return web.Response(body=document, content_type="text/xml", charset="utf-8")
