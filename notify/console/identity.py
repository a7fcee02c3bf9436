"""Signing in through the city's identity provider: the way there and back, to sign in, to use an invitation, and to show
before a grave step who sits there.

The provider's answer comes from another site, so it brings no cookie that is kept to our own pages (SameSite=Strict). A
cookie of its own (Lax) binds it to the browser that was sent there, and a page of ours leads on from it, not a redirect: the
session's cookie is then sent again. Browsers also hold a form's redirects to our own site (form-action), so the way there is
such a page, too.
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from notify.console.door import STALE, UNUSED, Door, device_of, inside
from notify.console.routing import ANYBODY, FORM, SIGNED_IN, Guard, Route
from notify.console.screens import VISIT
from notify.identity import links, visits
from notify.identity.claims import Asked, Identity, Lack, NotAdmitted
from notify.identity.provider import RETURN_PATH, Provider, Secrets, Silent, Untrusted
from notify.identity.visits import ASKED_FOR, Came, Purpose, Visit, Why
from notify.staff import accounts
from notify.staff.accounts import TOKEN_BYTES
from notify.web.answers import Problem

logger = logging.getLogger(__name__)

LONGEST_ANSWER: Final = 4_096  # characters of a code or state
# With their names in them they are in sentences.PATTERNS, too.
SILENT: Final = "{name} cannot be reached now. Sign in with name, password and code, or with a passkey, if you have them."
NOT_HERE: Final = "{name} cannot be reached now. Type your code or use a passkey, if you have them, or try again in a moment."
BEGIN_AGAIN: Final = "This answer belongs to no sign-in that this browser has begun in the last ten minutes. Begin again."
DECLINED: Final = "You were not signed in there. Begin again, or sign in another way."
NOTHING_HELD: Final = (
    "What came back could not be verified, so nobody was signed in. Begin again; if it stays so, tell an administrator."
)
SAID: Final[Mapping[Why | Lack, str]] = {
    Why.NOBODY: (
        "You are signed in there, but no account here is linked to it. "
        "Ask an administrator for an invitation, or tell them this:"
    ),
    Why.DISABLED: "Your account here is disabled.",
    Why.USED: UNUSED[1][0],
    Why.TAKEN: "This account there is linked to somebody else here already.",
    Why.OTHER: "Somebody else signed in there, so it is not shown that it is you.",
    Why.GONE: "You were signed out meanwhile. Sign in again; drafts are kept.",
    Lack.GROUP: "Your account there is not in the group that may sign in here.",
    Lack.MEANS: "You did not sign in there in the way that is needed here. A second factor may be missing.",
}


class IdentityPages:
    def __init__(self, guard: Guard, door: Door) -> None:
        self._guard, self._door = guard, door
        self._db, self._clock, self._screens, self._ring = guard.db, guard.clock, guard.screens, guard.ring

    def routes(self) -> list[Route]:
        return [
            Route(method="POST", path="/sign-in/identity", answer=self.enter, roles=ANYBODY),
            Route(method="POST", path="/invitation/{token}/identity", answer=self.join, roles=ANYBODY),
            Route(method="POST", path="/prove/identity", answer=self.prove, roles=SIGNED_IN),
            Route(method="GET", path=RETURN_PATH, answer=self.returned, roles=ANYBODY),
        ]

    async def enter(self, request: web.Request) -> web.StreamResponse:
        form, now = await self._guard.form(request), self._clock.now()
        way = inside(form.text("next"))
        if not self._door.marked(form.text("mark")):
            return self._door.asked(request, way, problems=[STALE], status=403)
        return await self._sent(request, Visit(purpose=Purpose.ENTER, way=way, asked_at=now))

    async def join(self, request: web.Request) -> web.StreamResponse:
        form, token, now = await self._guard.form(request), request.match_info["token"], self._clock.now()
        person_id = await self._db.read(lambda conn: accounts.invited(conn, token, now))
        if person_id is None or not self._door.marked(form.text("mark")):
            return self._screens.refusal(request, 410, *UNUSED)
        return await self._sent(
            request, Visit(purpose=Purpose.JOIN, way="/", subject=accounts.hashed(token), asked_at=now), anew=True
        )

    async def prove(self, request: web.Request) -> web.StreamResponse:
        """To the provider, where they sign in anew, and back to the page that asked."""
        provider, visit, now = self._provider(), request[VISIT], self._clock.now()
        linked = await self._db.read(lambda conn: links.of(conn, visit.staff.person_id))
        if not provider.terms.proves or linked is None:
            raise Problem(403, "You may not do this", ["Type your code or use a passkey."])
        way, subject = inside(request[FORM].text("next")), accounts.hashed(visit.token)
        return await self._sent(request, Visit(purpose=Purpose.PROVE, way=way, subject=subject, asked_at=now), anew=True)

    async def returned(self, request: web.Request) -> web.StreamResponse:
        """What the provider sends the browser back with."""
        provider, now = self._provider(), self._clock.now()
        mine, given = Secrets(cookie=request.cookies.get(self._cookie, "")), request.query
        if not mine.cookie or not secrets.compare_digest(given.get("state", "").encode(), mine.state.encode()):
            return self._refused(request, BEGIN_AGAIN)
        begun = await self._db.write(lambda conn: visits.take(conn, mine.cookie, now))
        if begun is None:
            return self._refused(request, BEGIN_AGAIN)
        code = given.get("code", "")
        if not provider.answered_by(given.get("iss")):
            logger.warning("an answer of another identity provider was brought: %.200r", given.get("iss"))
            return self._refused(request, NOTHING_HELD, begun)
        if not 0 < len(code) <= LONGEST_ANSWER or "error" in given:
            logger.warning("the identity provider sent somebody back: %.60r", given.get("error", "no code"))
            return self._refused(request, DECLINED, begun)
        asked = Asked(nonce=mine.nonce, anew_since=begun.asked_at if begun.purpose is not Purpose.ENTER else None)
        try:
            token = await provider.redeem(code, mine)
            who = await provider.who(token, asked, now)
        except Silent:
            sentence = NOT_HERE if begun.purpose is Purpose.PROVE else SILENT
            return self._refused(request, sentence.format(name=provider.name), begun, status=503)
        except Untrusted as error:
            logger.warning("an ID token opens nothing: %s", error)
            return self._refused(request, NOTHING_HELD, begun)
        except NotAdmitted as error:
            return self._refused(request, SAID[error.lack], begun, status=403)
        return await self._came(request, begun, who, token)

    async def _came(self, request: web.Request, begun: Visit, who: Identity, id_token: str) -> web.Response:
        """Does what the visit was for."""
        now, device, proves = self._clock.now(), device_of(request), self._provider().terms.proves
        match begun.purpose:
            case Purpose.ENTER:
                came = await self._db.write(lambda conn: visits.enter(conn, who, device, now, proves=proves))
            case Purpose.PROVE:
                came = await self._db.write(lambda conn: visits.prove(conn, begun.subject, who, now))
            case Purpose.JOIN:
                came = await self._db.write(lambda conn: visits.join(conn, begun.subject, who, now))
                if came.why is None:
                    came = await self._db.write(lambda conn: visits.enter(conn, who, device, now, proves=proves))
        if came.why is not None:
            logger.warning("the identity provider vouched for somebody, and nobody came in: %s", came.why)
            facts = [who.subject] if came.why is Why.NOBODY else []
            return self._refused(request, SAID[came.why], begun, facts=facts, status=403)
        return await self._led(request, begun, came, id_token)

    async def _led(self, request: web.Request, begun: Visit, came: Came, id_token: str) -> web.Response:
        """A page of ours that leads on, with the cookie of a new session where there is one."""
        answer, cookie, now, ring = self._go(request, begun.way), came.token, self._clock.now(), self._ring
        if cookie is not None:
            session_id = accounts.hashed(cookie)
            await self._db.write(lambda conn: visits.keep_token(conn, ring, session_id, id_token, now))
            self._guard.keep_session(answer, cookie)
        self._forget(answer)
        return answer

    async def _sent(self, request: web.Request, visit: Visit, *, anew: bool = False) -> web.Response:
        """The page that leads to the provider, and the cookie by which its answer is known."""
        provider, cookie = self._provider(), secrets.token_urlsafe(TOKEN_BYTES)
        try:
            way = await provider.way_there(Secrets(cookie=cookie), anew=anew)
        except Silent:
            sentence = NOT_HERE if visit.purpose is Purpose.PROVE else SILENT
            return self._refused(request, sentence.format(name=provider.name), visit, status=503)
        await self._db.write(lambda conn: visits.ask(conn, cookie, visit))
        answer = self._go(request, way)
        life = int(ASKED_FOR.total_seconds())
        answer.set_cookie(
            self._cookie, cookie, max_age=life, path="/", httponly=True, samesite="Lax", secure=self._guard.encrypted
        )
        return answer

    def _go(self, request: web.Request, way: str) -> web.Response:
        return self._screens.page(request, "leading_on", way=way)

    def _refused(
        self, request: web.Request, sentence: str, begun: Visit | None = None, facts: list[str] | None = None, status: int = 422
    ) -> web.Response:
        """Back at the door; for whoever is signed in and was to show who they are, back to where they were. facts: what an
        administrator is to be told."""
        way = begun.way if begun is not None else "/"
        if begun is not None and begun.purpose is Purpose.PROVE:
            answer = self._screens.page(request, "identity_refused", status=status, next=way, sentence=sentence)
        else:
            answer = self._door.asked(request, way, problems=[sentence, *(facts or [])], status=status)
        if begun is not None:
            self._forget(answer)
        return answer

    def _forget(self, answer: web.Response) -> None:
        answer.del_cookie(self._cookie, path="/", secure=self._guard.encrypted)

    def _provider(self) -> Provider:
        if self._guard.identity is None:
            raise web.HTTPNotFound
        return self._guard.identity

    @property
    def _cookie(self) -> str:
        return "__Host-tocsin-identity" if self._guard.encrypted else "tocsin-identity"
