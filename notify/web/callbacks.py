"""What providers and mail programs call: status reports and one-click unsubscribe. Served on the public listener."""

import hmac
import logging
from collections.abc import Mapping
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from channels import bounces
from channels.base import Forged, Inbound
from channels.several import Reads
from notify.clock import Clock
from notify.db import Database
from notify.publishing.site import ENGLISH
from notify.sending import opting_out, seeds
from notify.sending.outbox import unsubscribe_reference
from notify.sending.reports import Intake
from notify.web.bodies import form_of, whole_body
from notify.web.come_again import come_again
from notify.web.screens import Screens
from subscribers import store
from subscribers.store import Said

logger = logging.getLogger(__name__)

ASK: Final = ("Stop these e-mails?", "You will get no more e-mails from us, not even in an emergency.", "Stop all e-mails")
DONE: Final = ("You are unsubscribed", "You get no more e-mails from us. In an emergency, call 911.")
# Where no layout was given. A wish to stop is never refused for want of one.
PLAIN: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<meta name="viewport" content="width=device-width"></head><body><main><h1>{0}</h1><p>{1}</p>{2}</main></body></html>"""
BUTTON: Final = '<form method="post"><button type="submit">{}</button></form>'


class Callbacks:
    """channels: one channel of each name, to verify and read its provider's reports. blind_key signs unsubscribe links; screens
    is the layout of their pages."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        channels: Mapping[str, Reads],
        public_url: str,
        blind_key: bytes,
        screens: Screens | None = None,
        *,
        mails_instead: bool = False,
    ) -> None:
        self._db, self._clock, self._channels = db, clock, channels
        self._public_url, self._blind_key, self._screens = public_url.rstrip("/"), blind_key, screens
        self._intake = Intake(db, clock, mails_instead=mails_instead)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/reports/{channel}/{delivery_id}", self.report),  # first: a thousand a second
            web.post("/reports/seed", self.seed),
            web.post("/reports/{channel}", self.report),  # bounces, from the mail server's pipe
            web.get("/unsubscribe/{reference}", self.ask, allow_head=False),
            web.post("/unsubscribe/{reference}", self.unsubscribe),
        ]

    async def report(self, request: web.Request) -> web.Response:
        """A provider's report. Answered only when it is on disk; 503 makes the provider try again."""
        channel = self._channels.get(request.match_info["channel"])
        if channel is None:
            raise web.HTTPNotFound
        body = await whole_body(request)
        form = form_of(request, body)
        # The provider signs the address we gave it; what the request says of its own address does not count.
        inbound = Inbound(
            url=self._public_url + request.path_qs, path=request.path, headers=dict(request.headers), form=form, body=body
        )
        try:
            receipts = channel.read_report(inbound)
        except Forged:
            logger.warning("a report for channel %s was forged or unsigned, and is ignored", channel.name)
            raise web.HTTPForbidden from None
        try:
            await self._intake.take([receipt for receipt in receipts if receipt.delivery_id])  # 0: a notice, in no ledger
        except SQLAlchemyError as error:
            raise come_again(error, "a report") from None
        return web.Response(status=204)

    async def seed(self, request: web.Request) -> web.Response:
        """A mail that has come to a mailbox of ours, whole, from its robot. 404 for a mail that went to somebody else."""
        try:
            delivery_id = bounces.arrived(await whole_body(request), self._blind_key)
        except Forged:
            logger.warning("a seed's mail was forged or not ours, and is ignored")
            raise web.HTTPForbidden from None
        now = self._clock.now()
        try:
            known = await self._db.write(lambda conn: seeds.arrived(conn, delivery_id, now))
        except SQLAlchemyError as error:
            raise come_again(error, "a seed's report") from None
        if not known:
            raise web.HTTPNotFound
        return web.Response(status=204)

    async def ask(self, request: web.Request) -> web.Response:
        """A page with a button: mail scanners follow links, and must not unsubscribe anybody (RFC 8058)."""
        address_id = self._address_id(request)
        try:
            language = await self._language(address_id)
        except SQLAlchemyError:
            logger.exception("the language of an unsubscribe page could not be read")
            language = ENGLISH
        title, text, button = ASK
        if self._screens is None:
            return web.Response(text=PLAIN.format(title, text, BUTTON.format(button)), content_type="text/html")
        say = partial(self._screens.say, language)
        return self._screens.page("press", language, title=say(title), paragraphs=[say(text)], button=say(button))

    async def unsubscribe(self, request: web.Request) -> web.Response:
        address_id = self._address_id(request)
        said = Said(at=self._clock.now(), source="unsubscribe link", evidence="POST")
        language = ENGLISH
        try:
            await self._db.write(lambda conn: opting_out.stop(conn, address_id, said))
            language = await self._language(address_id)
        except LookupError:
            logger.info("an unsubscribe link of an erased address was used")
        except SQLAlchemyError as error:
            raise come_again(error, "a wish to stop") from None
        title, text = DONE
        if self._screens is None:
            return web.Response(text=PLAIN.format(title, text, ""), content_type="text/html")
        return self._screens.message(language, title, text)

    async def _language(self, address_id: int) -> str:
        """The person's own language where pages have it, English for somebody erased."""
        found = (await self._db.read(lambda conn: store.addresses(conn, [address_id]))).get(address_id)
        spoken = self._screens.site.languages if self._screens else ()
        return found.language if found and found.language in spoken else ENGLISH

    def _address_id(self, request: web.Request) -> int:
        reference = request.match_info["reference"]
        number = reference.partition("-")[0]
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise web.HTTPNotFound
        if not hmac.compare_digest(reference.encode(), unsubscribe_reference(self._blind_key, int(number)).encode()):
            raise web.HTTPNotFound
        return int(number)
