"""A city whose texts leave by a gateway that a file describes, and residents who write to its number.

They sign up, are told and stop as by any other, whatever the gateway posts twice, forges, or posts while the service dies.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.channels.gateway_simulator import DESCRIBED, HEARS, KEY, OURS, SECRET, Harbor, a_text, harbor, signed
from tests.stories.town import BOIL_WATER, DEADLINE_S, Process, Town, numbers

RESIDENT, NEIGHBOUR = numbers(2)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@dataclass
class Coast:
    """The city, its gateway and the service."""

    town: Town
    gateway: Harbor
    session: aiohttp.ClientSession
    services: list[Process] = field(default_factory=list)

    async def post(self, document: Any, key: str = KEY) -> tuple[int, str]:
        """As the gateway hands a text on."""
        body, headers = signed(document, key)
        async with self.session.post(f"{self.town.url}/inbound/sms", data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    def got(self, number: str) -> list[str]:
        return [text["text"] for text in self.gateway.taken if text["to"] == number]

    async def open(self) -> None:
        self.services.append(await self.town.service())

    async def close(self) -> None:
        for service in self.services:
            await service.end()


@pytest.fixture
async def coast(mapped_town: Town) -> AsyncIterator[Coast]:
    async with _coast(mapped_town) as made:
        await made.open()
        yield made
        await made.close()


@asynccontextmanager
async def _coast(town: Town) -> AsyncIterator[Coast]:
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(harbor(town.home / "harbor"))
        file = town.home / "harbor.toml"
        described = DESCRIBED | HEARS | {"url": gateway.url, "timeout_s": 30}
        file.write_text("".join(f"{name} = {toml(value)}\n" for name, value in described.items()))
        town.settings |= {"TOCSIN_GATEWAY_FILE": str(file), "TOCSIN_GATEWAY_SECRET": SECRET, "TOCSIN_GATEWAY_REPORT_KEY": KEY}
        town.settings |= {"TOCSIN_TWILIO_ACCOUNT_SID": "", "TOCSIN_TWILIO_AUTH_TOKEN": "", "TOCSIN_SMS_SENDERS": ""}
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)))
        yield Coast(town, gateway, session)


async def test_residents_sign_up_are_told_and_stop_by_the_gateways_number(coast: Coast) -> None:
    for number, text_id in ((RESIDENT, "in-1"), (NEIGHBOUR, "in-2")):
        assert await coast.post(a_text(number, "97201", text_id)) == (204, "")
        assert coast.got(number), "nobody answered"
    assert {text["body"]["messages"][0]["sender"] for text in coast.gateway.seen} == {OURS}
    welcome = coast.got(RESIDENT)
    assert (await coast.post(a_text(RESIDENT, "97201", "in-1")))[0] == 204  # posted again
    assert coast.got(RESIDENT) == welcome * 2, "the same words again, and nothing new"

    assert (await coast.post(a_text(RESIDENT, "parar, por favor: ALTO", "in-3")))[0] == 204
    told = len(coast.got(RESIDENT)), len(coast.got(NEIGHBOUR))
    alert_id = await coast.town.send(BOIL_WATER | {"area": {"names": ["West"]}})
    await coast.town.until(alert_id, "active")
    assert (len(coast.got(RESIDENT)), len(coast.got(NEIGHBOUR))) == (told[0], told[1] + 1)


async def test_what_is_forged_or_says_nothing_is_refused_with_a_sentence_and_changes_nothing(coast: Coast) -> None:
    good = a_text(RESIDENT, "97201", "in-1")
    assert (await coast.post(good, key="another"))[0] == 403
    status, said = await coast.post({"id": "in-1"})
    assert status == 400 and "from: nothing stands at message.sender." in said and "to: nothing" in said
    status, said = await coast.post(a_text(RESIDENT, "97201", "in-1", to="+15035550111"))
    assert status == 400 and "is none of this gateway's numbers" in said
    assert coast.gateway.taken == []


async def test_a_stop_is_on_disk_before_its_answer_leaves_and_is_asked_for_again_where_that_could_not(coast: Coast) -> None:
    """The service is killed while the gateway keeps it waiting for the answer to a STOP: it has stopped all the same."""
    assert (await coast.post(a_text(RESIDENT, "97201", "in-1")))[0] == 204
    coast.gateway.hangs = True
    seen = len(coast.gateway.taken)
    stopping = asyncio.create_task(coast.post(a_text(RESIDENT, "STOP", "in-2")))
    async with asyncio.timeout(DEADLINE_S):
        while not coast.gateway.waiting:
            await asyncio.sleep(0.02)
    await coast.services[-1].kill()
    with pytest.raises(aiohttp.ClientError):
        await stopping
    coast.gateway.hangs = False
    await coast.open()
    alert_id = await coast.town.send(BOIL_WATER | {"area": {"names": ["West"]}})
    counts = (await coast.town.until(alert_id, "active", "ended"))["progress"]["total"]
    assert counts["total"] == counts["withdrawn"], "a stop that was not answered holds"
    assert (await coast.post(a_text(RESIDENT, "STOP", "in-2")))[0] == 204
    assert len(coast.got(RESIDENT)) > seen and "BOIL" not in " ".join(coast.got(RESIDENT))
