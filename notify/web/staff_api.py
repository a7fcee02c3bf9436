"""Who works here, by the API: add, invite, sign out, disable. What lets people send alerts takes two administrators."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import ADMINS, Staff
from notify.alerts.register import Conflict
from notify.identity import links
from notify.service import Service
from notify.staff import accounts, grants, people
from notify.staff.grants import Power, Wanted
from notify.staff.staff_tables import Grant
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, Endpoint, NewPerson, Subject, acting, looking
from notify.web.replies import Replies, ShownOnce

REFUSED: Final = frozenset({404, 409})


class StaffApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self.service, self._replies = service, replies

    def endpoints(self) -> list[Endpoint]:
        person, grant = "/staff/{person_id}", "/grants/{grant_id:[0-9]{1,15}}"
        add = "Adds somebody; approvers and administrators take a second administrator"
        invite = "A new link to set password and phone; earlier ones are void"
        link = (
            "Whoever signs in at the identity provider as this account is this person; another administrator has to agree "
            "where it opens an approver's or an administrator's powers"
        )
        see, act = partial(looking, roles=ADMINS), partial(acting, roles=ADMINS, refusals=REFUSED)
        return [
            see("/staff", self.everybody, "All staff", "StaffList"),
            acting("/staff", self.add, add, "Invitation", NewPerson, roles=ADMINS, status=201),
            act(f"{person}/invitation", self.invite, invite, "Invitation"),
            act(f"{person}/token", self.token, "Asks for an API token; another administrator gives it", "Asked"),
            act(f"{person}/sign-out", self.cut_off, "Ends every session of theirs, at once", "Person"),
            act(f"{person}/disable", self.disable, "They may do nothing any more, from this moment", "Person"),
            act(f"{person}/identity", self.link, link, "Asked", Subject),
            act(f"{person}/identity/remove", self.unlink, "The account there opens nothing here any more", "Person"),
            see("/grants", self.asked, "Powers that wait for a word", "Grants"),
            act(f"{grant}/give", self.answer(True), "Another administrator's yes; shows what is given, once", "Given"),
            act(f"{grant}/refuse", self.answer(False), "Another administrator's no", "Given"),
        ]

    async def everybody(self, _: web.Request) -> web.Response:
        now = self.service.clock.now()
        known = await self.service.db.read(people.everybody)
        signed_in = {one.person_id for one in await self.service.db.read(lambda conn: accounts.sessions(conn, now))}
        linked = await self.service.db.read(links.everybodys)
        shown = [
            person_json(staff, active, signed_in=staff.person_id in signed_in, linked=staff.person_id in linked)
            for staff, active in known
        ]
        return web.json_response({"staff": shown})

    async def add(self, request: web.Request) -> web.Response:
        given, admin, now = request[GIVEN], request[STAFF], self.service.clock.now()
        assert isinstance(given, NewPerson)
        person_id = given.person_id.casefold()
        scope = {"hazards": given.hazards, "areas": given.areas, "channels": given.channels}
        wanted = Wanted(what=Power.PERSON, person_id=person_id, roles=given.roles, scope=scope)
        return await self._replies.once(
            request,
            lambda conn: _invitation(person_id, grants.ask(conn, admin, wanted, now)),
            201,
            before=partial(self._possible, wanted),
        )

    async def invite(self, request: web.Request) -> web.Response:
        person_id, admin, now = request.match_info["person_id"], request[STAFF], self.service.clock.now()
        return await self._replies.once(
            request, lambda conn: _invitation(person_id, accounts.invite(conn, person_id, admin.person_id, now))
        )

    async def token(self, request: web.Request) -> web.Response:
        person_id, admin, now = request.match_info["person_id"], request[STAFF], self.service.clock.now()

        def ask(conn: Connection) -> dict[str, Any]:
            grants.ask(conn, admin, Wanted(what=Power.TOKEN, person_id=person_id), now)
            return {"person_id": person_id, "waits": True}

        return await self._replies.once(request, ask)

    async def link(self, request: web.Request) -> web.Response:
        given, admin, now = request[GIVEN], request[STAFF], self.service.clock.now()
        assert isinstance(given, Subject)
        person_id, provider = request.match_info["person_id"], self.service.identity

        def ask(conn: Connection) -> dict[str, Any]:
            if provider is None:
                raise Conflict(links.NONE_HERE)
            scope = {"issuer": [provider.terms.issuer], "subject": [given.subject]}
            wanted = Wanted(what=Power.IDENTITY, person_id=person_id, scope=scope)
            return {"person_id": person_id, "waits": grants.ask(conn, admin, wanted, now) is None}

        return await self._replies.once(request, ask)

    async def unlink(self, request: web.Request) -> web.Response:
        person_id, admin, now = request.match_info["person_id"], request[STAFF], self.service.clock.now()

        def end(conn: Connection) -> dict[str, Any]:
            people.check(conn, person_id, [], new=False)
            if not links.unlink(conn, person_id, admin.person_id, now):
                raise Conflict(f"{person_id} is linked to no account.")
            return _person(conn, person_id)

        return await self._replies.once(request, end)

    async def cut_off(self, request: web.Request) -> web.Response:
        person_id, admin, now = request.match_info["person_id"], request[STAFF], self.service.clock.now()

        def end(conn: Connection) -> dict[str, Any]:
            people.check(conn, person_id, [], new=False)
            accounts.cut_off(conn, person_id, admin.person_id, now)
            return _person(conn, person_id)

        return await self._replies.once(request, end)

    async def disable(self, request: web.Request) -> web.Response:
        person_id, admin, now = request.match_info["person_id"], request[STAFF], self.service.clock.now()

        def end(conn: Connection) -> dict[str, Any]:
            accounts.disable(conn, person_id, admin.person_id, now)
            return _person(conn, person_id)

        return await self._replies.once(request, end)

    async def asked(self, _: web.Request) -> web.Response:
        rows = await self.service.db.read(grants.open_ones)
        return web.json_response({"grants": [grant_json(row) for row in rows]})

    def answer(self, give: bool) -> Callable[[web.Request], Any]:
        """A handler for an administrator's word on what another one asked for."""

        async def handle(request: web.Request) -> web.Response:
            admin, grant_id, now = request[STAFF], int(request.match_info["grant_id"]), self.service.clock.now()

            def decide(conn: Connection) -> ShownOnce:
                asked = {row.grant_id: row for row in grants.open_ones(conn)}
                secret = grants.answer(conn, admin, grant_id, give, now)
                if grant_id not in asked:
                    raise Conflict("Somebody else has answered this meanwhile.")
                row = asked[grant_id]
                return ShownOnce(reply={**grant_json(row), "given": give, "secret": secret or None}, field="secret")

            return await self._replies.once(request, decide)

        return handle

    async def _possible(self, wanted: Wanted) -> None:
        """Raises Problem: a limit to what there is not would let somebody do nothing, or be taken for none."""
        areas = [area["name"] for area in await self.service.areas()]
        problems = grants.unknown(wanted.scope, self.service.assembly.hazards, areas)
        try:
            await self.service.db.read(lambda conn: people.check(conn, wanted.person_id, sorted(wanted.roles), new=True))
        except people.BadPerson as error:
            problems[:0] = error.problems
        if problems:
            raise Problem(422, "This person cannot be added or changed.", problems, "bad-person")


