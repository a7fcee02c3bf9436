"""Every page of the console: who may open it, and what a request must carry. A route is guarded because it is one."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from notify.alerts.alert import Mode
from notify.alerts.life import Role
from notify.clock import Clock
from notify.console.screens import VISIT, Screens
from notify.db import Database
from notify.full_disk import LOGGED, no_room
from notify.identity import links
from notify.identity.provider import Provider
from notify.staff import accounts, passkeys
from notify.staff.accounts import SIGNED_IN_FOR, Visit
from notify.staff.passkeys import Passkeys
from notify.tallies import Tallies
from notify.web.answers import STAFF, Problem, problem_of
from notify.web.forms import Form, from_us, origin_of
from notify.web.refusals import REFUSALS, Refusals
from subscribers.sealing import Keyring

logger = logging.getLogger(__name__)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ANYBODY: Final[frozenset[Role] | None] = None  # signed in or not
SIGNED_IN: Final = frozenset(Role) - {Role.RELAY}
READERS: Final = frozenset({Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.ADMIN})
FORM = web.RequestKey("form", Form)
SEVERAL = web.RequestKey("several", dict[str, list[str]])
MOST_FIELDS: Final = 2_000  # a form that ticks every area of a city
ANSWER: Final = "passkey"  # the field that holds what an authenticator answered, as JSON
UNSURE: Final = "Whether this was done is not known: the database went away. Look at how things stand, then try again."
FIRST: Final = "Nothing was changed yet. Show that it is you, then do it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """roles: any one of them opens it. passive: asked for by a page on its own, which is no sign that anybody sits there."""

    method: str
    path: str
    answer: Answer
    roles: frozenset[Role] | None
    passive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What stands before every page. url: how staff reach the console, as in settings. ring: opens the seeds of codes.
    passkeys: None where browsers can have none for this url. identity: the city's provider; None where it has none."""

    db: Database
    clock: Clock
    screens: Screens
    ring: Keyring
    url: str
    tallies: Tallies
    passkeys: Passkeys | None
    identity: Provider | None = None
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "refusals", Refusals(self.db, self.clock))

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("https:")

    @property
    def cookie(self) -> str:
        """__Host-: no other host, and nothing that is not encrypted, can set it (RFC 6265bis)."""
        return "__Host-tocsin" if self.encrypted else "tocsin"

    def entered(self, way: str, token: str) -> web.Response:
        """Leads on whoever has just signed in, with the cookie of the new session."""
        answer = self.screens.moved(way)
        self.keep_session(answer, token)
        return answer

    def keep_session(self, answer: web.Response, token: str) -> None:
        life = int(SIGNED_IN_FOR.total_seconds())
        answer.set_cookie(self.cookie, token, max_age=life, path="/", httponly=True, samesite="Strict", secure=self.encrypted)

    def web_routes(self, routes: Sequence[Route]) -> list[web.RouteDef]:
        return [web.route(one.method, one.path, partial(self._answer, one)) for one in routes]

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        try:
            return await self._tried(route, request)
        except ConnectionResetError:
            return web.Response()  # the browser left in the middle of a stream; nobody reads this
        except web.HTTPException as error:
            known = Problem(error.status, error.reason)
        except Exception as error:  # the web server's own boundary
            known = _said(error, f"{request.method} {route.path}")
        return self.screens.refusal(request, known.status, known.title, known.problems)

    async def _tried(self, route: Route, request: web.Request) -> web.StreamResponse:
        """The page's own answer. What was tried by somebody signed in and refused, for their role, for a form that is none of
        ours or by the page itself, stands in the log, too."""
        try:
            answer = await self._turned_away(route, request) or await route.answer(request)
        except Exception as error:  # noted and passed on
            found = error if isinstance(error, Problem) else problem_of(error)
            if found is not None:
                await self._note_refusal(route, request, found.status, found.title)
            raise
        await self._note_refusal(route, request, answer.status)
        return answer

    async def _note_refusal(self, route: Route, request: web.Request, status: int, why: str = "") -> None:
        if route.method == "GET" or route.roles is None or status not in REFUSALS or STAFF not in request:
            return
        subject = next(iter(request.match_info.values()), route.path)
        detail = {"what": route.path.rpartition("/")[2], "status": status} | ({"why": why} if why else {})
        await self.refusals.note(request[STAFF].person_id, f"{route.method} {route.path}", subject, **detail)

    async def _turned_away(self, route: Route, request: web.Request) -> web.Response | None:
        """The answer to somebody who may not do this, or whose form is none of ours; None for everybody else."""
        visit = await self._visit(request, route)
        if visit is not None:
            request[VISIT], request[STAFF] = visit, visit.staff
        if route.roles is None:
            return None
        if visit is None:
            return self._to_the_door(request)
        if not visit.staff.roles & route.roles:
            raise Problem(403, "You may not do this", [f"This takes the role {' or '.join(sorted(route.roles))}."])
        if route.method != "GET" and (await self.form(request)).text("mark") != visit.mark:
            raise Problem(403, "This page is too old", ["Load it again; nothing was changed."])
        return None

    async def form(self, request: web.Request) -> Form:
        """What one of our own pages posted; read once. Raises Problem for a post of another site."""
        if FORM not in request:
            if not from_us(request.headers, origin_of(self.url), f"{request.scheme}://{request.host}"):
                raise Problem(403, "This came from another site", ["Nothing was changed."])
            several: dict[str, list[str]] = {}
            for name, value in _parsed(await request.read()):
                several.setdefault(name, []).append(value)
            request[SEVERAL] = several
            request[FORM] = Form({name: values[0] for name, values in several.items()})
        return request[FORM]

    async def proved(self, request: web.Request, *, anew: bool = False) -> bool:
        """Whether the person at this browser typed their code or used a passkey within the last five minutes, or (anew: must
        have) does so with this form."""
        visit, now = request[VISIT], self.clock.now()
        if visit.proved(now) and not anew:
            return True
        if not await self._shown(request, visit.staff.person_id):
            return False
        await self.db.write(lambda conn: accounts.prove(conn, visit.token, now))
        return True

    async def _shown(self, request: web.Request, person_id: str) -> bool:
        """Whether this form holds what only the person has: the answer of a passkey, or else the code of now."""
        form, now, keys = request[FORM], self.clock.now(), self.passkeys
        answer, token = form.fields.get(ANSWER, ""), request[VISIT].token
        if answer and keys is not None:
            verdict = await self.db.write(lambda conn: keys.prove(conn, token, person_id, answer, now))
            return verdict.person_id == person_id
        code, ring = form.text("code"), self.ring
        return await self.db.write(lambda conn: accounts.attempt(conn, person_id, True, code, ring, now))

    async def proof(self, request: web.Request) -> dict[str, Any]:
        """What a page needs to know to ask whether it is really them: part/proof.html shows it."""
        visit = request[VISIT]
        kept = await self.db.read(lambda conn: passkeys.of(conn, visit.staff.person_id)) if self.passkeys else []
        return {
            "asks_code": not visit.proved(self.clock.now()),
            "holds_passkey": bool(kept),
            "by_identity": await self._by_identity(visit.staff.person_id),
            "demo_code": await self.demo_code(request),
        }

    async def _by_identity(self, person_id: str) -> str:
        """What the provider is called, where somebody may show there who they are; "" where not."""
        provider = self.identity
        if provider is None or not provider.terms.proves:
            return ""
        linked = await self.db.read(lambda conn: links.of(conn, person_id))
        return provider.name if linked is not None and linked.issuer == provider.terms.issuer else ""

    async def unproved(self, request: web.Request, way: str) -> web.Response | None:
        """The page that asks whether it is really them, which then leads to `way`; None for whoever showed it lately."""
        if request[VISIT].proved(self.clock.now()):
            return None
        proof = await self.proof(request)
        return self.screens.page(request, "prove", status=401, path="/prove", next=way, problems=[FIRST], **proof)

    async def demo_code(self, request: web.Request) -> str:
        """The code that a phone would show, in a demo, whose visitors have no such phone; "" in every other mode."""
        if self.screens.site.mode is not Mode.DEMO:
            return ""
        person_id = request[VISIT].staff.person_id
        row = await self.db.read(lambda conn: accounts.login(conn, person_id))
        return accounts.next_code(row, self.ring, self.clock.now()) if row else ""

    async def _visit(self, request: web.Request, route: Route) -> Visit | None:
        token = request.cookies.get(self.cookie, "")
        if not token:
            return None
        now = self.clock.now()
        visit = await self.db.read(lambda conn: accounts.visit(conn, token, now))
        if visit is not None and not route.passive and now - visit.seen_at > accounts.SEEN_EVERY:
            await self._note_seen(token, now)
        return visit

    async def _note_seen(self, token: str, now: datetime) -> None:
        """On a full disk pages are read all the same."""
        try:
            await self.db.write(lambda conn: accounts.seen(conn, token, now))
        except SQLAlchemyError as error:
            if not no_room(error):
                raise
            logger.error(LOGGED, "noting that somebody is at the console")

    def _to_the_door(self, request: web.Request) -> web.Response:
        """To the sign-in page, and from there back. A part of a page that is asked for sends the whole page there."""
        way = f"/sign-in?next={quote(request.path_qs if request.method == 'GET' else '/')}"
        if "HX-Request" in request.headers:
            return web.Response(status=401, headers={"HX-Redirect": way})
        if request.method != "GET":
            sentences = ["You were signed out after half an hour without a key pressed. Drafts are kept."]
            return self.screens.refusal(request, 401, "Sign in again", sentences)
        return self.screens.moved(way)


def _said(error: Exception, what: str) -> Problem:
    """What the page says of an error; logged where it was nobody's wish that failed."""
    if no_room(error):
        logger.error(LOGGED, what)
    elif isinstance(error, SQLAlchemyError):
        logger.exception("%s could not use the database", what)
        return Problem(503, "Not possible now", [UNSURE])
    if found := error if isinstance(error, Problem) else problem_of(error):
        return found
    logger.exception("%s failed", what)
    return Problem(500, "This failed here, not because of you", ["It has been logged. Nothing was changed."])


def _parsed(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(400, "This form cannot be read", ["Nothing was changed."]) from None


def several(request: web.Request, name: str) -> list[str]:
    """Every value of a field that may be given more than once."""
    return [value for value in request[SEVERAL].get(name, []) if value]
