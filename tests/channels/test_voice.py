"""Calls over a provider's real socket: what is asked of it, and what its answers mean."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from channels import calls
from channels.base import Forged, Inbound
from channels.calls import NotPlaced, Placed, Ring, Unsure
from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.twilio_signature import signature
from channels.voice import TwilioVoice

SID = "AC" + "0" * 32
NUMBER = "+15035550100"
RING = Ring(
    to="+15035550123", url="https://city.example.gov/voice/agent/r1", status_url="https://city.example.gov/voice/status"
)


class Provider:
    """Answers the Calls resource as told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.queries: list[dict[str, str]] = []  # of the lists of calls that were asked for
        self.answer: tuple[int, dict[str, object]] = (201, {"sid": "CA1", "status": "queued"})
        self.pages: dict[str, tuple[int, dict[str, object]]] = {}  # of lists, from the second on

    async def take(self, request: web.Request) -> web.Response:
        form = {str(name): str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.method, request.path, form))
        self.queries += [dict(request.query)] if request.path.endswith("/Calls.json") and request.method == "GET" else []
        if request.path == f"/2010-04-01/Accounts/{SID}.json":
            return web.json_response({"sid": SID, "status": "active"})
        status, body = self.pages.get(request.query.get("Page", ""), self.answer)
        return web.json_response(body, status=status)


@asynccontextmanager
async def a_line(provider: Provider, per_s: float = 1000.0, also: Sequence[str] = ()) -> AsyncIterator[TwilioVoice]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    account = TwilioAccount(account_sid=SID, auth_token="secret", public_url="https://city.example.gov", base_url=url)
    voice = TwilioVoice(TwilioGateway(account), NUMBER, per_s, also)
    await voice.open()
    provider.asked.clear()
    try:
        yield voice
    finally:
        await voice.close()
        await runner.cleanup()


async def test_a_call_is_made_once_with_where_to_ask_and_where_to_report() -> None:
    provider = Provider()
    async with a_line(provider) as voice:
        assert await voice.ring(RING) == Placed("CA1")
    ((method, path, form),) = provider.asked
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/{SID}/Calls.json")
    assert form == {
        "To": RING.to,
        "From": NUMBER,
        "Url": RING.url,
        "StatusCallback": RING.status_url,
        "StatusCallbackEvent": "completed",
        "Timeout": "20",
    }


@pytest.mark.parametrize("to", ["911", "+1911", "9-1-1", "311", "+1211", "1911", "sip:911@example.gov", "112", "", "5550123"])
async def test_no_short_code_is_ever_dialled(to: str) -> None:
    provider = Provider()
    async with a_line(provider) as voice:
        outcome = await voice.ring(Ring(to=to, url="https://x.example.gov/", status_url="https://x.example.gov/"))
    assert isinstance(outcome, NotPlaced) and not outcome.again and provider.asked == []


def test_an_ordinary_line_may_be_dialled() -> None:
    assert calls.problem("+15035550123") is None and calls.problem("sip:desk.4@pbx.example.gov") is None


async def test_what_a_refused_call_means() -> None:
    provider = Provider()
    async with a_line(provider) as voice:
        provider.answer = (400, {"code": 21211, "message": "invalid", "status": 400})
        refused = await voice.ring(RING)
        provider.answer = (503, {"code": 20503, "message": "busy", "status": 503})
        unsure = await voice.ring(RING)
    assert isinstance(refused, NotPlaced) and not refused.again and "21211" in refused.why
    assert isinstance(unsure, Unsure)
    assert len(provider.asked) == 2


async def test_a_live_call_is_redirected_and_one_that_ended_is_said_so() -> None:
    provider = Provider()
    async with a_line(provider) as voice:
        provider.answer = (200, {"sid": "CA1", "status": "in-progress"})
        assert await voice.redirect("CA1", "https://city.example.gov/voice/said/bridge")
        provider.answer = (400, {"code": 21220, "message": "not in progress", "status": 400})
        assert not await voice.hang_up("CA1")
        provider.answer = (404, {"code": 20404, "message": "not found", "status": 404})
        with pytest.raises(ConnectionError):
            await voice.hang_up("CA2")
    first, second = provider.asked[0][2], provider.asked[1][2]
    assert first == {"Url": "https://city.example.gov/voice/said/bridge", "Method": "POST"} and second == {
        "Status": "completed"
    }


