"""Signing in, proving oneself again, signing out, and setting a password by invitation."""

import asyncio
import hashlib
import hmac
import secrets
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import segno
from aiohttp import web

from notify.alerts.alert import Mode
from notify.console.routing import ANSWER, ANYBODY, FORM, SIGNED_IN, Guard, Route
from notify.console.screens import HEADERS, LANGUAGE, VISIT
from notify.console.words import spoken
from notify.identity import visits
from notify.publishing.site import ENGLISH
from notify.staff import accounts, passwords, people
from notify.staff.accounts import INVITED_FOR, TOKEN_BYTES
from notify.staff.ceremony import ASKED_FOR
from notify.web.answers import Problem
from notify.web.forms import Marks
from subscribers.sealing import Keyring, Unopenable

SEED: Final = "tocsin_seed"  # cookie: the seed being set up, sealed; it is nobody's until its code was typed
NO_FIT: Final = (
    "Name, password and code do not fit together. A code is good for half a minute, and for one use. "
    "After five failed tries you have to wait before each further one, twice as long each time."
)
NO_PASSKEY: Final = "This passkey opens nothing here. It may have been removed: sign in with password and code."
STALE: Final = "This page was open for a long time. Press the button again."
# A name that is there costs a line in the database beside the hash; a refusal that waits until then tells nobody which it was.
REFUSED_AFTER_S: Final = 0.3
UNUSED: Final = ("This invitation does not work", ["It was used, replaced or is more than a day old. Ask for a new one."])


