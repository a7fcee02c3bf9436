"""Partners: webhooks (who gets alerts where, how each stands, what became of every message), and who subscribed to feeds."""

import json
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.alert import Severity
from notify.alerts.life import ADMINS
from notify.console.routing import FORM, Guard, Route, several
from notify.console.screens import VISIT
from notify.partners import webhook_rows, webhook_verbs
from notify.partners.webhook import Reality, Shape, Wanted
from notify.partners.webhook_verbs import BadWebhook
from notify.service import Service
from notify.websub import subscriptions

ACTS: Final = ("agree", "refuse", "confirm", "test", "resume", "end", "replay")
PROVED: Final = frozenset({"agree"})  # acts that open a way out ask first whether it is really them
SHOWN: Final = 50
MOST_SUBSCRIBERS: Final = 200  # of feeds, those that fail first
LONGEST_NUMBER: Final = 15


class WebhookPages:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._db, self._screens = guard, guard.db, guard.screens
        self._verbs, self._hazards = service.webhooks, service.assembly.hazards

    def routes(self) -> list[Route]:
        one = "/webhooks/{webhook_id:[a-z0-9-]{1,40}}"
        return [
            Route(method="GET", path="/webhooks", answer=self.all, roles=ADMINS),
            Route(method="POST", path="/webhooks", answer=self.ask, roles=ADMINS),
            Route(method="GET", path=one, answer=self.one, roles=ADMINS),
            Route(method="POST", path=f"{one}/{{press:{'|'.join(ACTS)}}}", answer=self.act, roles=ADMINS),
        ]

    async def all(self, request: web.Request) -> web.StreamResponse:
        rows, now = await self._db.read(webhook_rows.webhooks), self._guard.clock.now()
        feeds = await self._db.read(lambda conn: (subscriptions.count(conn), subscriptions.shown(conn, now, MOST_SUBSCRIBERS)))
        return self._screens.page(
            request,
            "webhooks",
            rows=rows,
            subscribed=feeds[0],
            subscribers=feeds[1],
            hazards=self._hazards,
            shapes=list(Shape),
            severities=list(Severity),
            realities=list(Reality),
        )

    async def ask(self, request: web.Request) -> web.StreamResponse:
        if (unsure := await self._guard.unproved(request, "/webhooks")) is not None:
            return unsure
        form, admin = request[FORM], request[VISIT].staff
        try:
            shape, least = Shape(form.text("shape")), Severity(form.text("least"))
            realities = frozenset(Reality(one) for one in several(request, "realities"))
        except ValueError as error:
            raise BadWebhook([f"{error}."]) from None
        wanted = Wanted(
            webhook_id=form.text("webhook"),
            url=form.text("url"),
            shape=shape,
            hazards=tuple(several(request, "hazards")),
            least=least,
            realities=realities,
        )
        await self._db.write(lambda conn: self._verbs.ask(conn, admin, wanted))
        return self._screens.moved(f"/webhooks/{wanted.webhook_id}")

    async def one(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def act(self, request: web.Request) -> web.StreamResponse:
        name, deed, admin = request.match_info["webhook_id"], request.match_info["press"], request[VISIT].staff
        if deed in PROVED and (unsure := await self._guard.unproved(request, f"/webhooks/{name}")) is not None:
            return unsure
        given: list[Any] = []
        if deed == "confirm":
            given = [request[FORM].text("code")]
        elif deed == "replay":
            given = [_number(request[FORM].text("first"))]
        said = await self._db.write(lambda conn: getattr(self._verbs, deed)(conn, admin, name, *given))
        return await self._page(request, said) if deed == "agree" else self._screens.moved(f"/webhooks/{name}")

    async def _page(self, request: web.Request, secret: str = "") -> web.Response:
        name = request.match_info["webhook_id"]

        def read(conn: Connection) -> dict[str, Any]:
            row = webhook_verbs.found(conn, name)
            postings = webhook_rows.postings(conn, name, max(0, row.seq - SHOWN), SHOWN)
            return {"row": row, "postings": postings[::-1], "tries": webhook_rows.tries(conn, name, SHOWN)}

        found = await self._db.read(read)
        hazards = [self._hazards[key].title for key in json.loads(found["row"].hazards) if key in self._hazards]
        return self._screens.page(request, "webhook", secret=secret, hazards=hazards, **found)


def _number(typed: str) -> int:
    """Raises BadWebhook."""
    if not (typed.isascii() and typed.isdigit() and 0 < len(typed) <= LONGEST_NUMBER and int(typed) > 0):
        raise BadWebhook(["From which number on: a whole number, 1 or more."])
    return int(typed)
