"""The whole service on the telephone: people call through the simulated network, each part a process of its own."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from surge.voice import voice_fallback
from tests.stories.town import DEADLINE_S, Process, Town, read_log
from tests.surge.voice_factory import portland, speech

CALLER = "+15035550142"
SETTLED_S = 60


async def rung(carrier: Process, **person: Any) -> list[dict[str, Any]]:
    """Somebody calls 311; the lines about the call when it is over."""
    url = carrier.ready["sms_url"]
    async with aiohttp.ClientSession() as session, asyncio.timeout(DEADLINE_S):
        async with session.post(f"{url}/control/call", json={"number": CALLER} | person) as reply:
            assert reply.status == 201, await reply.text()
            sid = (await reply.json())["sid"]
        async with session.get(f"{url}/control/calls/settled?timeout_s={SETTLED_S}") as reply:
            assert reply.status == 200, await reply.text()
    return [line for line in carrier_log(carrier) if line["sid"] == sid]


def carrier_log(carrier: Process) -> list[dict[str, Any]]:
    return list(read_log(Path(carrier.ready["log"]) / "voice.jsonl"))


def said(lines: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in lines if line["event"] == "verb" and line["what"] == "Say"]


async def test_a_caller_hears_the_way_to_911_first_and_also_when_the_service_is_dead(tmp_path: Path) -> None:
    home = tmp_path / "town"
    town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
    fallback = home / "fallback.xml"
    fallback.write_bytes(voice_fallback.document(portland(), speech()))
    options = ["--voice-number", f"{portland().number}={town.url}/voice/ring", "--voice-fallback", str(fallback)]
    carrier = await town.carrier(*options, "--speed", "60")
    carrier.ready["log"] = str(town.logs)
    service = await town.service()
    try:
        alive = await rung(carrier, presses=["0"], hangs_up_s=45)
        await service.kill()
        dead = await rung(carrier, hangs_up_s=45)
    finally:
        await service.end()
        await carrier.end()
    for lines in (alive, dead):
        assert "9 1 1" in said(lines)[0] and len(said(lines)) > 1
        assert [line["event"] for line in lines].count("end") == 1
    assert all(line["code"] in (200, 204) for line in alive if line["event"] in ("webhook", "callback"))
    assert not [line for line in alive if line["event"] == "error"]
    assert [line["code"] for line in dead if line["event"] == "error"] == [11205]
