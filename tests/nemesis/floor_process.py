"""311's floor as its own process: `python -m tests.nemesis.floor_process HOME URL PORT CARRIER_PORT`.

Its agents sit down when it starts for the first time, and note what a call was as soon as it is over. Looks at the provider are
frequent, so that a test need not wait for them.
"""

import asyncio
import json
import signal
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import uvloop
from aiohttp import web

from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.voice import TwilioVoice
from notify import keys
from notify.clock import SystemClock
from notify.db import Database
from surge.floor import floor as floors
from surge.floor import reconciliation
from surge.floor.floor import Parts
from surge.floor.floor_desk import DeskFloor
from surge.floor.seats import AgentState
from surge.pack import Hours, Pack
from surge.voice.conversation import Conversation
from surge.voice.webhooks import VoiceWebhooks
from tests.stories.town import ACCOUNT, TOKEN
from tests.surge.phone_fake import AIR
from tests.surge.voice_factory import portland

EVERY_S = 0.05


def at_noon() -> Pack:
    """Portland, moved to where it is noon: a promise can be given at any hour that the test runs."""
    east = (12 - datetime.now(UTC).hour + 12) % 24 - 12
    zone = ZoneInfo(f"Etc/GMT{-east:+d}" if east else "Etc/GMT")
    return replace(portland(), hours=Hours(zone=zone, week=((6 * 60, 20 * 60),) * 7), dials_per_s=50.0)


async def work(home: Path, url: str, port: int, carrier_port: int) -> None:
    floors.RECONCILE_S, reconciliation.FRESH = 0.5, timedelta(seconds=8)  # type: ignore[misc]
    here = f"http://127.0.0.1:{port}"
    carrier = f"http://127.0.0.1:{carrier_port}"
    account = TwilioAccount(account_sid=ACCOUNT, auth_token=TOKEN, public_url=here, base_url=carrier)
    pack = at_noon()
    voice = TwilioVoice(TwilioGateway(account), pack.number, pack.dials_per_s)
    with closing(Database(url)) as db:
        parts = Parts(
            db=db,
            clock=SystemClock(),
            ring=keys.load(home / "keys.toml"),
            pack=pack,
            journal=home / "floor.journal",
            public_url=here,
            telephone=voice,
        )
        floor = DeskFloor(parts, AIR)
        await floor.start()
        app = web.Application()
        app.add_routes(VoiceWebhooks(Conversation(floor), voice, here).routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        for agent in sorted(floor.crew):
            if floor.state_of(agent) is AgentState.OFFLINE:
                await floor.set_state(agent, AgentState.READY)
        end = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
        print(json.dumps({"ready": True}), flush=True)
        while not end.is_set():
            await _note(floor)
            await asyncio.sleep(EVERY_S)
        await runner.cleanup()
        await floor.stop()


async def _note(floor: DeskFloor) -> None:
    for seat in floor.agents():
        if seat.state is AgentState.WRAP and seat.contact_id is not None:
            await floor.finish(seat.agent_id, seat.contact_id, "informed", 1)
        elif seat.state is AgentState.BREAK:
            await floor.set_state(seat.agent_id, AgentState.READY)


if __name__ == "__main__":
    uvloop.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
