"""The 311 desk in the middle of a surge, for browsers: prints where it is and the sessions of its people, by name.

On its input: "away" stops the service, "database" takes its database away, "back" brings both back, "changed" publishes a new
fact, "busy" lets callers wait in twelve languages; each is answered with a line. It ends when its input ends.
"""

import asyncio
import json
import logging
import sys
import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from notify import keys, schema
from notify.console.pages import Console
from notify.db import engine_for
from surge.contact import Way
from surge.desk import agent_rows, desk_rows, need_rows, question_rows
from surge.desk.agent_rows import Given
from surge.desk.desk_line import Letter
from surge.desk.need_rows import Asked
from surge.desk.tally import KEYS, Press
from surge.floor.seats import AgentState
from surge.numbers import number_rows
from surge.pages.office import Side
from tests.console.desk_factory import Desk, desked
from tests.console.staff_factory import House, opened
from tests.ports import free_port

TONGUES = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
WRITTEN = (
    ("¿Cuánto tiempo hay que hervir el agua? how long to boil", "es", "+15035550123"),
    ("My father has chest pain and nobody answers", "en", "+15035550124"),
    ("هل يمكنني الاستحمام؟ shower", "ar", "resident@example.gov"),
)


async def filled(desk: Desk) -> str:
    """A surge that has been going on for a while; its activation."""
    activation_id = desk.switch_on()
    desk.house.clock.forward(timedelta(minutes=72))
    for number, (words, language, reply_to) in enumerate(WRITTEN):
        await desk.written.walked_in(words, language, reply_to, "97206", f"f{number}")
    await desk.line.set_state("lead311", AgentState.READY)
    now, ring = desk.house.clock.now(), keys.load(desk.house.served.home / "keys.toml")

    def rows(conn: Connection) -> None:
        for number in range(60):
            language = ("en", "es", "vi", "ru")[number % 7 % 4]
            press = Press(mark=f"mark-{number:04d}", at=now, reason=KEYS[number * number % 8], language=language, area="97206")
            desk_rows.press(conn, press, "agent311", activation_id)
        for code, people, lat in (("WATER_DELIVERY", 7, 45.51), ("WATER_DELIVERY", 9, 45.53), ("ASL", 1, 45.5)):
            asked = Asked(code=code, people=people, lat=lat, lon=-122.6, area="97206", activation_id=activation_id)
            need_rows.log(conn, asked, "agent311", ring, now)
        question_rows.ask(conn, question_rows.Asked(words="May I fill my swimming pool?"), "agent311", ring, now)
        answer = question_rows.Answer(question="Showers?", answer="Yes, if you swallow nothing.", activation_id=activation_id)
        question_rows.approve(conn, answer, "lead311", now)
        agent_rows.put(conn, "agent311", Given(languages=["en", "es"], home="Library", until=now + timedelta(days=1)), ring)

    desk.write(rows)
    return activation_id


async def busy(desk: Desk, activation_id: str) -> None:
    """Callers wait in every language, one of them is with the agent, and some have said whether it helped."""
    now = desk.house.clock.now()
    for number, language in enumerate([*TONGUES, *TONGUES[:5], *TONGUES[:2], TONGUES[0]]):
        letter = Letter(contact_id="", way=Way.VOICE, language=language, words="", at=now)
        contact_id = await desk.line.offer(letter)
        del desk.line.letters[contact_id]  # a call has no words
        if not number:
            await desk.line.take("agent311", contact_id)
    for number, grade in enumerate((5, 4, 5, 2, 4, None, 5, 3)):
        desk.write(partial(number_rows.ask, contact_id=f"asked-{number}", activation_id=activation_id, language="en", now=now))
        if grade:
            desk.write(partial(number_rows.graded, contact_id=f"asked-{number}", grade=grade, now=now))


class Gone:
    """A database that does not answer, in the place of one that does."""

    def __init__(self, db: Any) -> None:
        self._db, self._read, self._write = db, db.read, db.write

    async def _fails(self, _work: Any) -> None:
        raise OperationalError("", {}, Exception("gone"))

    def take(self) -> None:
        self._db.read = self._db.write = self._fails

    def give(self) -> None:
        self._db.read, self._db.write = self._read, self._write


async def listening(house: House, side: Side, port: int) -> web.AppRunner:
    app = web.Application()
    ring = keys.load(house.served.home / "keys.toml")
    app.add_routes(Console(house.served.running.service, ring, f"http://127.0.0.1:{port}", side).web_routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def session(house: House, person_id: str) -> str:
    browser = await house.signed_in(person_id)
    return next(one.value for one in browser.session.cookie_jar if one.key == "tocsin")


async def serve(house: House) -> None:
    async with desked(house) as desk:
        activation_id = await filled(desk)
        port, gone = free_port(), Gone(house.served.running.service.db)
        sessions = {name: await session(house, name) for name in ("agent311", "lead311", "viewer")}
        runner = await listening(house, desk.side, port)
        print(
            json.dumps({"url": f"http://127.0.0.1:{port}", "sessions": sessions, "now": desk.house.clock.now().isoformat()}),
            flush=True,
        )
        while wish := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if wish == "away":
                await runner.cleanup()
            elif wish == "database":
                gone.take()
            elif wish == "changed":
                desk.publish(activation_id, water_sites="5 sites")
            elif wish == "busy":
                await busy(desk, activation_id)
            elif wish == "back":
                gone.give()
                await runner.cleanup()
                runner = await listening(house, desk.side, port)
            print(wish, flush=True)
        await runner.cleanup()


async def story() -> None:
    with tempfile.TemporaryDirectory() as folder:
        migrated = Path(folder) / "migrated.db"
        engine = engine_for(f"sqlite:///{migrated}")
        schema.migrate(engine)
        engine.dispose()
        async with opened(Path(folder) / "home", migrated) as house:
            await serve(house)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # that the database is away is what this is about
    asyncio.run(story())
