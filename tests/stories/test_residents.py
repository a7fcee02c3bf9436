"""Residents and the running service, through the simulated carrier: latecomers, stops in the middle of a send, replays."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from sqlalchemy import text
from twilio.request_validator import RequestValidator

from notify.db import Database
from subscribers import contacts
from tests.stories.conftest import Open
from tests.stories.town import ACCOUNT, BOIL_WATER, DEADLINE_S, SENDER, TOKEN, WEST, Town, numbers, read_log

# In every language, dropped accents, capitals, spaces, courtesy. The last two are words that the gateway itself acts on.
STOPS: Final = (
    "Stop please", "ALTO", "no  más por favor", "no mas", "XIN DỪNG LẠI", "dung lai", "停止", "請停止",
    "СТОП", "стоп пожалуйста", "ПРИПИНИТИ", "opriți", "OPRITI", "jooji", "Fadlan jooji", "توقف", "停止してください", "ຢຸດ",
    "그만", "please stop texting me", "unsubscribe me!", "Leave me alone", "stop", " STOP ",
)  # fmt: skip
PEOPLE: Final = 240
LEAVERS: Final = 2 * len(STOPS)
RATE: Final = 120.0  # segments a second: four seconds of sending, in whose midst people stop


@dataclass(slots=True)
class Phones:
    """Texts from phones through the carrier; `keys_of` says how the service's answers to a phone were called."""

    town: Town
    session: aiohttp.ClientSession
    database: Database

    async def text(self, phone: str, body: str) -> list[str]:
        wish = {"from": phone, "to": SENDER, "body": body}
        async with self.session.post(f"http://127.0.0.1:{self.town.sms_port}/control/inbound", json=wish) as answer:
            assert answer.status == 200, await answer.text()
            reply: dict[str, Any] = await answer.json()
        return list(reply["replies"])

    def keys_of(self, phone: str) -> list[str]:
        ring = self.town.ring
        contact = self.database.read_now(lambda conn: contacts.find(conn, "sms", ring.blind("sms", phone)))
        if contact is None:
            return []
        query = text("SELECT key FROM words WHERE contact_id = :id AND NOT inbound ORDER BY words_id")
        return list(self.database.read_now(lambda conn: conn.scalars(query, {"id": contact.contact_id}).all()))

    def waits(self, phone: str) -> bool:
        """Whether the phone's row of the alert was not claimed until now."""
        query = text("SELECT d.state FROM delivery d JOIN address a ON a.address_id = d.address_id WHERE a.blind = :blind")
        bound = {"blind": self.town.ring.blind("sms", phone)}
        return self.database.read_now(lambda conn: conn.scalars(query, bound).first()) in (None, "planned", "withdrawn")


@asynccontextmanager
async def calling(town: Town) -> AsyncIterator[Phones]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session:
        with closing(Database(town.database_url)) as database:
            yield Phones(town, session, database)


@pytest.fixture
async def phones(mapped_town: Town, opened: Open) -> AsyncIterator[Phones]:
    await opened(mapped_town)
    async with calling(mapped_town) as phones:
        yield phones


async def test_whoever_joins_inside_a_live_alert_gets_it_once_in_their_language(phones: Phones, mapped_town: Town) -> None:
    early, late, spanish, outside = numbers(4)
    mapped_town.settle([early], inside=WEST)
    alert_id = await mapped_town.send(BOIL_WATER | {"area": {"names": ["West"]}})
    await mapped_town.until(alert_id, "active")
    await phones.text(late, "97201")
    await phones.text(late, "ADD WORK 97205")
    await phones.text(spanish, "hola 97201")
    await phones.text(outside, "97236")
    async with asyncio.timeout(DEADLINE_S):
        while len(mapped_town.sms()) < 3:
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    got = {line["to"]: line["body"] for line in mapped_town.sms()}
    assert sorted(line["to"] for line in mapped_town.sms()) == sorted([early, late, spanish])
    assert "BOIL TAP WATER" in got[late] and "HIERVA" in got[spanish]


async def test_stops_at_random_moments_of_a_send_let_nothing_leave_after_their_commit(
    database_url: str, tmp_path: Path, opened: Open
) -> None:
    """A stop is committed when it is answered: whose row nobody has claimed by then gets no text. The judge reads the carrier's
    log."""
    town = Town.create(tmp_path / "town", database_url, rate=RATE)
    everybody = numbers(PEOPLE)
    town.settle(everybody)
    await opened(town)
    chance = random.Random(20140523)
    leavers = chance.sample(everybody, LEAVERS)
    moments = sorted(chance.randrange(5, PEOPLE - LEAVERS) for _ in leavers)
    spared: set[str] = set()
    async with calling(town) as phones:

        async def stop(phone: str, body: str) -> None:
            await phones.text(phone, body)
            spared.update({phone} if phones.waits(phone) else ())

        await town.send(BOIL_WATER)
        async with asyncio.TaskGroup() as stops:
            for number, (phone, moment) in enumerate(zip(leavers, moments, strict=True)):
                await town.until_texts(moment)
                stops.create_task(stop(phone, STOPS[number % len(STOPS)]))
        async with asyncio.timeout(DEADLINE_S):
            while len({line["to"] for line in town.sms()} - set(leavers)) < PEOPLE - LEAVERS:
                await asyncio.sleep(0.1)
    judge(town, leavers, spared)


def judge(town: Town, leavers: Sequence[str], spared: set[str]) -> None:
    """Fails where a text to somebody who had stopped was taken by the carrier, or only offered to it."""
    lines = read_log(town.logs / "sms.jsonl")
    assert {line["to"] for line in lines if line["event"] == "reply"} == set(leavers), "every stop was understood, and answered"
    offered = {line["to"] for line in lines if line["event"] in ("accepted", "refused", "dropped")}
    assert offered & spared == set()
    assert spared, "some stops came before their text, or nothing was shown"
    assert len(spared) < LEAVERS, "some came after it"
    assert max(Counter(line["to"] for line in lines if line["event"] == "accepted").values()) == 1


async def test_a_text_delivered_twice_is_answered_alike_and_counts_once(phones: Phones, mapped_town: Town) -> None:
    (phone,) = numbers(1)
    form = {
        "AccountSid": ACCOUNT,
        "MessageSid": "SM" + "7" * 32,
        "From": phone,
        "To": SENDER,
        "Body": "97214",
        "NumMedia": "0",
    }
    url = f"{mapped_town.url}/inbound/sms"
    headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)}
    bodies = set()
    for _ in range(100):
        async with phones.session.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200
            bodies.add(await answer.text())
    assert len(bodies) == 1 and "97214" in bodies.pop()
    assert phones.keys_of(phone) == ["M02.en", "M03.en"]
    async with phones.session.post(url, data=form | {"Body": "STOP"}, headers=headers) as answer:
        assert answer.status == 403, "what is not signed is not heard"
