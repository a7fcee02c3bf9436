"""What is held after a restore, alert by alert, and the word of two people that it may go on."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import Role
from notify.sending import held
from notify.sending.held import Held
from notify.service import Service
from notify.web.answers import STAFF
from notify.web.endpoints import GIVEN, Agreed, Endpoint, Release, acting, looking
from notify.web.replies import Replies

RELEASERS = frozenset({Role.APPROVER, Role.ADMIN})


class HoldApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self.service, self._replies = service, replies

    def endpoints(self) -> list[Endpoint]:
        act = partial(acting, roles=RELEASERS, refusals=frozenset({409}))
        asks = "Asks that what is held goes on, but for what is dropped; it does when somebody else agrees"
        agrees = "Agrees to exactly what somebody else asked: alerts that are dropped end, everything else leaves"
        return [
            looking("/hold", self.show, "What is held after a restore, if anything, and what was asked", "Held"),
            act("/release", self.ask, asks, "Held", Release),
            act("/release/agree", self.agree, agrees, "Held", Agreed),
            act("/release/refuse", self.refuse, "Takes what was asked off the table; everything stays held", "Held"),
        ]

    async def show(self, _request: web.Request) -> web.Response:
        now = self.service.clock.now()
        return web.json_response(held_json(await self.service.db.read(lambda conn: held.look(conn, now))))

    async def ask(self, request: web.Request) -> web.Response:
        given, staff, now = request[GIVEN], request[STAFF], self.service.clock.now()
        assert isinstance(given, Release)
        return await self._once(request, lambda conn: held.ask(conn, staff.person_id, given.reason, given.drop, now))

    async def agree(self, request: web.Request) -> web.Response:
        given, staff = request[GIVEN], request[STAFF]
        assert isinstance(given, Agreed)
        stopped: list[str] = []

        def let_go(conn: Connection) -> None:
            stopped.extend(self.service.agree_release(conn, staff, given.digest))

        answer = await self._once(request, let_go)
        await self.service.released(stopped)
        return answer

    async def refuse(self, request: web.Request) -> web.Response:
        staff, now = request[STAFF], self.service.clock.now()
        return await self._once(request, lambda conn: held.refuse(conn, staff.person_id, now))

    async def _once(self, request: web.Request, verb: Callable[[Connection], Held | None]) -> web.Response:
        return await self._replies.once(request, lambda conn: dict(held_json(verb(conn))))


def held_json(found: Held | None) -> Mapping[str, Any]:
    if found is None:
        return {"held": False, "since": None, "why": "", "alerts": [], "asked": None}
    alerts = [
        {
            "alert_id": one.alert_id,
            "incident_id": one.incident_id,
            "hazard": one.hazard,
            "stage": one.stage,
            "status": one.status,
            "approved_at": one.approved_at.isoformat(),
            "waiting": one.waiting,
            "in_doubt": one.in_doubt,
        }
        for one in found.alerts
    ]
    said = found.asked
    asked = said and {
        "at": said.at.isoformat(),
        "by": said.by,
        "reason": said.reason,
        "drop": list(said.drops),
        "digest": said.digest,
        "still": found.answerable,
    }
    standing = found.standing
    return {"held": True, "since": standing.since.isoformat(), "why": standing.why, "alerts": alerts, "asked": asked}
