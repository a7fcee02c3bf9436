"""A prompt is recorded by telephone, heard by somebody else, and callers hear exactly those bytes: over real sockets."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from channels.simulator import Running, SimulatorConfig, TelephoneConfig, VoiceNumber, running
from channels.simulator.journal import entries
from channels.simulator.telephone.characters import Character, Person
from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.voice import TwilioVoice
from notify.alerts.broadcast import Unfit
from notify.clock import HurriedClock
from notify.db import Database
from notify.hotline import Hotline
from surge.floor.air import Air
from surge.floor.floor import Parts
from surge.floor.floor_desk import DeskFloor
from surge.recorded import recorded_rows
from surge.recorded.studio import Studio
from surge.recorded.takes import CHOOSE, State, Take
from surge.voice.conversation import Conversation
from surge.voice.situation import Situations
from surge.voice.webhooks import VoiceWebhooks
from tests.ports import free_port
from tests.stories import webhooks
from tests.surge.phone_fake import RING, Written
from tests.surge.studio_factory import (
    PHONES,
    SECOND,
    SOMALI,
    SPEAKER,
    a_studio,
    a_wav,
    changed,
    needed,
    refuse,
    release,
    staffed,
)
from tests.surge.voice_factory import NOON, portland

SPEED = 15.0
PATIENCE_S = 120.0
CALLER = "+15035550142"


@dataclass(slots=True)
class City:
    """311 with its floor and its studio, the network it speaks with, and who listens."""

    studio: Studio
    line: Hotline
    network: Running
    url: str
    log: Path

    def person(self, number: str, **does: object) -> None:
        who = Person(number=number, **does)  # type: ignore[arg-type]
        self.network.telephone.board.parties[number] = Character(who, "tocsin", Counter())

    async def takes(self, call_id: str) -> list[Take]:
        return await self.studio.recorder.db.read(lambda conn: recorded_rows.of_call(conn, call_id))

    async def recorded(self, keys: list[str], says: list[bytes], presses: list[str]) -> list[Take]:
        """Somebody is called, says these sounds one a beep, and presses these keys, one for each time they hear themselves."""
        self.person(PHONES["speaker"], says=tuple(says), presses_called=tuple(presses), rings_s=1.0)
        self.network.telephone.touch()
        call_id = (await self.studio.recorder.order(SPEAKER, SOMALI, keys)).call_id

        async def over() -> bool:
            row = await self.studio.recorder.db.read(lambda conn: recorded_rows.call(conn, call_id))
            return row is not None and row.ended_at is not None

        await webhooks.until(self.network, over)
        return await self.takes(call_id)

    async def played(self, digit: str = "") -> list[str]:
        """Somebody calls 311 and presses this key at the greeting, or none; the addresses of what is played to them."""
        before = len(self.lines("verb"))
        self.network.telephone.touch()
        who = Person(number=CALLER, presses=(digit,), hangs_up_s=60.0)
        leg = self.network.telephone.board.call_in(CALLER, portland().number, Character(who, "tocsin", Counter()))
        assert leg is not None
        await self.network.telephone.until_quiet()
        return [line["text"] for line in self.lines("verb")[before:] if line["what"] == "Play" and line["sid"] == leg.call.sid]

    def lines(self, event: str) -> list[dict[str, str]]:
        return [line for line in entries(self.log / "voice.jsonl") if line["event"] == event]


@asynccontextmanager
async def a_city(db: Database, folder: Path, *, heard: bool = True) -> AsyncIterator[City]:
    """heard: whether callers are answered; else nobody has listened to its voices yet."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    number = VoiceNumber(number=portland().number, url=f"{url}/voice/ring", status_url=f"{url}/voice/status")
    telephone = TelephoneConfig(numbers=(number,), speed=SPEED, calls_per_s=5.0, begins_at=NOON.timestamp())
    config = SimulatorConfig(log=folder / "log", telephone=telephone)
    clock = HurriedClock(NOON, SPEED)
    async with running(config) as network:
        account = TwilioAccount(
            account_sid=config.account_sid, auth_token=config.auth_token, public_url=url, base_url=network.sms_url
        )
        voice = TwilioVoice(TwilioGateway(account), portland().number, per_s=50.0)
        studio = a_studio(db, clock, voice, url=url)
        speech = await db.read(studio.speaking.now)
        parts = Parts(
            db=db,
            clock=clock,
            ring=RING,
            pack=portland(),
            journal=folder / "floor.journal",
            public_url=url,
            telephone=voice if heard else None,
            texts=Written(),
            speed=SPEED,
        )
        floor = DeskFloor(parts, Air(speech=speech))
        await floor.start()
        webhooks = VoiceWebhooks(Conversation(floor), voice, url).routes() if heard else []
        line = Hotline(
            floor=floor, pack=portland(), routes=webhooks, db=db, situations=Situations(speech), speaking=studio.speaking
        )
        studio.changed = line.look
        async with served([*webhooks, *studio.routes], port):
            yield City(studio, line, network, url, folder / "log")
            await network.telephone.until_quiet()
        await floor.stop()
        await studio.recorder.close()


