"""Pages to staff by the API: a draft's text to oneself or to all who approve, and a waiting alert's approvers once more."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from channels.base import Content
from notify.alerts import register
from notify.alerts.draft import Draft
from notify.alerts.life import WRITERS
from notify.service import Service
from notify.staff import rehearsal
from notify.staff.paging_tables import StaffPage
from notify.staff.rehearsal import Asked, To
from notify.web.answers import STAFF
from notify.web.endpoints import GIVEN, Endpoint, Given, acting
from notify.web.replies import Replies

ALERT: Final = "/alerts/{alert_id}"
REFUSED: Final = frozenset({404, 409})


class Rehearsed(Given):
    """to: oneself, or everybody who may approve. language: of the text; English where there is none."""

    to: To = To.ME
    language: str = Field("en", max_length=35)


class PagingApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self.service, self._replies = service, replies

    def endpoints(self) -> list[Endpoint]:
        tried = "The draft's own text to staff, marked as a test; never to a resident"
        again = "Pages everybody who may decide on a waiting alert once more"
        act = partial(acting, roles=WRITERS, refusals=REFUSED)
        return [
            act(f"{ALERT}/rehearse", self.rehearse, tried, "Pages", Rehearsed),
            act(f"{ALERT}/page", self.page, again, "Pages"),
        ]

    async def rehearse(self, request: web.Request) -> web.Response:
        """Answered once it is written down who gets it; what came of it stands in the table."""
        given, staff, alert_id = request[GIVEN], request[STAFF], request.match_info["alert_id"]
        assert isinstance(given, Rehearsed)
        pages: list[StaffPage] = []
        ready: list[tuple[Asked, Mapping[str, Content]]] = []

        async def make() -> None:
            row = await self.service.db.read(lambda conn: register.alert(conn, alert_id))
            draft = Draft.model_validate_json(row.content)
            asked = Asked(draft=draft, row=row, language=given.language, to=given.to)
            ready.append((asked, await rehearsal.made(self.service, asked)))

        def note(conn: Connection) -> dict[str, Any]:
            pages.extend(rehearsal.noted(conn, self.service, staff, ready[0][0]))
            return _shown(pages)

        reply = await self._replies.once(request, note, before=make)
        if pages:
            await self.service.paging.send(pages, ready[0][1])
        return reply

    async def page(self, request: web.Request) -> web.Response:
        staff, alert_id = request[STAFF], request.match_info["alert_id"]
        pages: list[StaffPage] = []

        def note(conn: Connection) -> dict[str, Any]:
            pages.extend(self.service.paging.again(conn, alert_id, staff.person_id))
            return _shown(pages)

        reply = await self._replies.once(request, note)
        await self.service.paging.deliver(alert_id, pages)
        return reply


def _shown(pages: list[StaffPage]) -> dict[str, Any]:
    """Who gets a message; never an address."""
    return {"pages": [{"person_id": one.person_id, "channel": one.channel, "state": one.state} for one in pages]}
