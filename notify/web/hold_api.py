"""What is held after a restore, and a person's word that it may go on."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import Role
from notify.alerts.register import Conflict
from notify.sending import hold
from notify.service import Service
from notify.tables import Hold
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, PREFIX, Endpoint, Reason, looking
from notify.web.replies import Replies

RELEASERS = frozenset({Role.APPROVER, Role.ADMIN})


class HoldApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self.service, self._replies = service, replies

    def endpoints(self) -> list[Endpoint]:
        says = "Lets messages leave that are held after a restore; the reason stands in the log"
        return [
            looking("/hold", self.show, "What is held after a restore, if anything", "Held"),
            Endpoint(
                method="POST",
                path=f"{PREFIX}/release",
                answer=self.release,
                roles=RELEASERS,
                says=says,
                gives="Held",
                body=Reason,
                keyed=True,
                refusals=frozenset({409}),
            ),
        ]

    async def show(self, _request: web.Request) -> web.Response:
        return web.json_response(held_json(await self.service.db.read(hold.standing)))

    async def release(self, request: web.Request) -> web.Response:
        given, staff, now = request[GIVEN], request[STAFF], self.service.clock.now()
        assert isinstance(given, Reason)
        if not given.reason.strip():
            raise Problem(
                422, "Nothing was released.", ["reason: say what you have looked at; it stands in the log."], "bad-body"
            )

        def let_go(conn: Connection) -> dict[str, Any]:
            if not hold.release(conn, staff.person_id, given.reason.strip(), now):
                raise Conflict("Nothing is held.")
            return dict(held_json(None))

        answer = await self._replies.once(request, let_go)
        for one in self.service.dispatchers:
            one.wake()
        return answer


def held_json(found: Hold | None) -> Mapping[str, Any]:
    if found is None:
        return {"held": False, "since": None, "why": ""}
    return {"held": True, "since": found.since.isoformat(), "why": found.why}
