"""How the API answers: JSON, problem+json (RFC 9457) with every problem, replies kept by Idempotency-Key."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
PASSED: Final = ("Allow",)  # what a refusal of the web server says in headers
SIGN_IN: Final = {"WWW-Authenticate": 'Bearer realm="tocsin"'}
STAFF: Final = web.RequestKey("staff", Staff)
Verb = Callable[[Connection], Any]
TYPES: Final = "urn:tocsin:problem:"  # what a problem's type begins with; programs may rely on what follows
# What a refusal is called where nothing more exact is known.
KINDS: Final = {
    400: "bad-request",
    401: "no-token",
    403: "not-allowed",
    404: "not-found",
    405: "wrong-method",
    409: "conflict",
    413: "too-long",
    422: "unfit",
    500: "failed",
    503: "not-now",
}


class Problem(Exception):
    """Answered as problem+json. `problems` are sentences, all of them. kind: the end of its type, if not that of the status."""

    def __init__(self, status: int, title: str, problems: Sequence[str] = (), kind: str = "") -> None:
        super().__init__(title)
        self.status, self.title, self.problems = status, title, list(problems)
        self.kind = kind or KINDS.get(status, "refused")

    def response(self, headers: Mapping[str, str] | None = None) -> web.Response:
        body = {"type": f"{TYPES}{self.kind}", "title": self.title, "status": self.status, "problems": self.problems}
        return web.json_response(body, status=self.status, content_type="application/problem+json", headers=headers)


# What each refusal is in HTTP. 409: somebody else was first, or it is not the moment; 422: the content must change.
_STATUS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    BadDraft: (422, "The draft cannot be read.", "bad-draft"),
    Unfit: (422, "The alert cannot go on as it is.", "unfit"),
    NotAllowed: (403, "You may not do this.", "not-allowed"),
    Conflict: (409, "This is not possible now.", "conflict"),
    NoSuchAlert: (404, "There is no such alert.", "no-such-alert"),
    BadPerson: (422, "This person cannot be added or changed.", "bad-person"),
}
ALL_KINDS: Final = frozenset({*KINDS.values(), *(kind for _, _, kind in _STATUS.values()), "bad-body", "no-key", "key-used"})


def problem_of(error: Exception) -> Problem | None:
    for sort, (status, title, kind) in _STATUS.items():
        if isinstance(error, sort):
            return Problem(status, title, getattr(error, "problems", None) or [str(error)], kind)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOnce:
    """A reply with a field that is never kept: a repeated request gets null in its place."""

    reply: Mapping[str, Any]
    field: str

    @property
    def kept(self) -> Mapping[str, Any]:
        return {**self.reply, self.field: None}


def middleware(db: Database) -> Middleware:
    """Who calls, and errors as problems. Health checks need no token."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path.startswith("/api/"):
                request[STAFF] = await _caller(db, request)
            return await handler(request)
        except Problem as problem:
            return problem.response(SIGN_IN if problem.status == 401 else None)
        except web.HTTPException as error:
            passed = {name: error.headers[name] for name in PASSED if name in error.headers}
            return Problem(error.status, error.reason).response(passed)
        except (DataError, UnicodeEncodeError):  # U+0000; halves of letters, which JSON can spell
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
        raise Problem(400, "The body is not JSON.", [str(error)], "bad-body") from None
    if not isinstance(given, dict):
        raise Problem(400, "The body must be a JSON object.", kind="bad-body")
    return given


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        sentence = "Send one of 1 to 255 ASCII characters, new for each new act."
        raise Problem(400, "An Idempotency-Key is needed.", [sentence], "no-key")
    return key


def _reply_kept(conn: Connection, request: web.Request, key: str) -> tuple[str, int, str] | None:
    """What was answered under this key before: hash of the request, status and body."""
    kept = select(col(IdempotencyKey.request_hash), col(IdempotencyKey.status), col(IdempotencyKey.body)).where(
        col(IdempotencyKey.person_id) == request[STAFF].person_id, col(IdempotencyKey.key) == key
    )
    found = conn.execute(kept).first()
    return (found[0], found[1], found[2]) if found else None


async def is_repeat(db: Database, request: web.Request) -> bool:
    """Whether the caller has had an answer under this key already."""
    key = _key(request)
    return await db.read(lambda conn: _reply_kept(conn, request, key)) is not None


async def once(db: Database, request: web.Request, verb: Verb, now: datetime, status: int = 200) -> web.Response:
    """Runs a verb in one transaction and keeps its reply under the caller's Idempotency-Key, so that a repeated request
    changes nothing and gets the same answer. The same key with another request is refused."""
    key, person_id = _key(request), request[STAFF].person_id
    asked = hashlib.sha256(b"\0".join([request.method.encode(), request.path.encode(), await request.read()])).hexdigest()

    def run(conn: Connection) -> tuple[int, str]:
        if not is_sqlite(conn):  # SQLite has one writer at a time already
            conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"{person_id} {key}"})
        found = _reply_kept(conn, request, key)
        if found is not None:
            if found[0] != asked:
                raise Problem(422, "This Idempotency-Key was used for another request.", kind="key-used")
            return found[1], found[2]
        said = verb(conn)
        shown, kept = (said.reply, said.kept) if isinstance(said, ShownOnce) else (said, said)
        row = IdempotencyKey(person_id=person_id, key=key, request_hash=asked, status=status, body=json.dumps(kept), at=now)
        conn.execute(insert(IdempotencyKey).values(**row.model_dump()))
        return status, json.dumps(shown)

    code, reply = await db.write(run)
    return web.Response(status=code, text=reply, content_type="application/json")