@asynccontextmanager
async def served(routes: list[web.RouteDef], port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
def store(store: Database) -> Database:
    store.write_now(staffed)
    return store


async def test_from_the_beep_to_the_caller_and_back_when_the_words_change(store: Database, tmp_path: Path) -> None:
    false_start, right, greeting = a_wav(1.0, 300), a_wav(2.0, 440), a_wav(1.5, 600)
    async with a_city(store, tmp_path) as city:
        # Recorded, heard, heard again, recorded anew, kept; then the next prompt.
        takes = await city.recorded(["voice.way_out", CHOOSE], [false_start, right, greeting], ["2", "3", "1", "1"])
        assert [(one.key, one.state) for one in takes] == [
            ("voice.way_out", State.DROPPED),
            ("voice.way_out", State.KEPT),
            (CHOOSE, State.KEPT),
        ]
        heard = [line["text"] for line in city.lines("verb") if line["what"] == "Play"]
        assert len(heard) == 4, "the first one twice, and each of the two that were kept"
        assert city.lines("error") == []
        assert heard[0] == heard[1]
        async with aiohttp.ClientSession() as session, session.get(heard[0]) as answer:
            assert answer.status == 404, "what was not kept is erased when the call ends"
        for sound, url in zip((right, greeting), heard[2:], strict=True):
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                assert (await answer.read(), answer.content_type) == (sound, "audio/wav")

        # Nobody hears it before somebody else has released it.
        chosen = takes[2]
        assert await city.played() == []
        with pytest.raises(Unfit, match="You recorded it"):
            await release(city.studio, SPEAKER, chosen.take_id, heard=True)
        await release(city.studio, SECOND, chosen.take_id, heard=True)
        await city.studio.changed()
        (url,) = set(await city.played())
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert await answer.read() == greeting

        # The words change: it is stale, and English says how to come to an interpreter again.
        speaking = city.studio.speaking
        speaking.words = changed(speaking.words, "voice.choose_other", "Press {digit}, for the language {other}.")
        speaking._kept = None
        await city.line.look()
        assert await city.played() == []
        assert city.lines("error") == []


async def test_staff_record_while_callers_are_not_answered_yet(store: Database, tmp_path: Path) -> None:
    async with a_city(store, tmp_path, heard=False) as city:
        takes = await city.recorded(["voice.way_out"], [a_wav(1.0, 300)], ["1"])
        assert [one.state for one in takes] == [State.KEPT]
        await release(city.studio, SECOND, takes[0].take_id, heard=True)
        assert await city.played() == [], "a caller is left to the number's fallback"


async def test_a_language_without_a_voice_is_spoken_once_every_prompt_is_released(store: Database, tmp_path: Path) -> None:
    keys = list(needed())
    sounds = [a_wav(1.0, 200 + 20 * at) for at in range(len(keys))]
    async with a_city(store, tmp_path) as city:
        takes = await city.recorded(keys, sounds, ["1"] * len(keys))
        assert [one.state for one in takes] == [State.KEPT] * len(keys)
        for one in takes[1:]:
            await release(city.studio, SECOND, one.take_id, heard=True)
        refused = await store.read(city.studio.speaking.refusals)
        (sentence,) = refused[SOMALI]
        assert takes[0].key in sentence and "Somali" in sentence and "interpreter" in sentence
        await city.studio.changed()
        assert SOMALI not in city.line.floor.air.speech.fluent
        await release(city.studio, SECOND, takes[0].take_id, heard=True)

        # Another process released it: the floor's own look finds it, and the next caller hears it.
        await city.line.look()
        assert SOMALI in city.line.floor.air.speech.fluent
        played = [url.rpartition("/")[2].partition(".")[0] for url in await city.played("3")]
        known = {one.sound_id: one.key for one in takes}
        said = [known[sound_id] for sound_id in played]
        assert said[:3] == ["voice.way_out", "voice.menu_person", "voice.menu_again"], "in Somali, the way to 911 first"

        # One is taken off: the language falls to the interpreter, whole.
        await refuse(city.studio, SPEAKER, takes[0].take_id, "A name is said wrong.")
        await city.studio.changed()
        assert SOMALI not in city.line.floor.air.speech.fluent
        assert await city.played("3") == []
        assert city.lines("error") == []