async def test_the_provider_s_calls_are_listed_both_ways() -> None:
    provider = Provider()
    call = {"sid": "CA7", "status": "in-progress", "to": NUMBER, "from": "+15035550199"}
    call |= {"start_time": "Fri, 23 May 2014 19:00:05 +0000", "date_created": "Fri, 23 May 2014 19:00:00 +0000"}
    old = call | {"sid": "CA1", "start_time": "Fri, 23 May 2014 08:00:00 +0000"}
    async with a_line(provider) as voice:
        provider.answer = (200, {"calls": [call, old], "next_page_uri": None})
        found = await voice.calls(datetime(2014, 5, 23, 18, tzinfo=UTC))
    assert [(one.call_sid, one.is_live, one.from_) for one in found] == [("CA7", True, "+15035550199")] * 2


async def test_what_the_provider_got_no_answer_to_is_read_from_its_log_of_errors() -> None:
    provider = Provider()
    known = {"call_sid": "CA7", "message_date": "Fri, 23 May 2014 19:00:05 +0000"}
    known |= {"request_url": "https://city.example.gov/voice/said/greeting?x=1", "error_code": "11200", "log": "0"}
    old, of_no_call = known | {"message_date": "Fri, 23 May 2014 08:00:00 +0000"}, known | {"call_sid": None}
    since = datetime(2014, 5, 23, 18, tzinfo=UTC)
    async with a_line(provider) as voice:
        provider.answer = (200, {"notifications": [of_no_call, known, old], "next_page_uri": None})
        assert await voice.lost(since) == [
            calls.Lost(call_sid="CA7", path="/voice/said/greeting", at=datetime(2014, 5, 23, 19, 0, 5, tzinfo=UTC))
        ]
        provider.answer = (503, {"code": 20503, "message": "busy", "status": 503})
        with pytest.raises(ConnectionError):
            await voice.lost(since)
    assert {path for _, path, _ in provider.asked} == {f"/2010-04-01/Accounts/{SID}/Notifications.json"}


async def test_of_the_log_of_errors_only_what_ends_a_document_counts_and_no_odd_line_hides_another() -> None:
    provider = Provider()
    known = {"message_date": "Fri, 23 May 2014 19:00:05 +0000", "request_url": "https://city.example.gov/voice/said/greeting"}
    undialled = known | {"call_sid": "CA5", "error_code": "13224"}  # a Dial that cannot be made: the call goes on
    undated = known | {"call_sid": "CA6", "error_code": "12100", "message_date": None, "date_created": None}
    elsewhere = known | {"call_sid": "CA7", "error_code": "11200", "request_url": "http://[not an address"}
    lost = known | {"call_sid": "CA8", "error_code": "11205"}
    since = datetime(2014, 5, 23, 18, tzinfo=UTC)
    async with a_line(provider) as voice:
        following = f"/2010-04-01/Accounts/{SID}/Notifications.json?Page=1"
        provider.pages = {"1": (200, {"notifications": [lost], "next_page_uri": None})}
        provider.answer = (200, {"notifications": [undialled, undated, elsewhere], "next_page_uri": following})
        assert [(one.call_sid, one.path) for one in await voice.lost(since)] == [
            ("CA6", "/voice/said/greeting"),
            ("CA7", ""),
            ("CA8", "/voice/said/greeting"),
        ]


async def test_calls_on_every_number_of_ours_are_asked_for() -> None:
    provider = Provider()
    async with a_line(provider, also=("+15035550312",)) as voice:
        provider.answer = (200, {"calls": [], "next_page_uri": None})
        assert await voice.calls(datetime(2014, 5, 23, 18, tzinfo=UTC)) == []
    assert [(query.get("To"), query.get("From")) for query in provider.queries] == [
        (NUMBER, None),
        ("+15035550312", None),
        (None, NUMBER),
    ]


async def test_a_webhook_without_its_signature_is_forged() -> None:
    async with a_line(Provider()) as voice:
        url, form = "https://city.example.gov/voice/ring", [("AccountSid", SID), ("CallSid", "CA1")]
        signed = {"X-Twilio-Signature": signature("secret", url, form)}
        assert voice.read(Inbound(url=url, path="/voice/ring", headers=signed, form=form))["CallSid"] == "CA1"
        with pytest.raises(Forged):
            voice.read(Inbound(url=url + "x", path="/voice/ring", headers=signed, form=form))
        other = [("AccountSid", "AC" + "1" * 32)]
        headers = {"X-Twilio-Signature": signature("secret", url, other)}
        with pytest.raises(Forged):
            voice.read(Inbound(url=url, path="/voice/ring", headers=headers, form=other))


async def test_calls_keep_the_pace_of_the_account() -> None:
    provider = Provider()
    async with a_line(provider, per_s=20.0) as voice:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(voice.ring(RING) for _ in range(4)))
        assert loop.time() - began >= 3 / 20 * 0.95
