"""The hub's one address on the public listener: whoever wants a feed pushed posts a form to it."""

from typing import Final
from urllib.parse import parse_qs

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from notify.publishing.site import Site
from notify.web.forms import client_of
from notify.websub import asking
from notify.websub.hub import Hub, logger

FORM: Final = "application/x-www-form-urlencoded"
AGAIN_S: Final = "60"


def routes(hub: Hub, site: Site, proxies: int) -> list[web.RouteDef]:
    """proxies: how many of ours stand before the public listener."""

    async def asked(request: web.Request) -> web.Response:
        if request.content_type != FORM:
            return _said(415, f"A request to the hub is a form: {FORM}.")
        body = await request.content.read(asking.MOST_BYTES + 1)
        while len(body) <= asking.MOST_BYTES and (more := await request.content.read(asking.MOST_BYTES)):
            body += more
        if len(body) > asking.MOST_BYTES:
            return _said(413, f"A request to the hub has at most {asking.MOST_BYTES} bytes.")
        try:
            form = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict")
        except ValueError:
            return _said(400, "The form cannot be read.")
        found, problems = asking.read(form, hub.topics, hub.egress.rules)
        if found is None:
            return _said(400, *problems)
        try:
            return _said(*await hub.ask(found, client_of(request, proxies)))
        except SQLAlchemyError:
            logger.exception("the hub could not use the database")
            return _said(503, "The hub cannot work now.")

    return [web.post(f"/{site.hub()}", asked)]


def _said(status: int, *sentences: str) -> web.Response:
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    headers |= {"Retry-After": AGAIN_S} if status in (429, 503) else {}
    return web.Response(status=status, text="\n".join(sentences) + "\n", headers=headers)
