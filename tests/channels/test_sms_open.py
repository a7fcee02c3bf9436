"""Opening, sharing and closing the way to Twilio, and what must never show in a log."""

import asyncio
import base64
import logging

import pytest

from channels.base import Handed, Misconfigured, Receipt, Retry
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from tests.channels.sms_factories import (
    ACCOUNT_SID,
    FROM,
    LONG_S,
    TOKEN,
    FakeTwilio,
    Request,
    a_channel,
    accepted,
    an_account,
    http,
    outbounds,
    receipts_of,
    refused,
    sid,
)


async def test_closing_waits_for_the_calls_under_way() -> None:
    go_on = asyncio.Event()

    async def slow(request: Request) -> bytes:
        if request.method == "GET":
            return http(200, {"status": "active"})
        await go_on.wait()
        return accepted(1)

    async with FakeTwilio(slow).serve() as fake:
        sms = TwilioSms(TwilioGateway(an_account(fake.url)), FROM)
        await sms.open()
        sending = asyncio.create_task(receipts_of(sms, outbounds(1)))
        await fake.seen(2)
        closing = asyncio.create_task(sms.close())
        await asyncio.sleep(0)
        assert not closing.done()
        go_on.set()
        assert await sending == [Receipt(1, Handed(sid(1)))]
        await asyncio.wait_for(closing, LONG_S)


async def test_senders_share_one_connection_pool_until_the_last_leaves() -> None:
    async with FakeTwilio().serve() as fake:
        gateway = TwilioGateway(an_account(fake.url))
        first, second = TwilioSms(gateway, FROM), TwilioSms(gateway, "+15035550101")
        for sms in (first, second, second):
            await sms.open()
        await first.close()
        [receipt] = await receipts_of(second, outbounds(1))
        assert isinstance(receipt.outcome, Handed)
        assert fake.posts[0].form["From"] == "+15035550101"
        await second.close()
        await second.close()
        [receipt] = await receipts_of(second, outbounds(1))
        assert isinstance(receipt.outcome, Retry)
    assert fake.connections == 1


async def test_opening_asks_for_the_account_with_its_credentials() -> None:
    async with FakeTwilio().serve() as fake:
        sms = TwilioSms(TwilioGateway(an_account(fake.url)), FROM)
        await sms.open()
        await sms.close()
    [request] = fake.requests
    assert (request.method, request.path) == ("GET", f"/2010-04-01/Accounts/{ACCOUNT_SID}.json")
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT_SID}:{TOKEN}"


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (refused(20003, 401), "TOCSIN_TWILIO_AUTH_TOKEN"),
        (refused(20404, 404), "TOCSIN_TWILIO_ACCOUNT_SID"),
        (http(200, {"sid": ACCOUNT_SID, "status": "suspended"}), "suspended"),
        (http(200, body=b"<html>It works!</html>"), "TOCSIN_TWILIO_URL"),
        (http(200, []), "TOCSIN_TWILIO_URL"),
        (http(302, headers="Location: https://www.example.gov/\r\n"), "TOCSIN_TWILIO_URL"),
    ],
    ids=["token", "account", "suspended", "a web page", "other JSON", "redirect"],
)
async def test_a_channel_that_cannot_work_says_so_when_it_opens(answer: bytes, names: str) -> None:
    async def always(request: Request) -> bytes:
        return answer

    async with FakeTwilio(always).serve() as fake:
        sms = TwilioSms(TwilioGateway(an_account(fake.url)), FROM)
        with pytest.raises(Misconfigured, match=names):
            await sms.open()
        await sms.close()


@pytest.mark.parametrize("answer", [http(503), refused(20429, 429), None], ids=["503", "429", "cut"])
async def test_a_twilio_that_is_down_does_not_keep_the_service_from_starting(
    answer: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def always(request: Request) -> bytes | None:
        return answer if request.method == "GET" else accepted(1)

    async with FakeTwilio(always).serve() as fake:
        sms = TwilioSms(TwilioGateway(an_account(fake.url)), FROM)
        await sms.open()
        assert "not checked" in caplog.text
        assert await receipts_of(sms, outbounds(1)) == [Receipt(1, Handed(sid(1)))]
        await sms.close()


def test_an_account_that_cannot_be_one_is_refused_with_every_reason() -> None:
    with pytest.raises(Misconfigured) as refusal:
        TwilioGateway(an_account("api.example.gov", account_sid="AC123", auth_token="", public_url="https://a b"))
    for setting in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_URL", "PUBLIC_URL"):
        assert f"TOCSIN_{setting}" in str(refusal.value)


async def test_twilios_own_environment_variables_move_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    async with FakeTwilio().serve() as fake, a_channel(fake) as sms:
        await sms.open()
        await sms.close()
    assert len(fake.requests) == 1


async def test_no_number_text_or_token_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def answer(request: Request) -> bytes | None:
        if request.method == "GET":
            return http(200, {"status": "active"})
        return {"1": accepted(1), "2": refused(21211), "3": refused(21606), "4": http(500)}.get(request.form["To"][-1])

    async with FakeTwilio(answer).serve() as fake:
        sms = TwilioSms(TwilioGateway(an_account(fake.url)), FROM)
        await sms.open()
        said = repr(await receipts_of(sms, outbounds(6)))
        await sms.close()
    for secret in ("5550001", "5550002", "Boil", TOKEN, base64.b64encode(TOKEN.encode()).decode()[:12]):
        assert secret not in caplog.text
        assert secret not in said


def test_an_account_shows_no_token() -> None:
    assert TOKEN not in repr(an_account())
