"""Passkeys by the API: one's own listed, added, renamed and removed, and a lost one of somebody else removed, under the same
checks as on the console's pages. An authenticator answers to the console's own name alone, so whoever registers one runs under
it."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify.alerts.life import ADMINS
from notify.alerts.register import Conflict
from notify.service import Service
from notify.staff import passkeys, people
from notify.staff.ceremony import LONGEST_ANSWER
from notify.staff.passkeys import LONGEST_NAME, Why
from notify.staff.staff_tables import Passkey
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, HOLDERS, STAFF_ALL, Endpoint, Given, acting, looking
from notify.web.proving import Proof, Proving, holder_of
from notify.web.replies import Replies

OWN: Final = "/passkeys"
GONE: Final = "There is no such passkey. It may have been removed already."
SAID: Final[Mapping[Why, tuple[int, str]]] = {
    Why.UNASKED: (409, "No challenge of this token is open, or it is more than five minutes old. Ask for a new one."),
    Why.KNOWN: (409, "This authenticator holds a passkey for the console already."),
    Why.MANY: (409, "Ten passkeys are as many as anybody may have. Remove one first."),
    Why.UNPROVEN: (422, "answer: it does not hold. Ask for a new challenge, and answer from the console's own address."),
}


class NewPasskey(Given):
    """answer: of the authenticator to what `challenge` gave, a PublicKeyCredential as JSON."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=r"\S")
    answer: str = Field(min_length=1, max_length=LONGEST_ANSWER)


class Name(Given):
    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=r"\S")


class PasskeyApi:
    def __init__(self, service: Service, replies: Replies, proving: Proving) -> None:
        self._db, self._clock, self._replies, self._proving = service.db, service.clock, replies, proving

    def endpoints(self) -> list[Endpoint]:
        one, theirs = f"{OWN}/{{passkey_id:[0-9]{{1,15}}}}", "/staff/{person_id}/passkeys"
        lost, gone = f"{theirs}/{{passkey_id:[0-9]{{1,15}}}}/remove", frozenset({404})
        prove = "What to ask an authenticator that one has already, to show that it is oneself"
        challenge = "What to ask a new authenticator; takes the code of now or a passkey's answer"
        keep = "Keeps the passkey that the challenge was answered with"
        removed = "It opens nothing any more, and one is signed out of every browser"
        found = "Removes somebody's lost passkey; they are signed out of every browser"
        act = partial(acting, roles=HOLDERS)
        return [
            looking(OWN, self.own, "One's own passkeys, the oldest first", "Passkeys", roles=STAFF_ALL),
            act(f"{OWN}/proof", self.ask_to_prove, prove, "ToProve"),
            act(f"{OWN}/challenge", self.ask_to_add, challenge, "ToAdd", Proof, refusals=frozenset({429})),
            act(OWN, self.add, keep, "Passkeys", NewPasskey, status=201),
            act(f"{one}/rename", self.rename, "Another name", "Passkeys", Name, refusals=gone),
            act(f"{one}/remove", self.remove, removed, "Passkeys", refusals=gone),
            looking(theirs, self.theirs, "Somebody's passkeys", "Passkeys", roles=ADMINS, refusals=gone),
            acting(lost, self.remove_lost, found, "Passkeys", roles=ADMINS, refusals=gone),
        ]

    async def own(self, request: web.Request) -> web.Response:
        return await self._list(request[STAFF].person_id)

    async def theirs(self, request: web.Request) -> web.Response:
        person_id = request.match_info["person_id"]
        known = await self._db.read(people.everybody)
        if person_id not in {staff.person_id for staff, _ in known}:
            raise Problem(404, f"There is no {person_id}.")
        return await self._list(person_id)

    async def ask_to_prove(self, request: web.Request) -> web.Response:
        keys, person_id, holder, now = self._proving.possible(), request[STAFF].person_id, holder_of(request), self._clock.now()

        def ask(conn: Connection) -> dict[str, Any]:
            if not passkeys.of(conn, person_id):
                raise Conflict("You have no passkey yet. Send the code of now instead.")
            return {"use": keys.ask_to_prove(conn, holder, person_id, now)}

        return await self._replies.once(request, ask)

    async def ask_to_add(self, request: web.Request) -> web.Response:
        keys, person_id, holder, now = self._proving.possible(), request[STAFF].person_id, holder_of(request), self._clock.now()

        async def proved() -> None:
            await self._proving.prove(request)

        def ask(conn: Connection) -> dict[str, Any]:
            return {"make": keys.ask_to_add(conn, holder, person_id, now)}

        return await self._replies.once(request, ask, before=proved)

    async def add(self, request: web.Request) -> web.Response:
        keys, given, person_id = self._proving.possible(), request[GIVEN], request[STAFF].person_id
        assert isinstance(given, NewPasskey)
        holder, owner, answer, now = holder_of(request), (person_id, given.name.strip()), given.answer, self._clock.now()

        async def kept() -> None:
            """By itself: a challenge that was answered wrongly stays used up."""
            verdict = await self._db.write(lambda conn: keys.add(conn, holder, owner, answer, now))
            if verdict.why is not None:
                raise _refusal(verdict.why)

        return await self._replies.once(request, lambda conn: shown(conn, person_id), 201, kept)

    async def rename(self, request: web.Request) -> web.Response:
        person_id, given, now = request[STAFF].person_id, request[GIVEN], self._clock.now()
        assert isinstance(given, Name)
        which, name = int(request.match_info["passkey_id"]), given.name.strip()

        def change(conn: Connection) -> dict[str, Any]:
            if not passkeys.rename(conn, person_id, which, name, now):
                raise Problem(404, GONE)
            return shown(conn, person_id)

        return await self._replies.once(request, change)

    async def remove(self, request: web.Request) -> web.Response:
        return await self._removed(request, request[STAFF].person_id)

    async def remove_lost(self, request: web.Request) -> web.Response:
        return await self._removed(request, request.match_info["person_id"])

    async def _removed(self, request: web.Request, owner: str) -> web.Response:
        which, by, now = int(request.match_info["passkey_id"]), (request[STAFF].person_id, None), self._clock.now()

        def take_away(conn: Connection) -> dict[str, Any]:
            if not passkeys.remove(conn, owner, which, by, now):
                raise Problem(404, GONE)
            return shown(conn, owner)

        return await self._replies.once(request, take_away)

    async def _list(self, person_id: str) -> web.Response:
        return web.json_response(await self._db.read(lambda conn: shown(conn, person_id)))


def shown(conn: Connection, person_id: str) -> dict[str, Any]:
    return {"person_id": person_id, "passkeys": [_json(row) for row in passkeys.of(conn, person_id)]}


def _json(row: Passkey) -> dict[str, Any]:
    return {
        "passkey_id": row.passkey_id,
        "name": row.name,
        "added_at": row.added_at.isoformat(),
        "used_at": row.used_at.isoformat() if row.used_at else None,
    }


def _refusal(why: Why) -> Problem:
    status, sentence = SAID.get(why, (409, "This did not become a passkey. Ask for a new challenge."))
    return Problem(status, "This did not become a passkey.", [sentence])
