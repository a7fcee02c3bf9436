"""A person's own passkeys: add, look at, remove; and the administrator's way to remove a lost one."""

from typing import Any, Final

from aiohttp import web

from notify.alerts.life import ADMINS
from notify.console.routing import ANSWER, FORM, SIGNED_IN, Guard, Route
from notify.console.screens import HEADERS, VISIT
from notify.staff import passkeys
from notify.staff.passkeys import MOST, Purpose, Why
from notify.web.answers import Problem

NOT_KEPT: Final = "This did not become a passkey. Try again, or with another device."
UNNAMED: Final = "Give the passkey a name by which you will know it: phone, laptop, key in the safe."
KNOWN: Final = "This device holds a passkey for the console already."
MANY: Final = "Ten passkeys are as many as anybody may have. Remove one first."
SAID: Final = {Why.KNOWN: KNOWN, Why.MANY: MANY}
GONE: Final = Problem(404, "There is no such passkey", ["It may have been removed already."])


class PasskeyPages:
    def __init__(self, guard: Guard) -> None:
        self._guard, self._db, self._screens, self._clock = guard, guard.db, guard.screens, guard.clock

    def routes(self) -> list[Route]:
        own, lost = "/passkeys/{passkey_id:[0-9]{1,15}}/remove", "/people/{person_id}/passkeys/{passkey_id:[0-9]{1,15}}/remove"
        renamed = "/passkeys/{passkey_id:[0-9]{1,15}}/rename"
        return [
            Route(method="GET", path="/passkeys", answer=self.show, roles=SIGNED_IN),
            Route(method="POST", path="/passkeys", answer=self.add, roles=SIGNED_IN),
            Route(method="POST", path="/passkeys/challenge", answer=self.challenge, roles=SIGNED_IN),
            Route(method="POST", path=own, answer=self.remove, roles=SIGNED_IN),
            Route(method="POST", path=renamed, answer=self.rename, roles=SIGNED_IN),
            Route(method="POST", path=lost, answer=self.remove_lost, roles=ADMINS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def challenge(self, request: web.Request) -> web.StreamResponse:
        """What the browser asks its authenticator, as JSON: {"make": ...} to add a passkey, {"use": ...} to use one."""
        keys, visit, now = self._guard.passkeys, request[VISIT], self._clock.now()
        if keys is None:
            raise web.HTTPNotFound
        person_id, asked = visit.staff.person_id, {}
        if request[FORM].text("purpose") == Purpose.ADD:
            if not visit.proved(now):
                raise Problem(403, "Show first that it is you", ["Load the page again; nothing was changed."])
            asked["make"] = await self._db.write(lambda conn: keys.ask_to_add(conn, visit.token, person_id, now))
        else:
            asked["use"] = await self._db.write(lambda conn: keys.ask_to_prove(conn, visit.token, person_id, now))
        return web.json_response(asked, headers=HEADERS)

    async def add(self, request: web.Request) -> web.StreamResponse:
        if (asked := await self._guard.unproved(request, "/passkeys")) is not None:
            return asked
        keys, visit, now, form = self._guard.passkeys, request[VISIT], self._clock.now(), request[FORM]
        if keys is None:
            raise web.HTTPNotFound
        owner, answer = (visit.staff.person_id, form.text("name")), form.fields.get(ANSWER, "")
        if not form.text("name"):
            return await self._page(request, [UNNAMED])
        verdict = await self._db.write(lambda conn: keys.add(conn, visit.token, owner, answer, now))
        if verdict.why is not None:
            return await self._page(request, [SAID.get(verdict.why, NOT_KEPT)])
        return self._screens.moved("/passkeys")

    async def remove(self, request: web.Request) -> web.StreamResponse:
        visit = request[VISIT]
        await self._removed(request, visit.staff.person_id)
        return self._screens.moved("/passkeys")

    async def rename(self, request: web.Request) -> web.StreamResponse:
        person_id, name, now = request[VISIT].staff.person_id, request[FORM].text("name"), self._clock.now()
        which = int(request.match_info["passkey_id"])
        if not name:
            return await self._page(request, [UNNAMED])
        if not await self._db.write(lambda conn: passkeys.rename(conn, person_id, which, name, now)):
            raise GONE
        return self._screens.moved("/passkeys")

    async def remove_lost(self, request: web.Request) -> web.StreamResponse:
        await self._removed(request, request.match_info["person_id"])
        return self._screens.moved("/people")

    async def _removed(self, request: web.Request, owner: str) -> None:
        """Raises Problem when the owner has no such passkey."""
        visit, passkey_id, now = request[VISIT], int(request.match_info["passkey_id"]), self._clock.now()
        actor = visit.staff.person_id
        by = (actor, visit.token if actor == owner else None)
        if not await self._db.write(lambda conn: passkeys.remove(conn, owner, passkey_id, by, now)):
            raise GONE

    async def _page(self, request: web.Request, problems: list[str] | None = None) -> web.Response:
        visit = request[VISIT]
        kept: list[Any] = await self._db.read(lambda conn: passkeys.of(conn, visit.staff.person_id))
        return self._screens.page(
            request,
            "passkeys",
            status=422 if problems else 200,
            problems=problems or [],
            kept=kept,
            possible=self._guard.passkeys is not None,
            fresh=visit.proved(self._clock.now()),
            room=len(kept) < MOST,
        )
