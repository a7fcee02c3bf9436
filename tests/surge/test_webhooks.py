"""The provider's webhooks over real sockets: signed, heard once, answered with TwiML."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.twilio_signature import signature
from channels.voice import TwilioVoice
from notify.clock import ManualClock
from notify.db import Database
from surge.contact import Way
from surge.voice.conversation import Conversation
from surge.voice.voice_call import Step
from surge.voice.webhooks import TOKEN, VoiceWebhooks
from tests.surge.phone_fake import House, a_floor
from tests.surge.voice_factory import NOON, portland, said

SID, SECRET, PUBLIC = "AC" + "0" * 32, "secret", "https://city.example.gov"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


class Provider:
    """Posts as Twilio does."""

    def __init__(self, session: aiohttp.ClientSession, url: str, house: House) -> None:
        self.session, self.url, self.house = session, url, house

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> tuple[int, bytes]:
        usual = {"AccountSid": SID, "CallSid": "CA1", "From": "+15035550142", "To": portland().number}
        form = list((usual | fields).items())
        signed = {"X-Twilio-Signature": signature(SECRET, PUBLIC + path, form)}
        async with self.session.post(self.url + path, data=form, headers=signed | (headers or {})) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def listening(store: Database, clock: ManualClock, path: Path) -> AsyncIterator[Provider]:
    voice = TwilioVoice(TwilioGateway(TwilioAccount(account_sid=SID, auth_token=SECRET, public_url=PUBLIC)), portland().number)
    async with a_floor(store, clock, path / "floor.journal") as house, aiohttp.ClientSession() as session:
        app = web.Application()
        app.add_routes(VoiceWebhooks(Conversation(house.floor), voice, PUBLIC).routes())
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield Provider(session, f"http://127.0.0.1:{runner.addresses[0][1]}", house)
        finally:
            await runner.cleanup()


async def test_a_call_is_answered_with_twiml_that_begins_with_the_way_to_911(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with listening(store, clock, tmp_path) as provider:
        status, document = await provider.post("/voice/ring")
        assert status == 200 and said(document).partition(" | ")[0].count("9 1 1")
        status, document = await provider.post("/voice/said/greeting", Digits="0")
        assert status == 200 and document.startswith(b"<?xml")
        assert (await provider.post("/voice/status", CallStatus="completed"))[0] == 204
        (contact,) = provider.house.floor.contacts()
        assert contact.seq >= 2


async def test_what_nobody_signed_is_refused_and_moves_nothing(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with listening(store, clock, tmp_path) as provider:
        assert (await provider.post("/voice/ring", {"X-Twilio-Signature": "AAAA"}))[0] == 403
        assert (await provider.post("/voice/status", {"X-Twilio-Signature": ""}, CallStatus="completed"))[0] == 403
        assert provider.house.floor.contacts() == []


async def test_a_webhook_that_comes_again_gets_the_same_answer_and_happens_once(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with listening(store, clock, tmp_path) as provider:
        await provider.post("/voice/ring")
        await provider.post("/voice/said/greeting")
        twice = {TOKEN: "t1"}
        first = await provider.post("/voice/said/menu", twice, Digits="7")
        again = await provider.post("/voice/said/menu", twice, Digits="7")
        assert first == again
        assert provider.house.floor.calls["CA1"].tries == 1
        await provider.post("/voice/said/menu", {TOKEN: "t2"}, Digits="7")
        assert provider.house.floor.calls["CA1"].tries == 2


async def test_a_database_that_stands_still_keeps_no_caller_waiting(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with listening(store, clock, tmp_path) as provider:
        stuck, free = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold(_conn: object) -> None:
            loop.call_soon_threadsafe(stuck.set)
            asyncio.run_coroutine_threadsafe(free.wait(), loop).result()

        held = asyncio.create_task(store.write(hold))
        await stuck.wait()
        async with asyncio.timeout(60):
            for number in range(30):
                assert (await provider.post("/voice/ring", CallSid=f"CA{number + 10}"))[0] == 200
        free.set()
        await held
        assert len(provider.house.floor.contacts()) == 30


async def test_nine_leads_to_911_while_a_message_is_being_left(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with listening(store, clock, tmp_path) as provider:
        await provider.post("/voice/ring")
        calls = provider.house.floor.calls
        calls["CA1"] = replace(calls["CA1"], step=Step.VOICEMAIL)
        status, document = await provider.post("/voice/recorded", Digits="9", RecordingUrl="https://record.example.gov/1")
        assert status == 200 and portland().emergency_line.encode() in document


async def test_whoever_hangs_up_after_speaking_has_left_a_message(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with listening(store, clock, tmp_path) as provider:
        await provider.post("/voice/ring")
        calls = provider.house.floor.calls
        calls["CA1"] = replace(calls["CA1"], step=Step.VOICEMAIL)
        message = {"Digits": "hangup", "CallStatus": "completed", "RecordingUrl": "https://record.example.gov/1"}
        assert (await provider.post("/voice/recorded", **message))[0] == 200
        ways = sorted(one.way for one in provider.house.floor.contacts())
        assert ways == [Way.SMS, Way.VOICE], "the call, and what they left"