class Door:
    """marks: sign the forms of people who are not signed in yet."""

    def __init__(self, guard: Guard, marks: Marks) -> None:
        self._guard, self._ring, self._marks = guard, guard.ring, marks
        self._db, self._clock, self._screens = guard.db, guard.clock, guard.screens

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/sign-in", answer=self.ask, roles=ANYBODY),
            Route(method="POST", path="/sign-in", answer=self.sign_in, roles=ANYBODY),
            Route(method="POST", path="/sign-in/challenge", answer=self.challenge, roles=ANYBODY),
            Route(method="POST", path="/sign-in/passkey", answer=self.enter_by_passkey, roles=ANYBODY),
            Route(method="POST", path="/sign-out", answer=self.sign_out, roles=SIGNED_IN),
            Route(method="GET", path="/prove", answer=self.ask_code, roles=SIGNED_IN),
            Route(method="POST", path="/prove", answer=self.prove, roles=SIGNED_IN),
            Route(method="GET", path="/invitation/{token}", answer=self.invited, roles=ANYBODY),
            Route(method="POST", path="/invitation/{token}", answer=self.enrol, roles=ANYBODY),
            Route(method="POST", path="/language", answer=self.language, roles=ANYBODY),
            *([Route(method="GET", path="/enter/{person_id}/{pass}", answer=self.enter, roles=ANYBODY)] if self._demo else []),
        ]

    @property
    def _demo(self) -> bool:
        return self._screens.site.mode is Mode.DEMO

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """Demo only, where nothing reaches anybody: the link that the demo prints is the whole sign-in."""
        person_id, now = request.match_info["person_id"], self._clock.now()
        known = await self._db.read(lambda conn: people.active(conn, person_id))
        if known is None or not hmac.compare_digest(request.match_info["pass"], demo_pass(self._ring, person_id)):
            raise web.HTTPNotFound
        token = await self._db.write(lambda conn: accounts.sign_in(conn, person_id, "demo", now))
        return self._guard.entered("/", token)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        way = inside(request.query.get("next", "/"))
        return self._screens.moved(way) if VISIT in request else self.asked(request, way, request.query.get("person", "")[:64])

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        begun = asyncio.get_running_loop().time()
        form = await self._guard.form(request)
        way, person_id = inside(form.text("next")), form.text("person").casefold()
        if not self.marked(form.text("mark")):
            return self.asked(request, way, person_id, [STALE], 403)
        if not await self._fits(person_id, form.fields.get("password", ""), form.text("code")):
            await asyncio.sleep(REFUSED_AFTER_S - (asyncio.get_running_loop().time() - begun))
            return self.asked(request, way, person_id, [NO_FIT], 422)
        now, device = self._clock.now(), device_of(request)
        token = await self._db.write(lambda conn: accounts.sign_in(conn, person_id, device, now))
        return self._guard.entered(way, token)

    async def challenge(self, request: web.Request) -> web.StreamResponse:
        """What a browser that nobody is signed in with asks its authenticator; bound to a cookie of its own."""
        form, now, keys = await self._guard.form(request), self._clock.now(), self._guard.passkeys
        if keys is None:
            raise web.HTTPNotFound
        if not self.marked(form.text("mark")):
            raise Problem(403, "This page is too old", ["Load it again; nothing was changed."])
        cookie = secrets.token_urlsafe(TOKEN_BYTES)
        asked = await self._db.write(lambda conn: keys.ask_to_enter(conn, cookie, now))
        answer = web.json_response({"use": asked}, headers=HEADERS)
        life = int(ASKED_FOR.total_seconds())
        answer.set_cookie(
            self._asking, cookie, max_age=life, path="/", httponly=True, samesite="Strict", secure=self._guard.encrypted
        )
        return answer

    async def enter_by_passkey(self, request: web.Request) -> web.StreamResponse:
        form, now, keys = await self._guard.form(request), self._clock.now(), self._guard.passkeys
        way, cookie, given = inside(form.text("next")), request.cookies.get(self._asking, ""), form.fields.get(ANSWER, "")
        if keys is None:
            raise web.HTTPNotFound
        if not self.marked(form.text("mark")):
            return self.asked(request, way, problems=[STALE], status=403)
        verdict = await self._db.write(lambda conn: keys.enter(conn, cookie, given, now))
        person_id, device = verdict.person_id, device_of(request)
        if person_id is None:
            return self.asked(request, way, problems=[NO_PASSKEY], status=422)
        token = await self._db.write(lambda conn: accounts.sign_in(conn, person_id, device, now))
        answer = self._guard.entered(way, token)
        answer.del_cookie(self._asking, path="/", secure=self._guard.encrypted)
        return answer

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """Ends the session, and leads to signing out at the identity provider where it began there: at a desk that is shared
        nobody else must come in by the button alone."""
        token, now, ring, provider = request[VISIT].token, self._clock.now(), self._ring, self._guard.identity
        await self._db.write(lambda conn: accounts.sign_out(conn, token, now))
        kept = await self._db.write(lambda conn: visits.take_token(conn, ring, accounts.hashed(token)))
        way_out = provider.way_out(kept) if provider is not None and kept is not None else ""
        del request[VISIT]  # the page that leads on is nobody's
        answer = self._screens.page(request, "leading_on", way=way_out) if way_out else self._screens.moved("/sign-in")
        answer.del_cookie(self._guard.cookie, path="/", secure=self._guard.encrypted)
        return answer

    async def ask_code(self, request: web.Request) -> web.StreamResponse:
        way = inside(request.query.get("next", "/"))
        return self._screens.page(request, "prove", next=way, **await self._guard.proof(request))

    async def prove(self, request: web.Request) -> web.StreamResponse:
        way = inside(request[FORM].text("next"))
        if not await self._guard.proved(request):
            proof = await self._guard.proof(request)
            return self._screens.page(request, "prove", status=422, next=way, problems=[NOT_SHOWN], **proof)
        return self._screens.moved(way)

    async def invited(self, request: web.Request) -> web.StreamResponse:
        token, now = request.match_info["token"], self._clock.now()
        person_id = await self._db.read(lambda conn: accounts.invited(conn, token, now))
        if person_id is None:
            return self._screens.refusal(request, 410, *UNUSED)
        return self._set_up(request, person_id, passwords.new_seed())

    async def enrol(self, request: web.Request) -> web.StreamResponse:
        form, token, now = await self._guard.form(request), request.match_info["token"], self._clock.now()
        person_id = await self._db.read(lambda conn: accounts.invited(conn, token, now))
        if person_id is None or not self.marked(form.text("mark")):
            return self._screens.refusal(request, 410, *UNUSED)
        seed = self._seed_of(request)
        if seed is None:
            return self._set_up(request, person_id, passwords.new_seed(), ["Set up the app again: the page was open too long."])
        password, step = form.fields.get("password", ""), passwords.step_of(seed, form.text("code"), now, 0)
        problems = passwords.problems(password, person_id)
        if password != form.fields.get("again", ""):
            problems.append("The two passwords differ.")
        if step is None:
            problems.append("This is not the app's code of now. Check that the clock of the phone is right.")
        if problems or step is None:
            return self._set_up(request, person_id, seed, problems)
        hashed = await asyncio.to_thread(passwords.hashed, password)
        keep = partial(accounts.enrol, token=token, password=hashed, seed=seed, ring=self._ring, step=step, now=now)
        if await self._db.write(keep) is None:
            return self._screens.refusal(request, 410, *UNUSED)
        answer = self._screens.moved("/sign-in")
        answer.del_cookie(SEED, path="/invitation")
        return answer

    async def language(self, request: web.Request) -> web.StreamResponse:
        """What this browser's console is read in from now on."""
        form = await self._guard.form(request)
        chosen = form.text("language")
        answer = self._screens.moved(inside(form.text("next")))
        kept = chosen if chosen in spoken() else ENGLISH
        answer.set_cookie(LANGUAGE, kept, max_age=365 * 86_400, httponly=True, samesite="Strict", secure=self._guard.encrypted)
        return answer

    async def _fits(self, person_id: str, password: str, code: str) -> bool:
        """Checks a password where it may take its time, then counts the try."""
        row = await self._db.read(lambda conn: accounts.login(conn, person_id))
        fits = await asyncio.to_thread(passwords.fits, row.password if row else None, password)
        now, ring = self._clock.now(), self._ring
        return row is not None and await self._db.write(lambda conn: accounts.attempt(conn, person_id, fits, code, ring, now))

    def asked(
        self, request: web.Request, way: str, person_id: str = "", problems: list[str] | None = None, status: int = 200
    ) -> web.Response:
        """The door. problems: why nobody was let in."""
        form_mark, provider = self._marks.make("sign-in", self._clock.now()), self._guard.identity
        if provider is not None:
            provider.look()
        return self._screens.page(
            request,
            "sign_in",
            status=status,
            path="/sign-in",
            next=way,
            person=person_id,
            problems=problems or [],
            form_mark=form_mark,
            by_passkey=self._guard.passkeys is not None,
            identity=provider,
        )

    def _set_up(self, request: web.Request, person_id: str, seed: bytes, problems: list[str] | None = None) -> web.Response:
        """The page that shows a new seed. Between showing and typing it lies, sealed, in the person's own browser."""
        link = passwords.link(seed, person_id, f"{self._screens.site.city} Tocsin")
        answer = self._screens.page(
            request,
            "invitation",
            status=422 if problems else 200,
            person=person_id,
            typed=passwords.typed_form(seed),
            picture=segno.make(link, error="m").svg_data_uri(scale=5, border=4),
            problems=problems or [],
            form_mark=self._marks.make("sign-in", self._clock.now()),
            identity=self._guard.identity,
        )
        sealed = self._ring.seal(SEED, seed.hex())
        value = f"{sealed.key_id}.{sealed.data.hex()}"
        life = int(INVITED_FOR.total_seconds())
        answer.set_cookie(
            SEED, value, max_age=life, path="/invitation", httponly=True, samesite="Strict", secure=self._guard.encrypted
        )
        return answer

    def _seed_of(self, request: web.Request) -> bytes | None:
        key_id, _, data = request.cookies.get(SEED, "").partition(".")
        try:
            return bytes.fromhex(self._ring.open(SEED, key_id, bytes.fromhex(data)))
        except (ValueError, Unopenable):
            return None

    def marked(self, mark: str) -> bool:
        return self._marks.holds(mark, "sign-in", self._clock.now())

    @property
    def _asking(self) -> str:
        """The cookie that the challenge of somebody not signed in is bound to."""
        return "__Host-tocsin-door" if self._guard.encrypted else "tocsin-door"


NOT_SHOWN: Final = (
    "This is not the code of now, or it was used already, or the passkey is not yours. Wait for the next code, or try again."
)


def device_of(request: web.Request) -> str:
    return request.headers.get("User-Agent", "")[:200]


def demo_pass(ring: Keyring, person_id: str) -> str:
    """What the demo's link to the console ends with; nobody without the keys of this one demo can make it."""
    return hmac.new(ring.blind_key, f"demo {person_id}".encode(), hashlib.sha256).hexdigest()[:24]


def inside(way: str) -> str:
    """A path of ours to go on to; "/" for anything that might lead elsewhere."""
    parts = urlsplit(way)
    ours = way.startswith("/") and not way.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return way if ours and way.isprintable() else "/"
