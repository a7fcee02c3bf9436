"""Who works here: add, invite, sign out, disable. What lets people send alerts takes two administrators."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from notify.alerts.broadcast import Unfit
from notify.alerts.life import ADMINS, Role
from notify.alerts.register import Conflict
from notify.console.routing import FORM, Guard, Route, several
from notify.console.screens import VISIT
from notify.identity import links
from notify.service import Service
from notify.staff import accounts, grants, passkeys, people
from notify.staff.grants import Power, Wanted
from subscribers import atlas

LIMITS: Final = ("hazards", "areas", "channels")
GIVES: Final = frozenset({"invite", "token"})  # acts that let somebody in


class StaffPages:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._db, self._screens, self._clock = guard, guard.db, guard.screens, guard.clock
        self._service = service

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/people", answer=self.show, roles=ADMINS),
            Route(method="POST", path="/people", answer=self.add, roles=ADMINS),
            Route(method="POST", path="/people/{person_id}/{act:invite|token|sign-out|disable}", answer=self.act, roles=ADMINS),
            Route(method="POST", path="/people/{person_id}/identity", answer=self.link, roles=ADMINS),
            Route(method="POST", path="/people/{person_id}/identity/remove", answer=self.unlink, roles=ADMINS),
            Route(method="POST", path="/grants/{grant_id:[0-9]{1,15}}", answer=self.answer, roles=ADMINS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def add(self, request: web.Request) -> web.StreamResponse:
        if (asked := await self._guard.unproved(request, "/people")) is not None:
            return asked
        form, admin, now = request[FORM], request[VISIT].staff, self._clock.now()
        known = {role.value for role in Role}
        roles = frozenset(Role(role) for role in several(request, "roles") if role in known)
        person_id = form.text("person").casefold()
        scope = {name: _listed(form.text(name)) for name in LIMITS}
        await self._known(scope)
        wanted = Wanted(what=Power.PERSON, person_id=person_id, roles=roles, scope=scope)
        token = await self._db.write(lambda conn: grants.ask(conn, admin, wanted, now))
        return await self._page(request, told=self._invitation(person_id, token))

    async def act(self, request: web.Request) -> web.StreamResponse:
        """invite: a new link to set password and phone. token: ask for one for the API. sign-out, disable: at once, and from
        whoever is signed in; what gives a power asks first whether it is really them."""
        person_id, act = request.match_info["person_id"], request.match_info["act"]
        if act in GIVES and (asked := await self._guard.unproved(request, "/people")) is not None:
            return asked
        admin, now = request[VISIT].staff, self._clock.now()
        if act == "invite":
            token = await self._db.write(lambda conn: accounts.invite(conn, person_id, admin.person_id, now))
            return await self._page(request, told=self._invitation(person_id, token))
        if act == "token":
            wanted = Wanted(what=Power.TOKEN, person_id=person_id)
            await self._db.write(lambda conn: grants.ask(conn, admin, wanted, now))
        elif act == "sign-out":
            await self._db.write(lambda conn: accounts.cut_off(conn, person_id, admin.person_id, now))
        else:
            await self._db.write(lambda conn: accounts.disable(conn, person_id, admin.person_id, now))
        return self._screens.moved("/people")

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Whoever signs in at the identity provider as this account is this person from now on."""
        if (asked := await self._guard.unproved(request, "/people")) is not None:
            return asked
        if self._guard.identity is None:
            raise Conflict(links.NONE_HERE)
        person_id, subject = request.match_info["person_id"], request[FORM].text("subject")
        admin, now, issuer = request[VISIT].staff, self._clock.now(), self._guard.identity.terms.issuer
        wanted = Wanted(what=Power.IDENTITY, person_id=person_id, scope={"issuer": [issuer], "subject": [subject]})
        given = await self._db.write(lambda conn: grants.ask(conn, admin, wanted, now))
        return await self._page(request, told=_told(person_id, given))

    async def unlink(self, request: web.Request) -> web.StreamResponse:
        person_id, admin, now = request.match_info["person_id"], request[VISIT].staff, self._clock.now()
        if not await self._db.write(lambda conn: links.unlink(conn, person_id, admin.person_id, now)):
            raise Conflict("There is no such link. It may have been removed already.")
        return await self._page(request, told=[f"{person_id}: linked no more."])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        admin, now, grant_id = request[VISIT].staff, self._clock.now(), int(request.match_info["grant_id"])
        give = request[FORM].text("act") == "give"
        if give and (unsure := await self._guard.unproved(request, "/people")) is not None:
            return unsure
        asked = {row.grant_id: row for row in await self._db.read(grants.open_ones)}
        secret = await self._db.write(lambda conn: grants.answer(conn, admin, grant_id, give, now))
        row = asked[grant_id]
        if secret is not None and row.what == Power.TOKEN:
            return await self._page(request, told=[f"{row.person_id}: the API token, shown this once:", secret])
        if row.what == Power.IDENTITY:
            return await self._page(request, told=_told(row.person_id, secret) if give else [])
        return await self._page(request, told=self._invitation(row.person_id, secret) if give else [])

    async def _known(self, scope: Mapping[str, Sequence[str]]) -> None:
        """Raises Unfit, naming every hazard, area and channel that there is not: a limit to nothing would be a trap."""
        areas = [area.name for area in await self._db.read(atlas.areas)]
        if unknown := grants.unknown(scope, self._service.assembly.hazards, areas):
            raise Unfit(unknown)

    def _invitation(self, person_id: str, token: str | None) -> list[str]:
        if token is None:
            return [f"{person_id}: another administrator has to agree first."]
        return [f"{person_id}: the link, for one use within a day:", f"{self._guard.url.rstrip('/')}/invitation/{token}"]

    async def _page(self, request: web.Request, told: list[str] | None = None) -> web.Response:
        now = self._clock.now()
        everybody = await self._db.read(people.everybody)
        signed_in = await self._db.read(lambda conn: accounts.sessions(conn, now))
        return self._screens.page(
            request,
            "people",
            everybody=everybody,
            signed_in=signed_in,
            asked=await self._db.read(grants.open_ones),
            keys=await self._db.read(passkeys.everybodys),
            roles=list(Role),
            told=told or [],
            identity=self._guard.identity,
            linked=await self._db.read(links.everybodys),
        )


def _told(person_id: str, given: str | None) -> list[str]:
    """What became of a wish to link. given: None while another administrator has to agree."""
    waits = f"{person_id}: another administrator has to agree first."
    return [waits if given is None else f"{person_id}: linked. They sign in there from now on."]


def _listed(typed: str) -> list[str]:
    return [one.strip() for one in typed.split(",") if one.strip()]
