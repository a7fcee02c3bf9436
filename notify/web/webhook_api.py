"""Webhooks by the API: ask, agree, confirm, test, suspend, replay, and the log of every posting."""

import json
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify.alerts.alert import Severity
from notify.alerts.life import ADMINS
from notify.partners import webhook_rows, webhook_verbs
from notify.partners.webhook import Reality, Shape, Wanted
from notify.partners.webhook_tables import Posting, PostingTry, Webhook
from notify.service import Service
from notify.web.answers import STAFF
from notify.web.endpoints import GIVEN, LIMIT, PAGE_MOST, Answer, Endpoint, Given, Query, acting, looking, next_page, wholes
from notify.web.replies import Replies, ShownOnce

BELOW: Final = "/webhooks/{webhook_id}"
AFTER: Final = Query(name="after", says="only messages behind this number", whole=True)
REFUSED: Final = frozenset({404, 409})
TRIES: Final = 100


class NewWebhook(Given):
    """hazards: keys of the catalogue; empty: all. least: the least severity. realities: actual, test, or both."""

    webhook_id: str = Field(description="a short name: letters a to z, digits, hyphens")
    url: str
    shape: Shape = Shape.JSON
    hazards: tuple[str, ...] = ()
    least: Severity = Severity.MINOR
    realities: frozenset[Reality] = frozenset(Reality)


class Code(Given):
    """The code that came to Slack or Teams."""

    code: str


class Replay(Given):
    """From which number on everything is posted once more."""

    first: int = Field(ge=1, le=2**53)


class WebhookApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self._db, self._verbs, self._replies = service.db, service.webhooks, replies

    def endpoints(self) -> list[Endpoint]:
        missing, planned = frozenset({404}), "What was planned for it, by number, and whether it was taken"
        see, act = partial(looking, roles=ADMINS), partial(acting, roles=ADMINS, refusals=REFUSED)
        below, replay = partial(see, refusals=missing), "Posts everything from a number on once more, in order"
        new = "Asks for a webhook; another administrator agrees"
        return [
            see("/webhooks", self.all, "Every webhook, and how it stands", "Webhooks"),
            acting("/webhooks", self.ask, new, "Webhook", NewWebhook, roles=ADMINS, status=201),
            below(BELOW, self.one, "A webhook", "Webhook"),
            below(f"{BELOW}/messages", self.messages, planned, "Postings", query=(AFTER, LIMIT)),
            below(f"{BELOW}/log", self.log, "The last tries, newest first", "Tries"),
            act(f"{BELOW}/agree", self.agree, "Another administrator's yes; shows the secret, once", "WebhookSecret"),
            act(f"{BELOW}/refuse", self._plain("refuse"), "Another administrator's no", "Webhook"),
            act(f"{BELOW}/confirm", self.confirm, "The code that came to Slack or Teams", "Webhook", Code),
            act(f"{BELOW}/test", self._counted("test", "sequence"), "Posts a test", "Planned"),
            act(f"{BELOW}/resume", self._plain("resume"), "Goes on after a suspension, with what was missed", "Webhook"),
            act(f"{BELOW}/end", self._plain("end"), "Posts nothing more; final", "Webhook"),
            act(f"{BELOW}/replay", self.replay, replay, "Replayed", Replay),
        ]

    async def all(self, _: web.Request) -> web.Response:
        rows = await self._db.read(webhook_rows.webhooks)
        return web.json_response({"webhooks": [webhook_json(row) for row in rows]})

    async def one(self, request: web.Request) -> web.Response:
        name = request.match_info["webhook_id"]
        return web.json_response(await self._db.read(lambda conn: webhook_json(webhook_verbs.found(conn, name))))

    async def messages(self, request: web.Request) -> web.Response:
        name, (asked, most) = request.match_info["webhook_id"], wholes(request, AFTER, LIMIT)
        after, limit = asked or 0, most or PAGE_MOST

        def read(conn: Connection) -> list[Posting]:
            webhook_verbs.found(conn, name)
            return webhook_rows.postings(conn, name, after, limit + 1)

        rows = await self._db.read(read)
        last = rows[limit - 1].seq if len(rows) > limit else None
        following, headers = next_page(request, last)
        shown = [posting_json(row) for row in rows[:limit]]
        return web.json_response({"messages": shown, "next": following}, headers=headers)

    async def log(self, request: web.Request) -> web.Response:
        name = request.match_info["webhook_id"]

        def read(conn: Connection) -> list[PostingTry]:
            webhook_verbs.found(conn, name)
            return webhook_rows.tries(conn, name, TRIES)

        return web.json_response({"tries": [try_json(row) for row in await self._db.read(read)]})

    async def ask(self, request: web.Request) -> web.Response:
        given, admin = request[GIVEN], request[STAFF]
        assert isinstance(given, NewWebhook)
        wanted = Wanted(
            webhook_id=given.webhook_id,
            url=given.url,
            shape=given.shape,
            hazards=given.hazards,
            least=given.least,
            realities=given.realities,
        )
        return await self._replies.once(request, lambda conn: webhook_json(self._verbs.ask(conn, admin, wanted)), 201)

    async def agree(self, request: web.Request) -> web.Response:
        name, admin = request.match_info["webhook_id"], request[STAFF]

        def agreed(conn: Connection) -> ShownOnce:
            secret = self._verbs.agree(conn, admin, name)
            return ShownOnce(reply={"webhook_id": name, "secret": secret}, field="secret")

        return await self._replies.once(request, agreed)

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        given = request[GIVEN]
        assert isinstance(given, Code)
        return await self._plain("confirm", given.code)(request)

    async def replay(self, request: web.Request) -> web.StreamResponse:
        given = request[GIVEN]
        assert isinstance(given, Replay)
        return await self._counted("replay", "count", given.first)(request)

    def _plain(self, verb: str, *given: Any) -> Answer:
        """A handler that does one thing and shows the webhook as it is then."""

        async def handle(request: web.Request) -> web.Response:
            name, admin = request.match_info["webhook_id"], request[STAFF]

            def work(conn: Connection) -> dict[str, Any]:
                getattr(self._verbs, verb)(conn, admin, name, *given)
                return webhook_json(webhook_verbs.found(conn, name))

            return await self._replies.once(request, work)

        return handle

    def _counted(self, verb: str, field: str, *given: Any) -> Answer:
        """A handler that does one thing and says the number that came of it."""

        async def handle(request: web.Request) -> web.Response:
            name, admin = request.match_info["webhook_id"], request[STAFF]

            def work(conn: Connection) -> dict[str, Any]:
                return {"webhook_id": name, field: getattr(self._verbs, verb)(conn, admin, name, *given)}

            return await self._replies.once(request, work)

        return handle


def webhook_json(row: Webhook) -> dict[str, Any]:
    """Never the whole address, which may be a secret, and never the secret."""
    moments = ("answered_at", "confirmed_at", "failing_since", "try_at", "taken_at")
    return {
        "webhook_id": row.webhook_id,
        "origin": row.origin,
        "shape": row.shape,
        "hazards": json.loads(row.hazards),
        "least": row.least,
        "realities": row.realities.split(","),
        "state": row.state,
        "why": row.why,
        "asked_by": row.asked_by,
        "asked_at": row.asked_at.isoformat(),
        "answered_by": row.answered_by,
        "sequence": row.seq,
        "failures": row.failures,
        **{name: moment.isoformat() if (moment := getattr(row, name)) is not None else None for name in moments},
    }


def posting_json(row: Posting) -> dict[str, Any]:
    return {
        "sequence": row.seq,
        "id": row.message_id,
        "type": row.kind,
        "incident": row.incident_id,
        "alert": row.event_id,
        "standing": row.standing,
        "attempts": row.attempts,
        "planned_at": row.planned_at.isoformat(),
        "done_at": row.done_at.isoformat() if row.done_at is not None else None,
    }


def try_json(row: PostingTry) -> dict[str, Any]:
    return {"sequence": row.seq, "at": row.at.isoformat(), "took_ms": row.took_ms, "status": row.status, "said": row.said}
