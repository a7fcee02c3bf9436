"""Who subscribed to feeds, by the API: as the console's page of partners shows it."""

from typing import Any

from aiohttp import web

from notify.alerts.life import ADMINS
from notify.service import Service
from notify.web.endpoints import Endpoint, looking
from notify.websub import subscriptions
from notify.websub.asking import MOST_HELD
from notify.websub.subscriptions import Subscriber


class WebSubApi:
    def __init__(self, service: Service) -> None:
        self._db, self._clock = service.db, service.clock

    def endpoints(self) -> list[Endpoint]:
        says = "Who gets our feeds pushed, those that fail first; neither the rest of an address nor a secret"
        return [looking("/websub/subscriptions", self.all, says, "Subscriptions", roles=ADMINS)]

    async def all(self, _: web.Request) -> web.Response:
        now = self._clock.now()
        found = await self._db.read(lambda conn: subscriptions.shown(conn, now, MOST_HELD))
        return web.json_response({"subscriptions": [subscriber_json(one) for one in found]})


def subscriber_json(one: Subscriber) -> dict[str, Any]:
    moments = {name: getattr(one, name) for name in ("since", "lease_until", "delivered_at", "failing_since")}
    return {
        "host": one.host,
        "feed": one.topic,
        "signed": one.signed,
        "failures": one.failures,
        **{name: at.isoformat() if at is not None else None for name, at in moments.items()},
    }
