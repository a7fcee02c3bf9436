"""How the API answers: JSON, problem+json (RFC 9457) with every problem."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy.exc import DataError, SQLAlchemyError

from notify import full_disk
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.draft import BadDraft
from notify.alerts.life import Role, Staff
from notify.alerts.register import Conflict, NoSuchAlert
from notify.db import Database
from notify.full_disk import no_room
from notify.partners.webhook_verbs import BadWebhook, NoSuchWebhook
from notify.received.store import NoSuchReceived
from notify.sending.held import NotSaid
from notify.staff import people
from notify.staff.people import BadPerson
from notify.staff.staff_contacts import BadContact
from notify.wording.review_desk import NoSuchLanguage, NoSuchMessage, WordsChanged
from notify.wording.reviewing import NotKept

logger = logging.getLogger(__name__)

PASSED: Final = ("Allow",)  # what a refusal of the web server says in headers
SIGN_IN: Final = {"WWW-Authenticate": 'Bearer realm="tocsin"'}
STAFF: Final = web.RequestKey("staff", Staff)
TYPES: Final = "urn:tocsin:problem:"  # what a problem's type begins with; programs may rely on what follows
# What a refusal is called where nothing more exact is known.
KINDS: Final = {
    400: "bad-request",
    401: "no-token",
    403: "not-allowed",
    404: "not-found",
    405: "wrong-method",
    409: "conflict",
    412: "changed-since",
    413: "too-long",
    422: "unfit",
    428: "no-version",
    429: "too-often",
    500: "failed",
    503: "not-now",
    507: "disk-full",
}


# Never "nothing was changed": a commit that the database went away over may have been made.
UNSURE: Final = (
    "Whether this was done is not known. Look at how things stand, then try again: under the same Idempotency-Key nothing is "
    "done twice."
)


class Problem(Exception):
    """Answered as problem+json. `problems` are sentences, all of them. kind: the end of its type, if not that of the status.
    more: further members (RFC 9457, 3.2). headers: what the answer says beside its body."""

    def __init__(self, status: int, title: str, problems: Sequence[str] = (), kind: str = "", **more: Any) -> None:
        super().__init__(title)
        self.status, self.title, self.problems = status, title, list(problems)
        self.kind = kind or KINDS.get(status, "refused")
        self.more = more
        self.headers: dict[str, str] = {}

    def response(self, headers: Mapping[str, str] | None = None) -> web.Response:
        body = {"type": f"{TYPES}{self.kind}", "title": self.title, "status": self.status, "problems": self.problems}
        said = self.headers | dict(headers or {})
        return web.json_response(body | self.more, status=self.status, content_type="application/problem+json", headers=said)


# What each refusal is in HTTP. 409: somebody else was first, or it is not the moment; 422: the content must change.
_STATUS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    BadDraft: (422, "The draft cannot be read.", "bad-draft"),
    BadContact: (422, "Who is paged, and where, cannot be changed like this.", "unfit"),
    Unfit: (422, "The alert cannot go on as it is.", "unfit"),
    NotAllowed: (403, "You may not do this.", "not-allowed"),
    Conflict: (409, "This is not possible now.", "conflict"),
    NoSuchAlert: (404, "There is no such alert.", "no-such-alert"),
    BadWebhook: (422, "This webhook cannot be so.", "bad-webhook"),
    NoSuchWebhook: (404, "There is no such webhook.", "no-such-webhook"),
    NoSuchReceived: (404, "There is no such received alert.", "not-found"),
    NotSaid: (422, "Nothing was asked for.", "bad-body"),
    NoSuchLanguage: (404, "There are no words in this language", "not-found"),
    NoSuchMessage: (422, "There is no such message", "unfit"),
    WordsChanged: (409, "Not kept", "conflict"),
    NotKept: (422, "Not kept", "unfit"),
    BadPerson: (422, "This person cannot be added or changed.", "bad-person"),
}
KEY_KINDS: Final = frozenset({"no-key", "key-used", "in-flight"})
ALL_KINDS: Final = frozenset({*KINDS.values(), *(kind for _, _, kind in _STATUS.values()), "bad-body", *KEY_KINDS})


def problem_of(error: Exception) -> Problem | None:
    if no_room(error):
        return Problem(507, full_disk.TITLE, [full_disk.MAKE_ROOM])
    for sort, (status, title, kind) in _STATUS.items():
        if isinstance(error, sort):
            return Problem(status, title, getattr(error, "problems", None) or [str(error)], kind)
    return None


@contextmanager
def unfit_as(title: str) -> Iterator[None]:
    """What cannot go on as it is under a title of its own, where it is no alert."""
    try:
        yield
    except Unfit as error:
        raise Problem(422, title, error.problems, "unfit") from None


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
        except Exception as error:  # the web server's own boundary
            return _said(error, f"{request.method} {request.path}").response()

    return answer


def _said(error: Exception, what: str) -> Problem:
    """What an error is answered with; logged where it was nobody's wish that failed."""
    if no_room(error):
        logger.error(full_disk.LOGGED, what)
    elif isinstance(error, SQLAlchemyError):
        logger.exception("%s could not use the database", what)
        return Problem(503, "The ledger cannot be used now.", [UNSURE])
    if known := problem_of(error):
        return known
    logger.exception("%s failed", what)
    return Problem(500, "This failed here, not because of you. It has been logged.")


def token_of(request: web.Request) -> str:
    """The token a request was sent with; "" when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _caller(db: Database, request: web.Request) -> Staff:
    token = token_of(request)
    if not token:
        raise Problem(401, "A token is needed.", ["Send the header 'Authorization: Bearer <your token>'."])
    staff = await db.read(lambda conn: people.by_token(conn, token))
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