def person_json(staff: Staff, active: bool, *, signed_in: bool, linked: bool) -> dict[str, Any]:
    return {
        "person_id": staff.person_id,
        "roles": sorted(staff.roles),
        "hazards": sorted(staff.hazards),
        "areas": sorted(staff.areas),
        "channels": sorted(staff.channels),
        "active": active,
        "signed_in": signed_in,
        "linked": linked,
    }


def grant_json(row: Grant) -> dict[str, Any]:
    return {
        "grant_id": row.grant_id,
        "what": row.what,
        "person_id": row.person_id,
        "roles": [role for role in row.roles.split(",") if role],
        "asked_by": row.asked_by,
        "asked_at": row.asked_at.isoformat(),
    }


def _person(conn: Connection, person_id: str) -> dict[str, Any]:
    """A person whose sessions have just been ended."""
    (found,) = [(staff, active) for staff, active in people.everybody(conn) if staff.person_id == person_id]
    return person_json(*found, signed_in=False, linked=links.of(conn, person_id) is not None)


def _invitation(person_id: str, token: str | None) -> ShownOnce:
    """path: of the link on the console, for one use within a day; None while another administrator has to agree."""
    path = f"/invitation/{token}" if token is not None else None
    return ShownOnce(reply={"person_id": person_id, "waits": token is None, "path": path}, field="path")
