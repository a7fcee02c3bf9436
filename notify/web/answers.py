"""How the API answers: JSON, problem+json (RFC 9457) with every problem, replies kept by Idempotency-Key."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlmodel import col, select

from notify import people
from notify.broadcast import NotAllowed, Unfit
from notify.db import Database, is_sqlite
from notify.draft import BadDraft
from notify.life import Role, Staff
from notify.people import BadPerson
from notify.register import Conflict, NoSuchAlert
from notify.tables import IdempotencyKey

logger = logging.getLogger(__name__)

LONGEST_KEY: Final = 255
STAFF: Final = web.RequestKey("staff", Staff)
Verb = Callable[[Connection], Any]


class Problem(Exception):
    """Answered as problem+json. `problems` are sentences, all of them."""

    def __init__(self, status: int, title: str, problems: Sequence[str] = ()) -> None:
        super().__init__(title)
        self.status, self.title, self.problems = status, title, list(problems)

    def response(self) -> web.Response:
        body = {"type": "about:blank", "title": self.title, "status": self.status, "problems": self.problems}
        return web.json_response(body, status=self.status, content_type="application/problem+json")


# What each refusal is in HTTP. 409: somebody else was first, or it is not the moment; 422: the content must change.
_STATUS: Final[dict[type[Exception], tuple[int, str]]] = {
    BadDraft: (422, "The draft cannot be read."),
    Unfit: (422, "The alert cannot go on as it is."),
    NotAllowed: (403, "You may not do this."),
    Conflict: (409, "This is not possible now."),
    NoSuchAlert: (404, "There is no such alert."),
    BadPerson: (422, "This person cannot be added or changed."),
}


def problem_of(error: Exception) -> Problem | None:
    for kind, (status, title) in _STATUS.items():
        if isinstance(error, kind):
            return Problem(status, title, getattr(error, "problems", None) or [str(error)])
    return None


def middleware(db: Database) -> Middleware:
    """Who calls, and errors as problems. Health checks need no token."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path.startswith("/api/"):
                request[STAFF] = await _caller(db, request)
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            return Problem(error.status, error.reason).response()
        except DataError:
            return Problem(422, "This cannot be stored.", ["A text holds a character that no database takes."]).response()
        except SQLAlchemyError:
            logger.exception("%s %s could not use the database", request.method, request.path)
            return Problem(503, "The ledger cannot be written now. Nothing was changed; try again.").response()
        except Exception as error:  # the web server's own boundary
            known = problem_of(error)
            if known is None:
                logger.exception("%s %s failed", request.method, request.path)
                known = Problem(500, "This failed here, not because of you. It has been logged.")
            return known.response()

    return answer


async def _caller(db: Database, request: web.Request) -> Staff:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "A token is needed.", ["Send the header 'Authorization: Bearer <your token>'."])
    staff = await db.read(lambda conn: people.by_token(conn, token.strip()))
    if staff is None:
        raise Problem(401, "This token is not valid.", ["It may have been replaced; ask an administrator for a new one."])
    return staff


def need(request: web.Request, *roles: Role) -> Staff:
    """The caller, if they have one of these roles."""
    staff = request[STAFF]
    if not staff.roles & set(roles):
        raise Problem(403, "You may not do this.", [f"It takes the role {' or '.join(roles)}."])
    return staff


async def body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; an absent body is an empty one."""
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not JSON.", [str(error)]) from None
    if not isinstance(given, dict):
        raise Problem(400, "The body must be a JSON object.")
    return given


async def once(db: Database, request: web.Request, verb: Verb, now: datetime, status: int = 200) -> web.Response:
    """Runs a verb in one transaction and keeps its reply under the caller's Idempotency-Key, so that a repeated request
    changes nothing and gets the same answer. The same key with another request is refused."""
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_KEY:
        raise Problem(400, "An Idempotency-Key is needed.", ["Send one of 1 to 255 characters, new for each new act."])
    asked = hashlib.sha256(b"\0".join([request.method.encode(), request.path.encode(), await request.read()])).hexdigest()
    person_id = request[STAFF].person_id

    def run(conn: Connection) -> tuple[int, str]:
        if not is_sqlite(conn):  # SQLite has one writer at a time already
            conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"{person_id} {key}"})
        table = IdempotencyKey
        kept = select(col(table.request_hash), col(table.status), col(table.body))
        found = conn.execute(kept.where(col(table.person_id) == person_id, col(table.key) == key)).first()
        if found is not None:
            if found[0] != asked:
                raise Problem(422, "This Idempotency-Key was used for another request.")
            return found[1], found[2]
        reply = json.dumps(verb(conn))
        row = table(person_id=person_id, key=key, request_hash=asked, status=status, body=reply, at=now)
        conn.execute(insert(table).values(**row.model_dump()))
        return status, reply

    code, reply = await db.write(run)
    return web.Response(status=code, text=reply, content_type="application/json")
