"""Texts from residents as the provider keeps them, read from the simulated carrier."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.base import Recalls
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from tests.channels.simulator_factories import SENDER, a_config, application, gateway
from tests.channels.sms_factories import LONG_S, FakeTwilio, Request, a_channel, an_account, an_outbound, http, receipts_of

PHONE = "+15035550123"


async def test_what_residents_wrote_is_recalled_oldest_first_and_nothing_else(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    async with application() as city, gateway(config) as carrier:
        account = an_account(
            carrier.url,
            account_sid=config.account_sid,
            auth_token=config.auth_token,
            public_url=city.url,
            total_timeout_s=LONG_S,
        )
        sms = TwilioSms(TwilioGateway(account), SENDER)
        assert isinstance(sms, Recalls)
        await sms.open()
        sids = [(await carrier.simulator.exchange.receive(PHONE, SENDER, body))[0] for body in ("97214", "no más")]
        await receipts_of(sms, [an_outbound(1)])
        found = await sms.recall(datetime.now(UTC) - timedelta(hours=1))
        later = await sms.recall(datetime.now(UTC) + timedelta(hours=1))
        await sms.close()
    assert [(one.heard.provider_id, one.heard.address, one.heard.text) for one in found] == [
        (sids[0], PHONE, "97214"),
        (sids[1], PHONE, "no más"),
    ]
    assert all(one.heard.ours == SENDER for one in found) and list(later) == []


async def test_a_provider_that_does_not_answer_is_a_connection_error() -> None:
    async def broken(request: Request) -> bytes:
        return http(500, {})

    async with FakeTwilio(broken).serve() as fake, a_channel(fake) as sms:
        with pytest.raises(ConnectionError):
            await sms.recall(datetime.now(UTC))
