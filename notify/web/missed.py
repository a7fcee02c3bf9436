"""What a partner missed, asked for by the partner itself: the same bodies again, by number, to whoever can sign."""

import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.partners import signature, webhook_rows, webhook_verbs
from notify.partners.poster import Poster
from notify.partners.webhook import Kind

PATH: Final = "/webhooks/{webhook_id:[a-z0-9-]{1,40}}/messages"
AT_ONCE: Final = 100
STRANGER: Final = {"problems": ["This is not signed with the secret of a webhook that is in use, within five minutes."]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """GET /webhooks/{webhook_id}/messages?after=N. What is signed in place of a body is the path with its question, as sent."""

    poster: Poster

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        name, db = request.match_info["webhook_id"], self.poster.db
        secret = await db.read(lambda conn: webhook_verbs.secret_of(conn, self.poster.ring, name))
        given = {key.lower(): value for key, value in request.headers.items()}
        signed = request.raw_path.encode()
        if secret is None or not signature.is_genuine(secret, given, signed, self.poster.clock.now()):
            return web.json_response(STRANGER, status=403)
        typed = request.query.get("after", "0")
        if not (typed.isascii() and typed.isdigit() and len(typed) < 17):
            return web.json_response({"problems": ["after: must be a whole number."]}, status=400)
        found = await db.read(lambda conn: self._behind(conn, name, int(typed)))
        return web.json_response(found, headers={"Cache-Control": "no-store"})

    def _behind(self, conn: Connection, name: str, after: int) -> dict[str, Any]:
        row = webhook_verbs.found(conn, name)
        rows = webhook_rows.postings(conn, name, after, AT_ONCE)
        bodies = [json.loads(self.poster.body_of(row, one)) for one in rows if one.kind != Kind.CHALLENGE]
        return {"messages": bodies, "last": row.seq}
