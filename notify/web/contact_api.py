"""Where staff are paged and who is on call, by the API: one's own phone and mailbox, and for administrators everybody's.

Giving an address takes the code of now or a passkey's answer, whoever it is for: a token that was found must not be paged in
its person's place. Everything else goes by the token."""

from functools import partial
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify.alerts.life import ADMINS
from notify.service import Service
from notify.staff import people, staff_contacts
from notify.staff.staff_contacts import NOT_SENT, WRONG, BadContact, Reachable
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, HOLDERS, STAFF_ALL, Endpoint, Given, acting, looking
from notify.web.proving import Proof, Proving
from notify.web.replies import Replies

Channel = Literal["sms", "email"]
NONE: Final = "There is no such phone or mailbox. It may have been removed already."
MISSING: Final = frozenset({404})


class NewContact(Proof):
    """address: a phone number or a mailbox; it counts once the code that is sent there has come to /contacts/confirm. code: of
    now, from the phone of the token's own person; or `answer`: of their passkey."""

    address: str = Field(max_length=320)


class ContactCode(Given):
    """code: that came to the phone or mailbox."""

    channel: Channel
    code: str


class OneChannel(Given):
    channel: Channel


class OnCallFor(Given):
    """hours: from now; 0: not on call any more."""

    hours: int = Field(strict=True)


class TurnGiven(Given):
    """turn: among those who are not on call; the smallest is paged first."""

    turn: int = Field(strict=True)


class ContactApi:
    def __init__(self, service: Service, replies: Replies, proving: Proving) -> None:
        self._service, self._db, self._clock = service, service.db, service.clock
        self._replies, self._proving = replies, proving

    def endpoints(self) -> list[Endpoint]:
        own, one = "/contacts", "/on-call/{person_id}"
        given = "Sends a code to a phone or mailbox of one's own; it counts once the code is confirmed"
        theirs = "Sends a code to somebody's phone or mailbox; it counts once its owner has confirmed the code"
        confirmed = "The code that came: one is paged there from now on, instead of where one was before"
        every = "Who is paged, where, and who is on call: those on call first, then by their turn"
        act = partial(acting, gives="Reached", roles=HOLDERS)
        arrange = partial(acting, gives="Reached", roles=ADMINS, refusals=MISSING)
        proved = frozenset({429})
        return [
            looking(own, self.own, "Where one is paged, and whether one is on call", "Reached", roles=STAFF_ALL),
            act(f"{own}/give", self.give, given, body=NewContact, refusals=proved),
            act(f"{own}/confirm", self.confirm, confirmed, body=ContactCode),
            act(f"{own}/remove", self.remove, "One is not paged there any more", body=OneChannel, refusals=MISSING),
            act(f"{own}/call", self.call, "Goes on call for so many hours, or off call", body=OnCallFor),
            looking("/on-call", self.everybody, every, "Reachable", roles=ADMINS),
            arrange(f"{one}/give", self.give, theirs, body=NewContact, refusals=MISSING | proved),
            arrange(f"{one}/remove", self.remove, "They are not paged there any more", body=OneChannel),
            arrange(f"{one}/call", self.call, "Puts them on call for so many hours, or off call", body=OnCallFor),
            arrange(f"{one}/turn", self.turn, "Gives them a turn among those not on call", body=TurnGiven),
        ]

    async def own(self, request: web.Request) -> web.Response:
        return web.json_response(await self._db.read(partial(self._shown, person_id=request[STAFF].person_id)))

    async def everybody(self, _: web.Request) -> web.Response:
        ring, now = self._service.paging.delivery.keys, self._clock.now()
        found = await self._db.read(lambda conn: staff_contacts.reachable(conn, ring, now))
        return web.json_response({"staff": [reached_json(one) for one in found]})

    async def give(self, request: web.Request) -> web.Response:
        """By itself: the address is kept and its code sent before the answer is, so that a code that did not leave is said."""
        given, who, by, paging = request[GIVEN], _whose(request), request[STAFF].person_id, self._service.paging
        assert isinstance(given, NewContact)

        def may(conn: Connection) -> None:
            _there(conn, request)
            staff_contacts.may_claim(conn, who, by, self._clock.now())

        async def send() -> None:
            """What cannot be uses no code of now up."""
            staff_contacts.normal(given.address, paging.delivery.lane.mode)
            await self._db.read(may)
            await self._proving.prove(request)
            if not await paging.give((who, by), given.address):
                raise BadContact([NOT_SENT])

        return await self._replies.once(request, partial(self._shown, person_id=who), before=send)

    async def confirm(self, request: web.Request) -> web.Response:
        given, who, now = request[GIVEN], request[STAFF].person_id, self._clock.now()
        assert isinstance(given, ContactCode)
        channel, code, ring = given.channel, given.code, self._service.paging.delivery.keys

        async def tried() -> None:
            """By itself: a wrong code stays counted."""
            if not await self._db.write(lambda conn: staff_contacts.confirm(conn, who, channel, code, ring, now)):
                raise BadContact([WRONG])

        return await self._replies.once(request, partial(self._shown, person_id=who), before=tried)

    async def remove(self, request: web.Request) -> web.Response:
        given, who, by, now = request[GIVEN], _whose(request), request[STAFF].person_id, self._clock.now()
        assert isinstance(given, OneChannel)

        def take_away(conn: Connection) -> dict[str, Any]:
            if not staff_contacts.remove(conn, who, given.channel, by, now):
                _there(conn, request)
                raise Problem(404, NONE)
            return self._shown(conn, who)

        return await self._replies.once(request, take_away)

    async def call(self, request: web.Request) -> web.Response:
        given, who, by, now = request[GIVEN], _whose(request), request[STAFF].person_id, self._clock.now()
        assert isinstance(given, OnCallFor)

        def put(conn: Connection) -> dict[str, Any]:
            _there(conn, request)
            staff_contacts.put_on_call(conn, who, given.hours, by, now)
            return self._shown(conn, who)

        return await self._replies.once(request, put)

    async def turn(self, request: web.Request) -> web.Response:
        given, who, by, now = request[GIVEN], _whose(request), request[STAFF].person_id, self._clock.now()
        assert isinstance(given, TurnGiven)

        def put(conn: Connection) -> dict[str, Any]:
            _there(conn, request)
            staff_contacts.give_turn(conn, who, given.turn, by, now)
            return self._shown(conn, who)

        return await self._replies.once(request, put)

    def _shown(self, conn: Connection, person_id: str) -> dict[str, Any]:
        ring, now = self._service.paging.delivery.keys, self._clock.now()
        (found,) = staff_contacts.reachable(conn, ring, now, person_id)
        return reached_json(found)


def reached_json(found: Reachable) -> dict[str, Any]:
    """Addresses are never whole."""
    return {
        "person_id": found.person_id,
        "contacts": [{"channel": one.channel, "shown": one.shown, "confirmed": one.confirmed} for one in found.contacts],
        "on_call": found.on_call,
        "until": found.call.until.isoformat() if found.on_call and found.call.until else None,
        "turn": found.call.turn,
    }


def _whose(request: web.Request) -> str:
    """Whom the path names, or whoever asks."""
    return request.match_info.get("person_id", request[STAFF].person_id)


def _there(conn: Connection, request: web.Request) -> None:
    """Raises Problem where the path names nobody who works here."""
    who = request.match_info.get("person_id")
    if who is not None and people.active(conn, who) is None:
        raise Problem(404, f"There is no {who}, or they are disabled.")
