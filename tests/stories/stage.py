"""A running service whose clock can be moved ahead, and phones that text it: through the carrier in, and the answers back."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import aiohttp
from sqlalchemy import Connection, bindparam, text

from channels.simulator.inbound import ANSWERS, Keyword, keyword
from notify.app import running
from notify.db import Database
from notify.residents.inbox import known_of
from notify.schedule import Tick
from notify.settings import load
from subscribers import contacts, store
from subscribers.contacts import KnownContact
from subscribers.dialog.turn import Known, Memory, Standing
from subscribers.store import NewAddress, Said
from subscribers.tables import Basis
from tests.stories.town import DEADLINE_S, SENDER, Town

NOBODY: Final = KnownContact(
    contact_id=0, channel="sms", language="", memory=Memory(), suspect_at=None, erased_at=None
)  # has not written yet
KEYS: Final = text("SELECT provider_id, key FROM words WHERE provider_id IN :ids ORDER BY words_id").bindparams(
    bindparam("ids", expanding=True)
)
ASKED: Final = text(
    "SELECT w.key FROM words w JOIN contact c ON c.contact_id = w.contact_id"
    " WHERE c.channel = 'sms' AND c.blind = :blind AND w.provider_id LIKE 'check/%' ORDER BY w.words_id"
)


@dataclass(slots=True)
class AheadClock:
    """The machine's clock, so much ahead: what a service waits for takes its time, and weeks pass when told to."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()

    def forward(self, by: timedelta) -> None:
        self.ahead += by


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """sid: how the gateway called the text. bodies: what the phone got for it. by_carrier: the word that the gateway itself has
    acted on and answered."""

    sid: str
    bodies: list[str]
    by_carrier: Keyword | None = None


@dataclass(slots=True)
class Stage:
    """A town whose service runs in this process; carrier and webhooks are real processes and sockets."""

    town: Town
    clock: AheadClock
    session: aiohttp.ClientSession
    books: Database
    ticks: Mapping[str, Tick]

    async def tick(self, name: str) -> None:
        """Lets the service look after something now, and not when its time has come."""
        await self.ticks[name].run()

    async def text(self, phone: str, body: str, *media: str) -> Answered:
        """media: the types of the pictures that a picture message brings."""
        wish = {"from": phone, "to": SENDER, "body": body, "media": media}
        async with self.session.post(f"http://127.0.0.1:{self.town.sms_port}/control/inbound", json=wish) as answer:
            assert answer.status == 200, await answer.text()
            reply: dict[str, Any] = await answer.json()
        word = keyword(body)
        bodies = list(reply["replies"])
        assert word is None or bodies[:1] == [ANSWERS[word]]
        return Answered(sid=reply["sid"], bodies=bodies, by_carrier=word)

    def keys_of(self, sids: Sequence[str]) -> dict[str, list[str]]:
        """How the service called its answers to these texts, in order."""
        found: dict[str, list[str]] = {sid: [] for sid in sids}
        ids = [contacts.answer_id(sid, number) for sid in sids for number in range(contacts.MOST_ANSWERS)]
        for answer_id, key in self.books.read_now(lambda conn: conn.execute(KEYS, {"ids": ids}).all()):
            found[answer_id.partition("/")[0]].append(key)
        return found

    def asked(self, phones: Sequence[str]) -> dict[str, list[str]]:
        """How the service called what it asked these phones by itself, in order."""
        ring = self.town.ring
        return self.books.read_now(
            lambda conn: {phone: list(conn.scalars(ASKED, {"blind": ring.blind("sms", phone)})) for phone in phones}
        )

    def known(self, phones: Sequence[str]) -> dict[str, Known]:
        """How the service stands with these phones now."""
        ring = self.town.ring
        return self.books.read_now(lambda conn: {phone: _known(conn, ring.blind("sms", phone)) for phone in phones})

    def settle(self, phone: str, given: Known) -> None:
        """Keeps a phone as it stands before its first text."""
        if given.standing.is_kept:
            self.books.write_now(partial(self._settle, phone=phone, given=given))

    def _settle(self, conn: Connection, phone: str, given: Known) -> None:
        said = Said(at=self.clock.now(), source="test", evidence="", terms="")
        person = store.add_subscriber(conn, said.at, said.source)
        new = NewAddress(channel="sms", address=phone, language=given.language, basis=Basis.OPT_IN)
        address_id = store.add_address(conn, person, new, self.town.ring, said)
        for place in given.places:
            store.add_place(conn, person, place.label, place.spot)
        if given.standing is Standing.STOPPED:
            store.stop(conn, address_id, said)
        if given.standing is Standing.SUSPECT:
            contact = contacts.meet(conn, "sms", self.town.ring.blind("sms", phone), said.at)
            contacts.remember(conn, contact.contact_id, contact.memory, said.at, suspect_at=said.at)

    def texts_to(self, phone: str) -> list[str]:
        """Alerts and codes that the carrier accepted for a phone, oldest first; answers to its own texts are not among them."""
        return [line["body"] for line in self.town.sms() if line["to"] == phone]


def _known(conn: Connection, blind: bytes) -> Known:
    contact = contacts.find(conn, "sms", blind) or NOBODY
    return known_of(conn, contact, store.find_address(conn, "sms", blind))


@asynccontextmanager
async def stage(town: Town, *options: str) -> AsyncIterator[Stage]:
    """Starts a town's carrier, with options, and its service, which asks it about lines; ends both."""
    carrier = await town.carrier("--delivered-after", "0", *options)
    clock = AheadClock()
    lookups: dict[str, Any] = {"signup_asks_carrier": True, "lookups_url": f"http://127.0.0.1:{town.sms_port}"}
    try:
        async with (
            running(load(**town.given, **lookups), clock) as service,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session,
        ):
            with closing(Database(town.database_url)) as books:
                yield Stage(town, clock, session, books, {tick.name: tick for tick in service.ticks})
    finally:
        await carrier.end()
