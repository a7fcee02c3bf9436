"""The API of staff: thin handlers, parse -> verb -> answer. Served on the private listener only."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from notify import audit, followup, ledger, progress, promises, register
from notify.alert import Stage
from notify.draft import Draft, read
from notify.life import Role, Staff
from notify.service import Service
from notify.tables import AlertRow, EventRow
from notify.web.answers import STAFF, Problem, body, need, once

READERS = (Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.ADMIN, Role.TRANSLATOR)
Act = Callable[[Connection, Staff, str, dict[str, Any]], dict[str, Any]]


def routes(service: Service) -> list[web.RouteDef]:
    api = Api(service)
    prefix = "/api/v1"
    acts = [
        web.post(f"{prefix}/alerts/{{alert_id}}/{name}", api.act(name))
        for name in ("submit", "approve", "return", "reject", "send", "stop", *followup.STAGES)
    ]
    return [
        web.get("/healthz", api.health),
        web.get("/readyz", api.ready),
        web.get(f"{prefix}/alerts", api.alerts),
        web.post(f"{prefix}/alerts", api.compose),
        web.get(f"{prefix}/alerts/{{alert_id}}", api.alert),
        web.put(f"{prefix}/alerts/{{alert_id}}", api.edit),
        web.get(f"{prefix}/alerts/{{alert_id}}/preview", api.preview),
        web.get(f"{prefix}/alerts/{{alert_id}}/deliveries", api.deliveries),
        *acts,
        web.post(f"{prefix}/preview", api.preview_draft),
        web.get(f"{prefix}/areas", api.areas),
        web.get(f"{prefix}/audit", api.audit),
        web.get(f"{prefix}/status", api.status),
        web.get(f"{prefix}/subscribers", api.subscribers),
    ]


class Api:
    def __init__(self, service: Service) -> None:
        self.service = service

    async def health(self, _request: web.Request) -> web.Response:
        """The process runs."""
        return web.json_response({"alive": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """It can take an alert: the ledger can be written and the audience is loaded."""
        problems = await self.service.not_ready()
        return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    async def alerts(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        rows = await self.service.db.read(register.all_alerts)
        return web.json_response({"alerts": [alert_json(row) for row in rows]})

    async def alert(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        alert_id = request.match_info["alert_id"]
        return web.json_response(await self.service.db.read(lambda conn: one_alert(conn, alert_id, self.service.clock.now())))

    async def compose(self, request: web.Request) -> web.Response:
        staff = need(request, Role.AUTHOR, Role.APPROVER)
        draft = read(await body(request))
        return await self._once(request, lambda conn: alert_json(self.service.newsroom.compose(conn, staff, draft)), status=201)

    async def edit(self, request: web.Request) -> web.Response:
        staff = need(request, Role.AUTHOR, Role.APPROVER)
        draft, alert_id = read(await body(request)), request.match_info["alert_id"]
        row = await self.service.db.write(lambda conn: self.service.newsroom.edit(conn, staff, alert_id, draft))
        return web.json_response(alert_json(row))

    def act(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler for one verb on one alert."""

        async def handle(request: web.Request) -> web.Response:
            staff, given = request[STAFF], await body(request)
            alert_id = request.match_info["alert_id"]
            verb = self._follow_up if name in followup.STAGES else self._verb
            reply = await self._once(
                request, lambda conn: verb(conn, staff, (name, alert_id), given), status=201 if name in followup.STAGES else 200
            )
            await self.service.after(name, alert_id)
            return reply

        return handle

    async def preview(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        alert_id = request.match_info["alert_id"]
        row = await self.service.db.read(lambda conn: register.alert(conn, alert_id))
        return web.json_response(await self.service.preview(Draft.model_validate_json(row.content), row))

    async def preview_draft(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        return web.json_response(await self.service.preview(read(await body(request)), None))

    async def deliveries(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        alert_id = request.match_info["alert_id"]
        return web.json_response(await self.service.deliveries(alert_id))

    async def areas(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        return web.json_response({"areas": await self.service.areas()})

    async def audit(self, request: web.Request) -> web.Response:
        need(request, Role.ADMIN, Role.APPROVER, Role.VIEWER)
        subject = request.query.get("subject")
        lines = await self.service.db.read(lambda conn: audit.lines(conn, subject))
        return web.json_response({"lines": [line.model_dump() | {"detail": json.loads(line.detail)} for line in lines]})

    async def status(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        return web.json_response(await self.service.status())

    async def subscribers(self, request: web.Request) -> web.Response:
        need(request, *READERS)
        return web.json_response(await self.service.subscribers())

    def _verb(self, conn: Connection, staff: Staff, which: tuple[str, str], given: dict[str, Any]) -> dict[str, Any]:
        name, alert_id = which
        newsroom, reason = self.service.newsroom, _text(given, "reason")
        match name:
            case "submit":
                newsroom.submit(conn, staff, alert_id)
            case "approve":
                newsroom.approve(conn, staff, alert_id, _text(given, "digest"))
            case "return" | "reject":
                newsroom.send_back(conn, staff, alert_id, reason, reject=name == "reject")
            case "send":
                newsroom.send(conn, staff, alert_id)
            case "stop":
                newsroom.stop(conn, staff, alert_id, reason)
        return one_alert(conn, alert_id, self.service.clock.now())

    def _follow_up(self, conn: Connection, staff: Staff, which: tuple[str, str], given: dict[str, Any]) -> dict[str, Any]:
        name, alert_id = which
        row = register.alert(conn, alert_id)
        if row.stage == Stage.TEST:
            raise Problem(422, "A test has no follow-up.")
        draft = followup.draft(name, Draft.model_validate_json(row.content), row.incident_id, given)
        return alert_json(self.service.newsroom.compose(conn, staff, draft))

    async def _once(self, request: web.Request, verb: Callable[[Connection], Any], status: int = 200) -> web.Response:
        return await once(self.service.db, request, verb, self.service.clock.now(), status)


def alert_json(row: AlertRow) -> dict[str, Any]:
    """An alert as the API shows it. `digest` is what an approval must name."""
    return {
        "alert_id": row.alert_id,
        "incident_id": row.incident_id,
        "stage": row.stage,
        "hazard": row.hazard,
        "status": row.status,
        "version": row.version,
        "author": row.author,
        "last_editor": row.last_editor,
        "approved_by": row.approved_by,
        "digest": row.digest,
        "reason": row.reason,
        "ended_why": row.ended_why,
        "created_at": row.created_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "draft": json.loads(row.content),
    }


def one_alert(conn: Connection, alert_id: str, now: datetime) -> dict[str, Any]:
    """An alert with its event's clock and counts, and the promises still open."""
    row = register.alert(conn, alert_id)
    reply = alert_json(row)
    reply["promises"] = [
        {"what": promise.what, "by": promise.by.isoformat() if promise.by else None}
        for promise in promises.still_open(conn)
        if promise.incident_id == row.incident_id
    ]
    if row.approved_by is not None:
        (event,) = register.standing(conn, event_id=alert_id)
        reply["event"] = event_json(event)
        reply["progress"] = progress.as_json(ledger.tally(conn, alert_id))
    reply["now"] = now.isoformat()
    return reply


def event_json(row: EventRow) -> dict[str, Any]:
    times = (
        "approved_at",
        "countdown_until",
        "started_at",
        "published_at",
        "planned_at",
        "done_at",
        "stopped_at",
        "ended_at",
        "expires_at",
    )
    return {
        "event_id": row.event_id,
        "identifier": row.identifier,
        "status": row.status,
        "priority": row.priority,
        "publish_problem": row.publish_problem,
        "replaced_by": row.replaced_by,
    } | {name: value.isoformat() if (value := getattr(row, name)) else None for name in times}


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise Problem(422, f"'{name}' must be text.")
    return value
