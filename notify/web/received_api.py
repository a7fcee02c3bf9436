"""Alerts of other agencies by the API: look at them, hand one in, begin a draft with one. None of it sends anything."""

from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import Role
from notify.received.message import MESSAGE
from notify.received.office import DRAFTERS, Line, Received
from notify.received.standing import Shown
from notify.received.store import Came
from notify.received.tables import ReceivedAlert
from notify.service import Service
from notify.web.alert_shapes import alert_json
from notify.web.answers import STAFF
from notify.web.endpoints import GIVEN, Begin, Endpoint, HandedIn, acting, looking
from notify.web.replies import Replies

RELAYS: Final = frozenset({Role.RELAY})


class ReceivedApi:
    def __init__(self, service: Service, received: Received, replies: Replies) -> None:
        self._service, self._received, self._replies = service, received, replies

    def endpoints(self) -> list[Endpoint]:
        every = "Alerts of other agencies of the last day, each once, and how their sources answer"
        one, missing = "/received/{received_id}", frozenset({404})
        handed = "Hands in a CAP document. It is shown to staff; nothing is ever sent by it"
        begun = "A draft of ours with its area, times and source; to be worded, checked and approved like any other"
        return [
            looking("/received", self.every, every, "ReceivedAlerts"),
            looking(one, self.one, "One of them, whole", "ReceivedAlert", refusals=missing),
            acting("/received", self.hand_in, handed, "Handed", HandedIn, roles=RELAYS, status=201),
            acting(f"{one}/draft", self.begin, begun, "Alert", Begin, roles=DRAFTERS, status=201, refusals=missing),
        ]

    async def every(self, _: web.Request) -> web.Response:
        found = await self._received.overview()
        shown = [*found.in_force, *found.unreal, *found.over]
        alerts = [shown_json(one, found.rows[one.one.received_id]) for one in shown]
        return web.json_response({"alerts": alerts, "sources": [line_json(line) for line in found.lines]})

    async def one(self, request: web.Request) -> web.Response:
        look = await self._received.one(request.match_info["received_id"])
        whole = {"message": MESSAGE.dump_python(look.message, mode="json"), "hindrances": list(look.hindrances)}
        return web.json_response(shown_json(look.shown, look.row) | whole)

    async def hand_in(self, request: web.Request) -> web.Response:
        given, staff = request[GIVEN], request[STAFF]
        assert isinstance(given, HandedIn)
        came: list[Came] = []
        told: list[str] = []

        async def judge() -> None:
            came.append(await self._received.judged(staff, given.document))

        def keep(conn: Connection) -> dict[str, Any]:
            new, sentences = self._received.hand_in(conn, staff, came[0])
            told.extend(sentences)
            return {"received_id": came[0].received_id, "new": new}

        answer = await self._replies.once(request, keep, 201, judge)
        self._received.tell(told)
        return answer

    async def begin(self, request: web.Request) -> web.Response:
        given, staff = request[GIVEN], request[STAFF]
        assert isinstance(given, Begin)
        make = partial(self._received.draft, staff=staff, received_id=request.match_info["received_id"], hazard=given.hazard)
        return await self._replies.once(request, lambda conn: alert_json(make(conn)), 201)


def shown_json(shown: Shown, row: ReceivedAlert) -> dict[str, Any]:
    names = ("received_id", "identifier", "sender", "status", "msg_type", "event", "headline", "area_desc")
    return {name: getattr(row, name) for name in (*names, "severity", "signer", "draft_id")} | {
        "sources": [one.source for one in shown.copies],
        "sent": row.sent.isoformat(),
        "actual": shown.one.actual,
        "standing": shown.standing.value,
        "by": shown.by,
        "ends_at": row.ends_at.isoformat(),
    }


def line_json(line: Line) -> dict[str, Any]:
    row = _answers(line)
    return {"name": line.source.name, "title": line.source.title, "kind": line.source.kind.value, "silent": line.silent} | row


def _answers(line: Line) -> dict[str, Any]:
    moments = {name: getattr(line.row, name) for name in ("heard_at", "tried_at")}
    return {name: at.isoformat() if at is not None else None for name, at in moments.items()} | {"problem": line.row.problem}
