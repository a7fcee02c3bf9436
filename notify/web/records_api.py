"""What is on record, by the API: audience counts, the log, reports of incidents, and what is held of one resident."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection
from sqlmodel import col, select

from notify import audit
from notify.alerts import after_action
from notify.alerts.after_action import Report, Said
from notify.alerts.life import LOOKERS
from notify.residents import look_up
from notify.service import Service
from notify.tables import AuditLine
from notify.web.alert_shapes import event_json
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import (
    AUDITORS,
    GIVEN,
    LIMIT,
    Endpoint,
    LookUp,
    Query,
    looking,
    next_page,
    wholes,
)
from notify.web.tables import csv_file
from subscribers.address import BadAddress
from subscribers.history import History
from subscribers.sealing import Keyring

UNKEPT: Final = {"Cache-Control": "no-store"}
SUBJECT: Final = Query(name="subject", says="only what concerns this alert, incident or person")
AFTER: Final = Query(name="after", says="the seq that the page before ended with", whole=True)
INCIDENT: Final = "/incidents/{incident_id}"


class RecordsApi:
    def __init__(self, service: Service, ring: Keyring | None) -> None:
        self.service, self._ring = service, ring

    def endpoints(self) -> list[Endpoint]:
        table, missing = "text/csv", frozenset({404})
        about = "The after-action report: times, shares of each language, who was not reached and why"
        log = {"roles": AUDITORS}
        found = [
            looking("/subscribers", self.subscribers, "How many addresses, by channel and language; never who", "Subscribers"),
            looking("/audit", self.log, "Who did what, the oldest first", "AuditLines", query=(SUBJECT, LIMIT, AFTER), **log),
            looking("/audit.csv", self.log_table, "The whole log as a table", "Text", media=table, **log),
            looking(f"{INCIDENT}/report", self.report, about, "Report", refusals=missing),
            looking(f"{INCIDENT}/report.csv", self.report_table, "The same as a table", "Text", media=table, refusals=missing),
        ]
        return found if self._ring is None else [*found, self._looking_up()]

    def _looking_up(self) -> Endpoint:
        says = "What is held of one number or mailbox. Every look is logged with its reason, a repeated one too"
        return looking("/residents/look-up", self.look_up, says, "History", method="POST", roles=LOOKERS, body=LookUp)

    async def subscribers(self, _: web.Request) -> web.Response:
        return web.json_response(await self.service.subscribers())

    async def log(self, request: web.Request) -> web.Response:
        limit, after = wholes(request, LIMIT, AFTER)
        subject = request.query.get("subject")
        found = await self.service.db.read(lambda conn: page(conn, subject, after or 0, limit + 1 if limit else None))
        lines = found[:limit]
        following, headers = next_page(request, lines[-1].seq if len(found) > len(lines) else None)
        shown = [line.model_dump() | {"detail": json.loads(line.detail)} for line in lines]
        return web.json_response({"lines": shown, "next": following}, headers=headers)

    async def log_table(self, _: web.Request) -> web.Response:
        return csv_file(audit.table(await self.service.db.read(audit.lines)), "audit.csv", UNKEPT)

    async def report(self, request: web.Request) -> web.Response:
        return web.json_response(report_json(await self._reported(request)))

    async def report_table(self, request: web.Request) -> web.Response:
        found = await self._reported(request)
        return csv_file(after_action.rows(found), f"report-{found.incident_id}.csv", UNKEPT)

    async def look_up(self, request: web.Request) -> web.Response:
        """It takes a reason, and who looked stands in the log; the address does not."""
        given, ring = request[GIVEN], self._ring
        assert isinstance(given, LookUp) and ring is not None
        if not given.reason.strip():
            raise Problem(422, "The body cannot be read.", ["reason: say why you look: it stands in the log."], "bad-body")
        try:
            asked = look_up.question(given.address, given.reason, self.service.assembly.mode)
        except BadAddress as fault:
            raise Problem(422, "The body cannot be read.", [f"address: {fault}"], "bad-body") from None
        look = partial(look_up.look, staff=request[STAFF], asked=asked, ring=ring, now=self.service.clock.now())
        return web.json_response(history_json(await self.service.db.write(look)), headers=UNKEPT)

    async def _reported(self, request: web.Request) -> Report:
        incident_id = request.match_info["incident_id"]
        return await self.service.reports.of(incident_id, watched_s=after_action.WATCHED_S)


def page(conn: Connection, subject: str | None, after: int, limit: int | None) -> list[AuditLine]:
    """Lines of the log behind one, in order, of one subject and what is below it when it is named."""
    if limit is None or subject is not None:
        lines = [line for line in audit.lines(conn, subject) if line.seq > after]
        return lines if limit is None else lines[:limit]
    query = select(AuditLine).where(col(AuditLine.seq) > after).order_by(col(AuditLine.seq)).limit(limit)
    return [AuditLine(**row._mapping) for row in conn.execute(query)]


def report_json(found: Report) -> dict[str, Any]:
    """Durations in seconds after each alert's approval."""
    return {
        "incident_id": found.incident_id,
        "hazard": found.hazard,
        "alerts": [_said(one) for one in found.said],
        "acts": [{"at": line.at, "actor": line.actor, "action": line.action, "subject": line.subject} for line in found.lines],
    }


def _said(one: Said) -> dict[str, Any]:
    first, last = one.after(one.first), one.after(one.last)
    return {
        "event": event_json(one.event),
        "people": one.people,
        "first_after_s": first.total_seconds() if first is not None else None,
        "last_after_s": last.total_seconds() if last is not None else None,
        "waits": [
            {"channel": wait.channel, "language": wait.language, "people": wait.people}
            | {f"after_{share}_s": at.total_seconds() for share, at in zip(after_action.SHARES, wait.after, strict=True)}
            for wait in one.waits
        ],
        "missed": [{"channel": miss.channel, "why": miss.why, "code": miss.code, "people": miss.people} for miss in one.missed],
    }


def history_json(found: History | None) -> dict[str, Any]:
    if found is None:
        return {"found": False, "facts": {}, "entries": []}
    facts: Mapping[str, Any] = found.facts
    return {
        "found": True,
        "facts": {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in facts.items()},
        "entries": [{"at": entry.at.isoformat(), "what": entry.what, "detail": entry.detail} for entry in found.entries],
    }
