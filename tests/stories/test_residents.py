"""Residents and the running service, through the simulated carrier: every written-down dialog, latecomers, stops in a send."""

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from channels.simulator.inbound import keyword
from notify.db import Database
from subscribers import atlas, contacts
from subscribers.areas import read_areas
from subscribers.dialog import player
from subscribers.gazetteer import importing
from subscribers.place import Envelope
from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, DEADLINE_S, SENDER, WEST, Town, numbers

ROOT = Path(__file__).parents[2]
PACK = ROOT / "city" / "portland"
BOX = Envelope(west=-123.3, south=45.2, east=-122.1, north=45.8)
TRANSCRIPTS = [
    (path.stem, one) for path in sorted((ROOT / "tests" / "transcripts").glob("*.yaml")) for one in player.read(path)
]
NOT_IN_REAL_TIME = (
    "wait",
    "system",
    "suspect",
    "media",
)  # a clock that moves and a provider's look-up: played on the pure dialog


def mapped(town: Town) -> None:
    """The sample city's ZIPs, neighbourhoods and addresses."""
    with closing(Database(town.database_url)) as db:
        for file in ("zips", "neighborhoods"):
            areas = read_areas((PACK / "areas" / f"{file}.geojson").read_bytes(), BOX).areas
            db.write_now(partial(atlas.keep, areas=areas, source=file, at=datetime.now(UTC)))
        db.write_now(partial(importing.keep, path=PACK / "gazetteer.csv", envelope=BOX))


@dataclass(slots=True)
class Phones:
    """Texts from phones through the carrier; `keys_of` says how the service's answers to a phone were called."""

    town: Town
    session: aiohttp.ClientSession
    database: Database
    took: list[float] = field(default_factory=list)

    async def text(self, phone: str, body: str) -> list[str]:
        began = asyncio.get_running_loop().time()
        wish = {"from": phone, "to": SENDER, "body": body}
        async with self.session.post(f"http://127.0.0.1:{self.town.sms_port}/control/inbound", json=wish) as answer:
            assert answer.status == 200, await answer.text()
            reply: dict[str, Any] = await answer.json()
        self.took.append(asyncio.get_running_loop().time() - began)
        return list(reply["replies"])

    def keys_of(self, phone: str) -> list[str]:
        ring = self.town.ring
        contact = self.database.read_now(lambda conn: contacts.find(conn, "sms", ring.blind("sms", phone)))
        if contact is None:
            return []
        query = text("SELECT key FROM words WHERE contact_id = :id AND NOT inbound ORDER BY words_id")
        return list(self.database.read_now(lambda conn: conn.scalars(query, {"id": contact.contact_id}).all()))


def wanted(steps: tuple[Any, ...]) -> list[str]:
    """What the service itself answers: a word that the carrier has answered is not answered twice."""
    found: list[str] = []
    for step in steps:
        if "in" in step and keyword(str(step["in"])) is None:
            found += [f"alert.{one.partition('.')[2]}" if "/" in one else one for one in step.get("out", [])]
    return found


@pytest.fixture
async def phones(town: Town, opened: Open) -> Any:
    mapped(town)
    await opened(town)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session:
        with closing(Database(town.database_url)) as database:
            yield Phones(town, session, database)


async def test_every_dialog_goes_as_written_down_with_the_running_service(phones: Phones, town: Town) -> None:
    playable = [
        (name, one) for name, one in TRANSCRIPTS if not any(key in step for step in one.steps for key in NOT_IN_REAL_TIME)
    ]
    quiet = [one for one in playable if not any("alert" in step for step in one[1].steps)]
    loud = [one for one in playable if one not in quiet and all(step.get("alert", "x") != "none" for step in one[1].steps)]
    loud = [one for one in loud if not ("alert" not in one[1].steps[0] and "STATUS" in str(one[1].steps[:2]))]
    failed = []
    everybody = iter(numbers(len(playable) + 1))
    for number, (language, transcript) in enumerate([*quiet, *loud]):
        if number == len(quiet):
            alert_id = await town.send(BOIL_WATER)
            await town.until(alert_id, "active")
            await in_the_dialog(phones, next(everybody))
        phone = next(everybody)
        for step in transcript.steps:
            if "in" in step:
                await phones.text(phone, str(step["in"]))
        if phones.keys_of(phone) != wanted(transcript.steps):
            failed.append((language, transcript.name, phones.keys_of(phone), wanted(transcript.steps)))
    print(f"{len(quiet) + len(loud)} dialogs with the running service, {len(failed)} failed")
    assert failed == []


async def in_the_dialog(phones: Phones, phone: str) -> None:
    """Waits until the dialog knows of the alert: it looks every second."""
    async with asyncio.timeout(DEADLINE_S):
        while "BOIL" not in "".join(await phones.text(phone, "WATER")):
            await asyncio.sleep(0.2)
            await phones.text(phone, "HELP")


async def test_whoever_joins_inside_a_live_alert_gets_it_once_in_their_language(phones: Phones, town: Town) -> None:
    early, late, spanish, outside = numbers(4)
    town.settle([early], inside=WEST)
    alert_id = await town.send(BOIL_WATER | {"area": {"names": ["West"]}})
    await town.until(alert_id, "active")
    await phones.text(late, "97201")
    await phones.text(late, "ADD WORK 97205")
    await phones.text(spanish, "hola 97201")
    await phones.text(outside, "97236")
    async with asyncio.timeout(DEADLINE_S):
        while len(town.sms()) < 3:
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    got = {line["to"]: line["body"] for line in town.sms()}
    assert sorted(line["to"] for line in town.sms()) == sorted([early, late, spanish])
    assert "BOIL TAP WATER" in got[late] and "HIERVA" in got[spanish]


async def test_a_stop_in_the_middle_of_a_send_lets_nothing_leave_after_its_commit(phones: Phones, town: Town) -> None:
    everybody = numbers(400)
    town.settle(everybody)
    await town.send(BOIL_WATER)
    await town.until_texts(20)
    words = ["stop", "Stop please", "ALTO", "СТОП", "please stop texting me", "no más por favor", "توقف", "停止", "그만", "ຢຸດ"]
    stopped: dict[str, datetime] = {}
    for number, phone in enumerate(reversed(everybody)):
        if number >= 60:
            break
        await phones.text(phone, words[number % len(words)])
        stopped[phone] = datetime.now(UTC)
    async with asyncio.timeout(DEADLINE_S):
        while len(town.sms()) < len(everybody) - len(stopped):
            await asyncio.sleep(0.1)
    late = [line for line in town.sms() if line["to"] in stopped]
    assert [one for one in late if datetime.fromisoformat(one["at"]) > stopped[one["to"]] + timedelta(seconds=1)] == []


async def test_a_text_delivered_twice_is_answered_alike_and_counts_once(phones: Phones, town: Town) -> None:
    from twilio.request_validator import RequestValidator

    from tests.stories.town import ACCOUNT, TOKEN

    (phone,) = numbers(1)
    form = {
        "AccountSid": ACCOUNT,
        "MessageSid": "SM" + "7" * 32,
        "From": phone,
        "To": SENDER,
        "Body": "97214",
        "NumMedia": "0",
    }
    url = f"{town.url}/inbound/sms"
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
