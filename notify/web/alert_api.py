"""Alerts by the API: write, look, decide, send, follow, stop, and say what comes next."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web
from aiohttp_sse import sse_response
from pydantic import BaseModel
from sqlalchemy import Connection

from notify.alerts import followup, progress, register
from notify.alerts.alert import Stage, from_json
from notify.alerts.draft import Draft
from notify.alerts.life import IN_FORCE, LEAVING, WRITERS, Staff, Status
from notify.service import Service
from notify.tables import AlertRow
from notify.tallies import Tallies
from notify.web import codes, versions
from notify.web.alert_shapes import alert_json, one_alert, page
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import (
    GIVEN,
    LIMIT,
    PREFIX,
    Approval,
    Endpoint,
    FollowUp,
    Nothing,
    Query,
    Reason,
    acting,
    looking,
    next_page,
    whole,
)
from notify.web.replies import Before, Replies
from notify.web.versions import Seen
from subscribers.sealing import Keyring

ALERT: Final = "/alerts/{alert_id}"
AFTER: Final = Query(name="after", says="the alert_id that the page before ended with")
EVERY_S: Final = 1.0  # how often somebody who follows a send is told how far it is
SETTLED_EVERY_S: Final = 5.0
# What each act on an alert asks for, and what it does.
ACTS: Final[Mapping[str, tuple[type[BaseModel], str]]] = {
    "submit": (Nothing, "Asks for approval: freezes what would be sent, with its digest"),
    "approve": (Approval, "Approves exactly what has this digest; `alone` breaks the glass"),
    "return": (Reason, "Gives it back to its author, with a reason"),
    "reject": (Reason, "Refuses it for good, with a reason"),
    "send": (Nothing, "Starts the countdown; its approver alone may"),
    "stop": (Reason, "Nothing more is handed over; final"),
    "update": (FollowUp, "A draft that says what is new"),
    "correct": (FollowUp, "A draft that corrects what was said"),
    "clear": (FollowUp, "A draft of the all clear"),
    "cancel": (FollowUp, "A draft that takes it back as a false alarm"),
}


class AlertApi:
    def __init__(self, service: Service, ring: Keyring | None, tallies: Tallies, replies: Replies) -> None:
        self.service, self._ring, self._tallies, self._replies = service, ring, tallies, replies

    def endpoints(self) -> list[Endpoint]:
        one, missing, sse = ALERT, frozenset({404}), "text/event-stream"
        pages = "Every alert, the oldest first"
        preview = "What people would get, how many, and what is wrong with it"
        deliveries = "Counts by channel and language; who was left out"
        events = "Server-sent events `progress` until it is over, then `end`"
        return [
            looking("/alerts", self.alerts, pages, "Alerts", query=(LIMIT, AFTER), refusals=missing),
            looking(one, self.alert, "One alert with its counts and open promises", "Alert", refusals=missing),
            looking(f"{one}/preview", self.preview, preview, "Preview", refusals=missing),
            looking(f"{one}/deliveries", self.deliveries, deliveries, "Deliveries", refusals=missing),
            looking(f"{one}/progress", self.follow, events, "Told", media=sse, refusals=missing),
            *self._drafting(),
            *(self._act(name) for name in ACTS),
        ]

    def _drafting(self) -> list[Endpoint]:
        new = acting("/alerts", self.compose, "A new draft", "Alert", Draft, roles=WRITERS, status=201)
        again = Endpoint(
            method="PUT",
            path=f"{PREFIX}{ALERT}",
            answer=self.edit,
            roles=WRITERS,
            says="Replaces a draft's content",
            gives="Alert",
            body=Draft,
            versioned=True,
            refusals=frozenset({404, 409}),
        )
        says = "The preview of a draft that is not kept"
        return [new, again, looking("/preview", self.preview_draft, says, "Preview", method="POST", body=Draft)]

    def _act(self, name: str) -> Endpoint:
        body, says = ACTS[name]
        return acting(
            f"{ALERT}/{name}",
            self.act(name),
            says,
            "Alert",
            body,
            roles=WRITERS,
            status=201 if name in followup.STAGES else 200,
            versioned=True,
            refusals=frozenset({404, 409}) | ({429} if body is Approval else frozenset()),
        )

    async def alerts(self, request: web.Request) -> web.Response:
        limit, after = whole(request, LIMIT), request.query.get("after")
        found = await self.service.db.read(lambda conn: page(conn, after, limit + 1 if limit else None))
        rows = found[:limit]
        following, headers = next_page(request, rows[-1].alert_id if len(found) > len(rows) else None)
        return web.json_response({"alerts": [alert_json(row) for row in rows], "next": following}, headers=headers)

    async def alert(self, request: web.Request) -> web.Response:
        alert_id = request.match_info["alert_id"]
        found = await self.service.db.read(lambda conn: one_alert(conn, alert_id, self.service.clock.now()))
        return web.json_response(found, headers={"ETag": versions.tag(found["version"])})

    async def compose(self, request: web.Request) -> web.Response:
        staff, draft = request[STAFF], _draft(request)
        return await self._once(request, lambda conn: alert_json(self.service.newsroom.compose(conn, staff, draft)), 201)

    async def edit(self, request: web.Request) -> web.Response:
        """Writes over exactly the version that was read; of two who edit at once one is told what the other changed."""
        staff, draft, alert_id = request[STAFF], _draft(request), request.match_info["alert_id"]
        seen = versions.demand(_seen(request))

        def write(conn: Connection) -> AlertRow:
            versions.check(seen, register.alert(conn, alert_id, lock=True), draft)
            return self.service.newsroom.edit(conn, staff, alert_id, draft)

        row = await self.service.db.write(write)
        return web.json_response(alert_json(row), headers={"ETag": versions.tag(row.version)})

    def act(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler for one verb on one alert."""

        async def handle(request: web.Request) -> web.Response:
            staff, given, alert_id = request[STAFF], request[GIVEN], request.match_info["alert_id"]
            seen, proved = _seen(request), False

            async def prove() -> None:
                nonlocal proved
                await self._prove(staff, given)
                proved = True

            def verb(conn: Connection) -> dict[str, Any]:
                if seen is not None and seen.versions is not None:
                    register.lock_incident_of(conn, alert_id)
                    versions.check(seen, register.alert(conn, alert_id, lock=True))
                if isinstance(given, FollowUp):
                    return self._follow_up(conn, staff, (name, alert_id), given.root)
                return self._verb(conn, staff, (name, alert_id), given)

            alone = given.alone if isinstance(given, Approval) else None
            status = 201 if isinstance(given, FollowUp) else 200
            reply = await self._once(request, verb, status, prove if alone is not None else None)
            if proved:
                self.service.paging.tell_at_once(alert_id)
                self.service.pager(f"{staff.person_id} approves {alert_id} ALONE: {alone}")
            await self.service.after(name, alert_id)
            return reply

        return handle

    async def preview(self, request: web.Request) -> web.Response:
        alert_id = request.match_info["alert_id"]
        row = await self.service.db.read(lambda conn: register.alert(conn, alert_id))
        return await self._previewed(Draft.model_validate_json(row.content), row)

    async def preview_draft(self, request: web.Request) -> web.Response:
        return await self._previewed(_draft(request), None)

    async def _previewed(self, draft: Draft, row: AlertRow | None) -> web.Response:
        frozen = from_json(row.frozen) if row is not None and row.frozen else None
        looked = await self.service.preview(draft, row, frozen)
        return web.json_response(looked | {"read_back": self.service.in_english(looked["bodies"])})

    async def deliveries(self, request: web.Request) -> web.Response:
        return web.json_response(await self.service.deliveries(request.match_info["alert_id"]))

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Every second while messages leave, and only when something changed."""
        alert_id, told = request.match_info["alert_id"], ""
        row = await self.service.db.read(lambda conn: register.alert(conn, alert_id))
        async with sse_response(request) as stream:
            while stream.is_connected():
                kinds = await self._tallies.of(alert_id)
                said = json.dumps({"alert_id": alert_id, "status": row.status, "progress": progress.as_json(kinds)})
                if said != told:
                    await stream.send(said, event="progress")
                    told = said
                if Status(row.status) not in IN_FORCE:
                    await stream.send("{}", event="end")
                    break
                if not await _stays(request, EVERY_S if row.status in LEAVING else SETTLED_EVERY_S):
                    break
                row = await self.service.db.read(lambda conn: register.alert(conn, alert_id))
        return stream

    async def _prove(self, staff: Staff, given: BaseModel) -> None:
        """Breaking the glass takes more than a token: the code of now, from the phone of whoever it belongs to."""
        assert isinstance(given, Approval)
        if self._ring is None:
            raise Problem(403, "You may not do this.", ["Here one person alone sends from the console only."])
        await codes.prove(self.service.db, self._ring, staff, given.code, self.service.clock.now())

    def _verb(self, conn: Connection, staff: Staff, which: tuple[str, str], given: BaseModel) -> dict[str, Any]:
        name, alert_id = which
        newsroom = self.service.newsroom
        match given:
            case Approval(digest=digest, alone=alone):
                newsroom.approve(conn, staff, alert_id, digest, alone)
            case Reason(reason=reason) if name == "stop":
                newsroom.stop(conn, staff, alert_id, reason)
            case Reason(reason=reason):
                newsroom.send_back(conn, staff, alert_id, reason, reject=name == "reject")
            case _ if name == "submit":
                newsroom.submit(conn, staff, alert_id)
            case _:
                newsroom.send(conn, staff, alert_id)
        return one_alert(conn, alert_id, self.service.clock.now())

    def _follow_up(self, conn: Connection, staff: Staff, which: tuple[str, str], given: dict[str, Any]) -> dict[str, Any]:
        name, alert_id = which
        row = register.alert(conn, alert_id)
        if row.stage == Stage.TEST:
            raise Problem(422, "A test has no follow-up.")
        draft = followup.draft(name, Draft.model_validate_json(row.content), row.incident_id, given)
        return alert_json(self.service.newsroom.compose(conn, staff, draft))

    async def _once(
        self, request: web.Request, verb: Callable[[Connection], Any], status: int = 200, before: Before | None = None
    ) -> web.Response:
        reply = await self._replies.once(request, verb, status, before)
        reply.headers["ETag"] = versions.tag(json.loads(reply.text or "")["version"])
        return reply


def _draft(request: web.Request) -> Draft:
    given = request[GIVEN]
    assert isinstance(given, Draft)
    return given


def _seen(request: web.Request) -> Seen | None:
    return versions.asked(request.headers.get("If-Match"))


async def _stays(request: web.Request, wait_s: float) -> bool:
    """Waits so long; False as soon as whoever asked has hung up (a stream that says nothing would not notice)."""
    for _ in range(round(wait_s / EVERY_S)):
        await asyncio.sleep(EVERY_S)
        if request.transport is None or request.transport.is_closing():
            return False
    return True
