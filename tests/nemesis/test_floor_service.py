"""The whole service has 311's telephone on its public listener, and a call outlives a kill -9 of it."""

from pathlib import Path

import aiohttp

from channels.twilio_signature import signature
from tests.stories.town import ACCOUNT, TOKEN, Town
from tests.surge.voice_factory import portland, said

CALLER = "+15035550142"


async def post(town: Town, path: str, **fields: str) -> tuple[int, bytes]:
    usual = {"AccountSid": ACCOUNT, "CallSid": "CA1", "From": CALLER, "To": portland().number}
    form = list((usual | fields).items())
    headers = {"X-Twilio-Signature": signature(TOKEN, town.url + path, form)}
    async with aiohttp.ClientSession() as session, session.post(town.url + path, data=form, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_a_call_goes_on_in_a_service_that_was_killed(tmp_path: Path) -> None:
    home = tmp_path / "town"
    town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
    carrier = await town.carrier()
    service = await town.service()
    try:
        status, heard = await post(town, "/voice/ring")
        assert status == 200 and "9 1 1" in said(heard)
        await service.kill()
        service = await town.service()
        status, heard = await post(town, "/voice/said/greeting", Digits="0")
        assert status == 200 and b"/voice/said/offer" in heard  # nobody is at the desks: something else is offered
        assert (await post(town, "/voice/status", CallStatus="completed"))[0] == 204
        assert (await post(town, "/voice/ring", AccountSid="AC" + "0" * 32))[0] == 403
    finally:
        await service.end()
        await carrier.end()
    journal = (home / "floor.journal").read_text()
    assert "CA1" in journal and CALLER not in journal
