"""Where a token is not enough to give its person something new: the code of now from their phone, or a passkey's answer."""

from aiohttp import web
from pydantic import Field

from notify.alerts.register import Conflict
from notify.service import Service
from notify.staff.ceremony import LONGEST_ANSWER, party_of
from notify.staff.passkeys import Passkeys
from notify.web import codes
from notify.web.answers import STAFF, Problem, token_of
from notify.web.endpoints import GIVEN, Given
from subscribers.sealing import Keyring


class Proof(Given):
    """What shows that the token's own person asks: the code of now, or a passkey's answer to what `proof` gave."""

    code: str = ""
    answer: str = Field("", max_length=LONGEST_ANSWER, description="PublicKeyCredential as JSON")


class Proving:
    """ring: opens the seeds of codes; without it nobody proves anything here. url: how staff reach the console, which passkeys
    are bound to."""

    def __init__(self, service: Service, ring: Keyring | None, url: str) -> None:
        self._db, self._clock, self._ring = service.db, service.clock, ring
        party = party_of(url, f"{service.assembly.site.city} Tocsin")
        self._keys = Passkeys(party=party, key=ring.blind_key) if party and ring else None

    def possible(self) -> Passkeys:
        if self._keys is None:
            raise Conflict("Passkeys need the console to be reached by its name, over https: TOCSIN_PRIVATE_URL.")
        return self._keys

    async def prove(self, request: web.Request) -> None:
        """A token that was found must not make itself a way in, nor be called in its person's place. Raises Problem."""
        given, staff, now = request[GIVEN], request[STAFF], self._clock.now()
        assert isinstance(given, Proof)
        if given.answer:
            keys, asked = self.possible(), holder_of(request)
            verdict = await self._db.write(lambda conn: keys.prove(conn, asked, staff.person_id, given.answer, now))
            if verdict.person_id != staff.person_id:
                raise Problem(403, "You may not do this.", ["answer: it does not show that it is you. Ask for a new proof."])
            return
        if self._ring is None:
            raise Problem(403, "You may not do this.", ["Here it is done on the console only."])
        await codes.prove(self._db, self._ring, staff, given.code, now)


def holder_of(request: web.Request) -> str:
    """Whose challenge this is: a token's, as a browser's is its cookie's."""
    return f"api {token_of(request)}"
