"""The webhooks of a recording call over real sockets: signed or refused; sounds with their type; the provider's own host."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from channels.base import Misconfigured
from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.twilio_recordings import TooLarge, fetched
from channels.twilio_signature import signature
from channels.voice import TwilioVoice
from notify.clock import ManualClock
from notify.db import Database
from surge.recorded import recorded_rows, session
from surge.recorded.recorder_webhooks import RecorderWebhooks
from surge.recorded.sound import MOST_BYTES
from surge.recorded.takes import State
from tests.surge.studio_factory import SOMALI, SPEAKER, a_studio, a_wav, staffed
from tests.surge.test_recorder import Provider
from tests.surge.voice_factory import NOON, portland

SID, SECRET, PUBLIC = "AC" + "0" * 32, "secret", "https://city.example.gov"
REF = "RE" + "b" * 32


class Signing(Provider):
    """Checks signatures as the real one does."""

    def read(self, request: object) -> dict[str, str]:
        account = TwilioAccount(account_sid=SID, auth_token=SECRET, public_url=PUBLIC)
        return TwilioVoice(TwilioGateway(account), portland().number).read(request)  # type: ignore[arg-type]


@asynccontextmanager
async def served(*routes: web.RouteDef) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def post(url: str, path: str, *, signed: bool = True, **fields: str) -> tuple[int, bytes]:
    form = list(({"AccountSid": SID, "CallSid": "CA1"} | fields).items())
    headers = {"X-Twilio-Signature": signature(SECRET, PUBLIC + path, form) if signed else "AAAA"}
    async with aiohttp.ClientSession() as session_, session_.post(url + path, data=form, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_what_nobody_signed_records_nothing_and_a_sound_has_its_own_type(store: Database) -> None:
    store.write_now(staffed)
    phone = Signing()
    studio = a_studio(store, ManualClock(NOON), phone)
    call_id = (await studio.recorder.order(SPEAKER, SOMALI, ["voice.way_out"])).call_id
    body = phone.kept[REF] = a_wav(1.0)
    async with served(*RecorderWebhooks(studio.recorder, phone, PUBLIC).routes()) as url:
        for what in ("ask", "said", "hear", "key", "sound", "over"):
            path = session.path(call_id, what, 0)
            assert (await post(url, path, signed=False, RecordingSid=REF, Digits="1"))[0] == 403, what
        assert phone.fetched == []
        status, document = await post(url, session.path(call_id, "ask", 0))
        assert status == 200 and b"<Record" in document and b"recordingStatusCallback" in document
        # What the webhook says of the recording's address is not looked at; a name that is none is no recording.
        elsewhere = {"RecordingUrl": "https://evil.example/x.wav", "RecordingStatus": "completed"}
        for name in ("../../secrets", "RE1", ""):
            assert (await post(url, session.path(call_id, "sound", 0), RecordingSid=name, **elsewhere))[0] == 204
        assert phone.fetched == []
        assert (await post(url, session.path(call_id, "sound", 0), RecordingSid=REF, **elsewhere))[0] == 204
        assert phone.fetched == [REF]
        status, document = await post(url, session.path(call_id, "hear", 0))
        (one,) = await store.read(lambda conn: recorded_rows.of_call(conn, call_id))
        path = session.sound_path(str(one.sound_id), "audio/wav")
        assert status == 200 and f"<Play>{PUBLIC}{path}</Play>".encode() in document
        async with aiohttp.ClientSession() as asking:
            async with asking.get(url + path) as answer:
                assert (await answer.read(), answer.content_type) == (body, "audio/wav")
                assert "immutable" in answer.headers["Cache-Control"]
            for wrong in (path.replace(".wav", ".mp3"), path.replace(str(one.sound_id), "0" * 64)):
                async with asking.get(url + wrong) as answer:
                    assert answer.status == 404
        assert (await post(url, session.path(call_id, "key", 0), Digits="1"))[0] == 200
        assert (await post(url, session.path(call_id, "over", 0), CallStatus="completed"))[0] == 204
    (one,) = await store.read(lambda conn: recorded_rows.of_call(conn, call_id))
    assert one.state is State.KEPT


class Store:
    """The provider's store of recordings."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str]] = []
        self.slow = asyncio.Event()

    async def give(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        if self.status == 302:
            raise web.HTTPFound("http://127.0.0.1:1/elsewhere")
        if self.status == 0:
            await self.slow.wait()
        return web.Response(status=self.status, body=self.body, content_type="text/html")


async def test_a_recording_is_asked_for_at_the_providers_own_host_and_signed_in() -> None:
    store = Store()
    async with served(web.get("/{path:.*}", store.give)) as url:
        account = TwilioAccount(
            account_sid=SID, auth_token=SECRET, public_url=PUBLIC, base_url=url, total_timeout_s=2.0, connect_timeout_s=1.0
        )
        store.body = a_wav(1.0)
        assert await fetched(account, REF, MOST_BYTES) == store.body
        ((path, authorization),) = store.asked
        assert path == f"/2010-04-01/Accounts/{SID}/Recordings/{REF}.wav"
        assert authorization == aiohttp.encode_basic_auth(SID, SECRET)
        with pytest.raises(TooLarge, match="more than 100 bytes"):
            await fetched(account, REF, 100)
        for status, raised in ((302, ConnectionError), (404, ConnectionError), (500, ConnectionError), (401, Misconfigured)):
            store.status = status
            with pytest.raises(raised):
                await fetched(account, REF, MOST_BYTES)
        before = len(store.asked)
        for name in ("", "RE1", f"{REF}/../x", f"{REF}?a=1", "https://evil.example/x"):
            with pytest.raises(ValueError, match="no name of a recording"):
                await fetched(account, name, MOST_BYTES)
        assert len(store.asked) == before
        store.status = 0
        with pytest.raises(ConnectionError):
            await fetched(account, REF, MOST_BYTES)
        store.slow.set()
    with pytest.raises(ConnectionError):
        await fetched(account, REF, MOST_BYTES)
